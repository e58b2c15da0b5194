"""SQLite: what is handed over rests on a mark that is on the disk, though the turn of its writer is over before."""

import errno
import fcntl
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from consent_service import clock, write_ahead_log
from consent_service.database import reading, transaction
from consent_service.extensions import database
from consent_service.mailing import claiming
from consent_service.mailing.carrier import Carrier
from consent_service.mailing.models import Message
from consent_service.mailing.rules import Lane, MessageState
from consent_service.subjects.models import Subject
from tests.driving import add_people, add_person
from tests.mailing.campaigning import change_messages, service, start_mailing, states
from tests.mailing.servers import Recorder, serving

MARKED = (MessageState.HANDING, MessageState.SENT)


class Disk:
    """What this process has synced, and with what; it can be made to fail once."""

    def __init__(self, sync: Callable[[int], None]) -> None:
        self._sync = sync
        self.fails_at: Callable[[], bool] = lambda: False
        self.files: set[str] = set()
        self.was_in_a_turn = False
        self.marked: set[str] = set()  # whose messages were marked as being handed over, and durably

    def fdatasync(self, file: int) -> None:
        """In place of the system's."""
        if self.fails_at():
            self.fails_at = lambda: False
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.files.add(str(Path(f"/proc/self/fd/{file}").readlink()))
        self.was_in_a_turn |= not is_turn_free()
        seen = marked()
        self._sync(file)
        self.marked |= seen


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk(os.fdatasync)
    monkeypatch.setattr(os, "fdatasync", disk.fdatasync)
    return disk


@pytest.fixture
def file(sqlite_url: str, port: int) -> Iterator[Path]:
    """The database's file, in which a mailing to five people waits, in the context of its service."""
    with service(sqlite_url, port):
        add_people(None, 5)
        start_mailing()
        yield Path(str(database.engine.url.database))


class NothingLeft(threading.Event):
    """Stops a carrier when it would wait for more to do."""

    def wait(self, timeout: float | None = None) -> bool:
        """Does not."""
        self.set()
        return True


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    with Carrier(Lane.BULK, NothingLeft()) as carrier:
        yield carrier


def is_turn_free() -> bool:
    with Path(f"{database.engine.url.database}.writer").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def marked() -> set[str]:
    with reading() as session:
        rows = session.execute(
            sa.select(Subject.address).join(Message, Message.subject_id == Subject.id).where(Message.state.in_(MARKED))
        )
        return {str(address) for (address,) in rows}


def test_the_log_is_synced_after_the_turn_and_before_the_hand_over(
    file: Path, carrier: Carrier, port: int, disk: Disk
) -> None:
    begun_too_early = []
    server = Recorder(
        reply_to_recipient=lambda address: None if address in disk.marked else begun_too_early.append(address)
    )
    with serving(server, port):
        carrier.carry_batch()
    assert states() == {"sent": 5}
    assert begun_too_early == []
    assert disk.files == {f"{file}-wal"}
    assert not disk.was_in_a_turn


def at_the_third() -> bool:
    """Whether a third message was just marked; if so, somebody else commits before it is on the disk."""
    is_third = len(marked()) == 3
    if is_third:
        with transaction() as session:
            add_person(session, 100, "newsletter")
    return is_third


def finish_later() -> None:
    """What happens when the leases have ended."""
    change_messages(lease_until=clock.now())
    with transaction() as session:
        claiming.take_up_abandoned(session)
    with Carrier(Lane.BULK, threading.Event()) as carrier:
        carrier.carry_batch()


def count_without_log(file: Path, statement: str) -> object:
    """What is left of a log that cannot be read at all."""
    with closing(sqlite3.connect(shutil.copy(file, file.with_name("without-log.db")))) as connection:
        (found,) = connection.execute(statement).fetchone()
        return found


def test_a_sync_that_fails_hands_nothing_over_and_takes_nothing_back(
    file: Path, carrier: Carrier, port: int, disk: Disk
) -> None:
    """What others commit meanwhile does not rest on what the disk lacks: all is brought into the database's file."""
    disk.fails_at = at_the_third
    with serving(Recorder(), port) as server:
        with pytest.raises(sa.exc.OperationalError, match="Input/output error"):
            carrier.carry_batch()
        assert count_without_log(file, "SELECT count(*) FROM subjects WHERE address = 'person100@example.org'") == 1
        assert count_without_log(file, "SELECT count(*) FROM messages WHERE state IN ('handing', 'sent')") == 3
        carrier.run()
        assert "person2@example.org" not in {address for address, _ in server.begun}
        finish_later()
    assert states() == {"sent": 5}
    assert set(server.recipients().values()) == {1}


def test_a_log_that_others_read_from_is_mended_before_anything_more_is_written(
    file: Path, carrier: Carrier, port: int, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_ahead_log, "CHECKPOINT_ATTEMPTS", 1)
    monkeypatch.setattr(write_ahead_log, "BUSY_MILLISECONDS", 10)
    monkeypatch.setattr(write_ahead_log, "CHECKPOINT_PAUSE_SECONDS", 0)
    disk.fails_at = at_the_third
    with serving(Recorder(), port) as server:
        with closing(sqlite3.connect(file, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM messages").fetchone()
            for _ in range(2):
                with pytest.raises(sa.exc.OperationalError, match="others read from it"):
                    carrier.run()
            assert len(server.begun) < 3
        carrier.carry_batch()
        assert count_without_log(file, "SELECT count(*) FROM messages WHERE state IN ('handing', 'sent')") == 3
        finish_later()
    assert states() == {"sent": 5}


def test_no_other_transaction_gets_a_connection_that_does_not_sync(file: Path, port: int) -> None:
    with serving(Recorder(), port), Carrier(Lane.BULK, threading.Event()) as carrier:
        carrier.carry_batch()
    with ExitStack() as stack:
        pooled = [stack.enter_context(database.engine.connect()) for _ in range(database.engine.pool.checkedin())]
        assert pooled
        levels = {connection.exec_driver_sql("PRAGMA synchronous").scalar_one() for connection in pooled}
        assert levels == {2}
