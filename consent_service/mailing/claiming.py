"""Claiming messages of the outbox under a lease, and putting back what was not begun.

The lease's token fences a worker off: whatever it writes later counts only while the row still carries it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service import clock
from consent_service.database import shared_now
from consent_service.domain.identifiers import MailingId, MessageId, PublicId, SubjectId, new_public_id
from consent_service.extensions import settings
from consent_service.mailing.models import Mailing, Message
from consent_service.mailing.rules import Lane, MailingState, MessageState
from consent_service.mailing.service import LEASED, WAITING, is_one_of, went_on


@dataclass(frozen=True, slots=True)
class Claim:
    """A message under our lease, and the person it goes to (None: a single mail to an address).

    `clock_ahead` is how far the database's clock, which leases go by, is ahead of this machine's.
    """

    message_id: MessageId
    subject_id: SubjectId | None
    token: PublicId
    clock_ahead: timedelta

    def lease_until(self, now: datetime) -> datetime:
        """When a lease ends that is renewed at this machine's `now`, by the database's clock; both are aware."""
        return now + self.clock_ahead + lease()


def lease() -> timedelta:
    """How long a worker may hold a message without a word."""
    return timedelta(seconds=settings().smtp.lease_seconds)


def claim(session: Session, lane: Lane, count: int) -> list[Claim]:
    """Takes up to `count` messages of a lane under a new lease, those that have waited longest first."""
    now = shared_now(session)
    mailing = _next_mailing(session, now) if lane is Lane.BULK else None
    if lane is Lane.BULK and mailing is None:
        return []
    picked = (
        sa.select(Message.id)
        .where(Message.mailing_id == mailing if mailing else Message.mailing_id.is_(None))
        .where(is_one_of(*WAITING), Message.not_before <= now)
        .order_by(Message.not_before, Message.id)
        .limit(count)
        .with_for_update(skip_locked=True)
        .cte("picked")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    token = new_public_id()
    rows = session.execute(
        sa.update(Message)
        .where(Message.id.in_(sa.select(picked.c.id)))
        .values(state=MessageState.CLAIMED, lease_token=token, lease_until=now + lease())
        .returning(Message.id, Message.subject_id)
        .execution_options(synchronize_session=False)
    )
    clock_ahead = now - clock.now()
    return sorted(
        (Claim(row.id, row.subject_id, token, clock_ahead) for row in rows), key=lambda claim: claim.message_id
    )


def _next_mailing(session: Session, now: datetime) -> MailingId | None:
    waits = sa.exists().where(Message.mailing_id == Mailing.id, is_one_of(*WAITING), Message.not_before <= now)
    return session.execute(
        sa.select(Mailing.id)
        .where(Mailing.state == MailingState.RUNNING, went_on(clock.now()), waits)
        .order_by(Mailing.id)
        .limit(1)
    ).scalar_one_or_none()


def release(session: Session, claims: list[Claim]) -> None:
    """Puts back what was claimed and not begun, for the next worker."""
    for token in {claim.token for claim in claims}:
        session.execute(
            sa.update(Message)
            .where(
                Message.id.in_([claim.message_id for claim in claims]),
                Message.lease_token == token,
                Message.state == MessageState.CLAIMED,
            )
            .values(state=MessageState.QUEUED, lease_token=None, lease_until=None)
            .execution_options(synchronize_session=False)
        )


def take_up_abandoned(session: Session) -> int:
    """Queues again what a worker left behind when its lease ended; it will be decided anew. How many.

    The token stays until the next claim: a worker that was cut off from the database may still say what
    became of its message, as long as nobody else has begun with it.
    """
    abandoned = (
        sa.select(Message.id)
        .where(is_one_of(*LEASED), Message.lease_until < shared_now(session))
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(
        sa.update(Message)
        .where(Message.id.in_(abandoned))
        .values(state=MessageState.QUEUED, lease_until=None)
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    return len(rows.all())
