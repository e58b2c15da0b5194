"""Two mails in hand on one connection (RFC 2920): what the server may answer in the middle, over real SMTP."""

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from flask import Flask

from consent_service import clock
from consent_service.domain.identifiers import MailingId, SubjectId
from consent_service.mailing.carrier import Carrier
from consent_service.mailing.models import Message
from consent_service.mailing.rules import Lane
from tests.conftest import free_port
from tests.driving import add_people
from tests.mailing.campaigning import change_messages, messages, service, start_mailing, states, unsubscribe_path
from tests.mailing.servers import Recorder, serving


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def running(database_url: str, port: int) -> Iterator[Flask]:
    with service(database_url, port) as app:
        yield app


@pytest.fixture
def people(running: Flask) -> list[SubjectId]:
    return add_people(None, 5)


@pytest.fixture
def mailing_of_five(people: list[SubjectId]) -> MailingId:
    return start_mailing()


@pytest.fixture
def carrier(mailing_of_five: MailingId) -> Iterator[Carrier]:
    with Carrier(Lane.BULK, threading.Event()) as carrier:
        yield carrier


@pytest.mark.parametrize("pipelines", [True, False])
def test_everybody_is_sent_to_whether_the_server_offers_it_or_not(carrier: Carrier, port: int, pipelines: bool) -> None:
    with serving(Recorder(pipelines=pipelines), port) as server:
        carrier.carry_batch()
    assert states() == {"sent": 5}
    assert set(server.recipients().values()) == {1}
    assert len(server.connections) == 1


class TestRefusal:
    def test_of_a_recipient_in_the_middle(self, carrier: Carrier, port: int) -> None:
        """The mail before it, whose content went out in the same group, and the one behind it are not touched."""
        refuse = Recorder(reply_to_recipient=lambda who: "550 5.2.0 not this one" if who[6] == "2" else None)
        with serving(refuse, port) as server:
            carrier.carry_batch()
        assert states() == {"sent": 4, "failed": 1}
        assert len(server.connections) == 1
        assert [row.reply for row in messages(Message.reply) if "5.2.0" in row.reply] == ["550 5.2.0 not this one"]

    def test_of_content_in_the_middle(self, carrier: Carrier, port: int) -> None:
        refuse = Recorder(reply_to_data=lambda who: "554 5.6.0 not this content" if who[6] == "2" else None)
        with serving(refuse, port) as server:
            carrier.carry_batch()
        assert states() == {"sent": 4, "failed": 1}
        assert len(server.connections) == 1

    def test_by_closing_puts_back_the_next_as_if_nothing_had_been(self, carrier: Carrier, port: int) -> None:
        turns = count(1)
        closing = Recorder(reply_to_data=lambda _: "421 4.3.2 closing" if next(turns) == 2 else None)
        with serving(closing, port) as server:
            carrier.carry_batch()
            assert states() == {"sent": 1, "deferred": 1, "queued": 3}
            assert sorted(row.attempts for row in messages(Message.attempts)) == [0, 0, 0, 1, 1]
            carrier.carry_batch()
        assert states() == {"sent": 4, "deferred": 1}
        assert set(server.recipients().values()) == {1}

    def test_of_anything_at_random_loses_and_doubles_nothing(self, carrier: Carrier, port: int) -> None:
        chance = random.Random(2920)

        def at_random(_: str) -> str | None:
            return chance.choice([None, None, "450 4.2.0 later", "421 4.3.2 closing"])

        with serving(Recorder(reply_to_recipient=at_random, reply_to_data=at_random), port) as server:
            while states() != {"sent": 5}:
                change_messages_that_wait()
                carrier.carry_batch()
                carrier.failures = 0  # without the pause
        assert set(server.recipients().values()) == {1}
        assert len(server.taken) == 5


def change_messages_that_wait() -> None:
    change_messages(not_before=clock.now())


class TestLostConnection:
    def test_leaves_in_doubt_the_one_whose_content_was_sent_and_no_other(self, carrier: Carrier, port: int) -> None:
        with serving(Recorder(hang_up_in_data=1), port) as server:
            carrier.carry_batch()
            assert states() == {"deferred": 1, "queued": 4}
            assert sorted(row.attempts for row in messages(Message.attempts)) == [0, 0, 0, 0, 1]
            carrier.carry_batch()
        assert server.recipients().total() == 4


class TestDataAfterARefusedRecipient:
    """A server that takes DATA though it refused the only recipient waits for content (RFC 2920 section 3.1)."""

    def test_is_ended_by_an_empty_mail(self, carrier: Carrier, port: int) -> None:
        with scripted(port, refuses="person2@example.org") as got:
            carrier.carry_batch()
        assert states() == {"sent": 4, "failed": 1}
        assert got.count(b"RSET\r\n") == 1


def test_a_waiting_mail_whose_recipient_left_is_not_handed_over(
    running: Flask, people: list[SubjectId], carrier: Carrier, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server agreed to take it, then answered the mail before it so late that the unsubscribe had its answer."""
    monkeypatch.setattr("consent_service.mailing.service.LONGEST_WAIT_SECONDS", 0)
    monkeypatch.setattr("consent_service.mailing.carrier.LONGEST_MARK_SECONDS", 0.2)
    path, first = unsubscribe_path(people[1]), threading.Event()

    def slow(who: str) -> None:
        if who == "person0@example.org" and not first.is_set():
            first.set()
            answer = running.test_client(use_cookies=False).post(path, data={"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200
            time.sleep(0.3)

    with serving(Recorder(reply_to_data=slow), port) as server:
        while carrier.carry_batch():
            pass
    assert first.is_set()
    assert states() == {"sent": 4, "suppressed": 1}
    assert "person1@example.org" not in server.recipients()
    assert set(server.recipients().values()) == {1}


@contextmanager
def scripted(port: int, refuses: str) -> Iterator[list[bytes]]:
    """A server that pipelines, refuses one recipient, and says 354 to DATA all the same; the lines that it got."""
    got: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", port))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as stream:
            stream.write(b"220 ready\r\n")
            stream.flush()
            has_recipient, in_data = False, False
            for line in stream:
                got.append(line)
                if in_data and line != b".\r\n":
                    continue
                word = line[:4].upper()
                if in_data:
                    in_data = False
                    answer = b"250 2.0.0 taken" if has_recipient else b"554 5.5.1 no recipient"
                elif word == b"EHLO":
                    answer = b"250-here\r\n250 PIPELINING"
                elif word == b"RCPT":
                    has_recipient = refuses.encode() not in line
                    answer = b"250 2.1.5 fine" if has_recipient else b"550 5.2.0 no"
                elif word == b"DATA":
                    in_data = True
                    answer = b"354 go on"
                else:
                    answer = b"250 2.0.0 fine"
                stream.write(answer + b"\r\n")
                stream.flush()
                if word == b"QUIT":
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield got
    finally:
        listener.close()
        thread.join(timeout=5)
