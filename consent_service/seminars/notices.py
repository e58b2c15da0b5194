"""Messages to all of a seminar: reminders, changes, the end of it, and material afterwards.

A notice is a row; the worker sends it out in portions, and each person's copy is a row with a unique key, in the
transaction that puts the mail into the outbox. So each goes out once, however many workers try and however often
they are killed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.audit import service as audit
from consent_service.audit.service import Action
from consent_service.database import insert
from consent_service.domain.errors import NotFound, Refused
from consent_service.domain.identifiers import PublicId, new_public_id
from consent_service.domain.kinds import Language
from consent_service.seminars import mails, queries, rules, seat_queries, seating
from consent_service.seminars.mails import Mail, More
from consent_service.seminars.models import Seat, Seminar, SeminarDate, SeminarNotice, SeminarNoticeCopy
from consent_service.seminars.queries import Date, Details
from consent_service.seminars.rules import Lead, SeatState, SeminarState

LONGEST_LEAD = timedelta(days=8)
PORTION = 20


def add(
    session: Session, seminar: Seminar, mail: Mail, at: datetime, details: Mapping[str, Any], key: str | None = None
) -> None:
    """Has the worker write to all of a seminar. A second one with the same key means nothing."""
    session.execute(
        insert(session, SeminarNotice)
        .values(
            seminar_id=seminar.id,
            kind=mail.value,
            key=key or new_public_id(),
            details=dict(details),
            created_at=at,
        )
        .on_conflict_do_nothing()
    )


def removed_dates(dates: Sequence[Date]) -> dict[str, Any]:
    """Dates that fell away, as a notice keeps them."""
    return {"removed": [[date.public_id, date.starts_at.isoformat(), date.ends_at.isoformat()] for date in dates]}


def follow_up(
    session: Session,
    public_id: PublicId,
    texts: Mapping[Language, tuple[str, str]],
    attended_only: bool,
    actor: str,
    at: datetime,
) -> None:
    """Writes subject and Markdown text to who had a place, or to who was there; material, not advertising.

    Raises NotFound, and Refused without a German text or before the seminar has begun.
    """
    row = session.execute(sa.select(Seminar).where(Seminar.public_id == public_id)).scalar_one_or_none()
    if row is None:
        raise NotFound("there is no such seminar")
    if Language.GERMAN not in texts or row.state is not SeminarState.PUBLISHED or at < row.starts_at:
        raise Refused("only a seminar that has begun can be followed up, with at least a German text")
    details = {
        "texts": {language.value: list(words) for language, words in texts.items()},
        "attended_only": attended_only,
    }
    add(session, row, Mail.FOLLOW_UP, at, details)
    audit.record(
        session, at=at, actor=actor, action=Action.SEMINAR_CHANGED, target=public_id, details={"what": "followed up"}
    )


def plan_reminders(session: Session, now: datetime) -> None:
    """Makes a notice of every reminder that has become due. Its key names the time that it reminds of."""
    rows = session.execute(
        sa.select(Seminar, SeminarDate.starts_at)
        .join(SeminarDate, SeminarDate.seminar_id == Seminar.id)
        .where(
            Seminar.state == SeminarState.PUBLISHED,
            SeminarDate.starts_at > now,
            SeminarDate.starts_at < now + LONGEST_LEAD,
        )
    ).all()
    known = _reminder_keys(session, [row.Seminar for row in rows])
    for seminar, starts_at in rows:
        for lead in map(Lead, seminar.leads):
            key = f"{starts_at:%Y%m%dT%H%M%SZ} {lead.value}"
            if rules.is_due(starts_at, lead, ZoneInfo(seminar.time_zone), now) and (seminar.id, key) not in known:
                details = {"starts_at": starts_at.isoformat(), "lead": lead.value}
                add(session, seminar, Mail.REMINDER, now, details, key)


def _reminder_keys(session: Session, seminars: Sequence[Seminar]) -> set[tuple[object, str]]:
    rows = session.execute(
        sa.select(SeminarNotice.seminar_id, SeminarNotice.key).where(
            SeminarNotice.seminar_id.in_({seminar.id for seminar in seminars}),
            SeminarNotice.kind == Mail.REMINDER.value,
        )
    )
    return {(row.seminar_id, row.key) for row in rows}


def send_next(session: Session, now: datetime, portion: int = PORTION) -> bool:
    """Sends the next portion of the oldest notice; whether there may be more to do.

    The seminar is locked meanwhile: who cancels is either written to before, or not any more.
    """
    notice = session.execute(
        sa.select(SeminarNotice)
        .where(SeminarNotice.finished_at.is_(None))
        .order_by(SeminarNotice.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).scalar_one_or_none()
    if notice is None:
        return False
    seminar = seating.lock(session, notice.seminar_id)
    about = queries.details(session, seminar, now)
    seats = _without_copy(session, notice, about, now, portion)
    for seat in seats:
        _send(session, notice, about, seat, now)
    if len(seats) < portion:
        notice.finished_at = now
    return True


def _without_copy(
    session: Session, notice: SeminarNotice, seminar: Details, now: datetime, portion: int
) -> Sequence[Seat]:
    whom = _whom(notice, seminar, now)
    if whom is None:
        return []
    copied = sa.exists().where(SeminarNoticeCopy.notice_id == notice.id, SeminarNoticeCopy.seat_id == Seat.id)
    return (
        session.execute(
            sa.select(Seat).where(Seat.seminar_id == seminar.id, whom, ~copied).order_by(Seat.id).limit(portion)
        )
        .scalars()
        .all()
    )


def _whom(notice: SeminarNotice, seminar: Details, now: datetime) -> sa.ColumnElement[bool] | None:
    """SQL: whom a notice is for; None where it has lost its reason."""
    has_place = Seat.state == SeatState.PLACE
    match Mail(notice.kind):
        case Mail.REMINDER:
            starts_at = datetime.fromisoformat(notice.details["starts_at"])
            is_still_so = seminar.plan.state is SeminarState.PUBLISHED and _date_at(seminar, starts_at) is not None
            due = rules.due_at(starts_at, Lead(notice.details["lead"]), seminar.zone)
            return sa.and_(has_place, Seat.placed_at < due) if is_still_so and now < starts_at else None
        case Mail.FOLLOW_UP:
            attended_only = notice.details["attended_only"]
            return sa.and_(has_place, Seat.attended_at.is_not(None)) if attended_only else has_place
        case _:
            concerned = Seat.state.in_((SeatState.PLACE, SeatState.WAITING))
            return sa.and_(concerned, Seat.confirmed_at <= notice.created_at)


def _date_at(seminar: Details, starts_at: datetime) -> Date | None:
    return next((date for date in seminar.dates if date.starts_at == starts_at), None)


def _send(session: Session, notice: SeminarNotice, seminar: Details, seat: Seat, now: datetime) -> None:
    has = seat_queries.seat_details(session, seat)
    more = _more(notice, seminar, seat)
    message = mails.send(session, Mail(notice.kind), seminar, has, now, more)
    session.add(SeminarNoticeCopy(notice_id=notice.id, seat_id=seat.id, message_id=message))


def _more(notice: SeminarNotice, seminar: Details, seat: Seat) -> More:
    match Mail(notice.kind):
        case Mail.REMINDER:
            return More(date=_date_at(seminar, datetime.fromisoformat(notice.details["starts_at"])))
        case Mail.FOLLOW_UP:
            texts = notice.details["texts"]
            subject, body = texts.get(seat.language.value) or texts[Language.GERMAN.value]
            return More(subject=subject, body=body)
        case Mail.CANCELLED:
            return More(body=notice.details["body"], had_place=seat.state is SeatState.PLACE)
        case _:
            removed = [
                Date(PublicId(key), datetime.fromisoformat(begins), datetime.fromisoformat(ends))
                for key, begins, ends in notice.details["removed"]
            ]
            return More(removed=removed)
