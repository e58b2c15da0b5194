"""Surveys, who takes part, and what was answered.

No table of anonymous answers has a column, an order or a time that one of people shares; see docs/anonymity.md.
"""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base
from consent_service.domain.identifiers import PublicId, SubjectId, SurveyId
from consent_service.domain.kinds import Language
from consent_service.surveys.rules import Code, Mode

_OF_SURVEY = "surveys.id"
LONGEST_CODE = 8
LONGEST_CELL = 40


class Survey(Base):
    """A survey and its times. Once somebody has answered, its questions stay as they are."""

    __tablename__ = "surveys"

    id: Mapped[SurveyId] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)
    mode: Mapped[Mode]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(sa.String(254))
    changed_at: Mapped[datetime]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    is_finished: Mapped[bool] = mapped_column(index=True)  # closed, and nothing waits any more
    are_results_public: Mapped[bool]
    reminded_at: Mapped[datetime | None]
    is_reminder_done: Mapped[bool]


class SurveyText(Base):
    """A survey's words in one language."""

    __tablename__ = "survey_texts"

    survey_id: Mapped[SurveyId] = mapped_column(sa.ForeignKey(_OF_SURVEY, ondelete="CASCADE"), primary_key=True)
    language: Mapped[Language] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    intro: Mapped[str] = mapped_column(sa.Text)
    closing: Mapped[str] = mapped_column(sa.Text)


class SurveyQuestion(Base):
    """One question; `content` is what `rules.to_json` makes of it."""

    __tablename__ = "survey_questions"

    survey_id: Mapped[SurveyId] = mapped_column(sa.ForeignKey(_OF_SURVEY, ondelete="CASCADE"), primary_key=True)
    code: Mapped[Code] = mapped_column(sa.String(LONGEST_CODE), primary_key=True)
    position: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(sa.JSON)


class SurveyRequest(Base):
    """Which survey a registration is for, from the request on."""

    __tablename__ = "survey_requests"

    registration: Mapped[PublicId] = mapped_column(primary_key=True)
    survey_id: Mapped[SurveyId] = mapped_column(sa.ForeignKey(_OF_SURVEY))


class SurveyParticipant(Base):
    """Who has registered for a survey and confirmed it."""

    __tablename__ = "survey_participants"
    __table_args__ = (sa.UniqueConstraint("survey_id", "subject_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)
    survey_id: Mapped[SurveyId] = mapped_column(sa.ForeignKey(_OF_SURVEY))
    subject_id: Mapped[SubjectId] = mapped_column(sa.ForeignKey("subjects.id"), index=True)
    registered_at: Mapped[datetime]
    is_reminded: Mapped[bool]


class SurveyTakingPart(Base):
    """That somebody has taken part, and on which day (in the organisation's zone): never when, never with what.

    In random order: the rows of an anonymous survey are written anew with each batch of answers.
    """

    __tablename__ = "survey_taking_part"
    __table_args__ = ({"sqlite_with_rowid": False},)

    survey_id: Mapped[SurveyId] = mapped_column(sa.ForeignKey(_OF_SURVEY), primary_key=True)
    subject_id: Mapped[SubjectId] = mapped_column(sa.ForeignKey("subjects.id"), primary_key=True, index=True)
    day: Mapped[date]
    is_mixed: Mapped[bool]


class SurveyResponse(Base):
    """What a person answered in a survey with names, saved page by page."""

    __tablename__ = "survey_responses"
    __table_args__ = (sa.UniqueConstraint("survey_id", "subject_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    survey_id: Mapped[SurveyId] = mapped_column(sa.ForeignKey(_OF_SURVEY))
    subject_id: Mapped[SubjectId] = mapped_column(sa.ForeignKey("subjects.id"), index=True)
    language: Mapped[Language]
    answers: Mapped[dict[Code, Any]] = mapped_column(sa.JSON)
    saved_pages: Mapped[list[int]] = mapped_column(sa.JSON)
    started_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    finished_on: Mapped[date | None]


class SurveyBatch(Base):
    """The batch in which the next anonymous answers in a language wait; its public id names the file of its key."""

    __tablename__ = "survey_batches"

    survey_id: Mapped[SurveyId] = mapped_column(sa.ForeignKey(_OF_SURVEY), primary_key=True)
    language: Mapped[Language] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)


class SurveyWaitingAnswer(Base):
    """An anonymous answer that waits, encrypted under its batch's key; all of a survey are of the same length."""

    __tablename__ = "survey_waiting_answers"
    __table_args__ = ({"sqlite_with_rowid": False},)

    id: Mapped[PublicId] = mapped_column(primary_key=True)
    batch: Mapped[PublicId] = mapped_column(index=True)
    box: Mapped[bytes] = mapped_column(sa.LargeBinary)


class SurveyAnonymousAnswer(Base):
    """An anonymous answer, rewritten among others: nothing says whose it is or when it was given."""

    __tablename__ = "survey_anonymous_answers"
    __table_args__ = ({"sqlite_with_rowid": False},)

    id: Mapped[PublicId] = mapped_column(primary_key=True)
    survey_id: Mapped[SurveyId] = mapped_column(sa.ForeignKey(_OF_SURVEY), index=True)
    language: Mapped[Language | None]
    is_shown: Mapped[bool]
    answers: Mapped[dict[Code, Any]] = mapped_column(sa.JSON)


class SurveyCount(Base):
    """How many answers fall into a cell, as last folded; language and day are empty where an answer says none."""

    __tablename__ = "survey_counts"

    survey_id: Mapped[SurveyId] = mapped_column(sa.ForeignKey(_OF_SURVEY), primary_key=True)
    question: Mapped[Code] = mapped_column(sa.String(LONGEST_CODE), primary_key=True)
    cell: Mapped[str] = mapped_column(sa.String(LONGEST_CELL), primary_key=True)
    language: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    day: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    number: Mapped[int]


class SurveyCountDifference(Base):
    """A change of a count, written beside the answer and folded in by the worker: no row is hot."""

    __tablename__ = "survey_count_differences"

    id: Mapped[int] = mapped_column(primary_key=True)
    survey_id: Mapped[SurveyId] = mapped_column(sa.ForeignKey(_OF_SURVEY), index=True)
    question: Mapped[Code] = mapped_column(sa.String(LONGEST_CODE))
    cell: Mapped[str] = mapped_column(sa.String(LONGEST_CELL))
    language: Mapped[str] = mapped_column(sa.String(8))
    day: Mapped[str] = mapped_column(sa.String(10))
    difference: Mapped[int]
