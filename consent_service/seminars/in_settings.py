"""One's registrations on the settings page."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from consent_service import clock, links
from consent_service.domain.identifiers import PublicId, SubjectId
from consent_service.domain.kinds import Language
from consent_service.localisation import current_language
from consent_service.preferences.sections import Section
from consent_service.seminars import seat_queries


@dataclass(frozen=True, slots=True)
class Registrations:
    """What the page shows."""

    registrations: Any
    links: dict[PublicId, str]
    language: Language


def section(session: Session, subject_id: SubjectId) -> Section | None:
    """The person's registrations; None where there are none."""
    found = seat_queries.registrations_of(session, subject_id, clock.now())
    if not found:
        return None
    language = current_language()
    ways = {one.seat.public_id: links.seminar_registration(one.seat.public_id, language) for one in found}
    return Section("seminars/in_settings.html", Registrations(found, ways, language))
