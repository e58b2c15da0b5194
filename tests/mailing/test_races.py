"""Deciding late (design I6), with real connections: each order of an unsubscribe and a mark, and fencing."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from consent_service import clock, links
from consent_service.database import transaction
from consent_service.domain.identifiers import MailingId, PublicId, SubjectId
from consent_service.domain.kinds import Channel
from consent_service.links import Use
from consent_service.mailing import claiming, copies, handover
from consent_service.mailing import service as mailing
from consent_service.mailing.carrier import Carrier
from consent_service.mailing.claiming import Claim
from consent_service.mailing.copies import Copy, Envelope, SingleMail
from consent_service.mailing.handover import Decision, Outcome
from consent_service.mailing.line import Line
from consent_service.mailing.models import Mailing, Message
from consent_service.mailing.rules import Lane, MailingState, Reply
from consent_service.preferences import service as preferences
from tests.conftest import free_port
from tests.driving import add_people
from tests.mailing.campaigning import (
    change_messages,
    messages,
    service,
    start_mailing,
    states,
    unsubscribe_path,
    unsubscribe_paths,
    wait_for,
    worker_process,
)
from tests.mailing.servers import Recorder, serving

LONG_ENOUGH = 0.3
MANY, LEAVING = 2000, 1000
TAKEN = Reply(250, "2.0.0 Taken")


@pytest.fixture
def running(database_url: str) -> Iterator[Flask]:
    with service(database_url, free_port()) as app:
        yield app


@pytest.fixture
def person(running: Flask) -> SubjectId:
    return add_people(None, 1)[0]


@pytest.fixture
def sent_mailing(person: SubjectId) -> MailingId:
    return start_mailing()


@pytest.fixture
def claim(sent_mailing: MailingId) -> Claim:
    with transaction() as session:
        return claiming.claim(session, Lane.BULK, 1)[0]


@pytest.fixture
def in_background(running: Flask) -> Iterator[ThreadPoolExecutor]:
    """Runs things beside the test, in an application context."""
    with ThreadPoolExecutor(2, initializer=lambda: running.app_context().push()) as pool:
        yield pool


def one_click(app: Flask, path: str) -> TestResponse:
    return app.test_client(use_cookies=False).post(path, data={"List-Unsubscribe": "One-Click"})


def still_waits(answer: Future[object]) -> bool:
    time.sleep(LONG_ENOUGH)
    return not answer.done()


def mark(claim: Claim) -> Envelope | None:
    now = clock.now()
    with transaction() as session:
        (mail,) = handover.step(session, [], [claim], now)
    return copies.envelope(mail, now) if isinstance(mail, Copy | SingleMail) else None


def record(claim: Claim, reply: Reply = TAKEN) -> None:
    with transaction() as session:
        handover.record(session, Outcome(claim, reply, clock.now()))


def test_mark_first_makes_the_unsubscribe_wait_for_the_outcome(
    running: Flask,
    person: SubjectId,
    claim: Claim,
    in_background: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mailing, "LONGEST_WAIT_SECONDS", 60)
    path = unsubscribe_path(person)
    with transaction() as session:
        assert handover.step(session, [], [claim], clock.now()) != [None]
        answer = in_background.submit(one_click, running, path)
        assert still_waits(answer)
    assert still_waits(answer)
    record(claim)
    assert answer.result(timeout=60).status_code == 200
    assert states() == {"sent": 1}


def test_unsubscribe_first_lets_no_mail_out(
    running: Flask, person: SubjectId, claim: Claim, in_background: ThreadPoolExecutor
) -> None:
    link = links.read(Use.UNSUBSCRIBE, unsubscribe_path(person).rpartition("/")[2])
    with transaction() as session:
        preferences.unsubscribe(session, link, Channel.ONE_CLICK, {}, clock.now())
        decision = in_background.submit(mark, claim)
        assert still_waits(decision)
    assert decision.result(timeout=60) is None
    assert states() == {"suppressed": 1}
    assert messages(Message.left_out, Message.attempts) == [("withdrawn", 0)]


def test_what_stays_in_hand_is_in_doubt_until_its_outcome_comes(
    running: Flask, person: SubjectId, sent_mailing: MailingId, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "LONGEST_WAIT_SECONDS", LONG_ENOUGH)
    assert mark(claim) is not None
    assert one_click(running, unsubscribe_path(person)).status_code == 200
    assert states() == {"in_doubt": 1}
    assert state_of_mailing() is MailingState.RUNNING
    record(claim)
    assert states() == {"sent": 1}
    assert state_of_mailing() is MailingState.DONE


def test_in_doubt_is_final_once_the_lease_has_ended(
    running: Flask, person: SubjectId, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "LONGEST_WAIT_SECONDS", 0)
    mark(claim)
    one_click(running, unsubscribe_path(person))
    end_leases()
    with transaction() as session:
        assert claiming.claim(session, Lane.BULK, 1) == []
    assert states() == {"in_doubt": 1}
    assert state_of_mailing() is MailingState.DONE


def test_in_doubt_and_refused_for_now_is_decided_anew(
    running: Flask, person: SubjectId, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "LONGEST_WAIT_SECONDS", 0)
    mark(claim)
    one_click(running, unsubscribe_path(person))
    record(claim, Reply(450, "4.2.0 later"))
    assert states() == {"deferred": 1}
    change_messages(not_before=clock.now())
    with transaction() as session:
        again = claiming.claim(session, Lane.BULK, 1)[0]
    assert mark(again) is None
    assert states() == {"suppressed": 1}


def test_a_mark_that_grew_old_is_made_again(running: Flask, person: SubjectId, sent_mailing: MailingId) -> None:
    """The person leaves, and has the answer, between our mark and a hand-over that took too long to begin."""
    path = unsubscribe_path(person)

    class Slow(Carrier):
        marks = 0

        def _decide(self, claims: Sequence[Claim]) -> tuple[Sequence[Decision], float]:
            self.marks += len(claims)
            return super()._decide(claims)

        def _begin(self, line: Line, public_id: PublicId, envelope: Envelope | Exception) -> None:
            assert one_click(running, path).status_code == 200
            line.in_hand[public_id].marked -= 3
            super()._begin(line, public_id, envelope)

    carrier = Slow(Lane.BULK, threading.Event())
    with serving(Recorder(), running.config["MAIL_PORT"]) as server, carrier:
        carrier.carry_batch()
    assert carrier.marks == 2
    assert server.begun == []
    assert states() == {"suppressed": 1}


def test_a_mark_made_again_is_one_attempt(claim: Claim) -> None:
    assert mark(claim) == mark(claim)
    assert messages(Message.attempts, Message.state) == [(1, "handing")]


def end_leases() -> None:
    change_messages(lease_until=clock.now() - timedelta(seconds=1))
    with transaction() as session:
        claiming.take_up_abandoned(session)


def state_of_mailing() -> MailingState:
    with transaction() as session:
        mailing.finish(session, clock.now())
        return session.execute(sa.select(Mailing.state)).scalar_one()


class TestFencing:
    def test_a_worker_whose_lease_ended_can_do_nothing_more(self, claim: Claim) -> None:
        mark(claim)
        end_leases()
        with transaction() as session:
            newer = claiming.claim(session, Lane.BULK, 1)[0]
        assert newer.message_id == claim.message_id
        assert mark(claim) is None
        record(claim, Reply(554, "5.0.0 no"))
        with transaction() as session:
            claiming.release(session, [claim])
        assert messages(Message.state, Message.reply) == [("claimed", None)]
        assert mark(newer) is not None
        record(claim, Reply(554, "5.0.0 no"))
        assert states() == {"handing": 1}
        record(newer)
        assert states() == {"sent": 1}

    def test_the_second_hand_over_has_the_same_message_id(self, claim: Claim) -> None:
        first = mark(claim)
        end_leases()
        with transaction() as session:
            newer = claiming.claim(session, Lane.BULK, 1)[0]
        second = mark(newer)
        assert first is not None
        assert second is not None
        assert first.sender == second.sender
        assert id_of(first) == id_of(second)

    def test_two_workers_never_hold_the_same_message(self, running: Flask, in_background: ThreadPoolExecutor) -> None:
        add_people(None, 60)
        start_mailing()
        meet = threading.Barrier(2)

        def claim_all() -> list[Claim]:
            meet.wait()
            found: list[Claim] = []
            while True:
                with transaction() as session:
                    batch = claiming.claim(session, Lane.BULK, 7)
                if not batch:
                    return found
                found += batch

        both = [in_background.submit(claim_all) for _ in range(2)]
        held = [{claim.message_id for claim in one.result(timeout=60)} for one in both]
        assert held[0].isdisjoint(held[1])
        assert len(held[0] | held[1]) == 60

    def test_what_was_called_off_stays_so_whatever_comes_later(self, claim: Claim) -> None:
        mark(claim)
        end_leases()
        with transaction() as session:
            mailing.call_off(session, claim.message_id)
        record(claim, Reply(450, "4.2.0 later"))
        assert states() == {"suppressed": 1}


def id_of(envelope: Envelope) -> PublicId:
    return PublicId(envelope.data.partition(b"Message-ID: ")[2].partition(b"\r\n")[0].decode())


def test_nobody_is_written_to_after_the_answer_to_their_unsubscribe(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand leave in the middle of a campaign over real SMTP, sent by a real worker: anybody, or who is next."""
    monkeypatch.setattr(mailing, "LONGEST_WAIT_SECONDS", 60)
    port, chance = free_port(), random.Random(8058)
    answered: dict[str, float] = {}
    server = Recorder()
    with service(database_url, port) as app, serving(server, port):
        people = add_people(None, MANY)
        paths = dict(enumerate(unsubscribe_paths(people)))
        start_mailing()
        with worker_process(database_url, port, SMTP_CONNECTIONS="3"):
            wait_for(lambda: len(server.taken) > 50)
            for left in range(LEAVING):
                # However fast the machine is, the campaign is to last until the last one leaves.
                server.keep_pace(50 + left * MANY * 0.4 / LEAVING)
                front = max(int(who[6:].partition("@")[0]) for who, _ in server.begun[-4:])
                number = next_to_leave(paths, front, chance)
                assert one_click(app, paths.pop(number)).status_code == 200
                answered[f"person{number}@example.org"] = time.monotonic()
            taken_by_then = len(server.taken)
            server.seconds_per_mail = 0
            wait_for(lambda: states().total() == states()["sent"] + states()["suppressed"], seconds=60)
        counted = states()
    assert taken_by_then < MANY - LEAVING
    assert [who for who, began in server.begun if who in answered and began > answered[who]] == []
    assert counted["suppressed"] >= LEAVING / 4
    assert counted["sent"] == len(server.taken) == len(server.recipients())
    assert counted["suppressed"] + counted["sent"] == MANY


def next_to_leave(paths: dict[int, str], front: int, chance: random.Random) -> int:
    """Every other time one of those whose mail goes out about now, if any of them is still there."""
    about_now = [number for number in range(front - 5, front + 15) if number in paths]
    return chance.choice(about_now) if about_now and chance.random() < 0.5 else chance.choice(list(paths))
