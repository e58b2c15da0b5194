"""Reads of seminars, of their dates, questions and how many have a place."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import PublicId, SeminarId
from consent_service.domain.kinds import Language
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
    return all_details(session, rows.all(), now)


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
    return Page(all_details(session, rows.all(), now), total)


def details(session: Session, row: Seminar, now: datetime) -> Details:
    """All that belongs to a seminar's row."""
    return all_details(session, [row], now)[0]


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


def all_details(session: Session, rows: Sequence[Seminar], now: datetime) -> Sequence[Details]:
    """The same for several rows, in their order, with a few reads for all."""
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
