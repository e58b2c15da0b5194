"""A survey as a block in a campaign: title, introduction, and the way to take part."""

from collections.abc import Sequence
from datetime import datetime

from flask import url_for
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from consent_service.campaigns.blocks import Block, Offered
from consent_service.campaigns.rules import as_markdown
from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.extensions import settings
from consent_service.localisation import moment
from consent_service.surveys import queries
from consent_service.surveys.queries import Details
from consent_service.surveys.rules import State

KIND = "survey"


def placeholder(public_id: PublicId) -> str:
    """How the block is written in a campaign."""
    return "{{" + f"{KIND}:{public_id}" + "}}"


def _offer(session: Session, language: Language, at: datetime) -> Sequence[Offered]:
    surveys = queries.open_surveys(session, at)
    return [Offered(survey.text(language).title, placeholder(survey.public_id)) for survey in surveys]


def _fill(session: Session, public_id: str, language: Language, at: datetime) -> str | None:
    try:
        survey = queries.published(session, PublicId(public_id), at)
    except NotFound:
        return None
    return None if survey.state is State.CLOSED else _markdown(survey, language)


def _markdown(survey: Details, language: Language) -> str:
    text, closes_at = survey.text(language), survey.times.closes_at
    path = url_for("surveys.show", public_id=survey.public_id, lang=language.value, _external=False)
    with force_locale(language.value):
        more = _("See more and take part")
        paragraphs = [
            f"## {as_markdown(text.title)}",
            *(as_markdown(paragraph) for paragraph in text.intro.split("\n\n") if paragraph.strip()),
            *([_("Open until %(moment)s.", moment=moment(closes_at))] if closes_at else []),
            f"[{more}]({settings().base_url}{path})",
        ]
    return "\n\n".join(paragraphs)


BLOCK = Block(_offer, _fill)
