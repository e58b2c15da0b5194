"""The database: engine, column types, and `transaction()`, the one place that commits.

SQLite runs in WAL mode with full durability, and its writers queue at a turnstile.
"""

import enum
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any, ClassVar, NewType, cast

import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from consent_service import clock, write_ahead_log
from consent_service.domain import identifiers
from consent_service.domain.addresses import NormalisedAddress
from consent_service.extensions import database
from consent_service.prepared import Prepared, command, together
from consent_service.turnstile import turn

Digest = NewType("Digest", bytes)

_WRITES = {"writes": True}
_NOTICES_A_DEAD_HOST = {
    # A PostgreSQL whose host vanished without a word would keep a worker waiting for two hours.
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
_AUTOCOMMIT = "AUTOCOMMIT"
_BEGIN_WRITING = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "BEGIN ISOLATION LEVEL READ COMMITTED"}


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
    identifiers.SurveyId,
    identifiers.SeminarId,
    identifiers.SeminarDateId,
    identifiers.SeminarNoticeId,
    identifiers.SeatId,
    identifiers.InboundId,
    identifiers.ProviderId,
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
    # Errors go to the log, and the values of a statement are people's.
    if sa.make_url(url).get_backend_name() == "sqlite":
        return {"hide_parameters": True, "connect_args": {"timeout": 30}}
    given = sa.make_url(url).query
    return {
        "hide_parameters": True,
        "connect_args": {name: value for name, value in _NOTICES_A_DEAD_HOST.items() if name not in given},
        "isolation_level": "READ COMMITTED",
        "pool_pre_ping": True,
        "pool_size": 10,
        "max_overflow": 20,
    }


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
    options = connection.get_execution_options()
    if options.get("isolation_level") != _AUTOCOMMIT:
        command(connection, _BEGIN_WRITING["sqlite"] if options.get("writes") else "BEGIN")


@contextmanager
def transaction() -> Iterator[Session]:
    """A session whose work is committed when the block ends, and rolled back when it raises.

    Begins IMMEDIATE on SQLite, which waits there for writers that do not queue at our turnstile, and READ
    COMMITTED on PostgreSQL. Keep it short: no slow I/O inside, and no second transaction. Whoever changes a
    person's standing locks the person first (`subjects.service.lock`), which also keeps two transactions
    from waiting for each other.
    """
    engine = database.engine
    with _turn(engine), engine.connect() as connection, _committed(connection) as session:
        yield session


@contextmanager
def _committed(connection: Connection) -> Iterator[Session]:
    """A session in a transaction that the connection itself begins and commits, for a fraction of what a session does.

    (docs/speed.md)
    """
    connection.execution_options(**_WRITES).begin()
    with Session(connection, expire_on_commit=False) as session:
        yield session
        session.flush()
    connection.commit()


class Writer:
    """What `transaction()` is, on a connection and in a session that are kept: for a loop that writes all the time.

    Used by one thread. The database is told of each transaction's begin and end directly: SQLAlchemy, which spends
    longer on the two than SQLite on all that is between them (docs/speed.md), takes the connection to be in
    autocommit. After any failure it is closed, and the next transaction opens another.

    On SQLite others have their turn while the log is synced; whatever follows the block finds it durable.
    """

    def __init__(self) -> None:
        self._session: Session | None = None
        self._connection: Connection | None = None
        self._log: write_ahead_log.Log | None = None
        self._may_have_gap = False

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """As the module's `transaction()`."""
        with self._opened() as (session, connection):
            command(connection, _BEGIN_WRITING[connection.dialect.name])
            yield session
            session.flush()
            command(connection, "COMMIT")
            session.expunge_all()

    @contextmanager
    def quick_transaction(self) -> Iterator[Session]:
        """As `transaction`, for prepared statements alone: PostgreSQL is asked twice or so in all (`together`)."""
        with self._opened() as (session, connection), together(connection):
            command(connection, _BEGIN_WRITING[connection.dialect.name])
            yield session
            command(connection, "COMMIT")

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """For prepared statements that only read, each by itself: on SQLite it is nobody's turn."""
        with self._kept(database.engine) as (session, _connection):
            yield session

    @contextmanager
    def _opened(self) -> Iterator[tuple[Session, Connection]]:
        engine = database.engine
        with _turn(engine):
            self._mend(engine)
            with self._kept(engine) as opened:
                yield opened
        if self._log is not None:
            self._sync(self._log, engine)

    @contextmanager
    def _kept(self, engine: Engine) -> Iterator[tuple[Session, Connection]]:
        try:
            yield self._open(engine)
        except BaseException:
            self.close()
            raise

    def _open(self, engine: Engine) -> tuple[Session, Connection]:
        if self._session is None or self._connection is None:
            self._connection = engine.execution_options(isolation_level=_AUTOCOMMIT).connect()
            self._session = Session(self._connection, expire_on_commit=False)
            if engine.dialect.name == "sqlite":
                command(self._connection, "PRAGMA synchronous=NORMAL")
                self._log = write_ahead_log.Log(str(engine.url.database))
        return self._session, self._connection

    def _sync(self, log: write_ahead_log.Log, engine: Engine) -> None:
        try:
            log.sync()
        except sa.exc.OperationalError:
            self.close()
            self._may_have_gap = True
            with _turn(engine):  # at once, for others write behind the gap
                self._mend(engine)
            raise

    def _mend(self, engine: Engine) -> None:
        if self._may_have_gap:
            write_ahead_log.mend(str(engine.url.database))
            self._may_have_gap = False

    def close(self) -> None:
        """Closes the connection: nobody else may get it from the pool, for on SQLite a commit of it does not sync."""
        session, self._session = self._session, None
        connection, self._connection = self._connection, None
        self._log = None
        if connection is not None:
            connection.invalidate()
        if session is not None:
            session.close()
        if connection is not None:
            connection.close()


@contextmanager
def reading() -> Iterator[Session]:
    """A session for reads; it never waits for a writer on SQLite, and nothing of it is kept."""
    with database.engine.connect() as connection:
        connection.begin()
        with Session(connection, expire_on_commit=False) as session:
            yield session


def _turn(engine: Engine) -> AbstractContextManager[None]:
    if engine.dialect.name == "sqlite":
        return turn(str(engine.url.database))
    return nullcontext()


_SERVER_NOW = Prepared(sa.select(sa.func.clock_timestamp(type_=UtcDateTime())))


def shared_now(session: Session) -> datetime:
    """The clock that all workers share, for leases: the server's on PostgreSQL, this machine's on SQLite."""
    if session.get_bind().dialect.name == "postgresql":
        return _SERVER_NOW.one(session, {})[0]
    return clock.now()


def is_sqlite() -> bool:
    """Whether the service runs on its embedded database."""
    return bool(database.engine.dialect.name == "sqlite")


def current_database_url() -> str:
    """The configured URL, with its password hidden, for messages to operators."""
    return sa.make_url(current_app.config["SQLALCHEMY_DATABASE_URI"]).render_as_string(hide_password=True)


def literal(member: enum.Enum) -> sa.ColumnElement[Any]:
    """SQL: a member of a closed list, written out.

    For conditions that a partial index speaks of: SQLite plans a statement anew each time its bound values
    could decide which index serves.
    """
    return sa.literal_column(f"'{member.value}'", sa.String())


def table(model: type[Base]) -> sa.Table:
    """A model's table: statements on it, made once, skip the unit of work, which the hot paths do not need."""
    return cast(sa.Table, model.__table__)


def inserts(model: type[Base]) -> dict[str, postgresql.Insert | sqlite.Insert]:
    """An INSERT that can say ON CONFLICT, in each database's dialect."""
    return {"postgresql": postgresql.insert(table(model)), "sqlite": sqlite.insert(table(model))}


def insert(session: Session, model: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say ON CONFLICT, in the dialect of the session's database."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(model)
    return sqlite.insert(model)


def alone(session: Session, task: str) -> None:
    """Lets only one transaction at a time do this task until it ends; SQLite has but one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(task))))


def forget_deleted() -> bool:
    """Has the database give up what was deleted or overwritten; call it outside of a transaction.

    SQLite: rewrites the file and empties the write-ahead log; False where another process kept it from that
    for too long. PostgreSQL: VACUUM frees the old rows' space for others to write over.
    """
    if is_sqlite():
        return _rewrite_sqlite()
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(
            "VACUUM subjects, messages, returns, registrations, import_rows, import_pieces, inbound_messages, "
            "data_keys, person_keys, seminar_requests, seminar_seats, "
            "survey_requests, survey_participants, survey_responses"
        )
    return True


def forget_overwritten(*tables: str) -> bool:
    """As `forget_deleted`, for what was just rewritten in these tables, and quick: the whole file stays as it is."""
    if is_sqlite():
        with closing(_alone_on_sqlite()) as connection:
            return write_ahead_log.empty(connection)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"VACUUM {', '.join(tables)}")
    return True


def _rewrite_sqlite() -> bool:
    with _turn(database.engine), closing(_alone_on_sqlite()) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("VACUUM")
        return write_ahead_log.empty(connection)


def _alone_on_sqlite() -> sqlite3.Connection:
    return write_ahead_log.connect(str(database.engine.url.database))
