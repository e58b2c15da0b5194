"""Two mails in hand on one connection (RFC 2920): what the server may answer in the middle, over real SMTP."""

import random
import threading
import time
from collections.abc import Iterator
from itertools import count, pairwise

import pytest
from flask import Flask

from consent_service import clock
from consent_service.database import transaction
from consent_service.domain.identifiers import MailingId, SubjectId
from consent_service.mailing import service as mailing
from consent_service.mailing.carrier import Carrier
from consent_service.mailing.models import Message
from consent_service.mailing.rules import Lane, MailingState
from tests.driving import add_people
from tests.mailing.campaigning import change_messages, messages, service, start_mailing, states, unsubscribe_path
from tests.mailing.servers import Recorder, Says, scripted, serving


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
                carrier.lines[0].failures = 0  # without the pause
        assert set(server.recipients().values()) == {1}
        assert len(server.taken) == 5


AT = {"MAIL": b"MAIL", "RCPT": b"RCPT", "DATA": b"DATA", "content": b".\r\n"}


class TestRefusalAtEachStep:
    """Of the second mail: its envelope is refused while the first one waits, its content while the third one does."""

    @pytest.mark.parametrize("at", AT)
    @pytest.mark.parametrize("code", ["450", "550"])
    def test_touches_no_other(self, carrier: Carrier, port: int, at: str, code: str) -> None:
        with scripted(port, says_to_the_second(AT[at], f"{code} {code[0]}.2.0 not this one")) as got:
            carrier.carry_batch()
        outcome = "deferred" if code == "450" else "failed"
        assert states() == {"sent": 4, outcome: 1}
        assert [row.state.value for row in messages(Message.state)][1] == outcome
        assert [row.reply for row in messages(Message.reply)][1] == f"{code} {code[0]}.2.0 not this one"
        assert {row.attempts for row in messages(Message.attempts)} == {1}
        assert [line for line in got if line[:4].upper() == b"EHLO"] == got[:1]
        assert contents(got) == (5 if at == "content" else 4)

    @pytest.mark.parametrize("at", AT)
    @pytest.mark.parametrize("last_word", [b"421 4.3.2 closing", b""])
    def test_by_closing_is_about_this_one_only(self, carrier: Carrier, port: int, at: str, last_word: bytes) -> None:
        """Those behind it are put back; so is itself where the server said nothing and has certainly got nothing."""
        with scripted(port, says_to_the_second(AT[at], last_word.decode())) as first:
            carrier.carry_batch()
        is_put_back = not last_word and at != "content"
        # Nothing was said of the first one's content where the server closed at the envelope behind it.
        assert states() == ({"sent": 1, "queued": 4} if is_put_back else {"sent": 1, "deferred": 1, "queued": 3})
        carrier.lines[0].failures = 0
        with serving(Recorder(), port) as server:
            change_messages_that_wait()
            carrier.carry_batch()
        assert states() == {"sent": 5}
        assert set(server.recipients().values()) == {1}
        assert contents(first) + len(server.taken) == (6 if at == "content" else 5)

    def test_of_content_and_of_the_envelope_behind_it(self, carrier: Carrier, port: int) -> None:
        refuse = Recorder(
            reply_to_data=lambda who: "554 5.6.0 not this content" if who[6] == "1" else None,
            reply_to_recipient=lambda who: "450 4.2.0 later" if who[6] == "2" else None,
        )
        with serving(refuse, port) as server:
            carrier.carry_batch()
        found = [row.state.value for row in messages(Message.state)]
        assert found == ["sent", "failed", "deferred", "sent", "sent"]
        assert len(server.connections) == 1


def says_to_the_second(at: bytes, word: str) -> Says:
    """Answers thus the second time that it gets such a line, and as usual otherwise."""
    turns = count(1)
    return lambda line: word.encode() if line.startswith(at) and next(turns) == 2 else None


def contents(got: list[bytes]) -> int:
    """How many mails' contents came whole; an empty one only ends what was refused."""
    return sum(line == b".\r\n" and before != b"DATA\r\n" for before, line in pairwise(got))


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
        has_recipient = False

        def refuses_the_third(line: bytes) -> bytes | None:
            nonlocal has_recipient
            if line.startswith(b"RCPT"):
                has_recipient = b"person2@" not in line
                return None if has_recipient else b"550 5.2.0 no"
            return b"554 5.5.1 no recipient" if line == b".\r\n" and not has_recipient else None

        with scripted(port, refuses_the_third) as got:
            carrier.carry_batch()
        assert states() == {"sent": 4, "failed": 1}
        assert got.count(b"RSET\r\n") == 1


def test_a_waiting_mail_whose_recipient_left_is_not_handed_over(
    running: Flask, people: list[SubjectId], carrier: Carrier, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server agreed to take it, then answered the mail before it so late that the unsubscribe had its answer."""
    monkeypatch.setattr("consent_service.mailing.service.LONGEST_WAIT_SECONDS", 0)
    monkeypatch.setattr("consent_service.mailing.line.LONGEST_MARK_SECONDS", 0.2)
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


def test_a_waiting_mail_of_a_mailing_that_was_paused_is_put_back(
    running: Flask, mailing_of_five: MailingId, carrier: Carrier, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that was never begun: who waits for what is in hand does not wait for it."""
    monkeypatch.setattr("consent_service.mailing.line.LONGEST_MARK_SECONDS", 0.2)

    def slow(who: str) -> None:
        if who == "person0@example.org":
            with running.app_context(), transaction() as session:
                mailing.change(session, mailing_of_five, MailingState.PAUSED, clock.now())
            time.sleep(0.3)

    with serving(Recorder(reply_to_data=slow), port):
        carrier.carry_batch()
    assert states() == {"sent": 1, "queued": 4}
    assert [row.attempts for row in messages(Message.attempts)] == [1, 0, 0, 0, 0]
