"""The counts that results are read from: differences written beside the answers, folded by the worker."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.database import insert
from consent_service.domain.identifiers import SurveyId
from consent_service.domain.kinds import Language
from consent_service.surveys.models import SurveyCount, SurveyCountDifference
from consent_service.surveys.statistics import Cell, Counts


@dataclass(frozen=True, slots=True)
class Slice:
    """Which answers a count is of; without a language, or a day in the organisation's zone, they say none."""

    language: Language | None
    day: date | None


@dataclass(frozen=True, slots=True)
class Days:
    """From which day to which, both included; None is without bound."""

    first: date | None = None
    last: date | None = None


def add(session: Session, survey_id: SurveyId, of: Slice, counts: Counts, sign: int = 1) -> None:
    """Adds to the counts of a slice, or with -1 takes away."""
    rows = [
        {
            "survey_id": survey_id,
            "question": code,
            "cell": cell,
            "language": of.language.value if of.language else "",
            "day": of.day.isoformat() if of.day else "",
            "difference": sign * number,
        }
        for (code, cell), number in sorted(counts.items())
    ]
    if rows:
        session.execute(sa.insert(SurveyCountDifference), rows)


def fold(session: Session, most: int = 5_000) -> int:
    """Adds up to `most` differences into the counts; how many rows were folded."""
    rows = session.execute(
        sa.select(SurveyCountDifference)
        .order_by(SurveyCountDifference.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).scalars()
    sums: defaultdict[tuple[SurveyId, str, str, str, str], int] = defaultdict(int)
    folded = []
    for row in rows:
        sums[row.survey_id, row.question, row.cell, row.language, row.day] += row.difference
        folded.append(row.id)
    if not folded:
        return 0
    statement = insert(session, SurveyCount)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["survey_id", "question", "cell", "language", "day"],
            set_={"number": SurveyCount.number + statement.excluded.number},
        ),
        [
            {"survey_id": survey, "question": code, "cell": cell, "language": language, "day": day, "number": number}
            for (survey, code, cell, language, day), number in sorted(sums.items())
        ],
    )
    session.execute(sa.delete(SurveyCountDifference).where(SurveyCountDifference.id.in_(folded)))
    return len(folded)


def forget(session: Session, survey_id: SurveyId) -> None:
    """Drops all counts of a survey, to be counted anew."""
    for model in (SurveyCount, SurveyCountDifference):
        session.execute(sa.delete(model).where(model.survey_id == survey_id))


def counts(session: Session, survey_id: SurveyId, days: Days) -> Mapping[str, Counts]:
    """The counts by language, empty where an answer says none: sums of counts, never a look at the answers."""
    both = sa.union_all(
        *(
            sa.select(model.question, model.cell, model.language, number.label("number")).where(
                model.survey_id == survey_id, *_within(model.day, days)
            )
            for model, number in (
                (SurveyCount, SurveyCount.number),
                (SurveyCountDifference, SurveyCountDifference.difference),
            )
        )
    ).subquery()
    rows = session.execute(
        sa.select(both.c.question, both.c.cell, both.c.language, sa.func.sum(both.c.number)).group_by(
            both.c.question, both.c.cell, both.c.language
        )
    )
    found: dict[str, dict[Cell, int]] = {}
    for code, cell, language, number in rows:
        if number:
            found.setdefault(language, {})[code, cell] = int(number)
    return found


def _within(day: sa.orm.InstrumentedAttribute[str], days: Days) -> list[sa.ColumnElement[bool]]:
    bounds: list[sa.ColumnElement[bool]] = []
    if days.first is not None:
        bounds.append(day >= days.first.isoformat())
    if days.last is not None:
        bounds.append(day <= days.last.isoformat())
    return bounds
