"""One's surveys on the settings page."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from consent_service import clock, links
from consent_service.domain.identifiers import PublicId, SubjectId
from consent_service.domain.kinds import Language
from consent_service.localisation import current_language
from consent_service.preferences.sections import Section
from consent_service.surveys import queries
from consent_service.surveys.queries import Participation


@dataclass(frozen=True, slots=True)
class Surveys:
    """What the page shows: the surveys, and to each the way that lets the person see and change."""

    participations: Sequence[Participation]
    links: dict[PublicId, str]
    language: Language


def section(session: Session, subject_id: SubjectId) -> Section | None:
    """The surveys that the person has registered for; None where there are none."""
    found = queries.participations(session, subject_id, clock.now())
    if not found:
        return None
    language = current_language()
    ways = {one.public_id: links.fresh_survey(one.public_id, language) for one in found}
    return Section("surveys/in_settings.html", Surveys(found, ways, language))
