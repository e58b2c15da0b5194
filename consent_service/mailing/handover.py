"""The outbox's hot path: claiming a batch, and the one transaction per message that decides late (design I6).

A worker claims messages under a lease. The lease's token fences it off: whatever it writes later counts
only while the row still carries that token.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
import structlog
from flask_babel import force_locale, gettext
from sqlalchemy.orm import Session

from consent_service import links
from consent_service.database import is_sqlite, shared_now
from consent_service.domain.identifiers import MailingId, MessageId, PublicId, SubjectId, new_public_id
from consent_service.domain.kinds import Language, LeftOut, SuppressionReason
from consent_service.evidence.service import keyring
from consent_service.extensions import settings
from consent_service.ledger import queries as ledger
from consent_service.mailing.addresses import envelope_sender, message_id
from consent_service.mailing.composition import Person, Slot, Template, WayOut, has_way_out
from consent_service.mailing.models import Mailing, MailingTemplate, Message
from consent_service.mailing.rules import (
    Lane,
    MailingState,
    MessageState,
    Reply,
    is_address_gone,
    pause_before_retry,
    state_after,
)
from consent_service.mailing.service import LEASED, WAITING, is_one_of
from consent_service.signing import service as signing
from consent_service.subjects import service as subjects
from consent_service.subjects.models import Subject

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Claim:
    """A message under our lease, and the person it goes to (None: a single mail to an address)."""

    message_id: MessageId
    subject_id: SubjectId | None
    token: PublicId


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is handed to the server: both addresses, and the mail as seven-bit bytes."""

    sender: str
    recipient: str
    data: bytes

    def __post_init__(self) -> None:
        if not self.recipient.isascii():
            raise ValueError("an address beyond ASCII needs SMTPUTF8 (RFC 6531), which few servers take")


class NoWayOut(Exception):
    """A mailing's copy lacks its unsubscribe headers or link: it is never handed over (design I4)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the server said of a message that we had in hand; `at` is aware."""

    claim: Claim
    reply: Reply
    at: datetime


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
        .values(state=MessageState.CLAIMED, lease_token=token, lease_until=now + _lease())
        .returning(Message.id, Message.subject_id)
        .execution_options(synchronize_session=False)
    )
    return sorted((Claim(row.id, row.subject_id, token) for row in rows), key=lambda claim: claim.message_id)


def _next_mailing(session: Session, now: datetime) -> MailingId | None:
    waits = sa.exists().where(Message.mailing_id == Mailing.id, is_one_of(*WAITING), Message.not_before <= now)
    return session.execute(
        sa.select(Mailing.id).where(Mailing.state == MailingState.RUNNING, waits).order_by(Mailing.id).limit(1)
    ).scalar_one_or_none()


def _lease() -> timedelta:
    return timedelta(seconds=settings().smtp.lease_seconds)


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


def step(session: Session, done: Outcome | None, following: Claim, now: datetime) -> Envelope | None:
    """The one transaction per message: records what is done, then decides on the following and marks it.

    Returns what to hand over, or None where the person is left out, the lease was lost, or the mail cannot be
    composed. The order is that of design I6: lock the person, and look in a further statement.
    """
    if following.subject_id is not None and not is_sqlite():
        subjects.lock_shared(session, following.subject_id)
    if done is not None:
        record(session, done)
    row: Any = session.execute(_look(), {"message": following.message_id, "token": following.token}).one_or_none()
    if row is None:
        return None
    if row.mailing_state is MailingState.PAUSED:
        release(session, [following])
        return None
    reason = _reason(row)
    if reason is not None:
        _update(session, following, state=MessageState.SUPPRESSED, left_out=reason, **_ENDED)
        return None
    try:
        envelope = _single(row, now) if row.mailing_id is None else _copy(session, row, now)
    except sa.exc.SQLAlchemyError:
        raise
    except Exception as error:  # what composing raises now, it would raise for ever, and hold up the lane
        _fail(session, following, error)
        return None
    first_mark = row.state is MessageState.CLAIMED
    _update(
        session,
        following,
        state=MessageState.HANDING,
        attempts=Message.attempts + (1 if first_mark else 0),
        lease_until=shared_now(session) + _lease(),
    )
    return envelope


_ENDED: dict[str, Any] = {"lease_token": None, "lease_until": None}


def _fail(session: Session, claim: Claim, error: Exception) -> None:
    """Gives up a mail that cannot be composed; the error's own text may name a person, so only its kind is kept."""
    kind = type(error).__name__
    log.error("mail cannot be composed", message=claim.message_id, error=kind)
    _update(session, claim, state=MessageState.FAILED, reply=f"cannot be composed: {kind}", **_ENDED)


@lru_cache(maxsize=1)
def _look() -> sa.Select[Any]:
    """Everything that a decision needs of one claimed message, in one statement."""
    origin = sa.join(Message, Subject, Message.subject_id == Subject.id, isouter=True).outerjoin(
        Mailing, Message.mailing_id == Mailing.id
    )
    return (
        ledger.recipients(origin, Mailing.purpose_id)
        .add_columns(
            Message.public_id,
            Message.state,
            Message.mailing_id,
            Message.recipient,
            Message.content,
            Mailing.state.label("mailing_state"),
            Subject.erased_at,
        )
        .where(
            Message.id == sa.bindparam("message"),
            Message.lease_token == sa.bindparam("token"),
            # In doubt is what an unsubscribe that could not wait thinks of it; we, deciding, have it not in hand.
            Message.state.in_((MessageState.CLAIMED, MessageState.HANDING, MessageState.IN_DOUBT)),
        )
    )


def _reason(row: Any) -> LeftOut | None:
    if row.mailing_id is None:
        return LeftOut.ERASED if row.erased_at is not None or row.content is None else None
    if row.mailing_state is MailingState.CANCELLED:
        return LeftOut.CANCELLED
    return LeftOut(row.left_out) if row.left_out is not None else None


def _update(session: Session, claim: Claim, **values: object) -> None:
    session.execute(
        sa.update(Message)
        .where(Message.id == claim.message_id, Message.lease_token == claim.token)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def _single(row: Any, now: datetime) -> Envelope:
    data = signing.signed(keyring().open(row.content, row.public_id), now)
    return Envelope(envelope_sender(row.public_id), row.recipient, data)


def _copy(session: Session, row: Any, now: datetime) -> Envelope:
    language, template = _template(session, row.mailing_id, row.language)
    person = Person(
        address=row.address,
        name=row.name,
        greeting=greeting(language, row.name),
        settings_url=links.marketing_settings(row.subject_public_id, language),
        way_out=way_out(row.unsubscribe_public_id),
        message_id=message_id(row.public_id),
    )
    data = template.fill(person, now)
    shown = {(Slot.UNSUBSCRIBE, False), (Slot.UNSUBSCRIBE, True)}  # in the text and in the HTML
    if not has_way_out(data) or not shown <= set(template.slots):
        raise NoWayOut(row.public_id)
    return Envelope(envelope_sender(row.public_id), row.address, signing.signed(data, now))


def way_out(unsubscribe_public_id: PublicId) -> WayOut:
    """How one person leaves one purpose: the one-click address, and a mailto that names the same token."""
    token = links.sign(links.Use.UNSUBSCRIBE, unsubscribe_public_id)
    return WayOut(
        links.unsubscribe(unsubscribe_public_id),
        f"mailto:{settings().unsubscribe_mailbox}?subject=unsubscribe%20{token}",
    )


def greeting(language: Language, name: str | None) -> str:
    """The words that `{{greeting}}` stands for."""
    hello = _hello(language)
    return f"{hello} {name}" if name else hello


@lru_cache(maxsize=len(Language))
def _hello(language: Language) -> str:
    with force_locale(language.value):
        return str(gettext("Hello"))


_templates: dict[tuple[str, MailingId], dict[Language, Template]] = {}


def _template(session: Session, mailing_id: MailingId, language: Language) -> tuple[Language, Template]:
    """The mailing's template in the person's language, or else in the one that there is; it never changes."""
    key = (settings().database_url, mailing_id)
    if key not in _templates:
        rows = session.execute(sa.select(MailingTemplate).where(MailingTemplate.mailing_id == mailing_id)).scalars()
        _templates[key] = {row.language: Template.parse(row.subject, row.mime) for row in rows}
    found = _templates[key]
    chosen = language if language in found else next(iter(found))
    return chosen, found[chosen]


def record(session: Session, done: Outcome) -> None:
    """Writes down what the server said, if the message is still ours. A success is one statement."""
    if done.reply.is_success:
        values: dict[str, object] = {"state": MessageState.SENT, "handed_over_at": done.at}
    else:
        values = _after_refusal(session, done)
    _update(session, done.claim, reply=str(done.reply), **_ENDED, **values)


def _after_refusal(session: Session, done: Outcome) -> dict[str, object]:
    """A refusal means waiting or giving up; one that says the mailbox is gone also suppresses the address."""
    attempts = session.execute(
        sa.select(Message.attempts).where(Message.id == done.claim.message_id, Message.lease_token == done.claim.token)
    ).scalar_one_or_none()
    if attempts is None:
        return {}
    if done.claim.subject_id is not None and is_address_gone(done.reply):
        subjects.lock(session, done.claim.subject_id)
        subjects.suppress_subject(session, done.claim.subject_id, SuppressionReason.BOUNCED, done.at)
    state = state_after(done.reply, attempts)
    if state is MessageState.FAILED:
        return {"state": state}
    return {"state": state, "not_before": done.at + pause_before_retry(attempts, random.random())}
