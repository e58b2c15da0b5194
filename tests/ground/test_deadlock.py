"""Two transactions that wait for each other on PostgreSQL: one wins, the other is told to come again."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from consent_service import worker
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import SubjectId
from consent_service.extensions import staff_forms
from consent_service.subjects import service as subjects
from consent_service.subjects.models import Subject
from consent_service.worker import Task
from tests.driving import add_people, text_of

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def people(app: Flask) -> list[SubjectId]:
    return add_people(None, 2)


def names() -> list[str | None]:
    with reading() as session:
        return list(session.execute(sa.select(Subject.name).order_by(Subject.id)).scalars())


def rename_both(
    session: Session, first: SubjectId, second: SubjectId, name: str, between: Callable[[], object]
) -> None:
    """Takes one person's lock and then the other's, which no code of ours does in any but one order."""
    for person, then in ((first, between), (second, lambda: None)):
        subjects.lock(session, person)
        subjects.rename(session, person, name)
        session.flush()
        then()


def test_one_request_wins_and_the_other_is_told_to_come_again(app: Flask, people: list[SubjectId]) -> None:
    barrier = threading.Barrier(2)
    meet: list[Callable[[], object]] = [barrier.wait]

    @app.post("/swap/<int:first>/<int:second>")
    @staff_forms.exempt
    def swap(first: SubjectId, second: SubjectId) -> str:
        with transaction() as session:
            rename_both(session, first, second, f"by {first}", meet[0])
        return "done"

    paths = [f"/swap/{first}/{second}" for first, second in (people, reversed(people))]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda path: app.test_client(use_cookies=False).post(path), paths))
    lost, won = sorted(range(2), key=lambda number: answers[number].status_code, reverse=True)
    assert (answers[won].status_code, answers[lost].status_code) == (200, 503)
    assert answers[lost].headers["Retry-After"] == "5"
    assert "nichts geändert" in text_of(answers[lost].text)
    assert names() == [f"by {people[won]}"] * 2
    meet[0] = lambda: None
    assert app.test_client(use_cookies=False).post(paths[lost]).status_code == 200
    assert names() == [f"by {people[lost]}"] * 2


def test_a_task_of_the_worker_that_lost_does_its_work_at_the_next_tick(
    app: Flask, people: list[SubjectId], monkeypatch: pytest.MonkeyPatch
) -> None:
    barrier, stop, attempts = threading.Barrier(2), threading.Event(), []

    def work(session: Session) -> None:
        attempts.append("begun")
        rename_both(session, *people, "by the worker", barrier.wait if len(attempts) == 1 else lambda: None)
        stop.set()

    monkeypatch.setattr(worker, "TIMETABLE", (Task("swap", work, 1),))
    monkeypatch.setattr(worker, "RESTART_SECONDS", 0)
    with ThreadPoolExecutor(1, initializer=lambda: app.app_context().push()) as pool:
        timetable = pool.submit(worker._keep_timetable, stop)
        with transaction() as session:
            session.execute(sa.text("SET LOCAL deadlock_timeout = '1min'"))  # so that the other one loses
            rename_both(session, *reversed(people), "by the other", barrier.wait)
        timetable.result(timeout=60)
    assert len(attempts) == 2
    assert names() == ["by the worker"] * 2
