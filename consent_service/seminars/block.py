"""A seminar as a block in a campaign: title, dates, place, and the way to register."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from consent_service.campaigns.blocks import Block, Offered
from consent_service.campaigns.rules import as_markdown
from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.seminars import calendar, queries, words
from consent_service.seminars.rules import SeminarState

KIND = "seminar"


def placeholder(public_id: PublicId) -> str:
    """How the block is written in a campaign."""
    return "{{" + f"{KIND}:{public_id}" + "}}"


def _offer(session: Session, language: Language, at: datetime) -> Sequence[Offered]:
    return [
        Offered(seminar.title(language), placeholder(seminar.public_id))
        for seminar in queries.upcoming(session, at)
        if seminar.plan.state is SeminarState.PUBLISHED
    ]


def _fill(session: Session, public_id: str, language: Language, at: datetime) -> str | None:
    try:
        seminar = queries.announced(session, PublicId(public_id), at)
    except NotFound:
        return None
    with force_locale(language.value):
        more = _("See more and register")
        lines = [*words.times_of(seminar), words.place_of(seminar)]
        return (
            f"## {as_markdown(seminar.title(language))}\n\n"
            + "\n".join(f"- {as_markdown(line)}" for line in lines)
            + f"\n\n[{more}]({calendar.page_url(seminar, language)})"
        )


BLOCK = Block(_offer, _fill)
