"""What a bounce leads to, from the mail server's LMTP to the pages of staff."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.inbound import service
from consent_service.inbound.rules import InboundState, MailClass, Result, ReturnedKind
from consent_service.inbound.service import Returned
from consent_service.mailing.addresses import message_of_envelope_sender
from consent_service.mailing.models import MessageReturn
from consent_service.mailing.rules import BounceKind, Delivery, keeps_bouncing
from tests.conftest import add_staff, sign_in
from tests.driving import Mailbox, Worker, everything, hidden, text_of
from tests.inbound.arriving import RECIPIENT, Inbox, Sent, message_state, rows, send_campaign, suppressions
from tests.inbound.test_recognition import BOUNCES
from tests.people.test_pages import audited, public_id

GONE = {"5.1.1", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}
FAILED = [name for name, (action, *_) in BOUNCES.items() if action.value == "failed" and name != "bounce-forged"]


def test_only_an_address_that_is_gone_is_suppressed_at_once(inbox: Inbox, worker: Worker, mailbox: Mailbox) -> None:
    sent = send_campaign(worker, mailbox, people=len(FAILED))
    came = inbox.take_each(FAILED, sent)
    for name, one, row in zip(FAILED, sent, came, strict=True):
        _, kind, status = BOUNCES[name]
        assert (row.state, row.mail_class) == (InboundState.HANDLED, MailClass.BOUNCE), name
        assert (row.bounce, row.status) == (kind, status), name
        assert message_state(one.ours["public_id"]) == "bounced", name
        is_suppressed = status in GONE
        assert row.result is (Result.SUPPRESSED if is_suppressed else Result.NOTED), name
        assert suppressions(one.person) == ([(True, "bounced")] if is_suppressed else []), name


def test_a_delay_and_a_success_change_nothing(inbox: Inbox) -> None:
    for name in ("bounce-postfix-delayed", "bounce-exim-warning", "bounce-postfix-delivered"):
        row = inbox.take(name)
        assert (row.state, row.result) == (InboundState.HANDLED, Result.NOTHING)
    assert message_state(inbox.sent.ours["public_id"]) == "sent"


FORGED = [
    {"envelope_sender": "b-" + "a" * 42 + "@beispiel.example", "message_id": "<1@localhost>"},
    {"envelope_sender": "newsletter@beispiel.example", "message_id": f"<{'0' * 32}@localhost>"},
]


def test_a_forged_bounce_changes_nothing_and_waits_for_staff(inbox: Inbox) -> None:
    before = everything()
    for forged in FORGED:
        row = inbox.take("bounce-forged", **forged)
        assert (row.state, row.result) == (InboundState.OPEN, Result.UNMATCHED)
    after = everything()
    assert {name for name in after if after[name] != before[name]} == {"inbound_messages"}


def test_the_same_bounce_again_is_one(inbox: Inbox) -> None:
    inbox.take("bounce-postfix-gone")
    before = everything()
    inbox.take("bounce-postfix-gone")
    assert everything() == before
    assert len(rows()) == 1


def test_pages_show_what_came_of_it(inbox: Inbox, staff_client: FlaskClient) -> None:
    inbox.take("bounce-postfix-gone")
    page = text_of(staff_client.get(f"/staff/people/{public_id(RECIPIENT)}").text)
    assert "Mail came back or was refused For every purpose, since" in page
    assert "Came back the mailbox does not exist (5.1.1)" in page
    assert "550 5.1.1 <person0@example.org>: Recipient address rejected" in page
    assert "Mail servers refuse" not in staff_client.get("/staff/").text


def test_a_policy_bounce_raises_an_alarm_and_suppresses_nobody(inbox: Inbox, staff_client: FlaskClient) -> None:
    inbox.take("bounce-webde-policy")
    assert suppressions(inbox.sent.person) == []
    assert "Mail servers refuse our mail: 1 in the last 24 hours." in text_of(staff_client.get("/staff/").text)
    with time_machine.travel(clock.now() + timedelta(days=1, minutes=1)):
        assert "Mail servers refuse" not in staff_client.get("/staff/").text


def lift(client: FlaskClient, reason: str) -> int:
    path = f"/staff/people/{public_id(RECIPIENT)}/lift"
    token = hidden(client.get(path).text, "csrf_token")
    return client.post(path, data={"csrf_token": token, "reason": reason}).status_code


def test_staff_lift_a_bounce_with_a_reason(inbox: Inbox, staff_client: FlaskClient) -> None:
    inbox.take("bounce-postfix-gone")
    assert lift(staff_client, "") == 400
    assert suppressions(inbox.sent.person) == [(True, "bounced")]
    assert lift(staff_client, "Called, the mailbox was moved") == 303
    assert suppressions(inbox.sent.person) == []
    (entry,) = audited("bounce_lifted")
    assert (entry.target, entry.details) == (public_id(RECIPIENT), {})
    page = text_of(staff_client.get(f"/staff/people/{public_id(RECIPIENT)}").text)
    assert "Not written to in the past" in page
    assert "Called, the mailbox was moved" in page
    assert "No returned e-mail stands" in staff_client.get(f"/staff/people/{public_id(RECIPIENT)}/lift").text


def test_staff_lift_nothing_but_a_bounce(inbox: Inbox, staff_client: FlaskClient) -> None:
    inbox.take("bounce-postfix-gone")
    inbox.take("complaint-rfc5965-simple")
    inbox.take("unsubscribe-thunderbird")
    before = sorted(suppressions(inbox.sent.person))
    assert lift(staff_client, "The mailbox works") == 303
    assert sorted(suppressions(inbox.sent.person)) == [one for one in before if one != (True, "bounced")]
    assert (True, "complained") in before


class TestSoft:
    """Soft bounces suppress only when the last five mails, over two weeks or more, all came back."""

    @pytest.fixture
    def rounds(self, inbox: Inbox, worker: Worker, mailbox: Mailbox) -> "Rounds":
        return Rounds(inbox, worker, mailbox)

    def test_five_in_a_row_suppress_and_count_anew_once_lifted(
        self, rounds: "Rounds", staff_browser: FlaskClient
    ) -> None:
        add_staff()
        rounds.go("bounce-postfix-full", "bounce-qmail-full", "bounce-postfix-expired", "bounce-german-free")
        assert suppressions(rounds.inbox.sent.person) == []
        rounds.go("bounce-postfix-full")
        assert suppressions(rounds.inbox.sent.person) == [(True, "bounced")]
        with time_machine.travel(rounds.at - timedelta(hours=1), tick=True):
            sign_in(staff_browser)
            assert lift(staff_browser, "Made room") == 303
        rounds.go(*["bounce-postfix-full"] * 4)
        assert suppressions(rounds.inbox.sent.person) == []

    def test_a_success_between_them_is_forgiven(self, rounds: "Rounds") -> None:
        rounds.go("bounce-postfix-full", "bounce-qmail-full", None, *["bounce-postfix-full"] * 4)
        assert suppressions(rounds.inbox.sent.person) == []


class Rounds:
    """Campaigns every few days to the same person, and what comes back about each."""

    def __init__(self, inbox: Inbox, worker: Worker, mailbox: Mailbox) -> None:
        self.inbox, self.worker, self.mailbox = inbox, worker, mailbox
        self.days = 4
        self.at = clock.now() + timedelta(days=self.days)

    def go(self, *returned: str | None) -> None:
        """A campaign for each, and then the mail of this name; None: it arrived."""
        for name in returned:
            # The database's clock stays where it is, and what waits must be due by it.
            (sent,) = send_campaign(self.worker, self.mailbox)
            self._date(sent)
            self.inbox.sent = sent
            if name is not None:
                with time_machine.travel(self.at, tick=True):
                    self.inbox.take(name)
            self.at += timedelta(days=self.days)

    def _date(self, sent: Sent) -> None:
        with transaction() as session:
            session.execute(
                sa.text("UPDATE messages SET handed_over_at = :at WHERE public_id = :id").bindparams(
                    sa.bindparam("at", self.at, type_=MessageReturn.at.type)
                ),
                {"id": sent.ours["public_id"]},
            )


def test_the_rule_of_bounces_in_a_row() -> None:
    now = clock.now()
    row = [Delivery(now - timedelta(days=4 * number), BounceKind.FULL) for number in range(5)]
    assert keeps_bouncing(row)
    assert not keeps_bouncing(row[:4])
    assert not keeps_bouncing([Delivery(now, None), *row])
    assert not keeps_bouncing([*row[:4], Delivery(row[4].at, BounceKind.POLICY)])
    assert not keeps_bouncing([*row[:4], Delivery(now - timedelta(days=13, hours=23), BounceKind.FULL)])


class TestEvents:
    """The neutral events, as a webhook of a mail provider uses them."""

    def handle(self, **values: object) -> Result:
        with transaction() as session:
            returned = Returned(at=clock.now(), **values)  # type: ignore[arg-type]
            return service.handle(session, returned, clock.now()).result

    def test_a_bounce_of_a_message(self, inbox: Inbox) -> None:
        message = message_of_envelope_sender(inbox.sent.ours["envelope_sender"])
        said = {"kind": ReturnedKind.BOUNCE, "message": message, "status": "5.1.1", "text": "550 5.1.1 unknown"}
        assert self.handle(**said) is Result.SUPPRESSED
        assert self.handle(**said) is Result.SUPPRESSED
        with reading() as session:
            (row,) = session.execute(sa.select(MessageReturn)).scalars()
        assert (row.classification, row.status) == (BounceKind.GONE, "5.1.1")
        assert row.text is not None
        assert b"unknown" not in row.text

    def test_an_address_alone_counts_only_from_who_was_authenticated(self, inbox: Inbox) -> None:
        said = {"kind": ReturnedKind.BOUNCE, "address": RECIPIENT, "status": "5.1.1"}
        assert self.handle(**said) is Result.UNMATCHED
        assert suppressions(inbox.sent.person) == []
        assert self.handle(**said, is_address_enough=True) is Result.SUPPRESSED
        assert suppressions(inbox.sent.person) == [(True, "bounced")]

    def test_a_soft_bounce_of_an_address_is_noted(self, inbox: Inbox) -> None:
        said = {"kind": ReturnedKind.BOUNCE, "address": RECIPIENT, "status": "4.2.2", "is_address_enough": True}
        assert self.handle(**said) is Result.NOTED
        assert suppressions(inbox.sent.person) == []
