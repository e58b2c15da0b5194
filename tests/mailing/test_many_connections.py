"""One loop that carries several connections: each goes its own way, and none is waited for by the others."""

import asyncio
import random
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from consent_service import clock
from consent_service.database import transaction
from consent_service.domain.kinds import Language
from consent_service.mailing import carrier as carrying
from consent_service.mailing import claiming, handover, smtp
from consent_service.mailing import service as mailing
from consent_service.mailing.carrier import Carrier
from consent_service.mailing.composition import MailingText, Text
from consent_service.mailing.models import Message
from consent_service.mailing.rules import CONNECTION_LOST, Lane
from consent_service.notice import queries as notice
from tests.conftest import free_port
from tests.driving import add_people
from tests.mailing import certificates
from tests.mailing.campaigning import change_messages, messages, service, start_mailing, states
from tests.mailing.servers import Recorder, serving

PEOPLE = 40
CONNECTIONS = 4


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def running(database_url: str, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """A service in which a mailing to some people waits, of whom each connection claims a few at a time."""
    monkeypatch.setitem(carrying.BATCH, Lane.BULK, 5)
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
        for line in carrier.lines:
            line.rests_until = 0.0  # without the pause after a lost connection


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

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
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
        return chance.choice([None, None, None, "450 4.2.0 later", "421 4.3.2 closing"])

    with serving(Recorder(reply_to_recipient=at_random, reply_to_data=at_random), port) as server:
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
    step, turns, fails_at = handover.step, count(1), 6

    def fails_once(*arguments: object) -> object:
        if next(turns) == fails_at:
            raise sa.exc.OperationalError("step", {}, Exception("the database went away"))
        return step(*arguments)

    monkeypatch.setattr(handover, "step", fails_once)
    with serving(Recorder(seconds_per_mail=0.05), port) as server:
        with pytest.raises(sa.exc.OperationalError):
            carrier.run()
        assert len(server.taken) > 0
        assert states()["sent"] == len(server.taken)
        change_messages(lease_until=clock.now())
        with transaction() as session:
            claiming.take_up_abandoned(session)
        carry_all(carrier)
    assert states() == {"sent": PEOPLE}
    assert set(server.recipients().values()) == {1}


def test_told_to_stop_each_finishes_what_it_has_in_hand(carrier: Carrier, port: int) -> None:
    with serving(Recorder(seconds_per_mail=0.05), port) as server:
        stopping = threading.Timer(0.5, carrier.stop.set)
        stopping.start()
        carrier.run()
    assert 0 < len(server.taken) < PEOPLE
    assert states() == {"sent": len(server.taken), "queued": PEOPLE - len(server.taken)}


LONG = 3_000_000
"""Octets of a mail that no buffer of the system takes at once."""


def start_long_mailing() -> None:
    words = "many words " * (LONG // 11)
    now = clock.now()
    with transaction() as session:
        purpose = notice.purpose(session, "newsletter", now).purpose_id
        text = Text("News", words + "{{unsubscribe}}", "<p><a href='{{unsubscribe}}'>Leave</a></p>")
        whole = MailingText(mailing.sender(), "News", "news.example.org", "0:newsletter:example", text)
        mailing.start(session, purpose, {Language.GERMAN: whole}, now)
    with transaction() as session:
        mailing.fill(session, clock.now())


@pytest.mark.parametrize("is_encrypted", [True, False])
def test_a_long_mail_is_sent_in_parts(
    sqlite_url: str, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_encrypted: bool
) -> None:
    files = certificates.make(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    url, tls = ("smtps", context) if is_encrypted else ("smtp", None)
    with (
        service(sqlite_url, port, SMTP_URL=f"{url}://127.0.0.1:{port}"),
        serving(Recorder(), port, implicit_tls=tls) as server,
        Carrier(Lane.BULK, threading.Event(), 2) as carrier,
    ):
        monkeypatch.setitem(carrying.BATCH, Lane.BULK, 3)
        add_people(None, 6)
        start_long_mailing()
        carry_all(carrier)
        assert states() == {"sent": 6}
    assert set(server.recipients().values()) == {1}
    assert all(len(one.data) > LONG and one.data.endswith(b"--\r\n") for one in server.taken)


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
    words, got = smtp._Words(), []
    for size in (*sizes, len(data)):
        words.hear(data[:size])
        data = data[size:]
        while (reply := words.reply()) is not None:
            got.append(reply)
    assert [(one.code, one.text) for one in got] == [
        (code, text.decode("utf-8", "replace").replace("\0", "\ufffd")) for code, text in expected
    ]


@pytest.mark.parametrize("line", [b"hello\r\n", b"\r\n", b"2x0 fine\r\n"])
def test_what_is_no_reply_is_the_end_of_the_connection(line: bytes) -> None:
    words = smtp._Words()
    words.hear(line)
    reply = words.reply()
    assert reply is not None
    assert reply.code == CONNECTION_LOST


def test_a_line_without_an_end_is_not_kept_for_ever() -> None:
    words = smtp._Words()
    words.hear(b"250 " + b"x" * 10_000)
    with pytest.raises(smtplib.SMTPException):
        words.reply()
