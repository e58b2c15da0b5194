"""Mixing anonymous answers: a full batch, or at the close all of them, rewritten in random order, without time.

In one transaction of its own, which no person's transaction is. The key is destroyed after its commit
(`tasks.destroy_ended_keys`); from then on nothing tells which answer was whose.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from consent_service import encryption
from consent_service.domain.identifiers import PublicId, SurveyId, new_public_id
from consent_service.domain.kinds import Language
from consent_service.encryption import CannotDecrypt
from consent_service.surveys import anonymity, counting, keys, queries
from consent_service.surveys.counting import Slice
from consent_service.surveys.models import (
    Survey,
    SurveyAnonymousAnswer,
    SurveyBatch,
    SurveyTakingPart,
    SurveyWaitingAnswer,
)
from consent_service.surveys.queries import Details
from consent_service.surveys.rules import Answers, Mode
from consent_service.surveys.statistics import Cell, cells

log = structlog.get_logger()


def mix_next(session: Session, now: datetime, random: Random) -> bool:
    """Mixes the next batch that is full, or finishes the next survey that is over; whether there was one.

    `now` is aware; `random` must not be guessable.
    """
    survey = _next_over(session, now)
    if survey is not None:
        _finish(session, survey, now, random)
        return True
    survey = _next_full(session)
    if survey is None:
        return False
    for batch in _full_batches(session, survey):
        _mix(session, queries.details(session, survey, now), batch, random)
    return True


def _next_over(session: Session, now: datetime) -> Survey | None:
    is_over = sa.or_(Survey.closed_at.is_not(None), Survey.closes_at <= now)
    return session.execute(
        sa.select(Survey)
        .where(Survey.published_at.is_not(None), Survey.is_finished.is_(False), is_over)
        .order_by(Survey.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).scalar_one_or_none()


_FULL = (
    sa.select(SurveyWaitingAnswer.batch).group_by(SurveyWaitingAnswer.batch).having(sa.func.count() >= anonymity.BATCH)
)


def _next_full(session: Session) -> Survey | None:
    """A survey with a full batch, locked before the batch, as who answers locks them."""
    survey = sa.select(SurveyBatch.survey_id).where(SurveyBatch.public_id.in_(_FULL)).limit(1).scalar_subquery()
    return session.execute(sa.select(Survey).where(Survey.id == survey).with_for_update()).scalar_one_or_none()


def _full_batches(session: Session, survey: Survey) -> Sequence[SurveyBatch]:
    return (
        session.execute(
            sa.select(SurveyBatch)
            .where(SurveyBatch.survey_id == survey.id, SurveyBatch.public_id.in_(_FULL))
            .with_for_update()
        )
        .scalars()
        .all()
    )


def _mix(session: Session, survey: Details, batch: SurveyBatch, random: Random) -> None:
    """Rewrites a batch, begins the next one, and shows all answers in this language but a few."""
    of_pool = (
        SurveyAnonymousAnswer.survey_id == survey.id,
        SurveyAnonymousAnswer.language == batch.language,
        SurveyAnonymousAnswer.is_shown.is_(False),
    )
    pool = {
        row.id: row.answers
        for row in session.execute(
            sa.select(SurveyAnonymousAnswer.id, SurveyAnonymousAnswer.answers).where(*of_pool)
        ).all()
    }
    pool |= {new_public_id(): answers for answers in _take_waiting(session, batch.public_id)}
    session.execute(sa.delete(SurveyAnonymousAnswer).where(*of_pool))
    held = anonymity.held_back(pool, random)
    rows = [_Row(batch.language, answers, answer_id not in held) for answer_id, answers in pool.items()]
    _write(session, survey, rows, random)
    batch.public_id = new_public_id()
    _mix_who_took_part(session, survey.id, random)


def _take_waiting(session: Session, batch: PublicId) -> list[Answers]:
    """The waiting answers of a batch, which are deleted."""
    waiting = session.execute(sa.select(SurveyWaitingAnswer).where(SurveyWaitingAnswer.batch == batch)).scalars().all()
    key, found = keys.read(batch), list[Answers]()
    for row in waiting:
        try:
            if key is None:
                raise CannotDecrypt("its key is gone")
            found.append(anonymity.unpadded(encryption.open_box(key, row.box, bound_to=row.id)))
        except CannotDecrypt:
            log.error("an anonymous answer cannot be read: the key of its batch is not the one it was closed with")
    session.execute(sa.delete(SurveyWaitingAnswer).where(SurveyWaitingAnswer.batch == batch))
    return found


@dataclass(frozen=True, slots=True)
class _Row:
    language: Language | None
    answers: Answers
    is_shown: bool


def _write(session: Session, survey: Details, rows: list[_Row], random: Random) -> None:
    """Writes answers in random order under new ids, and counts those that are shown, as one sum."""
    random.shuffle(rows)
    if rows:
        session.execute(
            sa.insert(SurveyAnonymousAnswer),
            [
                {
                    "id": new_public_id(),
                    "survey_id": survey.id,
                    "language": row.language,
                    "is_shown": row.is_shown,
                    "answers": row.answers,
                }
                for row in rows
            ],
        )
    for language in {row.language for row in rows}:
        counts: Counter[Cell] = Counter()
        for row in rows:
            if row.language is language and row.is_shown:
                counts.update(cells(survey.questions, row.answers))
        counting.add(session, survey.id, Slice(language, None), counts)


def _mix_who_took_part(session: Session, survey: SurveyId, random: Random, *, everybody: bool = False) -> None:
    """Writes the rows that say who took part anew, so that their order and age say nothing."""
    chosen = [SurveyTakingPart.survey_id == survey, *([] if everybody else [SurveyTakingPart.is_mixed.is_(False)])]
    people = list(session.execute(sa.select(SurveyTakingPart.subject_id, SurveyTakingPart.day).where(*chosen)).all())
    session.execute(sa.delete(SurveyTakingPart).where(*chosen))
    random.shuffle(people)
    if people:
        session.execute(
            sa.insert(SurveyTakingPart),
            [{"survey_id": survey, "subject_id": row.subject_id, "day": row.day, "is_mixed": True} for row in people],
        )


def _finish(session: Session, survey: Survey, now: datetime, random: Random) -> None:
    """Ends a survey for good. Of one without names all answers are mixed, the earlier ones too, and then shown."""
    if survey.closed_at is None:
        survey.closed_at = now
    survey.is_finished = True
    if survey.mode is Mode.ANONYMOUS:
        _mix_everything(session, queries.details(session, survey, now), random)


def _mix_everything(session: Session, survey: Details, random: Random) -> None:
    batches = session.execute(sa.select(SurveyBatch).where(SurveyBatch.survey_id == survey.id)).scalars().all()
    of_survey = SurveyAnonymousAnswer.survey_id == survey.id
    earlier = session.execute(
        sa.select(SurveyAnonymousAnswer.language, SurveyAnonymousAnswer.answers).where(of_survey)
    ).all()
    rows = [_Row(row.language, row.answers, True) for row in earlier]
    for batch in batches:
        rows += [_Row(batch.language, answers, True) for answers in _take_waiting(session, batch.public_id)]
        session.delete(batch)
    session.execute(sa.delete(SurveyAnonymousAnswer).where(of_survey))
    counting.forget(session, survey.id)
    if anonymity.is_worth_keeping(len(rows)):
        _write(session, survey, _with_safe_languages(rows), random)
    _mix_who_took_part(session, survey.id, random, everybody=True)


def _with_safe_languages(rows: Sequence[_Row]) -> list[_Row]:
    if anonymity.languages_to_keep(Counter(row.language for row in rows)):
        return list(rows)
    return [_Row(None, row.answers, row.is_shown) for row in rows]
