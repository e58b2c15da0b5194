"""The mails about a seminar to those who have registered: no advertising, and each with the link to cancel."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session

from consent_service import links
from consent_service.campaigns.composing import to_html, to_text
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import MessageId
from consent_service.domain.kinds import Language
from consent_service.mailing import composition, rendering
from consent_service.mailing import service as mailing
from consent_service.mailing.composition import CalendarPart, Text
from consent_service.mailing.rules import MailKind
from consent_service.seminars import calendar, words
from consent_service.seminars.queries import Date, Details
from consent_service.seminars.rules import SeatState
from consent_service.seminars.seat_queries import SeatDetails
from consent_service.subjects.models import Subject


class Mail(StrEnum):
    """What a mail about a seminar says; also the name of its template."""

    PLACE = "place"
    WAITING = "waiting"
    PROMOTED = "promoted"
    LEFT = "left"
    REMINDER = "reminder"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    FOLLOW_UP = "follow_up"


@dataclass(frozen=True, slots=True)
class More:
    """What some mails say besides: dates that fell away, the date reminded of, a text in Markdown, the settings."""

    removed: Sequence[Date] = ()
    date: Date | None = None
    subject: str | None = None
    body: str = ""
    settings_url: str | None = None
    had_place: bool = field(default=False)


def send(
    session: Session, mail: Mail, seminar: Details, seat: SeatDetails, now: datetime, more: More | None = None
) -> MessageId:
    """Puts a mail to one person into the outbox; `now` is aware."""
    more = more or More()
    address = session.execute(sa.select(Subject.address).where(Subject.id == seat.subject_id)).scalar_one()
    if address is None:
        raise Refused("the person was erased")
    text = _text(mail, seminar, seat, more)
    parts = _calendars(mail, seminar, seat, more, address, now)
    return mailing.enqueue(
        session,
        MailKind.SEMINAR,
        address,
        lambda message_id: composition.single(mailing.sender(), address, text, message_id, now, parts),
        now,
        seat.subject_id,
    )


def _text(mail: Mail, seminar: Details, seat: SeatDetails, more: More) -> Text:
    with force_locale(seat.language.value):
        dates = [more.date] if more.date else seminar.dates
        has_place = seat.state is SeatState.PLACE
        return rendering.render(
            f"mail/seminar/{mail.value}",
            seat.language,
            more.subject or _subject(mail, seminar.title(seat.language)),
            seminar=seminar,
            title=seminar.title(seat.language),
            times=[words.time_of(date, seminar.zone) for date in dates],
            place=words.place_of(seminar),
            join_url=seminar.join_url if has_place else None,
            waits_as=seat.waits_as,
            url=links.seminar_registration(seat.public_id, seat.language),
            page_url=calendar.page_url(seminar, seat.language),
            settings_url=more.settings_url,
            had_place=more.had_place,
            body_html=Markup(to_html(more.body)),  # noqa: S704 (cleaned)
            body_text=to_text(more.body),
        )


def _subject(mail: Mail, title: str) -> str:
    said = {
        Mail.PLACE: _("Your place: %(title)s", title=title),
        Mail.WAITING: _("You are on the waiting list: %(title)s", title=title),
        Mail.PROMOTED: _("You now have a place: %(title)s", title=title),
        Mail.LEFT: _("You have cancelled: %(title)s", title=title),
        Mail.REMINDER: _("Reminder: %(title)s", title=title),
        Mail.CHANGED: _("Changed: %(title)s", title=title),
        Mail.CANCELLED: _("Called off: %(title)s", title=title),
        Mail.FOLLOW_UP: title,
    }
    return str(said[mail])


def _calendars(
    mail: Mail, seminar: Details, seat: SeatDetails, more: More, address: str, now: datetime
) -> Sequence[CalendarPart]:
    language: Language = seat.language
    sequence = seminar.sequence + seat.sequence
    with force_locale(language.value):
        if mail in (Mail.PLACE, Mail.PROMOTED, Mail.CHANGED) and seat.state is SeatState.PLACE:
            gone = calendar.cancellations(seminar, more.removed, language, sequence, address, now)
            return [*calendar.invitations(seminar, language, sequence, address, now), *gone]
        if more.had_place:
            return calendar.cancellations(seminar, seminar.dates, language, sequence, address, now)
    return ()
