"""The worker's timetable: nobody waits for the end of a large piece of work."""

import threading

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from consent_service import clock, worker
from consent_service.database import reading
from consent_service.mailing import service as mailing
from consent_service.mailing.models import Mailing, Message
from consent_service.mailing.rules import MailKind
from tests.driving import add_people, sign_up
from tests.mailing.campaigning import begin_mailing, messages


def test_a_sign_up_is_answered_before_a_large_mailing_is_filled(
    visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(None, 5)
    begin_mailing()
    stop = threading.Event()

    def sign_up_after_the_first() -> None:
        if len(messages(Message.id)) == 1:
            sign_up(visitor, "late@example.org")

    def look() -> None:
        if is_filled() or is_answered():
            stop.set()

    by_one = worker.Task(
        "fill mailings", lambda session: mailing.fill(session, clock.now(), chunk=1), 1, sign_up_after_the_first
    )
    timetable = [by_one if task.name == by_one.name else task for task in worker.TIMETABLE]
    monkeypatch.setattr(worker, "TIMETABLE", (*timetable, worker.Job("look", look, 1)))
    monkeypatch.setattr(worker, "TURN_SECONDS", 0)
    worker._keep_timetable(stop)
    assert is_answered()
    assert not is_filled()


def is_answered() -> bool:
    return (MailKind.CONFIRMATION,) in messages(Message.kind)


def is_filled() -> bool:
    with reading() as session:
        return session.execute(sa.select(Mailing.is_filled)).scalar_one()


def test_a_task_that_is_not_through_goes_on_in_the_next_round(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[str] = []
    stop = threading.Event()

    def seldom() -> bool:
        turns.append("seldom")
        return turns.count("seldom") < 3

    def often() -> None:
        turns.append("often")
        if turns.count("often") == 4:
            stop.set()

    monkeypatch.setattr(worker, "TIMETABLE", (worker.Job("seldom", seldom, 300), worker.Job("often", often, 1)))
    monkeypatch.setattr(worker, "TURN_SECONDS", 0)
    worker._keep_timetable(stop)
    assert turns == ["seldom", "often"] * 3 + ["often"]
