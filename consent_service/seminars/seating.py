"""Who gets which place. Whatever changes the places of a seminar locks its row first, and counts then.

The order of locks is person, registration, seminar: a person's lock is never asked for under a seminar's. So a
promotion writes to those who move up without locking them; an erasure holds the person's lock and waits for the
seminar's.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.errors import NotFound, Refused
from consent_service.domain.identifiers import PublicId, SeminarId, SubjectId, new_public_id
from consent_service.domain.kinds import Channel, Language
from consent_service.mailing import service as mailing
from consent_service.seminars import mails, queries, rules, seat_queries
from consent_service.seminars.mails import Mail, More
from consent_service.seminars.models import Seat, Seminar, SeminarNoticeCopy
from consent_service.seminars.rules import Outcome, SeatState
from consent_service.subjects import service as subjects


def lock(session: Session, seminar_id: SeminarId) -> Seminar:
    """The seminar's row, for us alone until the transaction ends."""
    return session.execute(
        sa.select(Seminar)
        .where(Seminar.id == seminar_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).scalar_one()


def seat_of(session: Session, seminar_id: SeminarId, subject_id: SubjectId) -> Seat | None:
    """What a person has in a seminar."""
    return session.execute(
        sa.select(Seat)
        .where(Seat.seminar_id == seminar_id, Seat.subject_id == subject_id)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def assign(session: Session, seminar: Seminar, subject_id: SubjectId, now: datetime) -> Outcome:
    """What this person gets who confirms now; the seminar is locked."""
    seat = seat_of(session, seminar.id, subject_id)
    if seat is not None and seat.state is not SeatState.CANCELLED:
        return Outcome.ALREADY
    return rules.assign(queries.plan(seminar), queries.taken(session, seminar.id), now)


def take(
    session: Session,
    seminar: Seminar,
    subject_id: SubjectId,
    state: SeatState,
    now: datetime,
    *,
    language: Language,
    channel: Channel,
    registration: PublicId | None = None,
    answers: dict[str, str] | None = None,
) -> Seat:
    """Gives a person what was assigned, last in the order of confirmation; the seminar is locked."""
    seat = seat_of(session, seminar.id, subject_id)
    if seat is None:
        seat = Seat(public_id=new_public_id(), seminar_id=seminar.id, subject_id=subject_id, sequence=0)
        session.add(seat)
    else:
        seat.sequence += 1  # came back: calendars must take the new invitation for newer than the cancellation
    seat.state, seat.position = state, seminar.next_position
    seat.language, seat.channel, seat.registration = language, channel, registration
    seat.confirmed_at, seat.cancelled_at, seat.attended_at = now, None, None
    seat.placed_at = now if state is SeatState.PLACE else None
    seat.answers = answers or {}
    seminar.next_position += 1
    session.flush()
    return seat


def promote(session: Session, seminar: Seminar, now: datetime) -> None:
    """Moves up who may move up by themselves, in their order, and writes to them; the seminar is locked."""
    number = rules.promotions(queries.plan(seminar), queries.taken(session, seminar.id), now)
    if number:
        _move_up(session, seminar, _waiting(session, seminar, number), now)


def _waiting(session: Session, seminar: Seminar, number: int) -> Sequence[Seat]:
    return (
        session.execute(
            sa.select(Seat)
            .where(Seat.seminar_id == seminar.id, Seat.state == SeatState.WAITING)
            .order_by(Seat.position)
            .limit(number)
        )
        .scalars()
        .all()
    )


def _move_up(session: Session, seminar: Seminar, seats: Sequence[Seat], now: datetime) -> None:
    for seat in seats:
        seat.state, seat.placed_at = SeatState.PLACE, now
    session.flush()
    about = queries.details(session, seminar, now)
    for seat in seats:
        mails.send(session, Mail.PROMOTED, about, seat_queries.seat_details(session, seat), now)


def give_place(session: Session, public_id: PublicId, now: datetime) -> None:
    """Lets somebody up who waits, as staff decide after the cut-off. Raises NotFound, Refused without a free place."""
    seminar, seat = _locked(session, public_id)
    free = rules.free_places(queries.plan(seminar), queries.taken(session, seminar.id))
    if seat.state is not SeatState.WAITING or free == 0:
        raise Refused("this person does not wait, or no place is free")
    _move_up(session, seminar, [seat], now)


def cancel(session: Session, public_id: PublicId, now: datetime) -> bool:
    """Ends a registration, tells the person, and lets the next one up; False where it had ended already.

    Raises NotFound, and Refused once the seminar is over: nobody can have stayed away afterwards.
    """
    seminar, seat = _locked(session, public_id)
    if seat.state is SeatState.CANCELLED:
        return False
    if now >= seminar.ends_at:
        raise Refused("the seminar is over")
    had_place = seat.state is SeatState.PLACE
    seat.state, seat.cancelled_at = SeatState.CANCELLED, now
    seat.sequence += 1
    session.flush()
    _call_off_mails(session, seat)
    more = More(had_place=had_place)
    mails.send(
        session, Mail.LEFT, queries.details(session, seminar, now), seat_queries.seat_details(session, seat), now, more
    )
    promote(session, seminar, now)
    return True


def _locked(session: Session, public_id: PublicId) -> tuple[Seminar, Seat]:
    """Seminar and registration, locked after the person."""
    row = session.execute(sa.select(Seat.seminar_id, Seat.subject_id).where(Seat.public_id == public_id)).one_or_none()
    if row is None:
        raise NotFound("there is no such registration")
    subjects.lock(session, row.subject_id)
    seminar = lock(session, row.seminar_id)
    seat = seat_of(session, row.seminar_id, row.subject_id)
    if seat is None:
        raise NotFound("there is no such registration any more")
    return seminar, seat


def _call_off_mails(session: Session, seat: Seat) -> None:
    """Stops reminders and the like that have not gone out yet."""
    copies = session.execute(sa.select(SeminarNoticeCopy.message_id).where(SeminarNoticeCopy.seat_id == seat.id))
    for message in copies.scalars().all():
        mailing.call_off(session, message)


def mark_attended(session: Session, public_id: PublicId, attended: bool, now: datetime) -> None:
    """Notes whether somebody with a place was there. Raises NotFound, Refused for who has no place."""
    _seminar, seat = _locked(session, public_id)
    if seat.state is not SeatState.PLACE:
        raise Refused("only who has a place can have been there")
    seat.attended_at = now if attended else None


def answer(session: Session, public_id: PublicId, answers: dict[str, str]) -> None:
    """Replaces the answers of a registration. Raises NotFound."""
    _seminar, seat = _locked(session, public_id)
    seat.answers = answers


def count_of(session: Session, subject_id: SubjectId) -> int:
    """How many registrations a person has, ended ones included."""
    return session.execute(
        sa.select(sa.func.count()).select_from(Seat).where(Seat.subject_id == subject_id)
    ).scalar_one()


def forget(session: Session, subject_id: SubjectId, now: datetime) -> None:
    """Deletes an erased person's registrations, and lets up who waited behind; the person's lock is held."""
    seminars = session.execute(
        sa.select(Seat.seminar_id).where(Seat.subject_id == subject_id).order_by(Seat.seminar_id)
    ).scalars()
    for seminar_id in seminars.all():
        seminar = lock(session, seminar_id)
        session.execute(sa.delete(Seat).where(Seat.seminar_id == seminar_id, Seat.subject_id == subject_id))
        promote(session, seminar, now)
