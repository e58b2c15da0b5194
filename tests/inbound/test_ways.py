"""The three ways in: pipe, LMTP, IMAP. Acknowledged when stored; once, however often and whichever way."""

import os
import smtplib
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from consent_service import clock
from consent_service.config import Imap
from consent_service.database import transaction
from consent_service.domain.errors import Refused
from consent_service.inbound import handling, lmtp, polling, receiving
from consent_service.inbound.parsing import Envelope
from consent_service.inbound.receiving import Arrival
from consent_service.inbound.rules import InboundState, Way
from tests.conftest import environment, free_port, run_command
from tests.driving import add_people, everything, one_click_path
from tests.inbound.arriving import ON_SQLITE, RECIPIENT, Inbox, deliver, history, rows
from tests.inbound.arriving import lmtp as serving
from tests.inbound.imap_server import ImapServer
from tests.inbound.reading import mail
from tests.mailing.campaigning import wait_for

HELLO = b"From: anna@example.org\r\nTo: newsletter@beispiel.example\r\nSubject: Hello\r\n\r\nHello\r\n"


def receive(url: str, data: bytes, *arguments: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    """The pipe, as a mail server opens it."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("consent-service")), "inbound", "receive", *arguments],
        env={**os.environ, **environment(url, **more)},
        input=data,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_a_pipe_ends_with_0_once_it_is_stored(app: Flask, database_url: str) -> None:
    answer = receive(database_url, HELLO, "--sender", "", "--recipient", "b-abc@beispiel.example")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, b"", b"")
    (row,) = rows()
    assert (row.way, row.state, row.size, row.is_cut) == (Way.PIPE, InboundState.RECEIVED, len(HELLO), False)
    envelope, data = receiving.opened(row.content or b"", row.public_id)
    assert (envelope, data) == (Envelope("", ("b-abc@beispiel.example",)), HELLO)
    assert b"Hello" not in (row.content or b"")


@pytest.mark.parametrize(
    "broken",
    [{"DATABASE_URL": "sqlite:////nowhere/at/all.db"}, {"SECRET_KEYS": "short"}],
)
def test_a_pipe_ends_with_75_when_it_cannot_store(sqlite_url: str, broken: dict[str, str]) -> None:
    answer = receive(sqlite_url, HELLO, **broken)
    assert answer.returncode == os.EX_TEMPFAIL
    assert answer.stderr.startswith(b"consent-service: the mail cannot be stored now")


def test_a_pipe_keeps_the_beginning_of_what_is_too_large(sqlite_url: str) -> None:
    data = HELLO + b"x" * 2_000_000
    answer = receive(sqlite_url, data, INBOUND_MEGABYTES="1")
    assert answer.returncode == 0
    run_command(sqlite_url, "check")


def test_lmtp_answers_for_each_recipient_once_it_is_stored(app: Flask) -> None:
    with serving(app) as port, smtplib.LMTP("127.0.0.1", port) as client:
        client.ehlo_or_helo_if_needed()
        for recipient in ("b-1@beispiel.example", "b-2@beispiel.example"):
            client.docmd("MAIL FROM:<>") if recipient.startswith("b-1") else None
            assert client.docmd(f"RCPT TO:<{recipient}>")[0] == 250
        assert client.docmd("DATA")[0] == 354
        client.send(HELLO + b".\r\n")
        assert [client.getreply()[0] for _ in range(2)] == [250, 250]
        assert client.docmd("NOOP")[0] == 250
    (row,) = rows()
    envelope, data = receiving.opened(row.content or b"", row.public_id)
    assert (row.way, envelope.sender, envelope.recipients) == (
        Way.LMTP,
        "",
        ("b-1@beispiel.example", "b-2@beispiel.example"),
    )
    assert data == HELLO


def test_lmtp_asks_to_try_again_when_it_cannot_store(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise sa.exc.OperationalError("INSERT", {}, Exception("away"))

    monkeypatch.setattr(lmtp.receiving, "store", refuse)
    with serving(app) as port, pytest.raises(smtplib.SMTPDataError) as refused:
        deliver(port, HELLO, "", RECIPIENT)
    assert refused.value.smtp_code == 451
    assert rows() == []


@ON_SQLITE
def test_lmtp_takes_a_mail_to_an_address_that_is_no_text(app: Flask) -> None:
    """Where all of a domain comes in here, strangers write to whatever they like; a mail server would try for days."""
    commands = (b"LHLO x", b"MAIL FROM:<>", b"RCPT TO:<\xff@beispiel.example>", b"DATA", HELLO + b".")
    with (
        serving(app) as port,
        socket.create_connection(("127.0.0.1", port), 60) as client,
        client.makefile("rwb") as stream,
    ):
        for command in commands:
            while stream.readline()[3:4] == b"-":
                pass
            stream.write(command + b"\r\n")
            stream.flush()
        assert stream.readline() == b"250 2.0.0 Stored\r\n"
    assert len(rows()) == 1


@ON_SQLITE
def test_lmtp_refuses_what_is_too_large_and_says_so(app: Flask) -> None:
    with serving(app, largest=1000) as port:
        with pytest.raises(smtplib.SMTPResponseException) as announced:
            deliver(port, HELLO + b"x" * 2000, "", RECIPIENT)
        assert announced.value.smtp_code == 552
        with smtplib.LMTP("127.0.0.1", port) as client:
            client.ehlo_or_helo_if_needed()
            client.docmd("MAIL FROM:<>")
            for number in range(3):
                client.docmd(f"RCPT TO:<b-{number}@beispiel.example>")
            client.docmd("DATA")
            client.send(HELLO + (b"x" * 70 + b"\r\n") * 100 + b".\r\n")
            assert [client.getreply()[0] for _ in range(3)] == [552] * 3
            assert client.docmd("NOOP")[0] == 250
    assert rows() == []


def test_the_lmtp_service_runs_until_it_is_told_to_stop(sqlite_url: str) -> None:

    port = free_port()
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("consent-service")), "inbound", "serve"],
        env={**os.environ, **environment(sqlite_url, INBOUND_LMTP_PORT=str(port))},
        stderr=subprocess.PIPE,
    )
    try:
        wait_for(lambda: _answers(port))
        assert deliver(port, HELLO, "", RECIPIENT) == {}
        process.terminate()
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.communicate()


def test_the_lmtp_service_says_where_it_cannot_listen(sqlite_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = run_command(sqlite_url, "inbound", "serve", INBOUND_LMTP_PORT=port)
    assert answer.returncode == 1
    assert f"CONSENT_INBOUND_LMTP_PORT: 127.0.0.1:{port}" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_port_beyond_the_last_is_refused(sqlite_url: str) -> None:
    answer = run_command(sqlite_url, "check", INBOUND_LMTP_PORT="65536")
    assert "CONSENT_INBOUND_LMTP_PORT: must be a whole number from 1 to 65535, not '65536'" in answer.stderr


def _answers(port: int) -> bool:
    try:
        with smtplib.LMTP("127.0.0.1", port):
            return True
    except OSError:
        return False


@contextmanager
def mailbox_server(**options: bool) -> Iterator[ImapServer]:
    server = ImapServer(**options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def imap(port: int, password: str = "secret") -> Imap:
    return Imap("127.0.0.1", port, False, "inbound", password, "INBOX", "Stored")


def store(arrival: Arrival) -> None:
    with transaction() as session:
        receiving.store(session, arrival, clock.now())


@ON_SQLITE
@pytest.mark.parametrize("options", [{"has_move": True}, {"has_move": False, "has_uidplus": True}, {"has_move": False}])
def test_imap_moves_what_is_stored(app: Flask, options: dict[str, bool]) -> None:
    with mailbox_server(**options) as server:
        server.folders["INBOX"] = {1: HELLO, 5: HELLO.replace(b"Hello", b"Again"), 7: b""}
        assert polling.poll(imap(server.port), 1000, store) == 3
        assert server.folders["INBOX"] == {}
        assert sorted(server.folders["Stored"].values()) == sorted([HELLO, HELLO.replace(b"Hello", b"Again"), b""])
        assert polling.poll(imap(server.port), 1000, store) == 0
    assert [row.way for row in rows()] == [Way.IMAP] * 3
    envelope, data = receiving.opened(rows()[0].content or b"", rows()[0].public_id)
    assert (envelope, data) == (Envelope(None, ()), HELLO)


@ON_SQLITE
def test_imap_leaves_what_could_not_be_stored(app: Flask) -> None:
    def refuse(arrival: Arrival) -> None:
        if b"Second" in arrival.data:
            raise sa.exc.OperationalError("INSERT", {}, Exception("away"))
        store(arrival)

    with mailbox_server() as server:
        server.folders["INBOX"] = {1: HELLO, 2: b"Subject: Second\r\n\r\n"}
        with pytest.raises(sa.exc.OperationalError):
            polling.poll(imap(server.port), 1000, refuse)
        assert list(server.folders["INBOX"]) == [2]
    assert len(rows()) == 1


@ON_SQLITE
def test_imap_keeps_the_beginning_of_what_is_too_large(app: Flask) -> None:
    with mailbox_server() as server:
        server.folders["INBOX"] = {1: HELLO + b"x" * 5000}
        polling.poll(imap(server.port), 1000, store)
    (row,) = rows()
    assert (row.size, row.is_cut) == (len(HELLO) + 5000, True)


@ON_SQLITE
def test_imap_says_why_it_cannot(app: Flask) -> None:
    with mailbox_server() as server, pytest.raises(Refused, match="CONSENT_IMAP_URL"):
        polling.poll(imap(server.port, "wrong"), 1000, store)
    with pytest.raises(Refused, match="CONSENT_IMAP_URL"):
        polling.poll(imap(1), 1000, store)


@ON_SQLITE
def test_imap_passes_over_what_another_client_has_removed(app: Flask) -> None:
    with mailbox_server() as server:
        server.folders["INBOX"], server.gone = {7: HELLO}, [3, 4]
        server.flagged = {4}
        assert polling.poll(imap(server.port), 1000, store) == 1
        assert server.folders["INBOX"] == {}
    assert len(rows()) == 1


def test_polling_goes_on_while_the_database_is_away(sqlite_url: str, tmp_path: Path) -> None:
    database, log = sqlite_url.removeprefix("sqlite:///"), tmp_path / "log"
    with mailbox_server() as server, log.open("wb") as errors:
        variables = environment(sqlite_url, IMAP_URL=f"imap://inbound:secret@127.0.0.1:{server.port}")
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("consent-service")), "inbound", "poll", "--every", "1"],
            env={**os.environ, **variables},
            stderr=errors,
        )
        try:
            wait_for(lambda: b"0 mail(s) stored" in log.read_bytes())
            rename_table(database, "inbound_messages", "away")
            server.folders["INBOX"] = {1: HELLO}
            wait_for(lambda: b"mailbox cannot be emptied now" in log.read_bytes())
            assert list(server.folders["INBOX"]) == [1]
            rename_table(database, "away", "inbound_messages")
            wait_for(lambda: server.folders["INBOX"] == {})
            assert process.poll() is None
        finally:
            process.kill()
            process.wait()


def rename_table(database: str, old: str, new: str) -> None:
    """The database does not serve, and serves again."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"ALTER TABLE {old} RENAME TO {new}")


def test_polling_by_the_command(sqlite_url: str) -> None:
    with mailbox_server() as server:
        server.folders["INBOX"] = {1: HELLO}
        answer = run_command(sqlite_url, "inbound", "poll", IMAP_URL=f"imap://inbound:secret@127.0.0.1:{server.port}")
    assert (answer.returncode, answer.stderr) == (0, "1 mail(s) stored.\n")
    unset = run_command(sqlite_url, "inbound", "poll")
    assert (unset.returncode, "CONSENT_IMAP_URL is not set" in unset.stderr) == (1, True)


def test_the_same_mail_by_every_way_is_one(app: Flask, database_url: str) -> None:
    recipient = "b-abc@beispiel.example"
    added = b"Return-Path: <>\nReceived: from mx.example\n\tby relay.example; Sun, 3 May 2026 10:00:00 +0200\n"
    with serving(app) as port:
        for _ in range(2):
            deliver(port, HELLO, "", recipient)
    with_trace = added + HELLO.replace(b"\r\n", b"\n")
    receive(database_url, with_trace, "--recipient", recipient)
    store(Arrival(Way.IMAP, Envelope(None, ()), f"Delivered-To: {recipient}\r\n".encode() + HELLO, 1))
    assert len(rows()) == 1
    store(Arrival(Way.IMAP, Envelope(None, ()), b"Delivered-To: b-other@beispiel.example\r\n" + HELLO, 1))
    assert len(rows()) == 2


def test_two_workers_handle_each_mail_once(app: Flask) -> None:
    people = add_people(None, 20)
    for number in range(20):
        address = f"person{number}@example.org"
        token = one_click_path(address).rpartition("/")[2]
        ours = {"recipient": address, "token": token}
        store(Arrival(Way.LMTP, Envelope(address, ()), mail("unsubscribe-thunderbird", **ours), 1))
    meet = threading.Barrier(2)
    handled: list[int] = []

    def work() -> None:
        with app.app_context():
            meet.wait()
            more = True
            while more:
                with transaction() as session:
                    more = handling.handle_next(session, clock.now())
                handled.append(more)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(handled) == 20
    assert {row.state for row in rows()} == {InboundState.HANDLED}
    assert [history(person) for person in people] == [[("withdrawn", "email")]] * 20


def test_a_mail_whose_handling_fails_is_marked_and_never_tried_again(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def fail(*_: object) -> None:
        tried.append(1)
        raise KeyError("anna@example.org")

    monkeypatch.setattr(handling.service, "handle", fail)
    before = everything()
    row = inbox.take("unsubscribe-thunderbird")
    inbox.worker.settle()
    assert (row.state, row.error, len(tried)) == (InboundState.FAILED, "KeyError", 1)
    after = everything()
    assert {table for table in after if after[table] != before[table]} == {"inbound_messages"}


def test_what_the_database_refuses_for_a_while_is_tried_again(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise sa.exc.OperationalError("SELECT", {}, Exception("deadlock"))

    deliver(inbox.port, mail("unsubscribe-thunderbird", **inbox.sent.ours), RECIPIENT, "newsletter@beispiel.example")
    with monkeypatch.context() as patched, transaction() as session:
        patched.setattr(handling.service, "handle", refuse)
        with pytest.raises(sa.exc.OperationalError):
            handling.handle_next(session, clock.now())
    assert rows()[0].state is InboundState.RECEIVED
    inbox.worker.settle()
    assert rows()[0].state is InboundState.HANDLED
