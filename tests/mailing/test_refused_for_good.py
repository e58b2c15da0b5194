"""Mailboxes that refuse at once, campaign after campaign: they count like those whose mail comes back."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from consent_service import clock
from consent_service.mailing import claiming
from consent_service.mailing.carrier import Carrier
from consent_service.mailing.models import Message
from consent_service.mailing.rules import MOST_ATTEMPTS, Lane
from tests.driving import add_people
from tests.inbound.arriving import ON_SQLITE, suppressions
from tests.mailing.campaigning import change_messages, messages, service, start_mailing
from tests.mailing.servers import Recorder, serving

LOST = ["550 User unknown", "552 5.2.2 mailbox full", "452 4.2.2 quota", "554 5.6.0 not this", "550 no such user here"]
NOT_ITS_FAULT = ["550 blocked, see our spam policy", "503 5.5.1 bad sequence", "550 5.7.1 your reputation"]
DAYS = 4


@pytest.fixture
def carrier(database_url: str, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Carrier]:
    monkeypatch.setattr(claiming, "shared_now", lambda _: clock.now())  # PostgreSQL's clock does not travel with us
    with service(database_url, port), Carrier(Lane.BULK, threading.Event()) as carrier:
        yield carrier


def answered(carrier: Carrier, port: int, answers: list[str | None], days: int = DAYS) -> list[tuple[bool, str]]:
    """A campaign every few days to one person, whose server answers thus to its last attempt; what stands then."""
    (person,) = add_people(None, 1)
    answer = iter(answers)
    began = clock.now()
    with serving(Recorder(reply_to_recipient=lambda _: next(answer)), port):
        for number in range(len(answers)):
            with time_machine.travel(began + timedelta(days=number * days), tick=True):
                start_mailing()
                change_messages(attempts=MOST_ATTEMPTS - 1)
                carrier.carry_batch()
                carrier.lines[0].connection.close()
    return suppressions(person)


def test_five_in_a_row_suppress(carrier: Carrier, port: int) -> None:
    assert answered(carrier, port, LOST) == [(True, "bounced")]
    assert [str(row.state) for row in messages(Message.state)] == ["failed"] * 5


@ON_SQLITE
@pytest.mark.parametrize(
    "answers",
    [[*LOST[:2], None, *LOST[2:]], *([*LOST[:4], ours] for ours in NOT_ITS_FAULT)],
    ids=["a success between", "policy in words", "protocol", "policy"],
)
def test_less_or_what_is_not_the_mailboxs_fault_does_not(
    carrier: Carrier, port: int, answers: list[str | None]
) -> None:
    assert answered(carrier, port, answers) == []


@ON_SQLITE
def test_within_less_than_two_weeks_they_do_not(carrier: Carrier, port: int) -> None:
    assert answered(carrier, port, LOST, days=3) == []
