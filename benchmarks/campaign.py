"""Mails a second of a campaign from one worker process, against a bare smtplib loop with one durable row each."""

import argparse
import os
import re
import smtplib
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa

from benchmarks.filling import fill_either
from benchmarks.reporting import report
from benchmarks.serving import environment, own_postgresql, prepared
from benchmarks.sink import sink
from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import MailingId
from consent_service.domain.kinds import Language
from consent_service.mailing import service as mailing
from consent_service.mailing.composition import MailingText, Text
from consent_service.mailing.models import Message
from consent_service.mailing.rules import MessageState
from consent_service.notice import queries as notice

PEOPLE = 7_000  # three rounds are some 20,000 mails
ROUNDS = 3
AIM = ">= 0.9"
PARAGRAPH = "Liebe Grüße aus der Welt der Videokonferenzen, mit vielen Neuigkeiten für Ihren Alltag im Büro. "
WORDS = Text(
    "Neuigkeiten",
    "{{greeting}},\n\n" + PARAGRAPH * 40 + "\n\nAbmelden: {{unsubscribe}}\nEinstellungen: {{settings}}\n",
    "<p>{{greeting}},</p><p>" + PARAGRAPH * 40 + '</p><p><a href="{{unsubscribe}}">Abmelden</a> '
    '<a href="{{settings}}">Einstellungen</a></p>',
)


def main() -> None:
    """Measures both in turn."""
    measure("campaign", AIM, __doc__)


def measure(
    name: str, aim: str, purpose: str | None, before: Callable[[], None] = lambda: None, on_postgresql: bool = False
) -> None:
    """Measures both in turn; `before` prepares the service, in whose context it is called."""
    people = mails_of_a_round(PEOPLE, purpose)
    ours, bare = [], []
    with ExitStack() as stack:
        url = stack.enter_context(own_postgresql()) if on_postgresql else None
        folder, _app = stack.enter_context(prepared(url))
        port = stack.enter_context(sink())
        write = stack.enter_context(_bare_rows(url) if url else _bare_file(folder))
        fill_either(folder, url, people)
        before()
        for _ in range(ROUNDS):
            bare.append(bare_rate(write, port, people // 4))
            ours.append(our_rate(folder, port, people))
    report(name, ours, bare, "mails/s", aim)


def mails_of_a_round(usual: int, purpose: str | None) -> int:
    """How many, by the command line."""
    parser = argparse.ArgumentParser(description=purpose)
    parser.add_argument("--scale", type=float, default=1, help=f"multiplies the {usual} mails of a round")
    return int(usual * parser.parse_args().scale)


def our_rate(folder: Path, port: int, people: int, workers: int = 1) -> float:
    """Starts the workers, and then a mailing to everybody; mails a second from the first to the last."""
    with ExitStack() as stack:
        for _ in range(workers):
            stack.enter_context(worker(folder, port))
        return _rate(start_mailing(), people)


def start_mailing() -> MailingId:
    """A mailing to everybody who agreed to the newsletter."""
    now = clock.now()
    with transaction() as session:
        purpose = notice.purpose(session, "newsletter", now).purpose_id
        text = MailingText(mailing.sender(), "Neuigkeiten", "news.example.org", "campaign:newsletter:sender", WORDS)
        return mailing.start(session, purpose, {Language.GERMAN: text}, now)


@contextmanager
def worker(folder: Path, port: int) -> Iterator[None]:
    """`consent-service worker` as a process of its own, once it has started."""
    variables = {**environment(folder), "CONSENT_SMTP_URL": f"smtp://127.0.0.1:{port}"}
    variables |= {name: value for name, value in os.environ.items() if name.startswith("CONSENT_")}
    with tempfile.NamedTemporaryFile(dir=folder) as said:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("consent-service")), "worker"],
            env={**os.environ, **variables},
            stderr=said,
        )
        try:
            _wait_until_started(process, Path(said.name))
            yield
            print(f"A worker took {_peak_megabytes(process.pid)} MB of memory at most.")
        finally:
            process.terminate()
            process.wait()


def _wait_until_started(process: subprocess.Popen[bytes], said: Path) -> None:
    while b"worker started" not in (words := said.read_bytes()):
        if process.poll() is not None:
            raise RuntimeError(f"the worker has ended: {words.decode()}")
        time.sleep(0.05)


def _peak_megabytes(process: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text("ascii"))
    assert found is not None, "Linux says so of every process"
    return int(found[1]) // 1024


def _rate(started: MailingId, people: int) -> float:
    first = _wait_for(started, 1)
    began = time.perf_counter()
    _wait_for(started, people)
    return (people - first) / (time.perf_counter() - began)


def _wait_for(started: MailingId, count: int) -> int:
    """Waits until so many are sent; how many really are."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        sent = count_sent(started)
        if sent >= count:
            return sent
        time.sleep(0.05)
    raise RuntimeError("the campaign does not end")


def count_sent(started: MailingId) -> int:
    """How many messages of a mailing are sent."""
    sent = sa.select(sa.func.count()).where(Message.mailing_id == started, mailing.is_at_rest(MessageState.SENT))
    with reading() as session:
        return session.execute(sent).scalar_one()


def bare_rate(write: Callable[[str], object], port: int, mails: int) -> float:
    """One connection, one mail built beforehand with a token put in, one durable row each."""
    prebuilt = b"Subject: x\r\n\r\n" + b"token @@@@\r\n" + (b"x" * 74 + b"\r\n") * 118
    with smtplib.SMTP("127.0.0.1", port) as server:
        began = time.perf_counter()
        for number in range(mails):
            token = f"{number:032x}"
            server.sendmail("b@example.org", [f"p{number}@example.org"], prebuilt.replace(b"@@@@", token.encode()))
            write(token)
        return mails / (time.perf_counter() - began)


@contextmanager
def _bare_file(folder: Path) -> Iterator[Callable[[str], object]]:
    """Writes one durable row to a SQLite database of its own."""
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE sent (id INTEGER PRIMARY KEY, token TEXT)")

        def write(token: str) -> None:
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO sent (token) VALUES (?)", (token,))
            database.execute("COMMIT")

        yield write


@contextmanager
def _bare_rows(url: str) -> Iterator[Callable[[str], object]]:
    """Writes one durable row to PostgreSQL."""
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("CREATE TABLE bare_sent (id bigserial PRIMARY KEY, token text)")
        yield lambda token: database.execute("INSERT INTO bare_sent (token) VALUES (%s)", (token,))


if __name__ == "__main__":
    main()
