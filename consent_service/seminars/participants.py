"""What staff do with those who have registered: look, note who came, add at the door, take lists out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.audit import service as audit
from consent_service.audit.service import Action
from consent_service.domain.identifiers import PublicId, SubjectId
from consent_service.domain.kinds import Channel, Language
from consent_service.exports.queries import Among, Cells
from consent_service.exports.rules import iso_text
from consent_service.exports.writing import Columns, guard_all
from consent_service.seminars import queries, rules, seat_queries, seating
from consent_service.seminars.models import Seat
from consent_service.seminars.queries import Details
from consent_service.seminars.rules import SeatState
from consent_service.seminars.seat_queries import Participant
from consent_service.subjects import service as subjects


@dataclass(frozen=True, slots=True)
class Shown:
    """A seminar and those of its people who were looked for."""

    seminar: Details
    people: Sequence[Participant]


def look_at(session: Session, public_id: PublicId, term: str, actor: str, at: datetime) -> Shown:
    """Records that somebody looks at the list, and returns it, narrowed to a search term. Raises NotFound."""
    seminar = queries.seminar(session, public_id, at)
    audit.record(session, at=at, actor=actor, action=Action.PARTICIPANTS_VIEWED, target=public_id)
    people = seat_queries.participants(session, seminar.id)
    return Shown(seminar, [one for one in people if rules.contains((one.name, one.address), term)])


def mark_attended(session: Session, seat: PublicId, attended: bool, actor: str, at: datetime) -> None:
    """Notes whether somebody was there. Raises NotFound, and Refused for who has no place."""
    seating.mark_attended(session, seat, attended, at)
    _record(session, seat, actor, at, "attended" if attended else "not attended")


def give_place(session: Session, seat: PublicId, actor: str, at: datetime) -> None:
    """Lets somebody up from the waiting list. Raises NotFound, and Refused without a free place."""
    seating.give_place(session, seat, at)
    _record(session, seat, actor, at, "place given")


def cancel(session: Session, seat: PublicId, actor: str, at: datetime) -> None:
    """Cancels for a person who has told us so. Raises NotFound, Refused once the seminar is over."""
    if seating.cancel(session, seat, at):
        _record(session, seat, actor, at, "cancelled")


@dataclass(frozen=True, slots=True)
class AtTheDoor:
    """Somebody who came without having registered, and was told what their details are for."""

    address: str
    name: str
    language: Language


def add_at_the_door(session: Session, public_id: PublicId, who: AtTheDoor, actor: str, at: datetime) -> PublicId:
    """Gives a place and notes that the person is there; staff decide, so also beyond the number of places.

    No consent comes of it, and no mail goes out: nobody has confirmed the address. Raises InvalidAddress, NotFound.
    """
    seminar_id = queries.seminar_id(session, public_id)
    person = subjects.find_or_add(session, who.address, language=who.language, name=who.name, at=at)
    subjects.name_if_nameless(session, person, who.name)
    seminar = seating.lock(session, seminar_id)
    seat = seating.seat_of(session, seminar_id, person)
    if seat is None or seat.state is not SeatState.PLACE:
        seat = seating.take(session, seminar, person, SeatState.PLACE, at, language=who.language, channel=Channel.STAFF)
    seat.attended_at = at
    _record(session, seat.public_id, actor, at, "added at the door")
    return seat.public_id


def _record(session: Session, seat: PublicId, actor: str, at: datetime, what: str) -> None:
    audit.record(session, at=at, actor=actor, action=Action.PARTICIPANT_CHANGED, target=seat, details={"what": what})


class Whom(StrEnum):
    """Which of those who have registered a marketing list is narrowed to; their consent is asked in any case."""

    REGISTERED = "registered"
    CONFIRMED = "confirmed"
    ATTENDED = "attended"


def among(seminar: Details, whom: Whom) -> Among:
    """The choice of people for an export of those who may be written to (design I10)."""
    people: sa.Select[SubjectId] = sa.select(Seat.subject_id).where(Seat.seminar_id == seminar.id)
    match whom:
        case Whom.CONFIRMED:
            people = people.where(Seat.state == SeatState.PLACE)
        case Whom.ATTENDED:
            people = people.where(Seat.attended_at.is_not(None))
        case Whom.REGISTERED:
            pass
    return Among(f"{seminar.title(Language.GERMAN)}: {whom.value}", people)


COLUMNS = ("email", "name", "state", "waiting_list", "language", "confirmed_at", "cancelled_at", "attended_at", "how")


def columns(seminar: Details, language: Language) -> Columns:
    """The columns of a participant list, the seminar's questions among them."""
    names = list(COLUMNS)
    for question in seminar.questions:
        label = question.in_language(language).label
        alike = sum(name == label or name.startswith(f"{label} (") for name in names)
        names.append(f"{label} ({alike + 1})" if alike else label)
    return Columns(names, guard_all)


def rows(seminar: Details, people: Sequence[Participant], language: Language) -> Iterator[Sequence[Cells]]:
    """The rows of a participant list, in the order of `columns`; times are ISO 8601 in UTC."""
    yield [_row(seminar, one, language) for one in people]


def _row(seminar: Details, one: Participant, language: Language) -> Cells:
    seat = one.seat
    answers: Mapping[str, str] = seat.answers
    return (
        one.address,
        one.name,
        seat.state.value,
        seat.waits_as,
        seat.language.value,
        iso_text(seat.confirmed_at),
        iso_text(seat.cancelled_at),
        iso_text(seat.attended_at),
        "at the door" if seat.channel is Channel.STAFF else "double opt-in",
        *(
            question.shown(answers[question.key], language) if question.key in answers else None
            for question in seminar.questions
        ),
    )
