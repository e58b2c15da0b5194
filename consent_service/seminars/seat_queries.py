"""Reads of who has a place in a seminar, waits for one or has cancelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import PublicId, SeatId, SeminarId, SubjectId
from consent_service.domain.kinds import Channel, Language
from consent_service.seminars import queries
from consent_service.seminars.models import Seat, Seminar
from consent_service.seminars.queries import Details
from consent_service.seminars.rules import SeatState
from consent_service.subjects.models import Subject


@dataclass(frozen=True, slots=True)
class SeatDetails:
    """What a person has in a seminar; times are aware, in UTC. `waits_as` is the place on the waiting list, from 1."""

    id: SeatId
    public_id: PublicId
    subject_id: SubjectId
    state: SeatState
    waits_as: int | None
    language: Language
    channel: Channel
    confirmed_at: datetime
    cancelled_at: datetime | None
    attended_at: datetime | None
    sequence: int
    answers: dict[str, str]


def waits_as(session: Session, seat: Seat) -> int | None:
    """Where on the waiting list somebody is, from 1."""
    if seat.state is not SeatState.WAITING:
        return None
    before = sa.select(sa.func.count()).where(
        Seat.seminar_id == seat.seminar_id, Seat.state == SeatState.WAITING, Seat.position <= seat.position
    )
    return session.execute(before).scalar_one()


def seat_details(session: Session, seat: Seat) -> SeatDetails:
    """What a seat's row says."""
    return SeatDetails(
        id=seat.id,
        public_id=seat.public_id,
        subject_id=seat.subject_id,
        state=seat.state,
        waits_as=waits_as(session, seat),
        language=seat.language,
        channel=seat.channel,
        confirmed_at=seat.confirmed_at,
        cancelled_at=seat.cancelled_at,
        attended_at=seat.attended_at,
        sequence=seat.sequence,
        answers=dict(seat.answers),
    )


@dataclass(frozen=True, slots=True)
class RegistrationDetails:
    """A person's registration for a seminar."""

    seminar: Details
    seat: SeatDetails

    def answers(self, language: Language) -> Sequence[tuple[str, str]]:
        """Each question and what was answered, as this language says it."""
        return [
            (question.in_language(language).label, question.shown(self.seat.answers[question.key], language))
            for question in self.seminar.questions
            if question.key in self.seat.answers
        ]


def registration(session: Session, public_id: PublicId, now: datetime) -> RegistrationDetails:
    """The registration with this id. Raises NotFound, also for that of somebody who was erased."""
    row = session.execute(
        sa.select(Seat, Seminar).join(Seminar, Seminar.id == Seat.seminar_id).where(Seat.public_id == public_id)
    ).one_or_none()
    if row is None:
        raise NotFound("there is no such registration")
    return RegistrationDetails(queries.details(session, row.Seminar, now), seat_details(session, row.Seat))


def registrations_of(session: Session, subject_id: SubjectId, now: datetime) -> Sequence[RegistrationDetails]:
    """All of a person's registrations, that for the latest seminar first."""
    rows = session.execute(
        sa.select(Seat, Seminar)
        .join(Seminar, Seminar.id == Seat.seminar_id)
        .where(Seat.subject_id == subject_id)
        .order_by(Seminar.starts_at.desc(), Seat.id)
    ).all()
    found = queries.all_details(session, [row.Seminar for row in rows], now)
    return [
        RegistrationDetails(seminar, seat_details(session, row.Seat)) for seminar, row in zip(found, rows, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Participant:
    """One line of a participant list."""

    seat: SeatDetails
    person: PublicId
    name: str | None
    address: str


def participants(session: Session, seminar_id: SeminarId) -> Sequence[Participant]:
    """Everybody who has confirmed: who has a place by name, who waits in their order, then who has cancelled."""
    rank = sa.case((Seat.state == SeatState.PLACE, 0), (Seat.state == SeatState.WAITING, 1), else_=2)
    rows = session.execute(
        sa.select(Seat, Subject.public_id, Subject.name, Subject.address)
        .join(Subject, Subject.id == Seat.subject_id)
        .where(Seat.seminar_id == seminar_id, Subject.erased_at.is_(None))
        .order_by(rank, Seat.position)
    ).all()
    found = [Participant(seat_details(session, row.Seat), row.public_id, row.name, row.address) for row in rows]
    return sorted(found, key=_order)


def _order(one: Participant) -> tuple[int, int, str]:
    placed = one.seat.state is SeatState.PLACE
    return (
        (SeatState.PLACE, SeatState.WAITING, SeatState.CANCELLED).index(one.seat.state),
        one.seat.waits_as or 0,
        (one.name or one.address).casefold() if placed else "",
    )


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many have registered in all, and what became of it."""

    registered: int
    places: int
    waiting: int
    cancelled: int
    attended: int


def numbers(session: Session, seminar_id: SeminarId) -> Numbers:
    """A seminar in numbers."""
    rows = session.execute(
        sa.select(Seat.state, sa.func.count(), sa.func.count(Seat.attended_at))
        .where(Seat.seminar_id == seminar_id)
        .group_by(Seat.state)
    ).all()
    by_state = {state: count for state, count, _attended in rows}
    return Numbers(
        registered=sum(by_state.values()),
        places=by_state.get(SeatState.PLACE, 0),
        waiting=by_state.get(SeatState.WAITING, 0),
        cancelled=by_state.get(SeatState.CANCELLED, 0),
        attended=sum(attended for _state, _count, attended in rows),
    )
