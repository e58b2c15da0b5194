"""Use cases of the check: ask for one, take one up, keep what it found."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.database import alone
from consent_service.deliverability import queries
from consent_service.deliverability.models import DeliverabilityCheck
from consent_service.deliverability.rules import findings as rules
from consent_service.deliverability.rules.findings import Finding

ABANDONED_AFTER = timedelta(minutes=5)
CHECKS_KEPT = 30
_TASK = "deliverability check"


def request(session: Session, at: datetime) -> None:
    """Asks the worker for a check, unless one is under way; `at` is aware."""
    alone(session, _TASK)
    if queries.under_way_since(session) is None:
        session.add(DeliverabilityCheck(requested_at=at))
        session.flush()


def is_waiting(session: Session, now: datetime) -> bool:
    """Whether a check waits to be taken up."""
    return bool(session.execute(sa.select(sa.exists().where(_may_be_taken_up(now)))).scalar_one())


def begin_next(session: Session, now: datetime, is_public: bool) -> int | None:
    """Takes up the next check that nobody has in hand, the daily one included; its number, None without one."""
    alone(session, _TASK)
    last = queries.last(session)
    if rules.is_due(last.finished_at if last else None, now, is_public):
        request(session, now)
    return session.execute(
        sa.update(DeliverabilityCheck)
        .where(
            DeliverabilityCheck.id
            == sa.select(sa.func.min(DeliverabilityCheck.id)).where(_may_be_taken_up(now)).scalar_subquery()
        )
        .values(started_at=now)
        .returning(DeliverabilityCheck.id)
    ).scalar_one_or_none()


def _may_be_taken_up(now: datetime) -> sa.ColumnElement[bool]:
    """Not finished, and not begun either, or so long ago that its worker must have died."""
    return sa.and_(
        DeliverabilityCheck.finished_at.is_(None),
        sa.or_(DeliverabilityCheck.started_at.is_(None), DeliverabilityCheck.started_at < now - ABANDONED_AFTER),
    )


def finish(session: Session, check: int, findings: Sequence[Finding], at: datetime) -> None:
    """Keeps what a check found, and lets go of the oldest ones."""
    session.execute(
        sa.update(DeliverabilityCheck)
        .where(DeliverabilityCheck.id == check)
        .values(finished_at=at, findings=[one.plain() for one in findings])
    )
    newest = sa.select(DeliverabilityCheck.id).order_by(DeliverabilityCheck.id.desc()).limit(CHECKS_KEPT)
    session.execute(
        sa.delete(DeliverabilityCheck)
        .where(DeliverabilityCheck.id.not_in(list(session.execute(newest).scalars())))
        .execution_options(synchronize_session=False)
    )


def put_back(session: Session, check: int) -> None:
    """Leaves a check that was broken off to the next worker."""
    session.execute(sa.update(DeliverabilityCheck).where(DeliverabilityCheck.id == check).values(started_at=None))


def record(session: Session, findings: Sequence[Finding], started_at: datetime, at: datetime) -> None:
    """Keeps a check that an operator made just now."""
    check = DeliverabilityCheck(requested_at=started_at, started_at=started_at)
    session.add(check)
    session.flush()
    finish(session, check.id, findings, at)
