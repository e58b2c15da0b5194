"""Calendar objects (RFC 5545): what goes with mails (RFC 6047) and the public feed.

Each date is an event of its own, whose UID stays the same for as long as the date does. SEQUENCE grows with each
change, so that calendars take the newest. A mail's object is one event with METHOD REQUEST or CANCEL: an iTIP
message holds one UID (RFC 5546 section 3.2.2).
"""

from collections.abc import Sequence
from datetime import datetime

import icalendar
from flask import url_for

from consent_service.campaigns.composing import to_text
from consent_service.domain.kinds import Language
from consent_service.extensions import settings
from consent_service.mailing.composition import CalendarPart
from consent_service.seminars import words
from consent_service.seminars.queries import Date, Details
from consent_service.seminars.rules import SeminarState, Venue

PRODUCT = "-//consent-service//seminars//EN"
LONGEST_DESCRIPTION = 2_000
MEDIA_TYPE = "text/calendar; charset=utf-8"


def invitations(
    seminar: Details, language: Language, sequence: int, recipient: str, now: datetime
) -> list[CalendarPart]:
    """The dates for the calendar of somebody who has a place, with the link to join."""
    return [_part("REQUEST", seminar, date, language, sequence, recipient, now) for date in seminar.dates]


def cancellations(
    seminar: Details, dates: Sequence[Date], language: Language, sequence: int, recipient: str, now: datetime
) -> list[CalendarPart]:
    """What takes these dates out of a calendar again."""
    return [_part("CANCEL", seminar, date, language, sequence, recipient, now) for date in dates]


def feed(seminars: Sequence[Details], language: Language, now: datetime) -> bytes:
    """All dates of these seminars to subscribe to; without links to join."""
    calendar = _calendar("PUBLISH")
    calendar.add("x-wr-calname", settings().organisation.name)
    for seminar in seminars:
        for date in seminar.dates:
            event = _event(seminar, date, language, seminar.sequence, now)
            is_cancelled = seminar.plan.state is SeminarState.CANCELLED
            event.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
            event.add("location", words.place_of(seminar))
            event.add("description", _description(seminar, language))
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def page_url(seminar: Details, language: Language) -> str:
    """The address of a seminar's page."""
    return settings().base_url + url_for(
        "seminars.seminar", public_id=seminar.public_id, lang=language.value, _external=False
    )


def _part(
    method: str, seminar: Details, date: Date, language: Language, sequence: int, recipient: str, now: datetime
) -> CalendarPart:
    event = _event(seminar, date, language, sequence, now)
    attendee = icalendar.vCalAddress(f"mailto:{recipient}")
    attendee.params["PARTSTAT"] = "ACCEPTED"
    attendee.params["RSVP"] = "FALSE"
    event.add("attendee", attendee)
    if method == "CANCEL":
        event.add("status", "CANCELLED")
    else:
        event.add("status", "CONFIRMED")
        event.add("location", _location(seminar))
        event.add("description", "\n\n".join(filter(None, (seminar.join_url, _description(seminar, language)))))
    calendar = _calendar(method)
    calendar.add_component(event)
    number = "" if len(seminar.dates) == 1 else f"-{date.starts_at.astimezone(seminar.zone):%Y-%m-%d}"
    return CalendarPart(f"seminar{number}.ics", method, bytes(calendar.to_ical()))


def _calendar(method: str) -> icalendar.Calendar:
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    return calendar


def _event(seminar: Details, date: Date, language: Language, sequence: int, now: datetime) -> icalendar.Event:
    organiser = icalendar.vCalAddress(f"mailto:{seminar.contact}")
    organiser.params["CN"] = settings().organisation.name
    event = icalendar.Event()
    event.add("uid", f"{date.public_id}@{settings().host}")
    event.add("sequence", sequence)
    event.add("dtstamp", now)
    event.add("dtstart", date.starts_at)
    event.add("dtend", date.ends_at)
    event.add("summary", seminar.title(language))
    event.add("organizer", organiser)
    event.add("url", page_url(seminar, language))
    return event


def _location(seminar: Details) -> str:
    parts = {
        Venue.ON_SITE: (seminar.address,),
        Venue.ONLINE: (seminar.join_url,),
        Venue.BOTH: (seminar.address, seminar.join_url),
    }[seminar.venue]
    return ", ".join(part for part in parts if part)


def _description(seminar: Details, language: Language) -> str:
    return to_text(seminar.words(language).description)[:LONGEST_DESCRIPTION]
