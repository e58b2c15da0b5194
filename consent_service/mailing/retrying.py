"""Sending failed messages of a mailing once more, because somebody has said so.

The worker carries it out in chunks. Hand-over decides anew on each, as on any other message.
"""

from collections import Counter
from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import MailingId, MessageId
from consent_service.limits import service as limits
from consent_service.mailing import audiences
from consent_service.mailing.models import Mailing, MailingCount, MailingRetry, Message
from consent_service.mailing.outcomes import BEGINNING, MAY_GO_AGAIN, FailureKind, failure_kind
from consent_service.mailing.rules import MailingState, MessageState
from consent_service.mailing.service import CHUNK, is_at_rest

_BEGINNING = sa.func.substr(Message.reply, 1, BEGINNING)


def failures(session: Session, mailing: MailingId) -> dict[FailureKind, int]:
    """How many messages of a mailing failed, by the reason; looks at each of them."""
    numbers: Counter[FailureKind] = Counter()
    rows = session.execute(
        sa.select(_BEGINNING, sa.func.count()).where(*_failed(mailing)).group_by(_BEGINNING),
        execution_options={"yield_per": 1000},
    )
    for beginning, number in rows:
        numbers[failure_kind(beginning)] += number
    return {kind: numbers[kind] for kind in FailureKind if numbers[kind]}


def _failed(mailing: MailingId) -> tuple[sa.ColumnElement[bool], ...]:
    return Message.mailing_id == mailing, is_at_rest(MessageState.FAILED)


def ask(session: Session, mailing: MailingId, kinds: Collection[FailureKind], at: datetime) -> None:
    """Has the messages that failed for these reasons go out again; `at` is aware.

    Raises Refused where none failed or none may go. How many failed for which reason is not looked at: of many
    that would take too long in a transaction that writes.
    """
    if not kinds or not set(kinds) <= set(MAY_GO_AGAIN):
        raise Refused("say which failed messages shall go again: " + ", ".join(MAY_GO_AGAIN))
    state = session.execute(sa.select(Mailing.state).where(Mailing.id == mailing).with_for_update()).scalar_one()
    if state is MailingState.CANCELLED:
        raise Refused("the mailing was cancelled")
    if session.execute(sa.select(Message.id).where(*_failed(mailing)).limit(1)).first() is None:
        raise Refused("no message failed")
    session.add(MailingRetry(mailing_id=mailing, kinds=sorted(kinds), retried_to=MessageId(0), is_done=False))
    _run_again(session, mailing, at)


def _run_again(session: Session, mailing: MailingId, at: datetime) -> None:
    session.execute(
        sa.update(Mailing)
        .where(Mailing.id == mailing, Mailing.state == MailingState.DONE)
        .values(state=MailingState.RUNNING, finished_at=None, moved_at=at)
    )
    session.execute(sa.update(MailingCount).where(MailingCount.mailing_id == mailing).values(count_again_at=at))


def retry_next(session: Session, at: datetime, chunk: int = CHUNK) -> int:
    """Puts the next chunk of failed messages back among the waiting; how many were looked at. `at` is aware.

    Goes by their ids, so that one which fails once more is not taken twice. Who has left the mailing's audience
    meanwhile gets nothing.
    """
    retry = session.execute(
        sa.select(MailingRetry)
        .where(MailingRetry.is_done.is_(False))
        .order_by(MailingRetry.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).scalar_one_or_none()
    if retry is None:
        return 0
    looked_at = session.execute(
        sa.select(Message.id, _BEGINNING.label("beginning"))
        .where(*_failed(retry.mailing_id), Message.id > retry.retried_to)
        .order_by(Message.id)
        .limit(chunk)
    ).all()
    chosen = [row.id for row in looked_at if failure_kind(row.beginning) in retry.kinds]
    session.execute(
        sa.update(Message)
        .where(Message.id.in_(chosen), *_failed(retry.mailing_id), *_is_still_meant(session, retry.mailing_id))
        .values(
            state=MessageState.QUEUED,
            attempts=0,
            not_before=at,
            lease_token=None,
            lease_until=None,
            provider_id=limits.NO_PROVIDER,  # whose it was may be kept apart no longer, and nobody would look there
        )
        .execution_options(synchronize_session=False)
    )
    _run_again(session, retry.mailing_id, at)
    retry.is_done = len(looked_at) < chunk
    if looked_at:
        retry.retried_to = looked_at[-1].id
    return len(looked_at)


def _is_still_meant(session: Session, mailing: MailingId) -> tuple[sa.ColumnElement[bool], ...]:
    audience = session.execute(sa.select(Mailing.audience).where(Mailing.id == mailing)).scalar_one()
    return (Message.subject_id.in_(audiences.people(audience)),) if audience is not None else ()
