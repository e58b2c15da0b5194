"""A service whose mail goes to a server of the test's choice, a mailing under way, and its worker as a process."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from consent_service import clock, links
from consent_service.application import create_app
from consent_service.config import from_environment
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import MailingId, SubjectId
from consent_service.domain.kinds import Language
from consent_service.extensions import database
from consent_service.ledger import queries as ledger
from consent_service.mailing import service as mailing
from consent_service.mailing.composition import MailingText, Text
from consent_service.mailing.models import Message
from consent_service.notice import queries as notice
from tests.conftest import environment

# For tests of what takes too long. Elsewhere a busy machine must not make the mail server seem to be away.
IMPATIENT = {"SMTP_TIMEOUT_SECONDS": "1", "LEASE_SECONDS": "10"}
WORDS = Text(
    "News", "{{greeting}}\n\nLeave: {{unsubscribe}}\n", "<p>{{greeting}}</p><p><a href='{{unsubscribe}}'>Leave</a></p>"
)


@contextmanager
def service(url: str, port: int, **more: str) -> Iterator[Flask]:
    """The application, in whose context the block runs; its mail goes to the server at `port`."""
    app = create_app(from_environment(environment(url, port, **more)))
    with app.app_context():
        try:
            yield app
        finally:
            database.session.remove()
            database.engine.dispose()


def begin_mailing() -> MailingId:
    """Starts a mailing to everybody who agreed to the newsletter; nothing of it is in the outbox yet."""
    now = clock.now()
    with transaction() as session:
        purpose = notice.purpose(session, "newsletter", now).purpose_id
        text = MailingText(mailing.sender(), "News", "news.example.org", "0:newsletter:example", WORDS)
        return mailing.start(session, purpose, {Language.GERMAN: text}, now)


def start_mailing() -> MailingId:
    """The same, and fills all of it."""
    started = begin_mailing()
    more = 1
    while more:
        with transaction() as session:
            more = mailing.fill(session, clock.now())
    return started


def messages(*columns: sa.orm.InstrumentedAttribute) -> list[sa.Row]:
    """These columns of all messages, in the order of their ids."""
    with reading() as session:
        return list(session.execute(sa.select(*columns).order_by(Message.id)))


def states() -> Counter[str]:
    """How many messages stand where."""
    return Counter(row.state.value for row in messages(Message.state))


def change_messages(**values: object) -> None:
    """Changes all messages at once, for instance to let their time come."""
    with transaction() as session:
        session.execute(sa.update(Message).values(**values))


def unsubscribe_path(person: SubjectId) -> str:
    """The path of a person's one-click link for the newsletter."""
    return unsubscribe_paths([person])[0]


def unsubscribe_paths(people: Sequence[SubjectId]) -> list[str]:
    """The paths of these people's one-click links."""
    with reading() as session:
        purpose = notice.purpose(session, "newsletter", clock.now()).purpose_id
        found = [links.unsubscribe(ledger.unsubscribe_link(session, person, purpose)) for person in people]
    return [link.removeprefix("http://localhost") for link in found]


@contextmanager
def worker_process(url: str, port: int, **more: str) -> Iterator[subprocess.Popen[str]]:
    """`consent-service worker` as a process of its own; killed at the end if it still runs."""
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("consent-service")), "worker"],
        env={**os.environ, **environment(url, port, **more)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(condition: Callable[[], bool], seconds: float = 90) -> None:
    """Waits until the condition holds, and fails when it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)
