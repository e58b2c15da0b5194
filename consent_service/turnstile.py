"""SQLite's writers take turns: one lock to queue at, one to hold while writing.

SQLite's busy handler is unfair to short writers beside a busy one. Whoever waits for a file's lock is woken
in turn, after about two milliseconds.
"""

import fcntl
import os
import threading
from contextlib import AbstractContextManager
from contextvars import ContextVar

_has_turn = ContextVar("has_turn", default=False)
_opened = threading.local()


class _Locks:
    """The two lock files beside a database, as one thread of one process has opened them."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.process = os.getpid()
        self.queue = os.open(f"{database}.queue", os.O_CREAT | os.O_RDWR, 0o600)
        self.writer = os.open(f"{database}.writer", os.O_CREAT | os.O_RDWR, 0o600)

    def __del__(self) -> None:
        os.close(self.writer)
        os.close(self.queue)


def _locks(database: str) -> _Locks:
    """This thread's locks; a forked process shares those of its parent, and opens its own."""
    locks: _Locks | None = getattr(_opened, "locks", None)
    if locks is None or locks.database != database or locks.process != os.getpid():
        locks = _opened.locks = _Locks(database)
    return locks


def turn(database: str) -> AbstractContextManager[None]:
    """Waits for this writer's turn at a database's file. Raises RuntimeError in a writer that has its turn."""
    return _Turn(database)


class _Turn(AbstractContextManager[None]):
    """One turn. Each transaction has one, and a generator would take a third longer."""

    def __init__(self, database: str) -> None:
        self._database = database

    def __enter__(self) -> None:
        if _has_turn.get():
            raise RuntimeError("a transaction inside a transaction would wait for itself")
        self._locks = _locks(self._database)
        fcntl.flock(self._locks.queue, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._locks.writer, fcntl.LOCK_EX)
        finally:
            fcntl.flock(self._locks.queue, fcntl.LOCK_UN)
        self._begun = _has_turn.set(True)

    def __exit__(self, *_: object) -> None:
        _has_turn.reset(self._begun)
        fcntl.flock(self._locks.writer, fcntl.LOCK_UN)
