"""Statements of the hot paths: compiled once, and run by the driver itself.

What SQLAlchemy does around an execution costs ten times what the database needs for one row
(docs/speed.md), so the few statements that one-clicks, sign-ups and mailings consist of go past it. Everything else
keeps to `session.execute`. A prepared statement runs in the session's transaction, with its types, and
fails with SQLAlchemy's exceptions; it knows nothing of the unit of work.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVarTuple, overload

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import TypedReturnsRows

Columns = TypeVarTuple("Columns")
Convert = Callable[[Any], Any]
Values = dict[str, Any]
_PIPELINE, _OPEN = "pipeline", "open_pipeline"  # what is kept with a connection of the driver's


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement in one database's SQL, and how values go in and come out."""

    text: str
    names: tuple[str, ...]
    is_positional: bool
    constants: Values
    to_database: tuple[tuple[str, Convert], ...]
    from_database: tuple[Convert | None, ...] | None

    def bound(self, values: Values) -> Any:
        """These values as the driver wants them."""
        given = self.constants | values
        for name, convert in self.to_database:
            given[name] = convert(given[name])
        return [given[name] for name in self.names] if self.is_positional else given

    def with_constants(self, values: Values) -> "_Compiled":
        """The same with these values put in already."""
        return replace(
            self,
            constants=self.constants
            | values
            | {name: convert(values[name]) for name, convert in self.to_database if name in values},
            to_database=tuple((name, convert) for name, convert in self.to_database if name not in values),
        )

    def read(self, row: tuple[Any, ...]) -> Any:
        """A row of the driver's, each value in its column's type."""
        if self.from_database is None:
            return row
        return tuple(
            convert(value) if convert else value for value, convert in zip(row, self.from_database, strict=True)
        )


class Prepared(Generic[*Columns]):
    """A statement that differs in nothing but the values bound in it, and in these never by name."""

    @overload
    def __init__(self, statement: TypedReturnsRows[*Columns]) -> None: ...

    @overload
    def __init__(self: "Prepared[()]", statement: sa.Insert | sa.Update) -> None: ...

    def __init__(self, statement: object) -> None:
        self._statement: Any = statement
        self._by_dialect: dict[str, _Compiled] = {}

    def all(self, session: Session, values: Values) -> list[tuple[*Columns]]:
        """The rows for these values."""
        connection = _connection(session)
        compiled = self._compiled(connection.dialect, values)
        try:
            rows = _driver(connection).execute(compiled.text, compiled.bound(values)).fetchall()
        except connection.dialect.loaded_dbapi.Error as error:
            raise _as_sqlalchemy(error, connection) from error
        return [compiled.read(row) for row in rows]

    def first(self, session: Session, values: Values) -> tuple[*Columns] | None:
        """The first row for these values, if there is one."""
        rows = self.all(session, values)
        return rows[0] if rows else None

    def one(self, session: Session, values: Values) -> tuple[*Columns]:
        """The row for these values. Raises NoResultFound."""
        row = self.first(session, values)
        if row is None:
            raise sa.exc.NoResultFound("no row was found")
        return row

    def run(self, session: Session, values: Values) -> None:
        """Executes a statement, and asks for nothing that it returns."""
        connection = _connection(session)
        compiled = self._compiled(connection.dialect, values)
        try:
            _driver(connection).execute(compiled.text, compiled.bound(values))
        except connection.dialect.loaded_dbapi.Error as error:
            raise _as_sqlalchemy(error, connection) from error

    def run_each(self, session: Session, rows: Sequence[Values], shared: Values | None = None) -> None:
        """Executes a statement once for each of these rows, to which what they share is added."""
        connection = _connection(session)
        shared = shared or {}
        compiled = self._compiled(connection.dialect, shared | rows[0]).with_constants(shared)
        try:
            _driver(connection).cursor().executemany(compiled.text, [compiled.bound(values) for values in rows])
        except connection.dialect.loaded_dbapi.Error as error:
            raise _as_sqlalchemy(error, connection) from error

    def _compiled(self, dialect: Dialect, values: Values) -> _Compiled:
        found = self._by_dialect.get(dialect.name)
        if found is None:
            found = self._by_dialect[dialect.name] = _compile(self._statement, dialect, values)
        return found


@contextmanager
def together(connection: Connection) -> Iterator[None]:
    """Lets what is prepared or commanded here travel to PostgreSQL together until a row is asked for or the block ends.

    So a failure may show at a later statement than the one that failed, at the latest at the end of the block; the
    connection must be given up then. Statements of SQLAlchemy's own do not work in here. SQLite has no way to save.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    kept, pipeline = connection.info, _pipeline(connection)
    try:
        with pipeline:
            kept[_OPEN] = pipeline
            yield
            del kept[_OPEN]
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_sqlalchemy(error, connection) from error


def _pipeline(connection: Connection) -> AbstractContextManager[object]:
    kept = connection.info
    if _PIPELINE not in kept:
        from consent_service.pipeline import Pipeline  # loads PostgreSQL's driver, which SQLite can do without

        kept[_PIPELINE] = Pipeline(_driver(connection))
    pipeline: AbstractContextManager[object] = kept[_PIPELINE]
    return pipeline


def command(connection: Connection, text: str) -> None:
    """Executes a word to the database, such as BEGIN."""
    try:
        _driver(connection).execute(text)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_sqlalchemy(error, connection) from error


def _compile(statement: Any, dialect: Dialect, values: Values) -> _Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=list(values))
    kinds = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
    converters = {name: convert for name, kind in kinds.items() if (convert := kind.bind_processor(dialect))}
    returned = [c.type.dialect_impl(dialect).result_processor(dialect, None) for c in statement.exported_columns]
    return _Compiled(
        text=str(compiled),
        names=tuple(compiled.positiontup or ()),
        is_positional=compiled.positional,
        constants={
            name: converters[name](bind.value) if name in converters else bind.value
            for name, bind in compiled.binds.items()
            if name not in values
        },
        to_database=tuple((name, converters[name]) for name in values if name in converters),
        from_database=tuple(returned) if any(returned) else None,
    )


def _connection(session: Session) -> Connection:
    """The connection of a session's transaction. `transaction()` and `reading()` bind it, which saves asking for it."""
    bound = session.bind
    return bound if isinstance(bound, Connection) and bound.in_transaction() else session.connection()


def _driver(connection: Connection) -> Any:
    """What executes: the driver's connection, or its pipeline while that is open."""
    pooled = connection.connection
    return pooled.info.get(_OPEN) or pooled.driver_connection


def _as_sqlalchemy(error: Exception, connection: Connection) -> BaseException:
    """The driver's error as SQLAlchemy names it; a connection that was cut is given up."""
    dialect = connection.dialect
    is_cut = dialect.is_disconnect(error, connection.connection, None)  # type: ignore[arg-type]
    if is_cut:
        connection.invalidate(error)
    return sa.exc.DBAPIError.instance(
        None, None, error, dialect.loaded_dbapi.Error, connection_invalidated=is_cut, dialect=dialect
    )
