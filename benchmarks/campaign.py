"""Mails a second of a campaign from one worker process, against a bare smtplib loop with one durable row each."""

import argparse
import os
import smtplib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.filling import fill
from benchmarks.reporting import report
from benchmarks.serving import environment, prepared
from benchmarks.sink import sink
from consent_service import clock
from consent_service.database import transaction
from consent_service.domain.identifiers import MailingId
from consent_service.domain.kinds import Language
from consent_service.mailing import service as mailing
from consent_service.mailing.composition import MailingText, Text
from consent_service.notice import queries as notice

PEOPLE = 20_000
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


def measure(name: str, aim: str, purpose: str | None, before: Callable[[], None] = lambda: None) -> None:
    """Measures both in turn; `before` prepares the service, in whose context it is called."""
    parser = argparse.ArgumentParser(description=purpose)
    parser.add_argument("--scale", type=float, default=1, help=f"multiplies the {PEOPLE} mails of a round")
    people = int(PEOPLE * parser.parse_args().scale)
    ours, bare = [], []
    with prepared() as (folder, _app), sink() as port:
        fill(folder / "consent.db", people)
        before()
        for _ in range(ROUNDS):
            bare.append(bare_rate(folder, port, people // 4))
            ours.append(our_rate(folder, port, people))
    report(name, ours, bare, "mails/s", aim)


def our_rate(folder: Path, port: int, people: int) -> float:
    """Starts a mailing to everybody, and one worker; mails a second from the first to the last."""
    started = start_mailing()
    with worker(folder, port):
        return _rate(folder / "consent.db", started, people)


def start_mailing() -> MailingId:
    """A mailing to everybody who agreed to the newsletter."""
    now = clock.now()
    with transaction() as session:
        purpose = notice.purpose(session, "newsletter", now).purpose_id
        text = MailingText(mailing.sender(), "Neuigkeiten", "news.example.org", "campaign:newsletter:sender", WORDS)
        return mailing.start(session, purpose, {Language.GERMAN: text}, now)


@contextmanager
def worker(folder: Path, port: int) -> Iterator[None]:
    """`consent-service worker` as a process of its own."""
    variables = {**environment(folder), "CONSENT_SMTP_URL": f"smtp://127.0.0.1:{port}"}
    variables |= {name: value for name, value in os.environ.items() if name.startswith("CONSENT_")}
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("consent-service")), "worker"],
        env={**os.environ, **variables},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _rate(database: Path, started: MailingId, people: int) -> float:
    with closing(sqlite3.connect(database)) as connection:
        first = _wait_for(connection, started, 1)
        began = time.perf_counter()
        _wait_for(connection, started, people)
        return (people - first) / (time.perf_counter() - began)


def _wait_for(connection: sqlite3.Connection, started: MailingId, count: int) -> int:
    """Waits until so many are sent; how many really are."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        (sent,) = connection.execute(
            "SELECT count(*) FROM messages WHERE mailing_id = ? AND state = 'sent'", (started,)
        ).fetchone()
        if sent >= count:
            return int(sent)
        time.sleep(0.02)
    raise RuntimeError("the campaign does not end")


def bare_rate(folder: Path, port: int, mails: int) -> float:
    """One connection, one mail built beforehand with a token put in, one durable row each."""
    prebuilt = b"Subject: x\r\n\r\n" + b"token @@@@\r\n" + (b"x" * 74 + b"\r\n") * 118
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE IF NOT EXISTS sent (id INTEGER PRIMARY KEY, token TEXT)")
        with smtplib.SMTP("127.0.0.1", port) as server:
            began = time.perf_counter()
            for number in range(mails):
                token = f"{number:032x}"
                server.sendmail("b@example.org", [f"p{number}@example.org"], prebuilt.replace(b"@@@@", token.encode()))
                database.execute("BEGIN IMMEDIATE")
                database.execute("INSERT INTO sent (token) VALUES (?)", (token,))
                database.execute("COMMIT")
            return mails / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
