"""The two databases: how they are set, who may write when, and what they refuse."""

import os
import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from consent_service.database import reading, transaction
from consent_service.evidence.models import PersonKey
from consent_service.extensions import database
from tests.driving import add_people

QUEUE, WRITER = ".queue", ".writer"


def _scalar(statement: str) -> object:
    with reading() as session:
        return session.execute(sa.text(statement)).scalar_one()


def _sqlite_file() -> Path:
    return Path(str(database.engine.url.database))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1)]
)
def test_sqlite_is_durable_and_keeps_references(app: Flask, pragma: str, value: object) -> None:
    assert _scalar(f"PRAGMA {pragma}") == value


def test_a_reference_to_nothing_is_refused(app: Flask) -> None:
    with pytest.raises(sa.exc.IntegrityError), transaction() as session:
        session.execute(sa.insert(PersonKey).values(subject_id=999_999, wrapped=b"x"))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_reads_what_is_committed(app: Flask) -> None:
    assert _scalar("SHOW transaction_isolation") == "read committed"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_postgresql_host_that_vanished_is_noticed_within_minutes(app: Flask) -> None:
    with database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        given = driver.info.get_parameters()
    assert int(given["keepalives_idle"]) + int(given["keepalives_interval"]) * int(given["keepalives_count"]) <= 120
    assert int(given["tcp_user_timeout"]) <= 120_000
    assert int(given["connect_timeout"]) <= 30


def test_what_raises_leaves_nothing(app: Flask) -> None:
    def begin_and_fail() -> None:
        with transaction() as session:
            add_people(session, 3)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        begin_and_fail()
    assert _scalar("SELECT count(*) FROM subjects") == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_transaction_inside_a_transaction_is_refused_before_it_waits_for_itself(app: Flask) -> None:
    with transaction(), pytest.raises(RuntimeError), transaction():
        pass
    with transaction() as session:
        add_people(session, 1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_threads_and_forked_processes_take_turns(app: Flask) -> None:
    """Each adds one to a number that it has read before; without turns some would be lost."""
    with transaction() as session:
        session.execute(sa.text("CREATE TABLE numbers (number INTEGER)"))
        session.execute(sa.text("INSERT INTO numbers VALUES (0)"))
    database.engine.dispose()

    def count(times: int) -> None:
        with app.app_context():
            for _ in range(times):
                with transaction() as session:
                    number = session.execute(sa.text("SELECT number FROM numbers")).scalar_one()
                    session.execute(sa.text("UPDATE numbers SET number = :next"), {"next": number + 1})

    children = [_forked(lambda: count(20)) for _ in range(3)]
    threads = [threading.Thread(target=count, args=(20,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert _scalar("SELECT number FROM numbers") == 120


def _forked(work: object) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()  # type: ignore[operator]
            code = 0
        finally:
            os._exit(code)
    return child


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_turnstiles_files_are_the_owners_alone(app: Flask) -> None:
    with transaction() as session:
        add_people(session, 1)
    file = _sqlite_file()
    for suffix in (QUEUE, WRITER):
        assert file.with_name(file.name + suffix).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_writer_waits_for_one_that_does_not_queue(app: Flask) -> None:
    stranger = sqlite3.connect(_sqlite_file(), isolation_level=None, check_same_thread=False)
    stranger.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.5, lambda: stranger.execute("COMMIT"))
    timer.start()
    with transaction():
        assert not stranger.in_transaction
    timer.join()
    stranger.close()
