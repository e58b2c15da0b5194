"""The answers as a list to take out: with names each person's row, without names rows in random order."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.database import reading
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.exports import service as exports
from consent_service.exports.queries import ROWS_READ_AT_ONCE, Among, Cells
from consent_service.exports.rules import ExportFormat
from consent_service.exports.sending import send_rows
from consent_service.exports.writing import Columns, guard_all
from consent_service.subjects.models import Subject
from consent_service.surveys import results
from consent_service.surveys.models import SurveyAnonymousAnswer, SurveyParticipant, SurveyResponse, SurveyTakingPart
from consent_service.surveys.queries import Details
from consent_service.surveys.results import Results, Wanted
from consent_service.surveys.rules import Answers, Kind, Question, said

LONGEST_ABOUT = 300


class Whom(StrEnum):
    """Whom of a survey a marketing list is of."""

    REGISTERED = "registered"
    TOOK_PART = "took_part"


def among(survey: Details, whom: Whom) -> Among:
    """The choice of people for an export of those who may be written to (design I10)."""
    model = SurveyParticipant if whom is Whom.REGISTERED else SurveyTakingPart
    people = sa.select(model.subject_id).where(model.survey_id == survey.id)
    return Among(f"{survey.text(Language.GERMAN).title}: {whom.value}"[:LONGEST_ABOUT], people)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which answers are wanted, as what, and why."""

    wanted: Wanted
    format: ExportFormat
    reason: str


@dataclass(frozen=True, slots=True)
class Begun:
    """An export that is on record and has not left yet."""

    export: PublicId
    format: ExportFormat
    survey: Details
    results: Results
    language: Language


def begin(session: Session, survey: Details, asked: Asked, language: Language, actor: str, at: datetime) -> Begun:
    """Records an export before its first byte leaves; labels will be in this language, `at` is aware.

    Raises Refused without a reason, and where there are too few answers to show any.
    """
    found = results.for_staff(session, survey, asked.wanted)
    if not found.total:
        raise Refused("there are no answers to export")
    about = f"survey {survey.public_id}: {survey.text(language).title}"[:LONGEST_ABOUT]
    export = exports.begin_other(session, about, asked.format, asked.reason, actor, at)
    return Begun(export, asked.format, survey, found, language)


def send(begun: Begun) -> Iterator[bytes]:
    """The bytes of the export."""
    with reading() as session, closing(_rows(session, begun)) as rows:
        yield from send_rows(begun.export, begun.format, Columns(_names(begun), guard_all), rows)


def _names(begun: Begun) -> list[str]:
    about = [] if begun.survey.is_anonymous else ["email", "name", "finished_on"]
    has_language = begun.results.languages or not begun.survey.is_anonymous
    names = [*about, *(["language"] if has_language else [])]
    for question in begun.survey.questions:
        label = f"{question.code} {said(question.label, begun.language)}"
        if question.kind is Kind.MATRIX:
            names += [f"{label}: {said(row.words, begun.language)}" for row in question.rows]
        else:
            names.append(label)
    return names


def _rows(session: Session, begun: Begun) -> Generator[Sequence[Cells], None, None]:
    conditions = results.shown_answers(begun.survey, begun.results.wanted)
    statement: sa.Select[*tuple[Any, ...]]
    if begun.survey.is_anonymous:
        language = [SurveyAnonymousAnswer.language] if begun.results.languages else []
        statement = (
            sa.select(SurveyAnonymousAnswer.answers, *language).where(*conditions).order_by(SurveyAnonymousAnswer.id)
        )
    else:
        statement = (
            sa.select(
                SurveyResponse.answers,
                Subject.address,
                Subject.name,
                SurveyResponse.finished_on,
                SurveyResponse.language,
            )
            .join(Subject, Subject.id == SurveyResponse.subject_id)
            .where(*conditions)
            .order_by(SurveyResponse.id)
        )
    found = session.connection().execute(statement, execution_options={"yield_per": ROWS_READ_AT_ONCE})
    with closing(found):
        for chunk in found.partitions():
            yield [_cells(begun, answers, about) for answers, *about in chunk]


def _cells(begun: Begun, answers: Answers, about: Sequence[Any]) -> Cells:
    cells: list[str | int | None] = [None if value is None else str(value) for value in about]
    for question in begun.survey.questions:
        cells += _of_question(begun, question, answers)
    return tuple(cells)


def _of_question(begun: Begun, question: Question, answers: Answers) -> list[str | int | None]:
    value = None if question.code in begun.results.withheld else answers.get(question.code)
    if question.kind is Kind.MATRIX:
        chosen = value if isinstance(value, dict) else {}
        return [_in_words(begun, question, chosen.get(row.value)) for row in question.rows]
    if isinstance(value, list):
        return ["; ".join(question.choice_words(one, begun.language) for one in value)]
    return [_in_words(begun, question, value if isinstance(value, str) else None)]


def _in_words(begun: Begun, question: Question, value: str | None) -> str | int | None:
    if value is None:
        return None
    if question.kind in (Kind.NUMBER, Kind.SCALE, Kind.RECOMMENDATION):
        return int(value) if value.lstrip("-").isdecimal() else value
    return question.choice_words(value, begun.language)
