"""Statements that travel to PostgreSQL together (libpq's pipeline mode), each prepared once per connection.

Straight to libpq, through psycopg's module for it: psycopg's own pipeline spends three times as long on a
statement as PostgreSQL's client library does, and a hand-over has six (docs/speed.md). Values go out and come
back by psycopg's adapters.
"""

import re
import select
from types import TracebackType
from typing import Any, NamedTuple

import psycopg
from psycopg import errors, pq
from psycopg.adapt import PyFormat, Transformer

_PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|(%))")
_FINE = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK, pq.ExecStatus.PIPELINE_SYNC)
_WRITABLE = select.POLLIN | select.POLLOUT


class _Statement(NamedTuple):
    """A statement that this connection has prepared, and whose values it takes in which order."""

    name: bytes
    values: tuple[str, ...]
    formats: tuple[PyFormat, ...]


class Pipeline:
    """A connection's pipeline, open within `with` and used by one thread.

    It takes the place of the connection and of its cursor for statements in the driver's form, with named
    values. What fails raises psycopg's errors: at a later statement, or at the end of the block. After that
    the connection must be given up.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        # A connection on which psycopg prepares statements of its own loses ours, too, when something is rolled back.
        connection.prepare_threshold = None
        self._libpq = connection.pgconn
        self._adapter = Transformer(connection)
        self._statements: dict[str, _Statement] = {}
        self._awaited = 0
        self._socket = select.poll()
        self._socket.register(self._libpq.socket, select.POLLIN)

    def __enter__(self) -> "Pipeline":
        self._libpq.enter_pipeline_mode()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._libpq.pipeline_sync()
            self._awaited += 1
            self._answers()
            self._libpq.exit_pipeline_mode()

    def execute(self, text: str, values: dict[str, Any] | None = None) -> "Pipeline":
        """Sends a statement in the course of things; `fetchall` asks for its rows."""
        statement = self._statements.get(text) or self._prepare(text)
        given = [values[name] for name in statement.values] if values else []
        sent = self._adapter.dump_sequence(given, statement.formats)
        self._libpq.send_query_prepared(statement.name, sent)
        self._awaited += 1
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Waits for the answers to all that was sent; the rows of the last statement."""
        self._libpq.send_flush_request()
        answer = self._answers()
        self._adapter.set_pgresult(answer)
        return self._adapter.load_rows(0, answer.ntuples, tuple)

    def _prepare(self, text: str) -> _Statement:
        names: list[str] = []

        def numbered(found: re.Match[str]) -> str:
            if found[2]:
                return "%"
            if found[1] not in names:
                names.append(found[1])
            return f"${names.index(found[1]) + 1}"

        query = _PLACEHOLDER.sub(numbered, text).encode()
        statement = _Statement(b"together_%d" % len(self._statements), tuple(names), (PyFormat.TEXT,) * len(names))
        self._libpq.send_prepare(statement.name, query)
        self._awaited += 1
        self._statements[text] = statement
        return statement

    def _answers(self) -> pq.abc.PGresult:
        """Waits for the answers to all that was sent; the last one. Raises what psycopg raises for one that failed."""
        self._push()
        last = None
        while self._awaited:
            while self._libpq.is_busy():
                self._socket.poll()
                self._libpq.consume_input()
            found = self._libpq.get_result()
            if found is not None:  # None ends the answers to one statement
                if found.status not in _FINE:
                    raise errors.error_from_result(found)
                last = found
                self._awaited -= 1
        assert last is not None, "something is sent before it is answered"
        return last

    def _push(self) -> None:
        """Hands all that was sent to the network."""
        while self._libpq.flush():
            self._socket.modify(self._libpq.socket, _WRITABLE)
            self._socket.poll()
            self._socket.modify(self._libpq.socket, select.POLLIN)
            self._libpq.consume_input()
