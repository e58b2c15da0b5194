"""The database: engine, column types, and `transaction()`, the one place that commits.

SQLite runs in WAL mode with full durability. Its busy handler is unfair to short writers beside a busy
one, so writers queue at a turnstile of file locks first; waiting there costs about two milliseconds.
"""

import enum
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, NewType

import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from consent_service import clock
from consent_service.domain import identifiers
from consent_service.domain.addresses import NormalisedAddress
from consent_service.extensions import database

Digest = NewType("Digest", bytes)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, aware, in UTC; SQLite keeps it as text without a zone, PostgreSQL as timestamptz."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _values(kind: type[enum.Enum]) -> list[str]:
    return [member.value for member in kind]


RowNumber = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SortableText = sa.String().with_variant(sa.String(collation="C"), "postgresql")
"""Text that is compared byte by byte on both databases, so that a prefix is a range of an index."""

_ROW_NUMBERS = (
    identifiers.SubjectId,
    identifiers.PurposeId,
    identifiers.PurposeVersionId,
    identifiers.NoticeId,
    identifiers.DataKeyId,
    identifiers.ConsentEventId,
    identifiers.RegistrationId,
    identifiers.MailingId,
    identifiers.MessageId,
    identifiers.CampaignId,
    identifiers.StaffId,
)


class Base(DeclarativeBase):
    """The root of all tables."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        enum.Enum: sa.Enum(enum.Enum, native_enum=False, create_constraint=False, length=32, values_callable=_values),
        **dict.fromkeys(_ROW_NUMBERS, RowNumber),
        identifiers.PublicId: sa.String(32),
        NormalisedAddress: SortableText,
        Digest: sa.LargeBinary(32),
        datetime: UtcDateTime(),
        int: RowNumber,
    }


def engine_options(url: str) -> dict[str, Any]:
    """The options for `create_engine` that go with a database URL."""
    if sa.make_url(url).get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": 30}}
    return {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 20}


def init_app(app: Flask) -> None:
    """Prepares the application's engine; call it once, after the extension was initialised."""
    with app.app_context():
        engine = database.engine
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late and too seldom
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "recursive_triggers=ON",
        "secure_delete=ON",
        "cache_size=-65536",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


@contextmanager
def transaction() -> Iterator[Session]:
    """A session whose work is committed when the block ends, and rolled back when it raises.

    Begins IMMEDIATE on SQLite, READ COMMITTED on PostgreSQL. Keep it short: no slow I/O inside. Whoever
    changes a person's standing locks the person first (`subjects.service.lock`), which also keeps two
    transactions from waiting for each other.
    """
    engine = database.engine
    with _turn(engine), Session(engine.execution_options(writes=True), expire_on_commit=False) as session:
        yield session
        session.commit()


@contextmanager
def reading() -> Iterator[Session]:
    """A session for reads; it never waits for a writer on SQLite, and nothing of it is kept."""
    with Session(database.engine, expire_on_commit=False) as session:
        yield session


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """Waits for this writer's turn on SQLite: one lock to queue at, one to hold while writing."""
    if engine.dialect.name != "sqlite":
        yield
        return
    file = Path(str(engine.url.database))
    queue = os.open(file.with_name(file.name + ".queue"), os.O_CREAT | os.O_RDWR, 0o600)
    writer = os.open(file.with_name(file.name + ".writer"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(queue, fcntl.LOCK_EX)
        fcntl.flock(writer, fcntl.LOCK_EX)
        fcntl.flock(queue, fcntl.LOCK_UN)
        yield
    finally:
        os.close(writer)
        os.close(queue)


def shared_now(session: Session) -> datetime:
    """The clock that all workers share, for leases: the server's on PostgreSQL, this machine's on SQLite."""
    if session.get_bind().dialect.name == "postgresql":
        return session.execute(sa.select(sa.func.clock_timestamp(type_=UtcDateTime()))).scalar_one()
    return clock.now()


def is_sqlite() -> bool:
    """Whether the service runs on its embedded database."""
    return bool(database.engine.dialect.name == "sqlite")


def current_database_url() -> str:
    """The configured URL, with its password hidden, for messages to operators."""
    return sa.make_url(current_app.config["SQLALCHEMY_DATABASE_URI"]).render_as_string(hide_password=True)


def insert(session: Session, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say ON CONFLICT, in the dialect of the session's database."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def alone(session: Session, task: str) -> None:
    """Lets only one transaction at a time do this task until it ends; SQLite has but one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(task))))
