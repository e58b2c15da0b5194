"""One answer per person, also when two send at once; and no answer is lost while batches are mixed."""

import threading
from collections import Counter
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from consent_service import clock, create_app
from consent_service.database import reading, transaction
from consent_service.extensions import database, limiter, settings
from consent_service.surveys import results, service, tasks
from consent_service.surveys.models import SurveyAnonymousAnswer, SurveyTakingPart, SurveyWaitingAnswer
from consent_service.surveys.rules import Code, Kind, Mode
from tests.driving import Worker
from tests.surveys.driving import Participant, built, people, question, survey_of

TABS = 6


def at_once(app: Flask, acts: list[Callable[[FlaskClient], object]]) -> None:
    """Each in a thread and an application of its own, as in processes of their own, begun together."""
    barrier = threading.Barrier(len(acts))
    failed: list[BaseException] = []

    def run(act: Callable[[FlaskClient], object], other: Flask) -> None:
        client = other.test_client(use_cookies=False)
        barrier.wait()
        try:
            act(client)
        except BaseException as error:
            failed.append(error)

    configuration = settings()
    others = [create_app(configuration) for _ in acts]
    threads = [threading.Thread(target=run, args=pair) for pair in zip(acts, others, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        with other.app_context():
            database.engine.dispose()
    assert failed == []


def count(model: type[object]) -> int:
    """How many rows there are."""
    with reading() as session:
        return session.execute(sa.select(sa.func.count()).select_from(model)).scalar_one()


def test_two_tabs_that_send_an_anonymous_answer_at_once_give_one(app: Flask, visitor: FlaskClient) -> None:
    survey = built(Mode.ANONYMOUS, [question(Kind.LONG_TEXT)])
    (anna,) = people(visitor, survey, 1)
    statuses: list[int] = []

    def send(client: FlaskClient) -> None:
        answer = client.post(f"{anna.path}/answer", data={"go": "send", "q1": "mine"})
        statuses.append(answer.status_code)

    at_once(app, [send] * TABS)
    assert statuses == [303] * TABS
    assert (count(SurveyTakingPart), count(SurveyWaitingAnswer)) == (1, 1)


def test_two_tabs_that_send_named_answers_at_once_count_once(app: Flask, visitor: FlaskClient, worker: Worker) -> None:
    survey = built(Mode.NAMED, [question(Kind.ONE_OF)])
    (anna,) = people(visitor, survey, 1)

    def send(client: FlaskClient) -> None:
        assert client.post(f"{anna.path}/page/0", data={"q1": "o2"}).status_code == 303
        assert client.post(f"{anna.path}/review").status_code == 303

    at_once(app, [send] * TABS)
    worker.work()
    with reading() as session:
        found = results.for_staff(session, survey_of(survey.public_id), results.Wanted())
    assert found.total == 1
    assert [share.number for share in found.of(Code("q1")).shares] == [0, 1, 0]
    assert count(SurveyTakingPart) == 1


def test_no_answer_is_lost_while_batches_are_mixed_and_the_survey_closes(app: Flask, visitor: FlaskClient) -> None:
    survey = built(Mode.ANONYMOUS, [question(Kind.SHORT_TEXT)])
    participants = people(visitor, survey, 36)
    arrived: list[int] = []

    def answering(share: list[tuple[int, Participant]]) -> Callable[[FlaskClient], None]:
        def answer(client: FlaskClient) -> None:
            for number, one in share:
                done = client.post(f"{one.path}/answer", data={"go": "send", "q1": f"mine {number}"})
                if "done=sent" in done.headers["Location"]:
                    arrived.append(number)

        return answer

    def mixing(client: FlaskClient) -> None:
        with client.application.app_context():
            while len(arrived) < 25:
                for task in (tasks.mix_answers, tasks.destroy_ended_keys):
                    with transaction() as session:
                        task(session)
            with transaction() as session:
                service.close(session, survey.public_id, "test", clock.now())

    numbered = list(enumerate(participants))
    at_once(app, [mixing, *(answering(numbered[part::3]) for part in range(3))])
    is_left = True
    while is_left:
        with transaction() as session:
            is_left = tasks.mix_answers(session)
    with reading() as session:
        rows = session.execute(sa.select(SurveyAnonymousAnswer.answers)).scalars().all()
    assert Counter(row[Code("q1")] for row in rows) == Counter(f"mine {number}" for number in arrived)
    assert count(SurveyTakingPart) == len(arrived)


@pytest.fixture(autouse=True)
def _no_limits(app: Flask) -> None:
    """Each test begins with fresh counters."""
    limiter.reset()
