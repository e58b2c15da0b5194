"""Results, read from counts: as fast with a hundred thousand answers as with a thousand.

Of anonymous answers, and on public pages of all, nothing is shown that fewer than five people have answered.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.errors import NotFound
from consent_service.domain.kinds import Language
from consent_service.surveys import anonymity, counting, statistics
from consent_service.surveys.anonymity import FEWEST_SHOWN, ByLanguage
from consent_service.surveys.counting import Days
from consent_service.surveys.models import SurveyAnonymousAnswer, SurveyResponse
from consent_service.surveys.queries import Details
from consent_service.surveys.rules import TEXTS, Code, Question
from consent_service.surveys.statistics import Cell, Counts, Figures

TEXTS_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which answers are looked at: those in a language, and, where they have names, those sent on certain days."""

    language: str = ""
    days: Days = field(default_factory=Days)


@dataclass(frozen=True, slots=True)
class Results:
    """What came of a survey. `withheld` are the questions with too few answers to be shown."""

    total: int
    wanted: Wanted
    languages: Sequence[str]
    figures: Sequence[Figures]
    withheld: Collection[Code]

    def of(self, code: Code) -> Figures:
        """What came of one question. Raises NotFound where it is not to be shown."""
        for figures in self.figures:
            if figures.question.code == code and code not in self.withheld:
                return figures
        raise NotFound("there is no such result")


def for_staff(session: Session, survey: Details, wanted: Wanted) -> Results:
    """All that staff may see; a filter that would lead below the fewest is as if it was not set."""
    return _results(session, survey, wanted, is_guarded=survey.is_anonymous)


def for_everybody(session: Session, survey: Details) -> Results:
    """What a page for everybody shows: no filters, and nothing of fewer than five, with names or without."""
    return _results(session, survey, Wanted(), is_guarded=True)


def _results(session: Session, survey: Details, wanted: Wanted, *, is_guarded: bool) -> Results:
    days = Days() if survey.is_anonymous else wanted.days
    counts = counting.counts(session, survey.id, days)
    languages = anonymity.languages_to_filter_by(counts) if is_guarded else [code.value for code in survey.texts]
    language = wanted.language if wanted.language in languages else ""
    chosen = counts.get(language, {}) if language else _sum(counts)
    total = statistics.total(chosen)
    if is_guarded and total < FEWEST_SHOWN:
        return Results(0, Wanted(days=days), (), (), frozenset())
    return Results(
        total=total,
        wanted=Wanted(language, days),
        languages=languages,
        figures=[statistics.figures(question, chosen) for question in survey.questions],
        withheld=_withheld(survey, counts, bool(language)) if is_guarded else frozenset(),
    )


def _sum(counts: ByLanguage) -> Counts:
    found: Counter[Cell] = Counter()
    for of_language in counts.values():
        found.update(of_language)
    return found


def _withheld(survey: Details, counts: ByLanguage, is_filtered: bool) -> frozenset[Code]:
    return frozenset(
        question.code
        for question in survey.questions
        if not anonymity.is_question_shown(question.code, counts, is_filtered)
    )


@dataclass(frozen=True, slots=True)
class FreeText:
    """One text, and, where it has a name, the day on which it was sent."""

    text: str
    day: date | None


@dataclass(frozen=True, slots=True)
class Texts:
    """Some of the texts, and where the next ones begin."""

    texts: Sequence[FreeText]
    after: str | None


def texts(session: Session, survey: Details, results: Results, question: Question, after: str) -> Texts:
    """What was written in answer to a question, behind the one with which the page before ended.

    Raises NotFound where it may not be shown. Anonymous ones come in their random order.
    """
    results.of(question.code)
    if question.kind not in TEXTS:
        raise NotFound("the question asks for no text")
    model: Any = SurveyAnonymousAnswer if survey.is_anonymous else SurveyResponse
    text = model.answers[question.code].as_string()
    day = sa.null() if survey.is_anonymous else SurveyResponse.finished_on
    statement = (
        sa.select(model.id, text.label("text"), day.label("day"))
        .where(*shown_answers(survey, results.wanted), text.is_not(None))
        .order_by(model.id)
        .limit(TEXTS_PER_PAGE + 1)
    )
    if after:
        statement = statement.where(model.id > (after if survey.is_anonymous else int(after)))
    rows = session.execute(statement).all()
    page = rows[:TEXTS_PER_PAGE]
    return Texts(
        [FreeText(row.text, row.day) for row in page], str(page[-1].id) if len(rows) > TEXTS_PER_PAGE else None
    )


def shown_answers(survey: Details, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    """SQL: an answer is among those that the results are of."""
    model: Any = SurveyAnonymousAnswer if survey.is_anonymous else SurveyResponse
    conditions = [model.survey_id == survey.id]
    conditions.append(model.is_shown if survey.is_anonymous else model.finished_on.is_not(None))
    if wanted.language:
        conditions.append(model.language == Language(wanted.language))
    if wanted.days.first is not None:
        conditions.append(model.finished_on >= wanted.days.first)
    if wanted.days.last is not None:
        conditions.append(model.finished_on <= wanted.days.last)
    return conditions
