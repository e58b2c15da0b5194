"""Answering: page by page in a survey with names, all at once in one without. One answer per person."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service import encryption
from consent_service.database import insert
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import PublicId, SubjectId, SurveyId, new_public_id
from consent_service.domain.kinds import Language
from consent_service.encryption import Key
from consent_service.extensions import settings
from consent_service.subjects import service as subjects
from consent_service.surveys import anonymity, counting, queries, rules
from consent_service.surveys.counting import Slice
from consent_service.surveys.models import (
    Survey,
    SurveyBatch,
    SurveyResponse,
    SurveyTakingPart,
    SurveyWaitingAnswer,
)
from consent_service.surveys.queries import Details, Participation
from consent_service.surveys.rules import Answers, State
from consent_service.surveys.statistics import cells


class Outcome(StrEnum):
    """What became of an attempt to answer."""

    DONE = "done"
    ALREADY = "already"
    CLOSED = "closed"
    INCOMPLETE = "incomplete"
    MOVED_ON = "moved_on"  # the batch was mixed meanwhile: try again with the next one


def save_page(
    session: Session, public_id: PublicId, number: int, given: Answers, language: Language, at: datetime
) -> Outcome:
    """Keeps a page's answers of a survey with names, also of one that was sent before: it stays sent.

    `given` holds the answers to the page's questions; one that is not in it is taken back. Raises InvalidLink.
    """
    who = _locked(session, public_id, at)
    if who.survey.state is not State.OPEN:
        return Outcome.CLOSED
    row = _response(session, who, language, at)
    before = _counted(who.survey, row)
    of_page = {question.code for question in rules.pages(who.survey.questions)[number]}
    answers = {code: value for code, value in row.answers.items() if code not in of_page} | dict(given)
    row.answers = rules.kept(who.survey.questions, answers)
    row.saved_pages = sorted({*row.saved_pages, number})
    row.changed_at = at
    session.flush()
    if row.finished_on is not None:
        where = Slice(row.language, row.finished_on)
        counting.add(session, who.survey.id, where, before, -1)
        counting.add(session, who.survey.id, where, _counted(who.survey, row))
    return Outcome.DONE


def finish(session: Session, public_id: PublicId, language: Language, at: datetime) -> Outcome:
    """Sends the saved answers of a survey with names; they count from now on. Raises InvalidLink."""
    who = _locked(session, public_id, at)
    if who.survey.state is not State.OPEN:
        return Outcome.CLOSED
    row = _response(session, who, language, at)
    if row.finished_on is not None:
        return Outcome.ALREADY
    if rules.incomplete_page(who.survey.questions, row.answers) is not None:
        return Outcome.INCOMPLETE
    row.finished_on = at.astimezone(settings().time_zone).date()
    row.language = language
    session.flush()
    _take_part(session, who.survey.id, who.subject_id, at)
    counting.add(session, who.survey.id, Slice(row.language, row.finished_on), _counted(who.survey, row))
    return Outcome.DONE


def delete_answers(session: Session, public_id: PublicId, at: datetime) -> None:
    """Deletes what a person answered in a survey with names, and that they took part. Raises InvalidLink."""
    who = _locked(session, public_id, at)
    if who.survey.is_anonymous:
        raise Refused("nobody can tell which anonymous answers these are")
    forget_response(session, who.survey, who.subject_id)


def forget_response(session: Session, survey: Details, subject_id: SubjectId) -> None:
    """Deletes a person's answers with their part in the counts; the caller holds the person's lock."""
    of_person = (SurveyResponse.survey_id == survey.id, SurveyResponse.subject_id == subject_id)
    row = session.execute(sa.select(SurveyResponse).where(*of_person).with_for_update()).scalar_one_or_none()
    if row is not None:
        if row.finished_on is not None:
            counting.add(session, survey.id, Slice(row.language, row.finished_on), _counted(survey, row), -1)
        session.delete(row)
        session.flush()
    session.execute(
        sa.delete(SurveyTakingPart).where(
            SurveyTakingPart.survey_id == survey.id, SurveyTakingPart.subject_id == subject_id
        )
    )


def _locked(session: Session, public_id: PublicId, at: datetime) -> Participation:
    """What the link opens, once nobody else answers for the same person, nor erases them."""
    found = queries.participation(session, public_id, at)
    subjects.lock(session, found.subject_id)
    return queries.participation(session, public_id, at)


def _response(session: Session, who: Participation, language: Language, at: datetime) -> SurveyResponse:
    row = session.execute(
        sa.select(SurveyResponse).where(
            SurveyResponse.survey_id == who.survey.id, SurveyResponse.subject_id == who.subject_id
        )
    ).scalar_one_or_none()
    if row is None:
        row = SurveyResponse(
            survey_id=who.survey.id,
            subject_id=who.subject_id,
            language=language,
            answers={},
            saved_pages=[],
            started_at=at,
            changed_at=at,
        )
        session.add(row)
        session.flush()
    return row


def _counted(survey: Details, row: SurveyResponse) -> dict[tuple[rules.Code, str], int]:
    return cells(survey.questions, row.answers)


@dataclass(frozen=True, slots=True)
class Sealing:
    """Where an anonymous answer is put to wait: a batch, and its key from outside of the database."""

    batch: PublicId
    key: Key


def answer_anonymously(
    session: Session, public_id: PublicId, answers: Answers, language: Language, sealing: Sealing, at: datetime
) -> Outcome:
    """Puts an anonymous answer to wait, encrypted, and notes that the person has taken part: both or neither.

    This transaction is all that ever joins the two; what it writes cannot be read once the key is destroyed.
    Raises InvalidLink.
    """
    who = queries.participation(session, public_id, at)
    subjects.lock_shared(session, who.subject_id)
    session.execute(sa.select(Survey.id).where(Survey.id == who.survey.id).with_for_update(read=True))
    who = queries.participation(session, public_id, at)
    if who.took_part_on is not None:
        return Outcome.ALREADY
    if who.survey.state is not State.OPEN:
        return Outcome.CLOSED
    if not _is_current(session, who.survey.id, language, sealing.batch):
        return Outcome.MOVED_ON
    given = rules.kept(who.survey.questions, answers)
    if rules.incomplete_page(who.survey.questions, given) is not None:
        return Outcome.INCOMPLETE
    if not _take_part(session, who.survey.id, who.subject_id, at):
        return Outcome.ALREADY
    answer_id = new_public_id()
    plain = anonymity.padded(given, anonymity.box_bytes(who.survey.questions))
    box = encryption.close(sealing.key, plain, bound_to=answer_id)
    session.execute(sa.insert(SurveyWaitingAnswer).values(id=answer_id, batch=sealing.batch, box=box))
    return Outcome.DONE


def _is_current(session: Session, survey: SurveyId, language: Language, batch: PublicId) -> bool:
    """Whether the batch still takes answers; its lock keeps it from being mixed before this one is in."""
    current = session.execute(
        sa.select(SurveyBatch.public_id)
        .where(SurveyBatch.survey_id == survey, SurveyBatch.language == language)
        .with_for_update(read=True)
    ).scalar_one_or_none()
    return current == batch


def _take_part(session: Session, survey: SurveyId, subject: SubjectId, at: datetime) -> bool:
    """Notes that the person has taken part today; False where that was noted already."""
    day = at.astimezone(settings().time_zone).date()
    statement = insert(session, SurveyTakingPart).values(survey_id=survey, subject_id=subject, day=day, is_mixed=False)
    noted = session.execute(statement.on_conflict_do_nothing().returning(SurveyTakingPart.subject_id))
    return noted.scalar_one_or_none() is not None
