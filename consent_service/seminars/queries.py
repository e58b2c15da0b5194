"""Reads of seminars, of their dates and places, and of who has one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import PublicId, SeatId, SeminarId, SubjectId
from consent_service.domain.kinds import Channel, Language
from consent_service.seminars import rules
from consent_service.seminars.models import (
    Seat,
    Seminar,
    SeminarDate,
    SeminarQuestion,
    SeminarRequest,
    SeminarText,
)
from consent_service.seminars.rules import (
    Lead,
    Plan,
    QuestionKind,
    QuestionWords,
    SeatState,
    SeminarState,
    Standing,
    Taken,
    Venue,
)
from consent_service.subjects.models import Subject

PER_PAGE = 20


@dataclass(frozen=True, slots=True)
class SeminarWords:
    """A seminar's title, and its description in Markdown, in one language."""

    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Date:
    """One time at which a seminar takes place; aware, in UTC."""

    public_id: PublicId
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """An extra question, in each of its languages; German is always there."""

    key: PublicId
    kind: QuestionKind
    required: bool
    words: dict[Language, QuestionWords]

    def in_language(self, language: Language) -> QuestionWords:
        """The question in this language, else in German."""
        return self.words.get(language) or self.words[Language.GERMAN]

    def shown(self, answer: str, language: Language) -> str:
        """An answer as this language says it."""
        if self.kind is not QuestionKind.CHOICE:
            return answer
        german = self.words[Language.GERMAN].choices
        theirs = self.in_language(language).choices
        at = german.index(answer) if answer in german else -1
        return theirs[at] if 0 <= at < len(theirs) else answer


@dataclass(frozen=True, slots=True)
class Details:
    """One seminar with all that belongs to it; times are aware, in UTC."""

    id: SeminarId
    public_id: PublicId
    plan: Plan
    standing: Standing
    taken: Taken
    venue: Venue
    address: str | None
    join_url: str | None
    zone: ZoneInfo
    leads: tuple[Lead, ...]
    contact: str
    sequence: int
    texts: dict[Language, SeminarWords]
    dates: tuple[Date, ...]
    questions: tuple[Question, ...]
    created_by: str
    changed_at: datetime

    def words(self, language: Language) -> SeminarWords:
        """Title and description in this language, else in German."""
        return self.texts.get(language) or self.texts[Language.GERMAN]

    def language_of_words(self, language: Language) -> Language:
        """The language that `words` really comes in."""
        return language if language in self.texts else Language.GERMAN

    def title(self, language: Language) -> str:
        """What it is called."""
        return self.words(language).title

    @property
    def free(self) -> int | None:
        """How many places nobody has; None where there is room for all."""
        return rules.free_places(self.plan, self.taken)

    @property
    def takes_registrations(self) -> bool:
        """Whether one can register now."""
        return self.standing in rules.TAKES_REGISTRATIONS


def seminar(session: Session, public_id: PublicId, now: datetime) -> Details:
    """The seminar with this id, also a draft. Raises NotFound."""
    row = session.execute(sa.select(Seminar).where(Seminar.public_id == public_id)).scalar_one_or_none()
    if row is None:
        raise NotFound("there is no such seminar")
    return details(session, row, now)


def seminar_id(session: Session, public_id: PublicId) -> SeminarId:
    """The row of the seminar with this id. Raises NotFound."""
    found = session.execute(sa.select(Seminar.id).where(Seminar.public_id == public_id)).scalar_one_or_none()
    if found is None:
        raise NotFound("there is no such seminar")
    return found


def announced(session: Session, public_id: PublicId, now: datetime) -> Details:
    """The seminar with this id, once it was published. Raises NotFound, also for a draft."""
    found = seminar(session, public_id, now)
    if found.plan.state is SeminarState.DRAFT:
        raise NotFound("there is no such seminar")
    return found


def upcoming(session: Session, now: datetime) -> Sequence[Details]:
    """What is announced and not over, cancelled ones included, the earliest first."""
    rows = session.execute(
        sa.select(Seminar)
        .where(Seminar.state != SeminarState.DRAFT, Seminar.ends_at > now)
        .order_by(Seminar.starts_at, Seminar.id)
    ).scalars()
    return _all_details(session, rows.all(), now)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the staff's list, the latest first, and how many seminars there are."""

    seminars: Sequence[Details]
    total: int


def page(session: Session, number: int, now: datetime) -> Page:
    """The page of this number, from 1."""
    rows = session.execute(
        sa.select(Seminar)
        .order_by(Seminar.starts_at.desc(), Seminar.id.desc())
        .limit(PER_PAGE)
        .offset((number - 1) * PER_PAGE)
    ).scalars()
    total = session.execute(sa.select(sa.func.count()).select_from(Seminar)).scalar_one()
    return Page(_all_details(session, rows.all(), now), total)


def details(session: Session, row: Seminar, now: datetime) -> Details:
    """All that belongs to a seminar's row."""
    return _all_details(session, [row], now)[0]


def plan(row: Seminar) -> Plan:
    """What decides about a seminar's places."""
    return Plan(
        state=row.state,
        capacity=row.capacity,
        waiting_capacity=row.waiting_capacity,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        cut_off=timedelta(hours=row.cut_off_hours),
    )


def taken(session: Session, seminar_id: SeminarId) -> Taken:
    """How many have a place in a seminar, and how many wait."""
    return _taken(session, [seminar_id])[seminar_id]


def _taken(session: Session, seminars: Collection[SeminarId]) -> dict[SeminarId, Taken]:
    rows = session.execute(
        sa.select(Seat.seminar_id, Seat.state, sa.func.count())
        .where(Seat.seminar_id.in_(seminars), Seat.state.in_((SeatState.PLACE, SeatState.WAITING)))
        .group_by(Seat.seminar_id, Seat.state)
    )
    counted = {(seminar_id, state): count for seminar_id, state, count in rows}
    return {
        one: Taken(counted.get((one, SeatState.PLACE), 0), counted.get((one, SeatState.WAITING), 0)) for one in seminars
    }


def _all_details(session: Session, rows: Sequence[Seminar], now: datetime) -> Sequence[Details]:
    ids = [row.id for row in rows]
    numbers = _taken(session, ids)
    texts: dict[SeminarId, dict[Language, SeminarWords]] = {one: {} for one in ids}
    for text in session.execute(sa.select(SeminarText).where(SeminarText.seminar_id.in_(ids))).scalars():
        texts[text.seminar_id][text.language] = SeminarWords(text.title, text.description)
    dates: dict[SeminarId, list[Date]] = {one: [] for one in ids}
    for date in session.execute(
        sa.select(SeminarDate).where(SeminarDate.seminar_id.in_(ids)).order_by(SeminarDate.starts_at, SeminarDate.id)
    ).scalars():
        dates[date.seminar_id].append(Date(date.public_id, date.starts_at, date.ends_at))
    questions: dict[SeminarId, list[Question]] = {one: [] for one in ids}
    for question in session.execute(
        sa.select(SeminarQuestion).where(SeminarQuestion.seminar_id.in_(ids)).order_by(SeminarQuestion.position)
    ).scalars():
        questions[question.seminar_id].append(_question(question))
    return [
        _details(row, numbers[row.id], texts[row.id], tuple(dates[row.id]), tuple(questions[row.id]), now)
        for row in rows
    ]


def _details(
    row: Seminar,
    numbers: Taken,
    texts: dict[Language, SeminarWords],
    dates: tuple[Date, ...],
    questions: tuple[Question, ...],
    now: datetime,
) -> Details:
    decides = plan(row)
    return Details(
        id=row.id,
        public_id=row.public_id,
        plan=decides,
        standing=rules.standing(decides, numbers, now),
        taken=numbers,
        venue=row.venue,
        address=row.address,
        join_url=row.join_url,
        zone=ZoneInfo(row.time_zone),
        leads=tuple(Lead(lead) for lead in row.leads),
        contact=row.contact,
        sequence=row.sequence,
        texts={language: texts[language] for language in Language if language in texts},
        dates=dates,
        questions=questions,
        created_by=row.created_by,
        changed_at=row.changed_at,
    )


def _question(row: SeminarQuestion) -> Question:
    words = {
        Language(code): QuestionWords(said["label"], said["reason"], tuple(said["choices"]))
        for code, said in row.words.items()
    }
    return Question(row.key, row.kind, row.required, words)


def of_request(session: Session, registration: PublicId, now: datetime) -> Details | None:
    """The seminar that an unconfirmed registration is for; None where it is confirmed or gone."""
    row = session.execute(
        sa.select(Seminar)
        .join(SeminarRequest, SeminarRequest.seminar_id == Seminar.id)
        .where(SeminarRequest.registration == registration)
    ).scalar_one_or_none()
    return details(session, row, now) if row is not None else None


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
    return RegistrationDetails(details(session, row.Seminar, now), seat_details(session, row.Seat))


def registrations_of(session: Session, subject_id: SubjectId, now: datetime) -> Sequence[RegistrationDetails]:
    """All of a person's registrations, that for the latest seminar first."""
    rows = session.execute(
        sa.select(Seat, Seminar)
        .join(Seminar, Seminar.id == Seat.seminar_id)
        .where(Seat.subject_id == subject_id)
        .order_by(Seminar.starts_at.desc(), Seat.id)
    ).all()
    found = _all_details(session, [row.Seminar for row in rows], now)
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
