"""Anonymous surveys: answered once, kept apart, mixed ten at a time, and at the end all of them."""

import stat
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.kinds import Language
from consent_service.surveys import keys, mixing, results, service
from consent_service.surveys.models import (
    SurveyAnonymousAnswer,
    SurveyTakingPart,
    SurveyWaitingAnswer,
)
from consent_service.surveys.queries import Details
from consent_service.surveys.results import Results, Wanted
from consent_service.surveys.rules import Code, Kind, Mode
from tests.driving import Worker, everything, text_of
from tests.surveys.driving import Participant, built, fields_in, people, question, survey_of

QUESTIONS = (question(Kind.ONE_OF, is_required=True), question(Kind.LONG_TEXT, begins_page=True))


@pytest.fixture
def survey(app: Flask) -> Details:
    """An open anonymous survey with a choice and a text."""
    return built(Mode.ANONYMOUS, QUESTIONS)


def send_all(participants: list[Participant], begin: int = 0) -> None:
    """Each sends a choice and a text that names its number."""
    for number, one in enumerate(participants, begin):
        assert one.answer_anonymously(q1=f"o{number % 3 + 1}", q2=f"text {number}").status_code == 303


def shown(survey: Details, language: str = "") -> Results:
    """What staff see."""
    with reading() as session:
        return results.for_staff(session, survey_of(survey.public_id), Wanted(language))


def kept(survey: Details) -> list[str]:
    """The texts of all mixed answers."""
    with reading() as session:
        rows = session.execute(sa.select(SurveyAnonymousAnswer.answers)).scalars()
        return sorted(row[Code("q2")] for row in rows)


def waiting() -> int:
    """How many answers wait."""
    with reading() as session:
        return session.execute(sa.select(sa.func.count()).select_from(SurveyWaitingAnswer)).scalar_one()


def close(survey: Details) -> None:
    """Staff close it."""
    with transaction() as session:
        service.close(session, survey.public_id, "test", clock.now())


def test_nothing_is_kept_before_the_answers_are_sent(visitor: FlaskClient, survey: Details) -> None:
    (anna,) = people(visitor, survey, 1)
    before = everything()
    first = visitor.post(f"{anna.path}/answer").text
    assert "Page 1 of 2" in first
    second = visitor.post(f"{anna.path}/answer", data={**fields_in(first), "go": "next", "q1": "o2"}).text
    assert "Page 2 of 2" in second
    review = visitor.post(f"{anna.path}/answer", data={**fields_in(second), "go": "next", "q2": "Hi"}).text
    assert "Check your answers" in review
    assert "Antwort 2" in text_of(review)
    back = visitor.post(f"{anna.path}/answer", data={**fields_in(review), "go": "page-0"}).text
    assert 'value="o2" checked' in back
    assert everything() == before
    done = visitor.post(f"{anna.path}/answer", data={**fields_in(review), "go": "send"})
    assert done.status_code == 303
    assert "Your answers have arrived" in visitor.get(done.headers["Location"]).text
    assert waiting() == 1


def test_a_mistake_loses_nothing(visitor: FlaskClient, survey: Details) -> None:
    (anna,) = people(visitor, survey, 1)
    answer = visitor.post(f"{anna.path}/answer", data={"go": "next", "page": "1", "q1": "o2", "q2": "x" * 10_001})
    assert answer.status_code == 400
    assert "it has 10001" in answer.text
    assert "x" * 10_001 in answer.text
    assert fields_in(answer.text)["q1"] == ["o2"]
    missing = visitor.post(f"{anna.path}/answer", data={"go": "send", "q2": "only this"})
    assert "Page 1 of 2" in missing.text
    assert fields_in(missing.text)["q2"] == ["only this"]
    assert waiting() == 0


def test_each_person_answers_once(visitor: FlaskClient, survey: Details) -> None:
    (anna,) = people(visitor, survey, 1)
    send_all([anna, anna])
    assert waiting() == 1
    for path in (anna.path, anna.old):
        page = visitor.get(path).text
        assert "You took part on" in page
        assert "nobody can show or change them any more" in page
    assert visitor.get(f"{anna.path}/page/0").status_code == 404
    assert visitor.post(f"{anna.path}/delete").status_code == 404


def test_ten_are_mixed_five_of_them_shown_and_the_key_destroyed(
    visitor: FlaskClient, worker: Worker, survey: Details
) -> None:
    participants = people(visitor, survey, 12)
    send_all(participants[:9])
    worker.work()
    assert (waiting(), kept(survey), shown(survey).total) == (9, [], 0)
    (key,) = keys.existing()
    send_all(participants[9:10], 9)
    worker.work()
    assert waiting() == 0
    assert kept(survey) == sorted(f"text {number}" for number in range(10))
    assert shown(survey).total == 5
    assert key not in keys.existing()
    send_all(participants[10:], 10)
    worker.work()
    assert (waiting(), shown(survey).total) == (2, 5)
    close(survey)
    worker.work()
    assert (waiting(), shown(survey).total, len(kept(survey))) == (0, 12, 12)
    assert keys.existing() == set()
    with reading() as session:
        days = session.execute(sa.select(SurveyTakingPart.is_mixed)).scalars().all()
    assert days == [True] * 12


def test_the_end_comes_by_itself(app: Flask, visitor: FlaskClient, worker: Worker) -> None:
    survey = built(Mode.ANONYMOUS, QUESTIONS, closes_at=clock.now() + timedelta(hours=1))
    participants = people(visitor, survey, 7)
    send_all(participants[:6])
    with time_machine.travel(clock.now() + timedelta(hours=2), tick=False):
        assert "This survey is over" in participants[6].start()
        assert participants[6].answer_anonymously(q1="o1").status_code == 303
        worker.work()
        assert (waiting(), len(kept(survey)), shown(survey).total) == (0, 6, 6)


def test_fewer_than_five_are_deleted_unseen(visitor: FlaskClient, worker: Worker, survey: Details) -> None:
    send_all(people(visitor, survey, 4))
    close(survey)
    worker.work()
    assert (waiting(), kept(survey), shown(survey).total) == (0, [], 0)


def test_each_language_waits_for_its_own_ten_and_few_do_not_say_theirs(
    visitor: FlaskClient, worker: Worker, survey: Details
) -> None:
    english, german = people(visitor, survey, 10), people(visitor, survey, 3, Language.GERMAN)
    send_all(english)
    for one in german:
        visitor.post(f"{one.path}/answer?lang=de", data={"go": "send", "q1": "o1", "q2": "deutsch"})
    worker.work()
    assert waiting() == 3
    assert (shown(survey).languages, shown(survey, "en").total) == (["en"], 5)
    close(survey)
    worker.work()
    found = shown(survey, "en")
    assert (found.total, list(found.languages), found.wanted.language) == (13, [], "")
    with reading() as session:
        assert set(session.execute(sa.select(SurveyAnonymousAnswer.language)).scalars()) == {None}


def test_languages_stay_where_there_are_enough_of_each(visitor: FlaskClient, worker: Worker, survey: Details) -> None:
    send_all(people(visitor, survey, 6))
    for one in people(visitor, survey, 5, Language.GERMAN):
        visitor.post(f"{one.path}/answer?lang=de", data={"go": "send", "q1": "o1"})
    close(survey)
    worker.work()
    assert [shown(survey, language).total for language in ("", "de", "en")] == [11, 5, 6]


def test_a_question_that_few_have_answered_is_withheld(visitor: FlaskClient, worker: Worker, survey: Details) -> None:
    for number, one in enumerate(people(visitor, survey, 8)):
        one.answer_anonymously(q1="o1", q2="rare" if number < 3 else "")
    close(survey)
    worker.work()
    found = shown(survey)
    assert found.withheld == {Code("q2")}
    assert found.of(Code("q1")).answered == 8


def test_keys_are_this_users_alone(visitor: FlaskClient, survey: Details, tmp_path: Path) -> None:
    send_all(people(visitor, survey, 1))
    folder = tmp_path / "survey-keys"
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_answer_whose_key_is_lost_stops_nothing(
    visitor: FlaskClient, worker: Worker, survey: Details, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    participants = people(visitor, survey, 9)
    send_all(participants[:3])
    for file in (tmp_path / "survey-keys").iterdir():
        file.unlink()
    send_all(participants[3:], 3)
    close(survey)
    worker.work()
    assert (waiting(), len(kept(survey))) == (0, 6)
    assert "cannot be read" in capsys.readouterr().out


def test_a_crash_between_the_mixing_and_the_end_of_the_key_is_made_good(
    visitor: FlaskClient, worker: Worker, survey: Details
) -> None:
    send_all(people(visitor, survey, 10))
    with transaction() as session:
        assert mixing.mix_next(session, clock.now(), Random(1))
    assert len(keys.existing()) == 1
    worker.work()
    assert keys.existing() == set()
