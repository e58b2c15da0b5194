"""What staff do with a seminar before the day: create, copy, publish, change, cancel, delete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.audit import service as audit
from consent_service.audit.service import Action
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import PublicId, new_public_id
from consent_service.domain.kinds import Language
from consent_service.seminars import notices, queries, seating
from consent_service.seminars.mails import Mail
from consent_service.seminars.models import Seat, Seminar, SeminarDate, SeminarQuestion, SeminarText
from consent_service.seminars.queries import Date, Details, SeminarWords
from consent_service.seminars.rules import Lead, QuestionKind, QuestionWords, SeminarState, Venue, kept_answers


@dataclass(frozen=True, slots=True)
class DraftDate:
    """A date as written: one that there was has its id; aware."""

    public_id: PublicId | None
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class DraftQuestion:
    """A question as written: one that there was has its key."""

    key: PublicId | None
    kind: QuestionKind
    required: bool
    words: Mapping[Language, QuestionWords]


@dataclass(frozen=True, slots=True)
class Draft:
    """A seminar as staff write it; times are aware."""

    texts: Mapping[Language, SeminarWords]
    venue: Venue
    address: str | None
    join_url: str | None
    time_zone: str
    dates: Sequence[DraftDate]
    capacity: int | None
    waiting_capacity: int
    opens_at: datetime | None
    closes_at: datetime | None
    cut_off_hours: int
    leads: Sequence[Lead]
    contact: str
    questions: Sequence[DraftQuestion]


def create(session: Session, draft: Draft, actor: str, at: datetime) -> PublicId:
    """Keeps a new draft. Raises Refused without a German text or a date."""
    _check(draft)
    seminar = Seminar(
        public_id=new_public_id(),
        state=SeminarState.DRAFT,
        sequence=0,
        next_position=1,
        created_at=at,
        created_by=actor,
        **_columns(draft, at),
    )
    session.add(seminar)
    session.flush()
    _keep_texts(session, seminar, draft)
    _keep_dates(session, seminar, draft)
    _keep_questions(session, seminar, draft)
    _record(session, seminar, actor, at, "created")
    return seminar.public_id


def change(session: Session, public_id: PublicId, draft: Draft, actor: str, at: datetime) -> bool:
    """Replaces what a seminar is. Whether those registered are written to: where date, place or title are others.

    More places let up who waits; fewer throw nobody out. Raises NotFound, and Refused for one that is cancelled.
    """
    _check(draft)
    seminar = _locked(session, public_id)
    if seminar.state is SeminarState.CANCELLED:
        raise Refused("a cancelled seminar cannot be changed")
    before = queries.details(session, seminar, at)
    for name, value in _columns(draft, at).items():
        setattr(seminar, name, value)
    session.execute(sa.delete(SeminarText).where(SeminarText.seminar_id == seminar.id))
    _keep_texts(session, seminar, draft)
    removed = _keep_dates(session, seminar, draft)
    _keep_questions(session, seminar, draft)
    session.expire(seminar)
    after = queries.details(session, seminar, at)
    is_told = seminar.state is SeminarState.PUBLISHED and _to_be_told(before) != _to_be_told(after)
    if is_told:
        seminar.sequence += 1
        notices.add(session, seminar, Mail.CHANGED, at, notices.removed_dates(removed))
    seating.promote(session, seminar, at)
    _record(session, seminar, actor, at, "changed")
    return is_told and (after.taken.places + after.taken.waiting) > 0


def _to_be_told(seminar: Details) -> tuple[object, ...]:
    """What people must know to come; another description or more places need no mail."""
    titles = {language: words.title for language, words in seminar.texts.items()}
    return titles, seminar.dates, seminar.venue, seminar.address, seminar.join_url


def copy(session: Session, public_id: PublicId, actor: str, at: datetime) -> PublicId:
    """A new draft with all that another seminar has, but without its people. Raises NotFound."""
    original = queries.seminar(session, public_id, at)
    draft = Draft(
        texts=original.texts,
        venue=original.venue,
        address=original.address,
        join_url=original.join_url,
        time_zone=original.zone.key,
        dates=[DraftDate(None, date.starts_at, date.ends_at) for date in original.dates],
        capacity=original.plan.capacity,
        waiting_capacity=original.plan.waiting_capacity,
        opens_at=original.plan.opens_at,
        closes_at=original.plan.closes_at,
        cut_off_hours=int(original.plan.cut_off.total_seconds() // 3600),
        leads=original.leads,
        contact=original.contact,
        questions=[DraftQuestion(None, one.kind, one.required, one.words) for one in original.questions],
    )
    return create(session, draft, actor, at)


def publish(session: Session, public_id: PublicId, actor: str, at: datetime) -> None:
    """Announces a draft. Raises NotFound, and Refused where it is none or its dates are over."""
    seminar = _locked(session, public_id)
    if seminar.state is not SeminarState.DRAFT:
        raise Refused("only a draft can be published")
    if seminar.starts_at <= at:
        raise Refused("the seminar would have begun already")
    seminar.state, seminar.changed_at = SeminarState.PUBLISHED, at
    _record(session, seminar, actor, at, "published")


def cancel(session: Session, public_id: PublicId, reason: str, actor: str, at: datetime) -> None:
    """Calls a seminar off and writes to all who have a place or wait. Raises NotFound, Refused where it cannot be."""
    seminar = _locked(session, public_id)
    if seminar.state is not SeminarState.PUBLISHED or at >= seminar.ends_at:
        raise Refused("only a published seminar that is not over can be called off")
    seminar.state, seminar.changed_at = SeminarState.CANCELLED, at
    seminar.sequence += 1
    notices.add(session, seminar, Mail.CANCELLED, at, {"body": reason})
    _record(session, seminar, actor, at, "cancelled")


def delete(session: Session, public_id: PublicId, actor: str, at: datetime) -> None:
    """Throws a draft away. Raises NotFound, Refused for anything else."""
    seminar = _locked(session, public_id)
    if seminar.state is not SeminarState.DRAFT:
        raise Refused("only a draft can be deleted")
    _record(session, seminar, actor, at, "deleted")
    session.execute(sa.delete(Seminar).where(Seminar.id == seminar.id))


def _locked(session: Session, public_id: PublicId) -> Seminar:
    return seating.lock(session, queries.seminar_id(session, public_id))


def _check(draft: Draft) -> None:
    if Language.GERMAN not in draft.texts or not draft.dates:
        raise Refused("a seminar needs at least a German title and a date")
    if any(date.ends_at <= date.starts_at for date in draft.dates):
        raise Refused("a date ends after it begins")


def _columns(draft: Draft, at: datetime) -> dict[str, object]:
    return {
        "venue": draft.venue,
        "address": draft.address,
        "join_url": draft.join_url,
        "time_zone": draft.time_zone,
        "capacity": draft.capacity,
        "waiting_capacity": draft.waiting_capacity,
        "opens_at": draft.opens_at,
        "closes_at": draft.closes_at,
        "cut_off_hours": draft.cut_off_hours,
        "leads": [lead.value for lead in draft.leads],
        "contact": draft.contact,
        "starts_at": min(date.starts_at for date in draft.dates),
        "ends_at": max(date.ends_at for date in draft.dates),
        "changed_at": at,
    }


def _keep_texts(session: Session, seminar: Seminar, draft: Draft) -> None:
    session.add_all(
        SeminarText(seminar_id=seminar.id, language=language, title=words.title, description=words.description)
        for language, words in draft.texts.items()
    )
    session.flush()


def _keep_dates(session: Session, seminar: Seminar, draft: Draft) -> list[Date]:
    """Brings the dates up to date, and returns those that fell away."""
    rows = session.execute(sa.select(SeminarDate).where(SeminarDate.seminar_id == seminar.id)).scalars().all()
    left = {row.public_id: row for row in rows}
    for date in draft.dates:
        row = left.pop(date.public_id, None) if date.public_id else None
        if row is None:
            row = SeminarDate(public_id=new_public_id(), seminar_id=seminar.id)
            session.add(row)
        row.starts_at, row.ends_at = date.starts_at, date.ends_at
    for row in left.values():
        session.delete(row)
    session.flush()
    return [Date(row.public_id, row.starts_at, row.ends_at) for row in left.values()]


def _keep_questions(session: Session, seminar: Seminar, draft: Draft) -> None:
    """Brings the questions up to date; what was answered to one that fell away is deleted."""
    rows = session.execute(sa.select(SeminarQuestion).where(SeminarQuestion.seminar_id == seminar.id)).scalars().all()
    left = {row.key: row for row in rows}
    for position, question in enumerate(draft.questions):
        row = left.pop(question.key, None) if question.key else None
        if row is None:
            row = SeminarQuestion(key=new_public_id(), seminar_id=seminar.id)
            session.add(row)
        row.position, row.kind, row.required = position, question.kind, question.required
        row.words = {
            language.value: {"label": said.label, "reason": said.reason, "choices": list(said.choices)}
            for language, said in question.words.items()
        }
    for row in left.values():
        session.delete(row)
    session.flush()
    if left:
        _forget_answers(session, seminar)


def _forget_answers(session: Session, seminar: Seminar) -> None:
    keys = session.execute(sa.select(SeminarQuestion.key).where(SeminarQuestion.seminar_id == seminar.id))
    there_are = set(keys.scalars())
    for seat in session.execute(sa.select(Seat).where(Seat.seminar_id == seminar.id)).scalars():
        seat.answers = kept_answers(seat.answers, there_are)


def _record(session: Session, seminar: Seminar, actor: str, at: datetime, what: str) -> None:
    audit.record(
        session,
        at=at,
        actor=actor,
        action=Action.SEMINAR_CHANGED,
        target=seminar.public_id,
        details={"what": what},
    )
