"""Use cases of staff: build, publish, close, copy, remind. Each is in the audit log by who did it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.audit import service as audit
from consent_service.audit.service import Action
from consent_service.domain.errors import NotFound, Refused
from consent_service.domain.identifiers import PublicId, new_public_id
from consent_service.domain.kinds import Language
from consent_service.extensions import settings
from consent_service.surveys import queries, rules
from consent_service.surveys.models import Survey, SurveyBatch, SurveyQuestion, SurveyText
from consent_service.surveys.queries import Details, Text
from consent_service.surveys.rules import Code, Mode, Question, State

UseCase = Callable[[Session, PublicId, str, datetime], None]
"""What is done to a survey by somebody at a time."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wrote about a survey, apart from its questions; times are aware."""

    mode: Mode
    opens_at: datetime | None
    closes_at: datetime | None
    texts: Mapping[Language, Text]


def create(session: Session, draft: Draft, actor: str, at: datetime) -> PublicId:
    """Keeps a new draft without questions; `at` is aware."""
    survey = Survey(
        public_id=new_public_id(),
        mode=draft.mode,
        created_at=at,
        created_by=actor,
        changed_at=at,
        opens_at=draft.opens_at,
        closes_at=draft.closes_at,
        is_finished=False,
        are_results_public=False,
        is_reminder_done=False,
    )
    session.add(survey)
    session.flush()
    _keep_texts(session, survey, draft.texts)
    _record(session, survey, actor, at, "created")
    return survey.public_id


def change(session: Session, public_id: PublicId, draft: Draft, actor: str, at: datetime) -> None:
    """Changes words and times. Raises Refused once it is closed, and where the mode of a published one would change."""
    survey, details = _locked(session, public_id, at)
    if details.state is State.CLOSED:
        raise Refused("the survey is closed")
    if details.state is not State.DRAFT and draft.mode is not survey.mode:
        raise Refused("the mode of a published survey stays")
    survey.mode, survey.opens_at, survey.closes_at = draft.mode, draft.opens_at, draft.closes_at
    session.execute(sa.delete(SurveyText).where(SurveyText.survey_id == survey.id))
    _keep_texts(session, survey, draft.texts)
    _changed(session, survey, actor, at, "changed")


def copy(session: Session, public_id: PublicId, actor: str, at: datetime) -> PublicId:
    """A new draft with the same words and questions, to be changed freely; without the times."""
    details = queries.survey(session, public_id, at)
    new = create(session, Draft(details.mode, None, None, details.texts), actor, at)
    survey, _ = _locked(session, new, at)
    _keep_questions(session, survey, details.questions)
    return new


def delete(session: Session, public_id: PublicId, actor: str, at: datetime) -> None:
    """Throws a draft away. Raises NotFound, and Refused once it was published."""
    survey, details = _locked(session, public_id, at)
    if details.state is not State.DRAFT:
        raise Refused("the survey was published already")
    _record(session, survey, actor, at, "deleted")
    for model in (SurveyQuestion, SurveyText):
        session.execute(sa.delete(model).where(model.survey_id == survey.id))
    session.delete(survey)


def put_question(session: Session, public_id: PublicId, question: Question, actor: str, at: datetime) -> Code:
    """Replaces the question with this code, or adds one without ("") at the end. Raises Refused once frozen."""
    survey, details = _changeable(session, public_id, at)
    questions = list(details.questions)
    codes = [one.code for one in questions]
    if question.code in codes:
        questions[codes.index(question.code)] = question
    elif len(questions) >= rules.MOST_QUESTIONS:
        raise Refused(f"a survey has at most {rules.MOST_QUESTIONS} questions")
    else:
        question = replace(question, code=rules.next_code(codes))
        questions.append(question)
    _keep_questions(session, survey, questions)
    _changed(session, survey, actor, at, "question changed")
    return question.code


def move_question(session: Session, public_id: PublicId, code: Code, by: int, actor: str, at: datetime) -> None:
    """Moves a question up (-1) or down (1); at the end it stays. Raises NotFound, and Refused once frozen."""
    survey, details = _changeable(session, public_id, at)
    questions = list(details.questions)
    place = questions.index(details.question(code))
    target = min(max(place + by, 0), len(questions) - 1)
    questions.insert(target, questions.pop(place))
    _keep_questions(session, survey, questions)
    _changed(session, survey, actor, at, "question moved")


def delete_question(session: Session, public_id: PublicId, code: Code, actor: str, at: datetime) -> None:
    """Takes a question out. Raises NotFound, and Refused once frozen."""
    survey, details = _changeable(session, public_id, at)
    gone = details.question(code)
    _keep_questions(session, survey, [question for question in details.questions if question is not gone])
    _changed(session, survey, actor, at, "question deleted")


def publish(session: Session, public_id: PublicId, actor: str, at: datetime) -> None:
    """Lets people register and, from its time on, answer. Raises Refused where it has flaws or is no draft."""
    survey, details = _locked(session, public_id, at)
    if details.state is not State.DRAFT:
        raise Refused("the survey was published already")
    if details.flaws:
        raise Refused(f"the survey has flaws: {', '.join(finding.flaw.value for finding in details.flaws)}")
    if details.times.closes_at is not None and details.times.closes_at <= at:
        raise Refused("the survey would be over already")
    if details.is_anonymous:
        _begin_batches(session, survey, details)
    survey.published_at = at
    _changed(session, survey, actor, at, "published")


def _begin_batches(session: Session, survey: Survey, details: Details) -> None:
    if settings().survey_keys is None:
        raise Refused("CONSENT_SURVEY_KEYS is not set, and anonymous answers need a folder for their keys")
    session.add_all(
        SurveyBatch(survey_id=survey.id, language=language, public_id=new_public_id()) for language in details.texts
    )


def close(session: Session, public_id: PublicId, actor: str, at: datetime) -> None:
    """Ends a published survey now; the worker mixes what waits. Raises NotFound, and Refused where there is none."""
    survey, details = _locked(session, public_id, at)
    if details.state not in (State.OPEN, State.SCHEDULED):
        raise Refused("the survey is not under way")
    survey.closed_at = at
    _changed(session, survey, actor, at, "closed")


def show_results(session: Session, public_id: PublicId, is_public: bool, actor: str, at: datetime) -> None:
    """Publishes the results as a page for everybody, or takes it back. Raises Refused for a draft."""
    survey, details = _locked(session, public_id, at)
    if details.state is State.DRAFT:
        raise Refused("a draft has no results")
    survey.are_results_public = is_public
    _changed(session, survey, actor, at, "results published" if is_public else "results withdrawn")


def remind(session: Session, public_id: PublicId, actor: str, at: datetime) -> None:
    """Has all who registered and have not taken part reminded, once in a survey's life; the worker does it.

    Raises Refused where it is not open, or was done.
    """
    survey, details = _locked(session, public_id, at)
    if details.state is not State.OPEN or survey.reminded_at is not None:
        raise Refused("people are reminded once, while the survey is open")
    survey.reminded_at = at
    _changed(session, survey, actor, at, "reminded")


def _locked(session: Session, public_id: PublicId, at: datetime) -> tuple[Survey, Details]:
    """The survey, for us alone until the transaction ends."""
    survey = session.execute(
        sa.select(Survey).where(Survey.public_id == public_id).with_for_update()
    ).scalar_one_or_none()
    if survey is None:
        raise NotFound("there is no such survey")
    return survey, queries.details(session, survey, at)


def _changeable(session: Session, public_id: PublicId, at: datetime) -> tuple[Survey, Details]:
    survey, details = _locked(session, public_id, at)
    if details.state is State.CLOSED or queries.is_answered(session, survey.id):
        raise Refused("somebody has answered, so the questions stay as they are; change a copy")
    return survey, details


def _keep_texts(session: Session, survey: Survey, texts: Mapping[Language, Text]) -> None:
    if Language.GERMAN not in texts:
        raise Refused("a survey needs at least a German title")
    session.add_all(
        SurveyText(survey_id=survey.id, language=language, title=text.title, intro=text.intro, closing=text.closing)
        for language, text in texts.items()
    )
    session.flush()


def _keep_questions(session: Session, survey: Survey, questions: Sequence[Question]) -> None:
    session.execute(sa.delete(SurveyQuestion).where(SurveyQuestion.survey_id == survey.id))
    session.add_all(
        SurveyQuestion(survey_id=survey.id, code=question.code, position=position, content=rules.to_json(question))
        for position, question in enumerate(questions)
    )
    session.flush()


def _changed(session: Session, survey: Survey, actor: str, at: datetime, what: str) -> None:
    survey.changed_at = at
    _record(session, survey, actor, at, what)


def _record(session: Session, survey: Survey, actor: str, at: datetime, what: str) -> None:
    audit.record(
        session, at=at, actor=actor, action=Action.SURVEY_CHANGED, target=survey.public_id, details={"what": what}
    )
