"""Why mail does not go out: one row for each part that delivery needs, so that a campaign's page can say it.

A carrier writes at most when the trouble changes or once a minute, and when it is over. What the database itself
could not take is kept in memory until it can.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service import clock
from consent_service.database import Writer, insert, transaction
from consent_service.mailing.models import DeliveryTrouble
from consent_service.mailing.rules import Part, TroubleKind, without_mailboxes

WRITTEN_EVERY_SECONDS = 60.0
QUIET_SECONDS = 5.0
FORGOTTEN_AFTER = timedelta(minutes=5)
"""A trouble of which nobody has said anything for so long is over: whoever wrote it may be gone."""
_DATABASE_FAILURES = (sa.exc.OperationalError, sa.exc.InterfaceError)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One trouble, and how often it was met; times are aware, in UTC. `ended_at` is None while it lasts."""

    part: Part
    kind: TroubleKind
    since: datetime
    latest_at: datetime
    times: int
    reason: str
    ended_at: datetime | None


def latest(session: Session, now: datetime) -> Sequence[Trouble]:
    """The latest trouble of each part, those that last first; `now` is aware."""
    rows = session.execute(sa.select(DeliveryTrouble).order_by(DeliveryTrouble.part)).scalars()
    found = [
        Trouble(row.part, row.kind, row.since, row.latest_at, row.times, row.reason, _end(row, now)) for row in rows
    ]
    return sorted(found, key=lambda trouble: trouble.ended_at is not None)


def lasting(session: Session, now: datetime) -> Sequence[Trouble]:
    """What keeps mail from going out at `now` (aware)."""
    return [trouble for trouble in latest(session, now) if trouble.ended_at is None]


def _end(row: DeliveryTrouble, now: datetime) -> datetime | None:
    if row.ended_at is None and row.latest_at < now - FORGOTTEN_AFTER:
        return row.latest_at
    return row.ended_at


def write(
    session: Session, part: Part, kind: TroubleKind, reason: str, times: int, since: datetime, now: datetime
) -> None:
    """Writes down that a trouble was met so often from `since` to `now` (both aware); it goes on one that lasts."""
    said = {"kind": kind, "latest_at": now, "reason": without_mailboxes(reason), "ended_at": None}
    goes_on = DeliveryTrouble.ended_at.is_(None) & (DeliveryTrouble.latest_at >= now - FORGOTTEN_AFTER)
    session.execute(
        insert(session, DeliveryTrouble)
        .values(part=part, since=since, times=times, **said)
        .on_conflict_do_update(
            index_elements=[DeliveryTrouble.part],
            set_={
                **said,
                "since": sa.case((goes_on, DeliveryTrouble.since), else_=since),
                "times": sa.case((goes_on, DeliveryTrouble.times + times), else_=times),
            },
        )
    )


def end(session: Session, part: Part, at: datetime) -> None:
    """Ends the trouble with a part, if there is one; `at` is aware."""
    session.execute(
        sa.update(DeliveryTrouble)
        .where(DeliveryTrouble.part == part, DeliveryTrouble.ended_at.is_(None))
        .values(ended_at=at)
        .execution_options(synchronize_session=False)
    )


@dataclass(slots=True)
class MailServer:
    """How one carrier gets on with the mail server: it knows what it has written, and writes no more than it must."""

    writer: Writer
    _kind: TroubleKind | None = None
    _written: float = 0.0
    _unwritten: int = 0
    _may_be_open: bool = True  # a worker that is gone may have left one
    _worked: float = 0.0

    def failed(self, kind: TroubleKind, reason: str) -> None:
        """The server could not be used."""
        self._unwritten += 1
        self._may_be_open = True
        if kind is self._kind and time.monotonic() - self._written < WRITTEN_EVERY_SECONDS:
            return
        now = clock.now()
        with self.writer.transaction() as session:
            write(session, Part.MAIL_SERVER, kind, reason, self._unwritten, now, now)
        self._kind, self._written, self._unwritten = kind, time.monotonic(), 0

    def works(self) -> None:
        """The server answered to a mail."""
        if self._may_be_open or time.monotonic() - self._worked >= WRITTEN_EVERY_SECONDS:
            now = clock.now()
            with self.writer.transaction() as session:
                end(session, Part.MAIL_SERVER, now)
            self._kind, self._unwritten, self._may_be_open = None, 0, False
            self._worked = time.monotonic()


@dataclass(slots=True)
class _Outage:
    """What a process remembers of a database that fails."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    since: datetime | None = None
    latest_at: datetime | None = None
    reason: str = ""
    unwritten: int = 0


_outage = _Outage()


def note(error: Exception) -> None:
    """Remembers that the database failed, if this is what the error says."""
    if not isinstance(error, _DATABASE_FAILURES):
        return
    with _outage.lock:
        _outage.latest_at = clock.now()
        _outage.since = _outage.since or _outage.latest_at
        _outage.reason = str(error.orig)
        _outage.unwritten += 1


def write_down_outage() -> None:
    """Writes down what was remembered, once the database takes it; ends it when it has worked for a while."""
    with _outage.lock:
        since, latest_at, times = _outage.since, _outage.latest_at, _outage.unwritten
        reason = _outage.reason
    if since is None or latest_at is None:
        return
    is_over = clock.now() - latest_at > timedelta(seconds=QUIET_SECONDS)
    with transaction() as session:
        if times:
            write(session, Part.DATABASE, TroubleKind.DATABASE_FAILED, reason, times, since, latest_at)
        if is_over:
            end(session, Part.DATABASE, latest_at)
    with _outage.lock:
        _outage.unwritten -= times
        if is_over and not _outage.unwritten:
            _outage.since = None
