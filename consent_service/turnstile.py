"""SQLite's writers take turns: one lock to queue at, one to hold while writing.

SQLite's busy handler is unfair to short writers beside a busy one. Whoever waits for a file's lock is woken
in turn, after about two milliseconds.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def turn(database: str) -> Iterator[None]:
    """Waits for this writer's turn at a database's file. Raises RuntimeError in a writer that has its turn."""
    if _has_turn.get():
        raise RuntimeError("a transaction inside a transaction would wait for itself")
    locks = _locks(database)
    fcntl.flock(locks.queue, fcntl.LOCK_EX)
    try:
        fcntl.flock(locks.writer, fcntl.LOCK_EX)
    finally:
        fcntl.flock(locks.queue, fcntl.LOCK_UN)
    begun = _has_turn.set(True)
    try:
        yield
    finally:
        _has_turn.reset(begun)
        fcntl.flock(locks.writer, fcntl.LOCK_UN)
