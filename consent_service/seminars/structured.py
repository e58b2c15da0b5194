"""Seminars for search engines: schema.org `Event` as JSON-LD."""

from typing import Any

from consent_service.campaigns.composing import to_text
from consent_service.domain.kinds import Language
from consent_service.extensions import settings
from consent_service.seminars import calendar
from consent_service.seminars.queries import Details
from consent_service.seminars.rules import SeminarState, Venue

_ATTENDANCE = {Venue.ON_SITE: "Offline", Venue.ONLINE: "Online", Venue.BOTH: "Mixed"}


def event(seminar: Details, language: Language) -> dict[str, Any]:
    """A seminar as schema.org describes it; the link to join is not in it."""
    words, url = seminar.words(language), calendar.page_url(seminar, language)
    status = "EventCancelled" if seminar.plan.state is SeminarState.CANCELLED else "EventScheduled"
    return {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": words.title,
        "description": to_text(words.description),
        "url": url,
        "startDate": seminar.plan.starts_at.astimezone(seminar.zone).isoformat(),
        "endDate": seminar.plan.ends_at.astimezone(seminar.zone).isoformat(),
        "eventStatus": f"https://schema.org/{status}",
        "eventAttendanceMode": f"https://schema.org/{_ATTENDANCE[seminar.venue]}EventAttendanceMode",
        "inLanguage": seminar.language_of_words(language).value,
        "location": _locations(seminar, url),
        "organizer": {"@type": "Organization", "name": settings().organisation.name, "url": settings().base_url},
        "subEvent": [
            {
                "@type": "Event",
                "name": words.title,
                "startDate": date.starts_at.astimezone(seminar.zone).isoformat(),
                "endDate": date.ends_at.astimezone(seminar.zone).isoformat(),
                "location": _locations(seminar, url),
            }
            for date in (seminar.dates if len(seminar.dates) > 1 else ())
        ],
    }


def _locations(seminar: Details, url: str) -> list[dict[str, str]]:
    found = []
    if seminar.venue is not Venue.ONLINE:
        address = seminar.address or ""
        found.append({"@type": "Place", "name": address, "address": address})
    if seminar.venue is not Venue.ON_SITE:
        found.append({"@type": "VirtualLocation", "url": url})
    return found
