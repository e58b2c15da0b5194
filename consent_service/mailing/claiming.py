"""Claiming messages of the outbox under a lease, and putting back what was not begun.

The lease's token fences a worker off: whatever it writes later counts only while the row still carries it.
"""

import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service import clock
from consent_service.database import literal, shared_now, table
from consent_service.domain.identifiers import (
    MailingId,
    MessageId,
    ProviderId,
    PublicId,
    SubjectId,
    new_public_id,
)
from consent_service.extensions import settings
from consent_service.limits import service as limits
from consent_service.limits.service import Allowance
from consent_service.mailing import sorting, watching
from consent_service.mailing.models import Mailing, Message
from consent_service.mailing.rules import Lane, MailingState, MessageState
from consent_service.mailing.service import LEASED, WAITING, is_one_of
from consent_service.prepared import Prepared

MOST_ROUNDS = 20
"""How often in one transaction a batch is taken of which nothing may go: all of it is limited providers'."""


_PROVIDER = sa.bindparam("provider", type_=Message.provider_id.type)
_NOW = sa.bindparam("now", type_=Message.not_before.type)
_IS_DUE = (Message.provider_id == _PROVIDER, is_one_of(*WAITING), Message.not_before <= _NOW)


def _prepared_take(whose: sa.ColumnElement[bool]) -> Prepared[MessageId, SubjectId | None]:
    picked = (
        sa.select(Message.id)
        .where(whose, *_IS_DUE)
        .order_by(Message.not_before, Message.id)
        .limit(sa.bindparam("most", type_=sa.Integer()))
        .with_for_update(skip_locked=True)
        .cte("picked")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    return Prepared(
        sa.update(table(Message))
        .where(Message.id.in_(sa.select(picked.c.id)))
        .values(
            state=MessageState.CLAIMED,
            lease_token=sa.bindparam("token", type_=Message.lease_token.type),
            lease_until=sa.bindparam("until", type_=Message.lease_until.type),
        )
        .returning(Message.id, Message.subject_id)
    )


_OF_MAILING = Message.mailing_id == sa.bindparam("mailing", type_=Message.mailing_id.type)
_SINGLE = Message.mailing_id.is_(None)
_TAKE_OF_MAILING, _TAKE_SINGLE = _prepared_take(_OF_MAILING), _prepared_take(_SINGLE)
_FIRST_OF_MAILING, _FIRST_SINGLE = (
    Prepared(sa.select(Message.id).where(whose, *_IS_DUE).limit(1)) for whose in (_OF_MAILING, _SINGLE)
)
_NEXT_MAILING = Prepared(
    sa.select(Mailing.id)
    .where(
        Mailing.state == literal(MailingState.RUNNING),
        watching.last_moved() >= sa.bindparam("fresh_since", type_=Mailing.started_at.type),
        sa.exists().where(Message.mailing_id == Mailing.id, *_IS_DUE),
    )
    .order_by(Mailing.id)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A message under our lease, and the person it goes to (None: a single mail to an address).

    `clock_ahead` is how far the database's clock, which leases go by, is ahead of this machine's. `provider` is the one
    that the message is kept apart for, 0 for none.
    """

    message_id: MessageId
    subject_id: SubjectId | None
    token: PublicId
    clock_ahead: timedelta
    mailing_id: MailingId | None
    provider: ProviderId

    def lease_until(self, now: datetime) -> datetime:
        """When a lease ends that is renewed at this machine's `now`, by the database's clock; both are aware."""
        return now + self.clock_ahead + lease()


def lease() -> timedelta:
    """How long a worker may hold a message without a word."""
    return timedelta(seconds=settings().smtp.lease_seconds)


def is_single_due(session: Session) -> bool:
    """Whether a single mail is to go out now; a look that keeps nobody waiting."""
    return _FIRST_SINGLE.first(session, {"provider": limits.NO_PROVIDER, "now": shared_now(session)}) is not None


def claim(session: Session, lane: Lane, count: int) -> list[Claim]:
    """Takes up to `count` messages of a lane under a new lease, those that have waited longest first.

    In the bulk lane only what the limits allow now, and of each provider that is kept apart no more than its part.
    """
    now = shared_now(session)
    taking = _Taking(session, new_public_id(), now)
    if lane is Lane.SINGLE:
        return taking.take(None, limits.NO_PROVIDER, count)
    return _claim_bulk(taking, limits.allowance(session, now), count)


def _claim_bulk(taking: "_Taking", allowance: Allowance, count: int) -> list[Claim]:
    session = taking.session
    room = _room(session, taking.now, allowance)
    count = min(count, room.messages)
    fresh_since = taking.now - watching.stale_after(allowance)
    mailing = _next_mailing(session, taking.now, fresh_since, room.providers) if count > 0 else None
    if mailing is None:
        return []
    claims: list[Claim] = []
    if room.by_provider:
        claims = _claim_apart(taking, mailing, room, count)
    claims += _claim_others(taking, mailing, room, count - len(claims), allowance.has_apart)
    limits.spend(session, allowance, Counter(claim.provider for claim in claims))
    return sorted(claims, key=lambda claim: claim.message_id)


def _claim_apart(taking: "_Taking", mailing: MailingId, room: "_Room", count: int) -> list[Claim]:
    """Takes of each provider that is kept apart no more than its part, so that all get their turn."""
    due = _due(taking, mailing, room.providers)
    claims: list[Claim] = []
    by_room = sorted((most, provider) for provider, most in room.by_provider.items() if provider in due)
    for position, (most, provider) in enumerate(by_room):
        others = len(due) - position
        part = int((count - len(claims)) / others + random.random()) if others > 1 else count - len(claims)
        taken = taking.take(mailing, provider, min(most, part, count - len(claims)))
        room.by_provider[provider] -= len(taken)
        claims += taken
    return claims


def _due(taking: "_Taking", mailing: MailingId, providers: Sequence[ProviderId]) -> set[ProviderId]:
    """Of which of these something of the mailing is due."""
    values = {"mailing": mailing, "now": taking.now}
    return {
        provider
        for provider in providers
        if _FIRST_OF_MAILING.first(taking.session, {**values, "provider": provider}) is not None
    }


def _claim_others(taking: "_Taking", mailing: MailingId, room: "_Room", count: int, has_apart: bool) -> list[Claim]:
    """Takes what is not marked as a provider's; some of it may turn out to belong to one that is kept apart."""
    if not has_apart:
        return taking.take(mailing, limits.NO_PROVIDER, count)
    for _ in range(MOST_ROUNDS):
        found = taking.take(mailing, limits.NO_PROVIDER, count)
        kept = _sorted_out(taking.session, found, room)
        if kept or not found:
            return kept
    return []


@dataclass(frozen=True, slots=True)
class _Room:
    """How many messages may be claimed now: in all, and of each provider that is kept apart."""

    messages: int
    by_provider: dict[ProviderId, int]

    @property
    def providers(self) -> tuple[ProviderId, ...]:
        return (limits.NO_PROVIDER, *self.by_provider)


def _room(session: Session, now: datetime, allowance: Allowance) -> _Room:
    """From what may leave to what may be claimed: where connections are limited, another one may have it all."""
    sending, shares = allowance.sending, allowance.shares.values()
    messages = sys.maxsize if sending.messages is None else sending.messages
    by_provider = {s.provider: sys.maxsize if s.bucket.messages is None else s.bucket.messages for s in shares}
    if sending.connections is not None or any(share.connections is not None for share in shares):
        total, busy = _busy(session, now)
        if sending.connections is not None and total >= sending.connections:
            messages = 0
        for share in shares:
            if share.connections is not None and busy[share.provider] >= share.connections:
                del by_provider[share.provider]
    return _Room(messages, by_provider)


def _busy(session: Session, now: datetime) -> tuple[int, Counter[ProviderId]]:
    """How many connections have messages of mailings in hand: in all, and of each provider that is kept apart."""
    rows = session.execute(
        sa.select(Message.provider_id, Message.lease_token)
        .where(is_one_of(*LEASED), Message.lease_until >= now, Message.mailing_id.is_not(None))
        .distinct()
    ).all()
    return len({row.lease_token for row in rows}), Counter(row.provider_id for row in rows)


def _sorted_out(session: Session, claims: list[Claim], room: "_Room") -> list[Claim]:
    """Those of the claimed that may go: what belongs to a provider that is kept apart goes as far as it has room."""
    providers = sorting.providers_of(session, [claim.subject_id for claim in claims if claim.subject_id is not None])
    kept: list[Claim] = []
    moved: dict[MessageId, ProviderId] = {}
    for claim in claims:
        provider = providers.get(claim.subject_id) if claim.subject_id is not None else None
        if provider is None:
            kept.append(claim)
            continue
        moved[claim.message_id] = provider
        if room.by_provider.get(provider, 0) > 0:
            room.by_provider[provider] -= 1
            kept.append(replace(claim, provider=provider))
    sorting.keep_apart(session, moved, moved.keys() - {claim.message_id for claim in kept})
    return kept


@dataclass(frozen=True, slots=True)
class _Taking:
    """Takes messages under one new lease."""

    session: Session
    token: PublicId
    now: datetime

    def take(self, mailing: MailingId | None, provider: ProviderId, count: int) -> list[Claim]:
        """Up to `count` messages of a mailing (None: of the single lane) that are marked as the provider's."""
        if count <= 0:
            return []
        values = {"provider": provider, "now": self.now, "most": count}
        values |= {"token": self.token, "until": self.now + lease()}
        if mailing is None:
            rows = _TAKE_SINGLE.all(self.session, values)
        else:
            rows = _TAKE_OF_MAILING.all(self.session, {**values, "mailing": mailing})
        ahead = self.now - clock.now()
        return [Claim(message, person, self.token, ahead, mailing, provider) for message, person in sorted(rows)]


def _next_mailing(
    session: Session, now: datetime, fresh_since: datetime, providers: Sequence[ProviderId]
) -> MailingId | None:
    """The first mailing with something due; one that could not go out for too long waits for a person's word."""
    values = {"now": now, "fresh_since": fresh_since}
    found = (_NEXT_MAILING.first(session, {**values, "provider": provider}) for provider in providers)
    return min((row[0] for row in found if row is not None), default=None)


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
    limits.give_back(session, Counter(claim.provider for claim in claims if claim.mailing_id is not None))


_TAKE_UP = Prepared(
    sa.update(table(Message))
    .where(
        Message.id.in_(
            sa.select(Message.id)
            .where(is_one_of(*LEASED), Message.lease_until < _NOW)
            .with_for_update(skip_locked=True)
        )
    )
    .values(state=MessageState.QUEUED, lease_until=None)
    .returning(Message.id)
)


def take_up_abandoned(session: Session) -> int:
    """Queues again what a worker left behind when its lease ended; it will be decided anew. How many.

    The token stays until the next claim: a worker that was cut off from the database may still say what
    became of its message, as long as nobody else has begun with it.
    """
    return len(_TAKE_UP.all(session, {"now": shared_now(session)}))
