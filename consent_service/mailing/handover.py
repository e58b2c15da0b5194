"""The transaction that decides late (design I6): it records what is done, and marks what is handed over next.

Each of its statements is prepared once (docs/speed.md). Whatever else there is to do for a message, composing
and signing it, is done outside of the transaction, which on SQLite keeps every other writer waiting.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.database import is_sqlite, table
from consent_service.domain.identifiers import ProviderId
from consent_service.domain.kinds import LeftOut
from consent_service.ledger import queries as ledger
from consent_service.limits import service as limits
from consent_service.limits.rules import Reaction
from consent_service.mailing import returns
from consent_service.mailing.claiming import Claim
from consent_service.mailing.copies import Copy, SingleMail
from consent_service.mailing.models import Mailing, Message
from consent_service.mailing.rules import (
    MailingState,
    MessageState,
    Reply,
    pause_before_retry,
    state_after,
)
from consent_service.mailing.sorting import domain_of
from consent_service.prepared import Prepared
from consent_service.subjects import service as subjects
from consent_service.subjects.models import Subject


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the server said of a message that we had in hand; `at` is aware."""

    claim: Claim
    reply: Reply
    at: datetime


_OURS = (Message.id == sa.bindparam("message"), Message.lease_token == sa.bindparam("token"))
_LOOK = Prepared(
    ledger.recipients(
        sa.join(Message, Subject, Message.subject_id == Subject.id, isouter=True).outerjoin(
            Mailing, Message.mailing_id == Mailing.id
        ),
        Mailing.purpose_id,
    )
    .add_columns(
        Message.public_id,
        Message.state,
        Message.mailing_id,
        Message.recipient,
        Message.content,
        Mailing.state.label("mailing_state"),
        Subject.erased_at,
    )
    # Not narrowed by state: SQLite prepares a statement anew for each value that a partial index might turn on.
    .where(*_OURS)
)
# In doubt is what an unsubscribe that could not wait thinks of it; we, deciding, have it not in hand.
_UNDECIDED = (MessageState.CLAIMED, MessageState.HANDING, MessageState.IN_DOUBT)
_MARK = Prepared(
    sa.update(table(Message))
    .where(*_OURS)
    .values(
        state=MessageState.HANDING,
        attempts=Message.attempts + sa.bindparam("further_attempts", type_=sa.Integer()),
        lease_until=sa.bindparam("until", type_=Message.lease_until.type),
    )
)
_ENDED: dict[str, object] = {"lease_token": None, "lease_until": None}
_SENT = Prepared(
    sa.update(table(Message))
    .where(*_OURS)
    .values(
        state=MessageState.SENT,
        handed_over_at=sa.bindparam("at", type_=Message.handed_over_at.type),
        reply=sa.bindparam("answer", type_=Message.reply.type),
        **_ENDED,
    )
)


_LEAVE_OUT = Prepared(
    sa.update(table(Message))
    .where(*_OURS)
    .values(
        state=MessageState.SUPPRESSED,
        left_out=sa.bindparam("reason", type_=Message.left_out.type),
        **_ENDED,
    )
)


class NotNow(Enum):
    """Why a message stays where it is: its mailing rests, and whoever has claimed it puts it back."""

    PAUSED = "paused"


Decision = Copy | SingleMail | NotNow | None
"""What to compose and hand over; None where the person is left out or the lease was lost."""


def step(session: Session, successes: Sequence[Outcome], following: Sequence[Claim], now: datetime) -> list[Decision]:
    """Records what the server has taken, then decides on each following message and marks it as being handed over.

    The order is that of design I6: lock the persons, and look in a further statement. All are locked first, and in an
    order, so that nobody whom we wait for waits for us. All statements are prepared ones (`Writer.quick_transaction`).
    """
    if not is_sqlite():
        for person in sorted({claim.subject_id for claim in following if claim.subject_id is not None}):
            subjects.lock_shared(session, person)
    for outcome in successes:
        _record_success(session, outcome)
    return [_decide(session, claim, now) for claim in following]


def _decide(session: Session, claim: Claim, now: datetime) -> Decision:
    found = _look(session, claim)
    if found is None:
        return None
    if found.is_paused:
        return NotNow.PAUSED
    ours = {"message": claim.message_id, "token": claim.token}
    if found.left_out is not None:
        _LEAVE_OUT.run(session, {**ours, "reason": found.left_out})
        return None
    until = claim.lease_until(now)
    _MARK.run(session, {**ours, "further_attempts": int(found.is_first_mark), "until": until})
    return found.mail


@dataclass(frozen=True, slots=True)
class _Found:
    """A claimed message as it stands when we decide."""

    mail: Copy | SingleMail
    left_out: LeftOut | None
    is_paused: bool
    is_first_mark: bool


def _look(session: Session, claim: Claim) -> _Found | None:
    """Everything that a decision needs of one claimed message, in one statement; None where it is not ours any more."""
    row = _LOOK.first(session, {"message": claim.message_id, "token": claim.token})
    if row is None:
        return None
    (address, name, language, subject_public_id, unsubscribe_public_id, reason) = row[:6]
    (public_id, state, mailing_id, recipient, content, mailing_state, erased_at) = row[6:]
    if state not in _UNDECIDED:
        return None
    mail: Copy | SingleMail
    if mailing_id is None:
        mail = SingleMail(public_id, recipient, content)
        reason = LeftOut.ERASED if erased_at is not None or content is None else None
    else:
        mail = Copy(public_id, mailing_id, address, name, language, subject_public_id, unsubscribe_public_id)
        reason = LeftOut.CANCELLED if mailing_state is MailingState.CANCELLED else reason and LeftOut(reason)
    return _Found(mail, reason, mailing_state is MailingState.PAUSED, state is MessageState.CLAIMED)


def _update(session: Session, claim: Claim, **values: object) -> None:
    session.execute(
        sa.update(Message)
        .where(Message.id == claim.message_id, Message.lease_token == claim.token)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def record(session: Session, done: Outcome) -> None:
    """Writes down what the server said, if the message is still ours."""
    if done.reply.is_success:
        _record_success(session, done)
    else:
        _update(session, done.claim, reply=str(done.reply), **_ENDED, **_after_refusal(session, done))


def _record_success(session: Session, done: Outcome) -> None:
    values = {
        "message": done.claim.message_id,
        "token": done.claim.token,
        "at": done.at,
        "answer": str(done.reply),
    }
    _SENT.run(session, values)


def _after_refusal(session: Session, done: Outcome) -> dict[str, object]:
    """A refusal means waiting or giving up; one that says the mailbox is lost also suppresses the address.

    One that is about us also slows down or pauses the recipient's provider, whose messages then wait apart.
    """
    row = session.execute(
        sa.select(Message.attempts, Message.recipient, Subject.normalised_address)
        .outerjoin(Subject, Subject.id == Message.subject_id)
        .where(Message.id == done.claim.message_id, Message.lease_token == done.claim.token)
    ).one_or_none()
    if row is None:
        return {}
    state = state_after(done.reply, row.attempts)
    if state is MessageState.FAILED and done.claim.subject_id is not None:
        returns.refused_for_good(session, done.claim.subject_id, done.reply, done.at)
    provider = _tell_provider(session, row.normalised_address or row.recipient, done)
    values: dict[str, object] = {"state": state, "not_before": done.at}  # dates one that is given up
    if state is MessageState.DEFERRED:
        values["not_before"] = done.at + pause_before_retry(row.attempts, random.random())
    if provider is not None and done.claim.mailing_id is not None:
        values["provider_id"] = provider
        if done.reply.reaction is Reaction.PAUSE:  # it waits for a person's word, and not longer
            values["not_before"] = done.at
    return values


def _tell_provider(session: Session, address: str | None, done: Outcome) -> ProviderId | None:
    if address is None:
        return None
    return limits.refused(session, domain_of(address.lower()), done.reply.code, done.reply.text, done.at)


def put_back(session: Session, claim: Claim) -> None:
    """Puts back a marked message of which the server has certainly got nothing; it was no attempt."""
    _update(session, claim, state=MessageState.QUEUED, attempts=Message.attempts - 1, **_ENDED)


def give_up(session: Session, claim: Claim, kind: str) -> None:
    """Gives up a mail that cannot be composed; the error's own text may name a person, so only its kind is kept."""
    _update(session, claim, state=MessageState.FAILED, reply=f"cannot be composed: {kind}", **_ENDED)
