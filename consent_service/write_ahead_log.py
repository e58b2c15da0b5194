"""SQLite's write-ahead log: made durable by a writer after its turn, and emptied into the database's file.

(docs/decisions/0032-the-log-is-synced-after-the-turn.md)
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import sqlalchemy as sa

CHECKPOINT_ATTEMPTS = 5
BUSY_MILLISECONDS = 2000
CHECKPOINT_PAUSE_SECONDS = 0.25


class Log:
    """The log of a database as a writer has opened it, whose connection keeps it the same file as long as it is open.

    Open it before the first write: of what cannot be written, Linux tells each descriptor that is open, and once.
    """

    def __init__(self, database: str) -> None:
        """Raises OperationalError."""
        with _failing_as_the_database():
            self._file = os.open(f"{database}-wal", os.O_RDONLY)

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            os.close(self._file)

    def sync(self) -> None:
        """Returns when all that is committed is on the disk. Raises OperationalError where it may not be."""
        with _failing_as_the_database():
            sync = os.fdatasync if hasattr(os, "fdatasync") else os.fsync  # macOS has the latter alone
            sync(self._file)


def mend(database: str) -> None:
    """Empties a log of which the disk may lack a part: once the power was lost, nothing behind that would be read.

    Call it in the writer's turn. Raises OperationalError.
    """
    with _failing_as_the_database(), closing(connect(database)) as connection:
        if not empty(connection):
            raise sqlite3.OperationalError("the log could not be emptied, for others read from it")


def empty(connection: sqlite3.Connection) -> bool:
    """Brings all of the log into the database's file, and syncs that; False where others read the log for too long."""
    for _ in range(CHECKPOINT_ATTEMPTS):
        is_busy, *_pages = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not is_busy:
            return True
        time.sleep(CHECKPOINT_PAUSE_SECONDS)
    return False


def connect(database: str) -> sqlite3.Connection:
    """A connection of its own, for what does not wait for others for long."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    return connection


@contextmanager
def _failing_as_the_database() -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise sa.exc.OperationalError(None, None, error) from error
