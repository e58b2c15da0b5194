"""One loop that carries several connections: each goes its own way, and none is waited for by the others."""

import asyncio
import random
import smtplib
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as SmtpSession
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from consent_service import clock
from consent_service.database import transaction
from consent_service.domain.kinds import Language
from consent_service.limits import service as limits
from consent_service.mailing import carrier as carrying
from consent_service.mailing import claiming, handover, smtp
from consent_service.mailing import service as mailing
from consent_service.mailing.carrier import Carrier
from consent_service.mailing.composition import MailingText, Text
from consent_service.mailing.handover import Outcome
from consent_service.mailing.models import Message
from consent_service.mailing.replies import Replies
from consent_service.mailing.rules import CONNECTION_LOST, Lane, Reply
from consent_service.notice import queries as notice
from consent_service.subjects.models import Subject
from tests.conftest import free_port
from tests.driving import add_people
from tests.mailing import certificates
from tests.mailing.campaigning import (
    IMPATIENT,
    change_messages,
    messages,
    service,
    start_mailing,
    states,
    wait_for,
)
from tests.mailing.servers import Recorder, scripted, serving

PEOPLE = 40
CONNECTIONS = 4


@pytest.fixture
def in_background() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def running(database_url: str, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """A service in which a mailing to some people waits, of whom each connection claims a few at a time."""
    monkeypatch.setitem(carrying.BATCH, Lane.BULK, 5)
    monkeypatch.setattr("consent_service.mailing.line.pause_before_reconnect", lambda *_: timedelta(0))
    with service(database_url, port) as app:
        add_people(None, PEOPLE)
        start_mailing()
        yield app


@pytest.fixture
def carrier(running: Flask) -> Iterator[Carrier]:
    with Carrier(Lane.BULK, threading.Event(), CONNECTIONS) as carrier:
        yield carrier


def carry_all(carrier: Carrier) -> None:
    while carrier.carry_batch():
        pass


@pytest.mark.parametrize("pipelines", [True, False])
def test_everybody_is_sent_to_over_all_of_them(carrier: Carrier, port: int, pipelines: bool) -> None:
    with serving(Recorder(pipelines=pipelines, seconds_per_mail=0.01), port) as server:
        carry_all(carrier)
    assert states() == {"sent": PEOPLE}
    assert set(server.recipients().values()) == {1}
    assert len(server.connections) == CONNECTIONS
    assert {one.connection for one in server.taken} == {id(session) for session in server.connections}


def test_what_they_need_at_the_same_time_is_decided_together(
    carrier: Carrier, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided, step = [], handover.step

    def counting(session: object, done: object, claims: list[object], now: object) -> object:
        decided.append(len(claims))
        return step(session, done, claims, now)

    monkeypatch.setattr(handover, "step", counting)
    with serving(Recorder(), port):
        carry_all(carrier)
    assert sum(decided) == PEOPLE
    assert max(decided) > 1


class Dawdling(Recorder):
    """Answers to the mail of the one person only when told."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = False

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: Envelope) -> str:
        while envelope.rcpt_tos == ["person0@example.org"] and not self.may_answer:
            await asyncio.sleep(0.01)
        return await super().handle_DATA(server, session, envelope)


def test_a_slow_answer_holds_up_its_own_connection_only(carrier: Carrier, port: int) -> None:
    with serving(Dawdling(), port) as server:
        while len(server.taken) < PEOPLE - 5:  # what its connection had claimed
            assert carrier.carry_batch()
        assert "person0@example.org" not in server.recipients()
        server.may_answer = True
        carry_all(carrier)
    assert states() == {"sent": PEOPLE}
    assert set(server.recipients().values()) == {1}


@contextmanager
def silent_at(number: int, port: int, behind: int) -> Iterator[None]:
    """In front of a server: passes every connection on but one, to which nobody says a word."""
    listener, turns = socket.create_server(("127.0.0.1", port)), count(1)
    kept: list[socket.socket] = []

    def pass_on(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            kept.append(client)
            if next(turns) == number:
                continue
            server = socket.create_connection(("127.0.0.1", behind))
            kept.append(server)
            for pair in ((client, server), (server, client)):
                threading.Thread(target=pass_on, args=pair, daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=5)
        for one in kept:
            one.close()


def test_a_connection_that_is_long_in_opening_holds_up_nobody(carrier: Carrier, port: int) -> None:
    behind = free_port()
    with serving(Recorder(), behind) as server, silent_at(2, port, behind):
        while len(server.taken) < PEOPLE - 5:
            assert carrier.carry_batch()
        assert len(server.connections) == CONNECTIONS - 1
    with serving(Recorder(), port) as later:
        carry_all(carrier)
    assert states() == {"sent": PEOPLE}
    assert set((server.recipients() + later.recipients()).values()) == {1}


def test_refusals_at_random_lose_and_double_nothing(carrier: Carrier, port: int) -> None:
    chance = random.Random(2920)

    def at_random(_: str) -> str | None:
        return chance.choice([None, None, None, "450 4.2.0 later"])

    refuse = Recorder(reply_to_recipient=at_random, reply_to_data=at_random, hang_up_in_data=8)
    with serving(refuse, port) as server:
        while states() != {"sent": PEOPLE}:
            change_messages(not_before=clock.now())
            carry_all(carrier)
    assert set(server.recipients().values()) == {1}
    assert len(server.taken) == PEOPLE
    assert {row.attempts for row in messages(Message.attempts)} > {1}


def test_an_outcome_is_heard_though_the_database_fails_for_another_connection(
    carrier: Carrier, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent to the server when it failed is waited for, and written down when it is back."""
    turns, is_away = count(1), threading.Event()

    def away_from_the_sixth(work: Callable[..., object]) -> Callable[..., object]:
        def tried(*arguments: object) -> object:
            if work is step and next(turns) == 6:
                is_away.set()
            if is_away.is_set():
                raise sa.exc.OperationalError("step", {}, Exception("the database went away"))
            return work(*arguments)

        return tried

    step = handover.step
    monkeypatch.setattr(handover, "step", away_from_the_sixth(step))
    monkeypatch.setattr(handover, "record", away_from_the_sixth(handover.record))
    with serving(Recorder(seconds_per_mail=0.05), port) as server:
        with pytest.raises(sa.exc.OperationalError):
            carrier.run()
        assert states()["sent"] < len(server.taken)
        is_away.clear()
        change_messages(lease_until=clock.now())
        with transaction() as session:
            claiming.take_up_abandoned(session)
        carry_all(carrier)
    assert states() == {"sent": PEOPLE}
    assert set(server.recipients().values()) == {1}


def test_refusals_lock_the_rows_of_one_provider_at_a_time(
    postgresql_url: str, port: int, monkeypatch: pytest.MonkeyPatch, in_background: ThreadPoolExecutor
) -> None:
    """Those of several connections come in any order, and a claim locks all providers in one."""
    record, first = handover.record, threading.Event()

    def slowly(session: Session, outcome: Outcome) -> None:
        record(session, outcome)
        first.set()
        time.sleep(0.3)

    with service(postgresql_url, port) as app, Carrier(Lane.BULK, threading.Event(), 2) as carrier:
        add_people(None, 2)
        with transaction() as session:
            for name in ("example.com", "example.org"):
                provider = limits.named(session, name)
                provider.per_second, provider.is_apart = 100, True
            elsewhere = sa.select(sa.func.max(Subject.id)).scalar_subquery()
            session.execute(
                sa.update(Subject)
                .where(Subject.id == elsewhere)
                .values(normalised_address="person1@example.com", address="person1@example.com")
            )
        start_mailing()
        with transaction() as session:
            claims = claiming.claim(session, Lane.BULK, 2)
        with transaction() as session:
            handover.step(session, [], claims, clock.now())
        monkeypatch.setattr(handover, "record", slowly)
        carrier.done = [Outcome(claim, Reply(421, "4.7.0 slow down"), clock.now()) for claim in claims]

        def claim_meanwhile() -> int:
            first.wait()
            with app.app_context(), transaction() as session:
                return len(claiming.claim(session, Lane.BULK, 5))

        claimed = in_background.submit(claim_meanwhile)
        carrier._write_down()
        assert claimed.result(timeout=30) == 0
        assert states() == {"deferred": 2}


def test_told_to_stop_each_finishes_what_it_has_in_hand(carrier: Carrier, port: int) -> None:
    turns = count(1)

    def stop_at_the_sixth(_: str) -> None:
        if next(turns) == 6:
            carrier.stop.set()

    with serving(Recorder(reply_to_data=stop_at_the_sixth), port) as server:
        carrier.run()
    assert 0 < len(server.taken) < PEOPLE
    assert states() == {"sent": len(server.taken), "queued": PEOPLE - len(server.taken)}


def test_told_to_stop_the_others_do_not_wait_for_a_slow_answer(
    running: Flask, carrier: Carrier, port: int, in_background: ThreadPoolExecutor
) -> None:
    """A kill while the last one finishes leaves nothing in doubt that was answered."""

    def run() -> None:
        with running.app_context():
            carrier.run()

    with serving(Dawdling(), port) as server:
        ended = in_background.submit(run)
        wait_for(lambda: len(server.taken) > 2)
        carrier.stop.set()
        # The one, and perhaps one whose envelope stands behind it, are all that a kill would leave in doubt.
        wait_for(lambda: states()["handing"] <= 2 and states()["sent"] == len(server.taken) > 2)
        server.may_answer = True
        ended.result(timeout=30)
    assert states() == {"sent": len(server.taken), "queued": PEOPLE - len(server.taken)}


def test_an_idle_one_is_closed_while_another_works(sqlite_url: str, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        service(sqlite_url, port),
        serving(Dawdling(), port) as server,
        Carrier(Lane.BULK, threading.Event(), 2) as carrier,
    ):
        monkeypatch.setitem(carrying.BATCH, Lane.BULK, 1)
        add_people(None, 2)
        start_mailing()
        wait_for(lambda: carrier.carry_batch() and len(server.taken) == 1)
        monkeypatch.setattr(smtp, "CLOSE_AFTER_IDLE_SECONDS", 0)
        wait_for(lambda: carrier.carry_batch() and not carrier.lines[1].connection.is_open)
        assert carrier.lines[0].connection.is_open
        server.may_answer = True
        carry_all(carrier)
        assert states() == {"sent": 2}


LONG = 12_000_000
"""Octets of a mail that no buffer of the system takes at once."""


@contextmanager
def long_mailing(url: str, port: int, people: int, **more: str) -> Iterator[None]:
    """A mailing of long mails, in the context of its service."""
    text = Text("News", "many words " * (LONG // 11) + "{{unsubscribe}}", "<a href='{{unsubscribe}}'>Leave</a>")
    with service(url, port, **more):
        add_people(None, people)
        now = clock.now()
        with transaction() as session:
            purpose = notice.purpose(session, "newsletter", now).purpose_id
            whole = MailingText(mailing.sender(), "News", "news.example.org", "0:newsletter:example", text)
            mailing.start(session, purpose, {Language.GERMAN: whole}, now)
        with transaction() as session:
            mailing.fill(session, clock.now())
        yield


@pytest.mark.parametrize("is_encrypted", [True, False])
def test_a_long_mail_is_sent_in_parts(
    sqlite_url: str, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_encrypted: bool
) -> None:
    files = certificates.make(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
    monkeypatch.setitem(carrying.BATCH, Lane.BULK, 1)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    url, tls = ("smtps", context) if is_encrypted else ("smtp", None)
    with (
        long_mailing(sqlite_url, port, 3, SMTP_URL=f"{url}://127.0.0.1:{port}"),
        serving(Recorder(), port, implicit_tls=tls) as server,
        Carrier(Lane.BULK, threading.Event(), 2) as carrier,
    ):
        carry_all(carrier)
        assert states() == {"sent": 3}
    assert set(server.recipients().values()) == {1}
    assert all(len(one.data) > LONG and one.data.endswith(b"--\r\n") for one in server.taken)


def test_a_mail_that_is_taken_too_slowly_is_given_up(sqlite_url: str, port: int) -> None:
    """Its lease must outlast it: a server that takes a bit now and then is not waited for without end."""
    is_over, turns = threading.Event(), count(1)

    def slow(_: bytes) -> bytes | None:
        return b"" if next(turns) % 400 == 0 and is_over.wait(0.01) else None

    with long_mailing(sqlite_url, port, 1, **IMPATIENT), scripted(port, slow) as got:
        with Carrier(Lane.BULK, threading.Event()) as carrier:
            carrier.carry_batch()
            is_over.set()
            assert states() == {"deferred": 1}
        assert "timed out" in str(messages(Message.reply)[0].reply)
    assert b".\r\n" not in got


@pytest.mark.parametrize("people", [1, 2])
def test_a_refusal_in_the_middle_of_a_mail_ends_its_connection(sqlite_url: str, port: int, people: int) -> None:
    """What was not sent of it must not be taken for the next mail's, nor the other way round."""
    is_over, turns = threading.Event(), count(1)

    def refuses_early(line: bytes) -> bytes | None:
        if not line.startswith(b"many"):
            return None
        turn = next(turns)
        if turn == 2:
            is_over.wait(30)
        return b"552 5.3.4 too long" if turn == 1 else None

    with long_mailing(sqlite_url, port, people), scripted(port, refuses_early) as got:
        with Carrier(Lane.BULK, threading.Event()) as carrier:
            carrier.carry_batch()
            is_over.set()
            assert not carrier.lines[0].connection.is_open
            assert states() == Counter(failed=1, queued=people - 1)
            carry_all(carrier)
        assert states() == Counter(failed=1, sent=people - 1)
    assert got.count(b".\r\n") == people - 1


class FromBytes:
    """What smtplib reads replies from."""

    def __init__(self, data: bytes) -> None:
        self.lines = iter(data.splitlines(keepends=True))

    def readline(self, _: int) -> bytes:
        return next(self.lines, b"")

    def close(self) -> None:
        """Nothing to close."""


CODES = st.sampled_from([b"250", b"354", b"421", b"550", b"999"])
WORDS = st.binary(max_size=12).map(lambda words: words.replace(b"\n", b"").replace(b"\r", b""))
REPLIES = st.lists(
    st.tuples(CODES, st.lists(WORDS, max_size=3), WORDS).map(
        lambda parts: (
            b"".join(parts[0] + b"-" + words + b"\r\n" for words in parts[1]) + parts[0] + b" " + parts[2] + b"\r\n"
        )
    ),
    min_size=1,
    max_size=5,
)


@given(REPLIES, st.lists(st.integers(1, 20)))
def test_replies_are_read_as_smtplib_reads_them_in_whatever_pieces_they_come(
    replies: list[bytes], sizes: list[int]
) -> None:
    data = b"".join(replies)
    server = smtplib.SMTP()
    server.file = FromBytes(data)
    expected = [server.getreply() for _ in replies]
    words, got = Replies(), []
    for size in (*sizes, len(data)):
        words.hear(data[:size])
        data = data[size:]
        while (reply := words.following()) is not None:
            got.append(reply)
    assert [(one.code, one.text) for one in got] == [
        (code, text.decode("utf-8", "replace").replace("\0", "\ufffd")) for code, text in expected
    ]


@pytest.mark.parametrize("line", [b"hello\r\n", b"\r\n", b"2x0 fine\r\n"])
def test_what_is_no_reply_is_the_end_of_the_connection(line: bytes) -> None:
    words = Replies()
    words.hear(line)
    reply = words.following()
    assert reply is not None
    assert reply.code == CONNECTION_LOST


def test_a_line_without_an_end_is_not_kept_for_ever() -> None:
    words = Replies()
    words.hear(b"250 " + b"x" * 10_000)
    with pytest.raises(smtplib.SMTPException):
        words.following()
