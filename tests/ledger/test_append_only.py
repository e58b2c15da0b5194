"""The database itself refuses to change or delete a line of the ledger or of the audit log (design I1)."""

import sqlite3

import pytest
import sqlalchemy as sa
from flask import Flask

from consent_service import clock
from consent_service.audit import service as audit
from consent_service.audit.service import Action
from consent_service.database import reading, transaction
from consent_service.domain.kinds import Channel
from consent_service.preferences import service as preferences
from tests.driving import add_people, everything

TABLES = ("consent_events", "audit_entries")
REFUSED = (sa.exc.DatabaseError,)


def on(database: str) -> pytest.MarkDecorator:
    """Only there: TRUNCATE is PostgreSQL's, INSERT OR REPLACE is SQLite's."""
    return pytest.mark.parametrize("database_url", [database], indirect=True)


@pytest.fixture(autouse=True)
def lines(app: Flask) -> None:
    """A confirmation, a withdrawal that ends it, and an entry of the audit log."""
    person = add_people(None, 1)[0]
    with transaction() as session:
        preferences.leave_everything(session, person, Channel.LINK, {}, clock.now())
        audit.record(session, at=clock.now(), actor="anna@example.org", action=Action.SIGNED_IN)


def refuse(statement: str) -> None:
    before = everything()
    with pytest.raises(REFUSED, match="append-only"), transaction() as session:
        session.execute(sa.text(statement))
    assert everything() == before


@pytest.mark.parametrize("table", TABLES)
def test_update_and_delete(table: str) -> None:
    refuse(f"UPDATE {table} SET id = id")
    refuse(f"DELETE FROM {table}")


@on("postgresql")
@pytest.mark.parametrize("table", TABLES)
def test_truncate(table: str) -> None:
    refuse(f"TRUNCATE {table} CASCADE")


def columns(table: str) -> list[str]:
    with reading() as session:
        return list(session.execute(sa.text(f"SELECT * FROM {table}")).keys())


@on("sqlite")
@pytest.mark.parametrize(
    ("table", "kept"),
    [
        ("audit_entries", ("id",)),
        ("consent_events", ("id",)),
        ("consent_events", ("public_id",)),
        ("consent_events", ("ends_event_id",)),
    ],
)
def test_insert_or_replace_by_each_key(table: str, kept: tuple[str, ...]) -> None:
    fresh = {"id": "id + 1000", "public_id": "lower(hex(randomblob(16)))", "ends_event_id": "NULL"}
    values = ", ".join(name if name in kept else fresh.get(name, name) for name in columns(table))
    refuse(f"INSERT OR REPLACE INTO {table} SELECT {values} FROM {table} ORDER BY id DESC LIMIT 1")


@on("sqlite")
def test_insert_or_replace_by_registration() -> None:
    with transaction() as session:
        session.execute(sa.text(_copy("id + 500", "'r'")))
    refuse(_copy("id + 501", "'r'").replace("INSERT", "INSERT OR REPLACE", 1))


def _copy(new_id: str, registration: str) -> str:
    fresh = {
        "id": new_id,
        "public_id": "lower(hex(randomblob(16)))",
        "ends_event_id": "NULL",
        "registration": registration,
    }
    values = ", ".join(fresh.get(name, name) for name in columns("consent_events"))
    return f"INSERT INTO consent_events SELECT {values} FROM consent_events WHERE id = 1"


@on("sqlite")
@pytest.mark.parametrize("table", TABLES)
def test_a_new_line_costs_the_same_however_long_the_table_is(table: str) -> None:
    few = steps_of_a_new_line(table)
    with transaction() as session:
        session.execute(sa.text(_copies(table, 2000)))
        session.execute(sa.text("ANALYZE"))
    assert steps_of_a_new_line(table) < 2 * few


def steps_of_a_new_line(table: str) -> int:
    """How many steps SQLite's virtual machine makes for it, its triggers included."""
    steps: list[None] = []
    with transaction() as session:
        connection = session.connection().connection.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        statement = sa.text(_copies(table, 1))
        session.execute(statement)  # reads the database's own tables once
        connection.set_progress_handler(lambda: steps.append(None), 1)
        session.execute(statement)
        connection.set_progress_handler(None, 1)
    return len(steps)


def _copies(table: str, count: int) -> str:
    """New lines with keys of their own, as the first one otherwise."""
    fresh = {"id": "NULL", "public_id": "lower(hex(randomblob(16)))", "ends_event_id": "NULL"}
    values = ", ".join(fresh.get(name, f"line.{name}") for name in columns(table))
    return (
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
        f"INSERT INTO {table} SELECT {values} FROM {table} AS line CROSS JOIN n WHERE line.id = 1"
    )
