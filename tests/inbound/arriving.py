"""A service that takes mail by LMTP over a real socket, and one person who has got a campaign of it."""

import smtplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from flask import Flask

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.demo.catcher import CaughtMail
from consent_service.domain.identifiers import MailingId, PublicId, SubjectId
from consent_service.domain.kinds import EventKind, Language
from consent_service.inbound.lmtp import Server
from consent_service.inbound.models import InboundMessage
from consent_service.ledger import queries as ledger
from consent_service.mailing import service as mailing
from consent_service.mailing.composition import MailingText, feedback_id
from consent_service.mailing.models import Message
from consent_service.notice import queries as notice
from consent_service.subjects import queries as subjects
from tests.conftest import free_port
from tests.driving import Mailbox, Worker, add_people, one_click_path
from tests.inbound.reading import mail
from tests.mailing.campaigning import WORDS

UNSUBSCRIBE_MAILBOX = "newsletter@beispiel.example"
RECIPIENT = "person0@example.org"
LARGEST = 10 * 1024 * 1024
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what does nothing with the database that another test does not do on both."""


@contextmanager
def lmtp(app: Flask, largest: int = LARGEST) -> Iterator[int]:
    """The LMTP service on loopback; its port."""
    server = Server(app, "127.0.0.1", free_port(), largest)
    server.start()
    try:
        yield server.port
    finally:
        server.stop()
        server.handler.pool.shutdown()


def deliver(port: int, data: bytes, sender: str = "", *recipients: str) -> dict[str, tuple[int, bytes]]:
    """Hands one mail over as a mail server does; who was refused."""
    with smtplib.LMTP("127.0.0.1", port) as client:
        return client.sendmail(sender, list(recipients), data)


@dataclass
class Sent:
    """A campaign's mail to the person, as it left."""

    person: SubjectId
    mailing_id: MailingId
    caught: CaughtMail
    code: str = "newsletter"
    recipient: str = RECIPIENT

    @property
    def ours(self) -> dict[str, str]:
        """What stands in braces in the mails of this folder."""
        message_id = self.caught.header("Message-ID")
        return {
            "recipient": self.recipient,
            "envelope_sender": self.caught.envelope_sender,
            "message_id": message_id,
            "public_id": message_id.strip("<>").partition("@")[0],
            "token": one_click_path(self.recipient, self.code).rpartition("/")[2],
        }


@dataclass
class Inbox:
    """Takes mails in and has them handled."""

    port: int
    worker: Worker
    sent: Sent

    def take_each(self, names: Sequence[str], sent: Sequence[Sent], sender: str | None = None) -> list[InboundMessage]:
        """Takes in each of these mails, each about another person's copy; their rows."""
        return [self.take(name, sender, one) for name, one in zip(names, sent, strict=True)]

    def take(self, name: str, sender: str | None = None, sent: Sent | None = None, **changed: str) -> InboundMessage:
        """Takes in one of the mails of this folder, about the mail that was sent, and handles it; its row."""
        ours = {**(sent or self.sent).ours, **changed}
        data = mail(name, **ours)
        to_envelope_sender = b"\r\nTo: " + ours["envelope_sender"].encode() in data
        recipient = ours["envelope_sender"] if to_envelope_sender else UNSUBSCRIBE_MAILBOX
        from_machine = name.startswith(("bounce", "automatic", "unclear-daemon", "unclear-sounds"))
        return self.take_bytes(
            data, sender if sender is not None else "" if from_machine else ours["recipient"], recipient
        )

    def take_bytes(self, data: bytes, sender: str, recipient: str) -> InboundMessage:
        """Takes in a mail and handles it; its row."""
        assert deliver(self.port, data, sender, recipient) == {}
        self.worker.settle()
        return rows()[-1]


def rows() -> list[InboundMessage]:
    """All mails that came in, oldest first."""
    with reading() as session:
        return list(session.execute(sa.select(InboundMessage).order_by(InboundMessage.id)).scalars())


def send_campaign(worker: Worker, mailbox: Mailbox, code: str = "newsletter", people: int = 1) -> list[Sent]:
    """Sends a campaign to so many people, who are added if need be: person0@example.org and so on."""
    known = add_people(None, people, code)
    now = clock.now()
    with transaction() as session:
        purpose = notice.purpose(session, code, now).purpose_id
        sender = mailing.sender()
        text = MailingText(sender, "News", "news.example.org", feedback_id("c" * 32, code, sender), WORDS)
        mailing_id = mailing.start(session, purpose, {Language.GERMAN: text}, now)
    worker.work()
    addresses = [f"person{number}@example.org" for number in range(people)]
    return [
        Sent(person, mailing_id, mailbox.latest(address), code, address)
        for person, address in zip(known, addresses, strict=True)
    ]


def message_state(public_id: str) -> str:
    """Where a message of the outbox stands."""
    with reading() as session:
        found = sa.select(Message.state).where(Message.public_id == PublicId(public_id))
        return session.execute(found).scalar_one().value


def suppressions(person: SubjectId) -> list[tuple[bool, str]]:
    """What stands against a person: whether for every purpose, and why."""
    with reading() as session:
        return [(s.purpose_id is None, s.reason.value) for s in subjects.suppressions(session, person)]


def history(person: SubjectId) -> list[tuple[str, str]]:
    """Kind and channel of the events by which the person left."""
    with reading() as session:
        entries = ledger.history(session, person)
    left = (EventKind.WITHDRAWN, EventKind.OBJECTED)
    return [(entry.kind.value, entry.channel.value) for entry in entries if entry.kind in left]
