"""Deleting what was written to us: when its time is over, or when its author is erased."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.database import Digest
from consent_service.extensions import settings
from consent_service.inbound.models import InboundMessage
from consent_service.inbound.rules import InboundState
from consent_service.mailing import service as mailing
from consent_service.mailing.models import Message
from consent_service.mailing.service import Traces


def forget(session: Session, now: datetime, most: int = 200) -> int:
    """Deletes the content of mails that were handled long ago, and of their forwarded copies; how many."""
    over = now - timedelta(days=settings().inbound.content_days)
    rows = session.execute(
        sa.select(InboundMessage.id, InboundMessage.forwarded_as)
        .where(
            InboundMessage.content.is_not(None),
            InboundMessage.state == InboundState.HANDLED,
            InboundMessage.handled_at < over,
        )
        .order_by(InboundMessage.handled_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    _empty(session, rows)
    return len(rows)


@dataclass(frozen=True, slots=True)
class Whose:
    """By what the mails of a person are found: the person, the keyed digest of the address, and our own messages."""

    traces: Traces
    digest: Digest


def count(session: Session, whose: Whose) -> int:
    """How many mails of this person are kept."""
    return session.execute(
        sa.select(sa.func.count())
        .select_from(InboundMessage)
        .where(_belongs(whose), InboundMessage.content.is_not(None))
    ).scalar_one()


def erase(session: Session, whose: Whose) -> None:
    """Deletes the content of a person's mails and of their forwarded copies; class, time and result stay."""
    rows = session.execute(
        sa.select(InboundMessage.id, InboundMessage.forwarded_as).where(_belongs(whose)).with_for_update()
    ).all()
    _empty(session, rows)


def _belongs(whose: Whose) -> sa.ColumnElement[bool]:
    messages = sa.select(Message.id).where(whose.traces.condition())
    return sa.or_(
        InboundMessage.sender == whose.digest,
        InboundMessage.message_id.in_(messages),
        *([InboundMessage.subject_id == whose.traces.subject_id] if whose.traces.subject_id is not None else []),
    )


def _empty(session: Session, rows: Sequence[Any]) -> None:
    session.execute(
        sa.update(InboundMessage)
        .where(InboundMessage.id.in_([row.id for row in rows]))
        .values(content=None, summary=None, sender=None)
        .execution_options(synchronize_session=False)
    )
    copies = frozenset(row.forwarded_as for row in rows if row.forwarded_as is not None)
    if copies:
        mailing.empty(session, Traces(None, frozenset(), copies))
