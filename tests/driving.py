"""Driving the service as its users do: forms with their tokens, links from mails, the worker's rounds."""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path

import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from consent_service import clock, links, worker
from consent_service.database import Base, reading, transaction
from consent_service.demo.catcher import CaughtMail, caught
from consent_service.domain.addresses import normalise
from consent_service.domain.identifiers import SubjectId
from consent_service.domain.kinds import Channel, EventKind, Language, LegalBasis
from consent_service.evidence import service as evidence_service
from consent_service.ledger import queries as ledger_queries
from consent_service.ledger import service as ledger
from consent_service.ledger.queries import Entry
from consent_service.mailing.carrier import Carrier
from consent_service.mailing.rules import Lane
from consent_service.notice import queries as notice
from consent_service.subjects import service as subjects

FILL_TIME = timedelta(seconds=10)
BASE = "http://localhost"


@dataclass
class Mailbox:
    """What the SMTP server has caught, oldest first."""

    folder: Path
    port: int

    def mails(self, recipient: str | None = None) -> list[CaughtMail]:
        """All mails, or those to one recipient."""
        mails = list(reversed(caught(self.folder)))
        return [mail for mail in mails if recipient is None or recipient in mail.envelope_recipients]

    def latest(self, recipient: str | None = None) -> CaughtMail:
        """The newest mail."""
        return self.mails(recipient)[-1]


class Worker:
    """The worker, in the test's own thread."""

    def work(self) -> None:
        """Runs the timetable and both lanes until nothing is left that is due."""
        stop = threading.Event()
        busy = True
        while busy:
            for task in worker.TIMETABLE:
                while task.once():
                    pass
            busy = self.carry(Lane.SINGLE, stop) | self.carry(Lane.BULK, stop)
        self.settle()

    def carry(self, lane: Lane, stop: threading.Event) -> bool:
        """One batch of one lane over a connection of its own."""
        carrier = Carrier(lane, stop)
        with carrier:
            return carrier.carry_batch()

    def settle(self) -> None:
        """Lets the timetable see what the lanes did."""
        for task in worker.TIMETABLE:
            task.once()


def path_in(mail: CaughtMail, use: str) -> str:
    """The path of the link for this use (confirm, settings, unsubscribe) in a mail's text."""
    found = re.search(rf"{BASE}(?::\d+)?(/{use}/[A-Za-z0-9._=-]+)", mail.text)
    assert found, f"no {use} link in {mail.text!r}"
    return found[1]


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found, f"no field {name}"
    return unescape(found[1])


def sign_up(
    client: FlaskClient,
    address: str,
    purposes: Sequence[str] = ("newsletter:1",),
    name: str = "",
    language: str = "de",
    **more: str,
) -> TestResponse:
    """Opens the form, takes a person's time over it, and sends it."""
    with time_machine.travel(clock.now() - FILL_TIME):
        token = hidden(client.get("/newsletter").text, "form_token")
    fields = {"form_token": token, "email": address, "name": name, "language": language, "purposes": list(purposes)}
    return client.post("/newsletter", data={**fields, **more})


def confirmed(
    client: FlaskClient,
    worker: Worker,
    mailbox: Mailbox,
    address: str,
    purposes: Sequence[str] = ("newsletter:1",),
    name: str = "",
    language: str = "de",
) -> CaughtMail:
    """Signs up and confirms; returns the welcome mail."""
    assert sign_up(client, address, purposes, name, language).status_code == 200
    worker.work()
    assert client.post(path_in(mailbox.latest(address), "confirm")).status_code == 200
    worker.work()
    return mailbox.latest(address)


def add_people(session: Session | None, count: int, purpose_code: str = "newsletter") -> list[SubjectId]:
    """Adds person0@example.org and so on, who may all be written to for the purpose: confirmed, or imported customers.

    With a session it all belongs to the caller's transaction; without one it is committed in batches.
    """
    if session is not None:
        return [add_person(session, number, purpose_code) for number in range(count)]
    people: list[SubjectId] = []
    for first in range(0, count, 500):
        with transaction() as batch:
            numbers = range(first, min(first + 500, count))
            people += [add_person(batch, number, purpose_code) for number in numbers]
    return people


def add_person(session: Session, number: int, purpose_code: str) -> SubjectId:
    """Adds person{number}@example.org, who may be written to for the purpose."""
    now = clock.now()
    wording = notice.purpose(session, purpose_code, now)
    person = subjects.find_or_add(
        session, f"person{number}@example.org", language=Language.GERMAN, name=f"Person {number}", at=now
    )
    by_consent = wording.basis is LegalBasis.CONSENT
    given = ledger.Consent(
        subject_id=person,
        purpose_id=wording.purpose_id,
        purpose_version_id=wording.version_id,
        kind=EventKind.CONFIRMED if by_consent else EventKind.IMPORTED,
        basis=wording.basis,
        at=now,
        channel=Channel.LINK if by_consent else Channel.IMPORT,
        requested_at=now if by_consent else None,
        notice_id=notice.current_notice(session, now).id,
    )
    key = evidence_service.new_data_key(session, person, now)
    ledger.begin(session, given, {"source": "test data"}, key)
    return person


def heading(page: str) -> str:
    """The words of a page's h1."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    assert found, page
    return unescape(re.sub(r"<[^>]+>", "", found[1])).strip()


def text_of(page: str) -> str:
    """A page's words in one line, as a reader sees them."""
    body = page.partition("<body")[2].partition(">")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def everything() -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables: what must be the same before and after what changes nothing."""
    with reading() as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(sa.select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


def fresh_settings(client: FlaskClient, worker: Worker, mailbox: Mailbox, address: str) -> str:
    """Asks for the settings link of an address and returns the path of the page that it opens."""
    with time_machine.travel(clock.now() - FILL_TIME):
        token = hidden(client.get("/settings").text, "form_token")
    assert client.post("/settings", data={"form_token": token, "email": address}).status_code == 200
    worker.work()
    return path_in(mailbox.latest(address), "settings")


def events_of(address: str) -> Sequence[Entry]:
    """The ledger's lines about the person with this address, oldest first."""
    with reading() as session:
        person = subjects.find(session, normalise(address))
        return ledger_queries.history(session, person.id) if person else []


def one_click_path(address: str, code: str = "newsletter") -> str:
    """The path of a person's one-click link, as it stands in the headers of each mail for this purpose."""
    with reading() as session:
        person = subjects.find(session, normalise(address))
        assert person is not None
        purpose = notice.purpose(session, code, clock.now())
        link = ledger_queries.unsubscribe_link(session, person.id, purpose.purpose_id)
    return links.unsubscribe(link).removeprefix(BASE)
