"""The page of the staff and the worker that makes its checks; the warning before a large campaign."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from consent_service import clock, worker
from consent_service.application import create_app
from consent_service.cli import commands
from consent_service.config import from_environment
from consent_service.database import reading, transaction
from consent_service.deliverability import queries, service, tasks
from consent_service.deliverability.models import DeliverabilityCheck
from consent_service.deliverability.rules import findings
from consent_service.extensions import database
from tests.campaigns.test_campaigns import post, write
from tests.conftest import environment
from tests.deliverability.conftest import variables
from tests.dns_lookup.dns_server import Names
from tests.driving import add_people, add_person, heading, text_of
from tests.mailing.campaigning import wait_for

PAGE = "/staff/deliverability/"


def _checks() -> int:
    with reading() as session:
        return session.execute(sa.select(sa.func.count()).select_from(DeliverabilityCheck)).scalar_one()


def _work() -> bool:
    return tasks.check_if_asked(threading.Event())


def test_from_the_button_to_the_record_to_copy(staff_client: FlaskClient, names: Names) -> None:
    names.table["_dmarc.beispiel.example", "TXT"] = ['"v=DMARC1; p=none"']
    first = staff_client.get(PAGE).text
    assert heading(first) == "Deliverability"
    assert "No check was made yet" in text_of(first)
    assert not _work()
    for _ in range(2):
        assert post(staff_client, f"{PAGE}check", "/staff/campaigns/new").status_code == 303
    assert _checks() == 1
    waiting = text_of(staff_client.get(PAGE).text)
    assert "A check is under way." in waiting
    assert "Check now" not in waiting
    assert _work()
    done = staff_client.get(PAGE).text
    words = text_of(done)
    assert "Last checked" in words
    assert "Something is wrong" in words  # no https here
    assert "anybody may pass for you" in words
    assert "v=DMARC1; p=quarantine; rua=mailto:postmaster@beispiel.example" in words
    assert "Check again" in words
    assert not _work()
    german = text_of(staff_client.get(f"{PAGE}?lang=de").text)
    assert "Zustellbarkeit" in german
    assert "Es gibt genau einen Eintrag" in german


def test_one_worker_takes_a_check_and_another_one_only_after_its_death(app: Flask) -> None:
    now = clock.now()
    with transaction() as session:
        service.request(session, now)
        first = service.begin_next(session, now, is_public=False)
    assert first is not None
    with transaction() as session:
        assert service.begin_next(session, now, is_public=False) is None
    later = now + service.ABANDONED_AFTER + timedelta(seconds=1)
    with transaction() as session:
        assert service.begin_next(session, later, is_public=False) == first


def test_two_workers_at_once_make_one_check(app: Flask, names: Names) -> None:
    with transaction() as session:
        service.request(session, clock.now())
    done: list[bool] = []

    def work() -> None:
        with app.app_context():
            done.append(_work())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [False, False, False, True]


def test_a_check_that_is_broken_off_is_left_to_the_next_worker(app: Flask) -> None:
    with transaction() as session:
        service.request(session, clock.now())
    stopped = threading.Event()
    stopped.set()
    assert not tasks.check_if_asked(stopped)
    with reading() as session:
        assert queries.last(session) is None
        assert service.is_waiting(session, clock.now())


def test_a_service_with_a_public_address_is_checked_once_a_day(database_url: str, names: Names) -> None:
    more = {**variables(names), "BASE_URL": "https://consent.beispiel.example"}
    app = create_app(from_environment(environment(database_url, 1, **more)))
    with app.app_context():
        assert _work()
        assert not _work()
        with time_machine.travel(clock.now() + timedelta(hours=24), tick=False):
            assert _work()
        assert _checks() == 2
        database.engine.dispose()


def test_old_checks_are_forgotten(app: Flask) -> None:
    for _ in range(service.CHECKS_KEPT + 3):
        with transaction() as session:
            service.record(session, [], clock.now(), clock.now())
    assert _checks() == service.CHECKS_KEPT


def test_the_worker_makes_the_checks_that_are_asked_for(app: Flask) -> None:
    with transaction() as session:
        service.request(session, clock.now())
    stop = threading.Event()
    running = threading.Thread(target=worker.run, args=(app, stop))
    running.start()
    try:
        wait_for(is_checked)
    finally:
        stop.set()
        running.join()


def is_checked() -> bool:
    with reading() as session:
        return queries.last(session) is not None


def test_a_large_campaign_warns_and_is_sent_all_the_same(
    staff_client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "LARGE_CAMPAIGN", 3)  # a thousand people take their time
    add_people(None, findings.LARGE_CAMPAIGN)
    path = write(staff_client)
    number = path.rpartition("/")[2]
    assert "may not all arrive" not in staff_client.get(f"{path}/check").text
    with transaction() as session:
        add_person(session, findings.LARGE_CAMPAIGN, "newsletter")
    never = text_of(staff_client.get(f"{path}/check").text)
    assert "Nobody has checked yet whether mail from here arrives." in never
    with transaction() as session:
        service.request(session, clock.now())
    assert _work()
    red = staff_client.get(f"{path}/check").text
    assert "found something that is wrong" in text_of(red)
    assert f'href="{PAGE}"' in red
    done = app.test_cli_runner().invoke(commands, ["campaign", "send", number, "--dry-run"])
    assert "warning: the last deliverability check found something wrong" in done.stderr
    assert post(staff_client, f"{path}/send", f"{path}/check").status_code == 303
