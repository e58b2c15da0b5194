"""Reads of surveys and of who takes part in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.errors import InvalidLink, NotFound
from consent_service.domain.identifiers import PublicId, SubjectId, SurveyId
from consent_service.domain.kinds import Language
from consent_service.subjects.models import Subject
from consent_service.surveys import rules
from consent_service.surveys.models import (
    Survey,
    SurveyBatch,
    SurveyParticipant,
    SurveyQuestion,
    SurveyResponse,
    SurveyTakingPart,
    SurveyText,
    SurveyWaitingAnswer,
)
from consent_service.surveys.rules import Answers, Code, Finding, Mode, Question, State, Times

PER_PAGE = 20


@dataclass(frozen=True, slots=True)
class Text:
    """A survey's words in one language."""

    title: str
    intro: str
    closing: str


@dataclass(frozen=True, slots=True)
class Details:
    """One survey with its words and questions; times are aware, in UTC."""

    id: SurveyId
    public_id: PublicId
    mode: Mode
    state: State
    times: Times
    texts: Mapping[Language, Text]
    questions: Sequence[Question]
    created_at: datetime
    created_by: str
    changed_at: datetime
    are_results_public: bool
    is_finished: bool
    reminded_at: datetime | None

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody can tell whose answers are whose."""
        return self.mode is Mode.ANONYMOUS

    @property
    def flaws(self) -> Sequence[Finding]:
        """Why it cannot be published yet."""
        return rules.flaws(self.questions)

    @property
    def pages(self) -> Sequence[Sequence[Question]]:
        """The questions page by page."""
        return rules.pages(self.questions)

    def text(self, language: Language) -> Text:
        """The words in this language; German where there are none."""
        return self.texts.get(language) or self.texts[Language.GERMAN]

    def language(self, wanted: Language) -> Language:
        """The language in which it can be answered by who wants this one."""
        return wanted if wanted in self.texts else Language.GERMAN

    def question(self, code: Code) -> Question:
        """The question with this code. Raises NotFound."""
        for question in self.questions:
            if question.code == code:
                return question
        raise NotFound("there is no such question")


def details(session: Session, row: Survey, now: datetime) -> Details:
    """All of a survey, from its row."""
    return _details(session, [row], now)[0]


def _details(session: Session, rows: Sequence[Survey], now: datetime) -> list[Details]:
    ids = [row.id for row in rows]
    texts: dict[SurveyId, dict[Language, Text]] = {survey_id: {} for survey_id in ids}
    for text in session.execute(sa.select(SurveyText).where(SurveyText.survey_id.in_(ids))).scalars():
        texts[text.survey_id][text.language] = Text(text.title, text.intro, text.closing)
    questions: dict[SurveyId, list[Question]] = {survey_id: [] for survey_id in ids}
    in_order = sa.select(SurveyQuestion).where(SurveyQuestion.survey_id.in_(ids)).order_by(SurveyQuestion.position)
    for question in session.execute(in_order).scalars():
        questions[question.survey_id].append(rules.from_json(question.content))
    return [_one(row, texts[row.id], questions[row.id], now) for row in rows]


def _one(row: Survey, texts: Mapping[Language, Text], questions: Sequence[Question], now: datetime) -> Details:
    times = Times(row.published_at, row.opens_at, row.closes_at, row.closed_at)
    return Details(
        id=row.id,
        public_id=row.public_id,
        mode=row.mode,
        state=rules.state(times, now),
        times=times,
        texts=texts,
        questions=questions,
        created_at=row.created_at,
        created_by=row.created_by,
        changed_at=row.changed_at,
        are_results_public=row.are_results_public,
        is_finished=row.is_finished,
        reminded_at=row.reminded_at,
    )


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many have registered, have taken part, and, of anonymous answers, wait to be mixed."""

    registered: int
    took_part: int
    waiting: int


def numbers(session: Session, survey: SurveyId) -> Numbers:
    """How a survey goes."""
    of_survey = sa.select(SurveyBatch.public_id).where(SurveyBatch.survey_id == survey)
    return Numbers(
        _count(session, SurveyParticipant, SurveyParticipant.survey_id == survey),
        _count(session, SurveyTakingPart, SurveyTakingPart.survey_id == survey),
        _count(session, SurveyWaitingAnswer, SurveyWaitingAnswer.batch.in_(of_survey)),
    )


def _count(session: Session, model: type[Any], condition: sa.ColumnElement[bool]) -> int:
    return session.execute(sa.select(sa.func.count()).select_from(model).where(condition)).scalar_one()


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list, newest first, and how many surveys there are."""

    surveys: Sequence[Details]
    total: int


def page(session: Session, number: int, now: datetime) -> Listing:
    """The page of this number, from 1; `now` is aware."""
    rows = session.execute(
        sa.select(Survey).order_by(Survey.id.desc()).limit(PER_PAGE).offset((number - 1) * PER_PAGE)
    ).scalars()
    return Listing(_details(session, rows.all(), now), _count(session, Survey, sa.true()))


def open_surveys(session: Session, now: datetime) -> Sequence[Details]:
    """Those that can be answered now, the one that closes first first."""
    rows = session.execute(
        sa.select(Survey)
        .where(Survey.published_at.is_not(None), Survey.is_finished.is_(False))
        .order_by(Survey.closes_at.is_(None), Survey.closes_at, Survey.id)
    ).scalars()
    return [survey for survey in _details(session, rows.all(), now) if survey.state is State.OPEN]


def survey(session: Session, public_id: PublicId, now: datetime) -> Details:
    """The survey with this id; `now` is aware. Raises NotFound."""
    row = session.execute(sa.select(Survey).where(Survey.public_id == public_id)).scalar_one_or_none()
    if row is None:
        raise NotFound("there is no such survey")
    return details(session, row, now)


def published(session: Session, public_id: PublicId, now: datetime) -> Details:
    """The same for visitors: a draft is not there. Raises NotFound."""
    found = survey(session, public_id, now)
    if found.state is State.DRAFT:
        raise NotFound("the survey is a draft")
    return found


def is_answered(session: Session, survey: SurveyId) -> bool:
    """Whether somebody has begun to answer, so that its questions stay as they are."""
    begun = sa.or_(
        sa.exists().where(SurveyTakingPart.survey_id == survey), sa.exists().where(SurveyResponse.survey_id == survey)
    )
    return bool(session.execute(sa.select(begun)).scalar_one())


@dataclass(frozen=True, slots=True)
class Response:
    """What a person has answered so far in a survey with names; the times are aware, in UTC."""

    answers: Answers
    saved_pages: frozenset[int]
    language: Language
    started_at: datetime
    changed_at: datetime
    finished_on: date | None


@dataclass(frozen=True, slots=True)
class Participation:
    """Somebody in a survey: what a personal link opens."""

    public_id: PublicId
    subject_id: SubjectId
    survey: Details
    registered_at: datetime
    took_part_on: date | None
    response: Response | None

    def answered(self, language: Language) -> list[tuple[str, list[str]]]:
        """Each question that is shown with these answers, and the answer, in words; nothing without a name."""
        answers = self.response.answers if self.response else {}
        return [
            (rules.said(question.label, language), rules.in_words(question, answers[question.code], language))
            for question in self.survey.questions
            if question.code in answers
        ]


def participation(session: Session, public_id: PublicId, now: datetime) -> Participation:
    """What the link with this id opens. Raises InvalidLink where it is gone, also for one who was erased."""
    row = session.execute(
        sa.select(SurveyParticipant, Survey)
        .join(Survey, Survey.id == SurveyParticipant.survey_id)
        .join(Subject, Subject.id == SurveyParticipant.subject_id)
        .where(SurveyParticipant.public_id == public_id, Subject.erased_at.is_(None))
    ).one_or_none()
    if row is None:
        raise InvalidLink("nobody takes part by this link any more")
    return _participation(session, row.SurveyParticipant, details(session, row.Survey, now))


def participations(session: Session, subject: SubjectId, now: datetime) -> Sequence[Participation]:
    """All surveys that a person has registered for, newest first."""
    rows = session.execute(
        sa.select(SurveyParticipant, Survey)
        .join(Survey, Survey.id == SurveyParticipant.survey_id)
        .where(SurveyParticipant.subject_id == subject)
        .order_by(SurveyParticipant.id.desc())
    ).all()
    return [_participation(session, row.SurveyParticipant, details(session, row.Survey, now)) for row in rows]


def _participation(session: Session, row: SurveyParticipant, survey: Details) -> Participation:
    day = session.execute(
        sa.select(SurveyTakingPart.day).where(
            SurveyTakingPart.survey_id == row.survey_id, SurveyTakingPart.subject_id == row.subject_id
        )
    ).scalar_one_or_none()
    response = session.execute(
        sa.select(SurveyResponse).where(
            SurveyResponse.survey_id == row.survey_id, SurveyResponse.subject_id == row.subject_id
        )
    ).scalar_one_or_none()
    return Participation(
        public_id=row.public_id,
        subject_id=row.subject_id,
        survey=survey,
        registered_at=row.registered_at,
        took_part_on=day,
        response=_response(response) if response else None,
    )


def _response(row: SurveyResponse) -> Response:
    return Response(
        answers=row.answers,
        saved_pages=frozenset(row.saved_pages),
        language=row.language,
        started_at=row.started_at,
        changed_at=row.changed_at,
        finished_on=row.finished_on,
    )


def batch(session: Session, survey: SurveyId, language: Language) -> PublicId | None:
    """The batch in which the next anonymous answer in this language waits; None once the survey is over."""
    return session.execute(
        sa.select(SurveyBatch.public_id).where(SurveyBatch.survey_id == survey, SurveyBatch.language == language)
    ).scalar_one_or_none()


def batches(session: Session) -> set[PublicId]:
    """All batches that answers may wait in."""
    return set(session.execute(sa.select(SurveyBatch.public_id)).scalars())


def title(session: Session, survey: SurveyId, language: Language) -> str:
    """What a survey is called in this language; in German where it has none in it."""
    titles: dict[Language, str] = {
        row.language: row.title
        for row in session.execute(
            sa.select(SurveyText.language, SurveyText.title).where(SurveyText.survey_id == survey)
        )
    }
    return titles.get(language) or titles[Language.GERMAN]
