"""Through real processes: one answer per person, also when two send at once; none is lost while batches are mixed."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.surveys import results, service
from consent_service.surveys.models import SurveyAnonymousAnswer, SurveyTakingPart, SurveyWaitingAnswer
from consent_service.surveys.rules import Code, Kind, Mode
from tests.driving import Mailbox, Worker
from tests.mailing.campaigning import wait_for, worker_process
from tests.serving import at_once, post, web_processes
from tests.surveys.driving import Participant, built, people, question, survey_of

TABS = 6
PEOPLE, CLIENTS = 36, 3


@pytest.fixture
def keys(tmp_path: Path) -> str:
    """The folder of the batches' keys, which all processes share."""
    return str(tmp_path / "survey-keys")


@pytest.fixture
def port(app: Flask, database_url: str, keys: str) -> Iterator[int]:
    """Where three processes serve the test's database."""
    with web_processes(database_url, processes=3, SURVEY_KEYS=keys) as port:
        yield port


def count(model: type[object]) -> int:
    """How many rows there are."""
    with reading() as session:
        return session.execute(sa.select(sa.func.count()).select_from(model)).scalar_one()


def test_two_tabs_that_send_at_once_give_one_answer(
    app: Flask, visitor: FlaskClient, worker: Worker, port: int
) -> None:
    anonymous, named = built(Mode.ANONYMOUS, [question(Kind.LONG_TEXT)]), built(Mode.NAMED, [question(Kind.ONE_OF)])
    (nameless,), (anna,) = people(visitor, anonymous, 1), people(visitor, named, 1)

    def send(words: str) -> None:
        assert post(port, f"{nameless.path}/answer", go="send", q1=words).status == 303
        assert post(port, f"{anna.path}/page/0", q1="o2").status == 303
        assert post(port, f"{anna.path}/review").status == 303

    at_once(send, [f"mine {tab}" for tab in range(TABS)], TABS)
    assert (count(SurveyTakingPart), count(SurveyWaitingAnswer)) == (2, 1)
    worker.work()
    with reading() as session:
        found = results.for_staff(session, survey_of(named.public_id), results.Wanted())
    assert found.total == 1
    assert [share.number for share in found.of(Code("q1")).shares] == [0, 1, 0]


def test_no_answer_is_lost_while_batches_are_mixed_and_the_survey_closes(
    app: Flask, visitor: FlaskClient, database_url: str, mailbox: Mailbox, port: int, keys: str
) -> None:
    survey = built(Mode.ANONYMOUS, [question(Kind.SHORT_TEXT)])
    participants = people(visitor, survey, PEOPLE)
    arrived: list[str] = []

    def answer(one: Participant) -> None:
        words = f"mine {one.public_id}"
        if "done=sent" in post(port, f"{one.path}/answer", go="send", q1=words).location:
            arrived.append(words)
        if one is participants[PEOPLE * 2 // 3]:
            with app.app_context(), transaction() as session:
                service.close(session, survey.public_id, "test", clock.now())

    with worker_process(database_url, mailbox.port, SURVEY_KEYS=keys):
        at_once(answer, participants, CLIENTS)
        wait_for(lambda: survey_of(survey.public_id).is_finished)
    with reading() as session:
        rows = session.execute(sa.select(SurveyAnonymousAnswer.answers)).scalars().all()
    assert Counter(row[Code("q1")] for row in rows) == Counter(arrived)
    assert count(SurveyTakingPart) == len(arrived)
