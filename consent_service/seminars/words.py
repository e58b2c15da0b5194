"""Words for states, places and times, in the language of who reads them."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, get_timezone_name
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from consent_service.domain.kinds import Language
from consent_service.localisation import current_language
from consent_service.seminars.queries import Date, Details
from consent_service.seminars.rules import Lead, QuestionKind, SeatState, Standing, Venue

STANDING: dict[Standing, LazyString] = {
    Standing.DRAFT: _l("Draft"),
    Standing.NOT_YET_OPEN: _l("Registration not open yet"),
    Standing.OPEN: _l("Places free"),
    Standing.WAITING_LIST: _l("Full, waiting list open"),
    Standing.FULL: _l("Full"),
    Standing.CLOSED: _l("Registration closed"),
    Standing.CANCELLED: _l("Called off"),
    Standing.PAST: _l("Past"),
}

TONE: dict[Standing, str] = {
    Standing.OPEN: "success",
    Standing.WAITING_LIST: "warning",
    Standing.FULL: "warning",
    Standing.CANCELLED: "danger",
}

STAFF_STANDING: dict[Standing, LazyString] = {**STANDING, Standing.OPEN: _l("Published")}

SEAT: dict[SeatState, LazyString] = {
    SeatState.PLACE: _l("Place"),
    SeatState.WAITING: _l("Waiting list"),
    SeatState.CANCELLED: _l("Has cancelled"),
}

VENUE: dict[Venue, LazyString] = {
    Venue.ON_SITE: _l("On site"),
    Venue.ONLINE: _l("Online"),
    Venue.BOTH: _l("On site and online"),
}

LEAD: dict[Lead, LazyString] = {
    Lead.WEEK: _l("A week before"),
    Lead.TWO_DAYS: _l("Two days before"),
    Lead.DAY: _l("A day before"),
    Lead.THREE_HOURS: _l("Three hours before"),
    Lead.HOUR: _l("An hour before"),
}

QUESTION: dict[QuestionKind, LazyString] = {
    QuestionKind.TEXT: _l("Text"),
    QuestionKind.CHOICE: _l("One of several choices"),
    QuestionKind.YES_NO: _l("Yes or no"),
}


def time_of(date: Date, zone: ZoneInfo) -> str:
    """When a date is, in the seminar's time zone: Tuesday, 3 November 2026, 09:00 to 12:30 (CET)."""
    begins, ends = date.starts_at.astimezone(zone), date.ends_at.astimezone(zone)
    until = f"{ends:%H:%M}" if begins.date() == ends.date() else f"{_day(ends)}, {ends:%H:%M}"
    return str(
        _(
            "%(day)s, %(begins)s to %(ends)s (%(zone)s)",
            day=_day(begins),
            begins=f"{begins:%H:%M}",
            ends=until,
            zone=_zone(begins),
        )
    )


def moment_of(value: datetime, zone: ZoneInfo) -> str:
    """A moment in the seminar's time zone."""
    there = value.astimezone(zone)
    return f"{_day(there)}, {there:%H:%M} ({_zone(there)})"


def _day(value: datetime) -> str:
    pattern = "EEEE, d. MMMM y" if current_language() is Language.GERMAN else "EEEE, d MMMM y"
    return str(format_date(value, pattern, locale=get_locale()))


def _zone(value: datetime) -> str:
    """MEZ for Germans; the zone's own short name where the language has none, else how far it is from UTC."""
    names = (get_timezone_name(value, width="short", locale=get_locale()), value.tzname() or "")
    return next((name for name in names if name.isalpha()), f"UTC{value:%z}")


def times_of(seminar: Details) -> Sequence[str]:
    """When a seminar is, one text a date."""
    return [time_of(date, seminar.zone) for date in seminar.dates]


def place_of(seminar: Details) -> str:
    """Where a seminar is, without the link to join it: that is for those who have a place."""
    match seminar.venue:
        case Venue.ONLINE:
            return str(_("Online"))
        case Venue.ON_SITE:
            return seminar.address or ""
        case Venue.BOTH:
            return str(_("%(address)s, and online", address=seminar.address or ""))
