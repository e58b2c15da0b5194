"""The results page of a survey with 100,000 answers against one with 1,000 (ratio of times)."""

import argparse
import json
import random
import sqlite3
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from flask.testing import FlaskClient

from benchmarks.browsing import milliseconds, signed_in
from benchmarks.filling import fill
from benchmarks.reporting import report
from benchmarks.serving import prepared
from consent_service.database import transaction
from consent_service.domain.kinds import Language
from consent_service.surveys import counting, queries, service
from consent_service.surveys.counting import Slice
from consent_service.surveys.queries import Details, Text
from consent_service.surveys.rules import Answers, Code, Kind, Mode, Option, Question
from consent_service.surveys.service import Draft
from consent_service.surveys.statistics import Cell, cells

FEW = 1_000
MANY = 100_000
ROUNDS = 15
DAYS = 60
AIM = "<= 5"
NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)
_RESPONSES = """
INSERT INTO survey_responses (survey_id, subject_id, language, answers, saved_pages, started_at, changed_at,
                              finished_on)
VALUES (?, ?, ?, ?, '[0]', '2026-05-03 12:00:00.000000', '2026-05-03 12:00:00.000000', ?)
"""
_TAKING_PART = "INSERT INTO survey_taking_part (survey_id, subject_id, day, is_mixed) VALUES (?, ?, ?, 0)"
_PARTICIPANTS = """
INSERT INTO survey_participants (public_id, survey_id, subject_id, registered_at, is_reminded)
VALUES (lower(hex(randomblob(16))), ?, ?, '2026-05-03 12:00:00.000000', 0)
"""


def main() -> None:
    """Measures both sizes, each in a service of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help=f"multiplies the {MANY} answers")
    many = int(MANY * parser.parse_args().scale)
    report("survey_results", _times(many), _times(FEW), "ms", AIM)


def _times(answers: int) -> list[float]:
    """Milliseconds of each request."""
    with prepared() as (folder, app):
        fill(folder / "consent.db", answers)
        survey = _survey()
        _answer(folder / "consent.db", survey, answers)
        client = signed_in(app)
        path = f"/staff/surveys/{survey.public_id}/results/"
        _check(client, path, answers)
        return [milliseconds(client, path) for _ in range(ROUNDS)]


def _survey() -> Details:
    """One question of each kind."""
    with transaction() as session:
        texts = {Language.GERMAN: Text("Umfrage", "", ""), Language.ENGLISH: Text("Survey", "", "")}
        public_id = service.create(session, Draft(Mode.NAMED, None, None, texts), "benchmark", NOW)
        for kind in Kind:
            service.put_question(session, public_id, _question(kind), "benchmark", NOW)
        service.publish(session, public_id, "benchmark", NOW)
        return queries.survey(session, public_id, NOW)


def _question(kind: Kind) -> Question:
    options = tuple(Option(f"o{number}", {Language.GERMAN: f"Antwort {number}"}) for number in range(1, 6))
    rows = tuple(Option(f"r{number}", {Language.GERMAN: f"Zeile {number}"}) for number in range(1, 4))
    return Question(Code(""), kind, {Language.GERMAN: kind.value}, options=options, rows=rows, lowest=1, highest=5)


def _answer(database: Path, survey: Details, answers: int) -> None:
    """Answers by everybody over two months, and the counts that the service keeps of them."""
    chance = random.Random(7)
    counts: defaultdict[Slice, Counter[Cell]] = defaultdict(Counter)
    rows = []
    for person in range(1, answers + 1):
        language = chance.choice(list(Language))
        day = NOW.date() + timedelta(days=chance.randrange(DAYS))
        given = _given(survey, chance, day)
        counts[Slice(language, day)].update(cells(survey.questions, given))
        rows.append((survey.id, person, language.value, json.dumps(given), day.isoformat()))
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN")
    connection.executemany(_RESPONSES, rows)
    connection.executemany(_TAKING_PART, [(row[0], row[1], row[4]) for row in rows])
    connection.executemany(_PARTICIPANTS, [row[:2] for row in rows])
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.close()
    with transaction() as session:
        for where, numbers in counts.items():
            counting.add(session, survey.id, where, numbers)
    folded = 1
    while folded:
        with transaction() as session:
            folded = counting.fold(session)


def _given(survey: Details, chance: random.Random, day: date) -> Answers:
    def value(question: Question) -> str | list[str] | dict[str, str]:
        match question.kind:
            case Kind.SEVERAL_OF:
                return chance.sample(question.choices, 2)
            case Kind.MATRIX:
                return {row.value: chance.choice(question.choices) for row in question.rows}
            case Kind.NUMBER:
                return str(chance.randint(0, 200))
            case Kind.DATE:
                return (day + timedelta(days=chance.randrange(90))).isoformat()
            case Kind.SHORT_TEXT | Kind.LONG_TEXT:
                return "Alles bestens."
            case _:
                return chance.choice(question.choices)

    return {question.code: value(question) for question in survey.questions}


def _check(client: FlaskClient, path: str, answers: int) -> None:
    """The page shows them all."""
    if f"{answers:,}".replace(",", ".") not in client.get(path).text:
        raise RuntimeError("the page does not show all answers")


if __name__ == "__main__":
    main()
