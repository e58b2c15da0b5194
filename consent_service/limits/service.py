"""What may leave now, what has left, and what refusals make of it. Kept in the database: all workers share it.

Whoever takes an allowance locks the rows that it is taken from, in the order of their ids, until its transaction ends.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from consent_service.database import insert, table
from consent_service.domain.identifiers import ProviderId
from consent_service.extensions import settings
from consent_service.limits import rules
from consent_service.limits.models import Provider, ProviderDomain, SendingDomain
from consent_service.limits.rules import Bucket, Limits, Pace, Reaction, WarmUp
from consent_service.prepared import Prepared

log = structlog.get_logger()

NO_PROVIDER = ProviderId(0)
"""Of whatever goes to providers that are not limited: it is not kept apart."""


@dataclass(frozen=True, slots=True)
class Share:
    """What may leave to one provider now: so many messages (None: any number), over so many connections."""

    provider: ProviderId
    bucket: Bucket
    connections: int | None
    is_limited: bool


@dataclass(frozen=True, slots=True)
class Sending:
    """What may leave from our domain now; without limits, all of it."""

    bucket: Bucket = field(default_factory=Bucket)
    connections: int | None = None
    warm_up: WarmUp | None = None

    @property
    def messages(self) -> int | None:
        """How many messages; None is any number."""
        limits = [
            most for most in (self.bucket.messages, self.warm_up.left if self.warm_up else None) if most is not None
        ]
        return min(limits, default=None)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may leave now. Of the providers that are kept apart, those without a share may get nothing."""

    sending: Sending
    shares: Mapping[ProviderId, Share]  # of those kept apart that may get something
    has_apart: bool

    @property
    def providers(self) -> tuple[ProviderId, ...]:
        """Whose messages may be taken."""
        return (NO_PROVIDER, *self.shares)


_providers = table(Provider).c
_sending = table(SendingDomain).c


def _as_it_comes(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """SQL: a column of floats, which both drivers return as such; their processor wants to see the result first."""
    return sa.type_coerce(column, sa.types.NullType())


_apart = (
    sa.select(
        _providers.id,
        _as_it_comes(_providers.per_second),
        _providers.per_hour,
        _providers.connections,
        _as_it_comes(_providers.slowed_to),
        _providers.slowed_at,
        _providers.paused_at,
        _as_it_comes(_providers.second_left),
        _as_it_comes(_providers.hour_left),
        _providers.filled_at,
    )
    .where(_providers.is_apart)
    .order_by(_providers.id)
)
_ours = sa.select(
    _as_it_comes(_sending.per_second),
    _sending.per_hour,
    _sending.connections,
    _as_it_comes(_sending.second_left),
    _as_it_comes(_sending.hour_left),
    _sending.filled_at,
    _sending.warm_up_first,
    _sending.warm_up_until,
    _sending.warm_up_stage,
    _sending.warm_up_day_began,
    _sending.warm_up_used,
).where(_sending.domain == sa.bindparam("domain"))
_APART, _APART_LOCKED = Prepared(_apart), Prepared(_apart.with_for_update())
_SENDING, _SENDING_LOCKED = Prepared(_ours), Prepared(_ours.with_for_update())


def allowance(session: Session, now: datetime, to_spend: bool = True) -> Allowance:
    """What may leave at `now` (aware); `to_spend` keeps others from taking it until the transaction ends."""
    apart = (_APART_LOCKED if to_spend else _APART).all(session, {})
    shares = {}
    for provider, per_second, per_hour, connections, slowed_to, slowed_at, paused_at, second, hour, filled_at in apart:
        if paused_at is not None:
            continue
        limits = Limits(per_second, per_hour, connections)
        pace = Pace(slowed_to, slowed_at) if slowed_to is not None and slowed_at is not None else None
        rate = rules.allowed_per_second(limits, pace)
        bucket = rules.refilled(Bucket(second, hour, filled_at), rate, per_hour, now)
        if bucket.messages != 0:
            shares[provider] = Share(provider, bucket, connections, limits.is_set or pace is not None)
    sending = (_SENDING_LOCKED if to_spend else _SENDING).first(session, {"domain": settings().sending_domain})
    return Allowance(_sending_at(sending, now), shares, has_apart=bool(apart))


def _sending_at(row: Any, now: datetime) -> Sending:
    if row is None:
        return Sending()
    per_second, per_hour, connections, second, hour, filled_at, *columns = row
    bucket = rules.refilled(Bucket(second, hour, filled_at), per_second, per_hour, now)
    plan = planned(*columns)
    current = rules.turned(plan, now) if plan is not None else None
    return Sending(bucket, connections, None if current is None or current.is_done else current)


def planned(
    first: int | None, until: int | None, stage: int | None, day_began: datetime | None, used: int | None
) -> WarmUp | None:
    """The plan from its columns; None where there is none."""
    if first is None or until is None or stage is None or day_began is None or used is None:
        return None
    return WarmUp(first, until, stage, day_began, used)


def spend(session: Session, taken: Allowance, counts: Mapping[ProviderId, int]) -> None:
    """Takes so many messages per provider out of what may leave; in the transaction that asked for the allowance."""
    for provider in sorted(counts):
        share = taken.shares.get(provider)
        if share is not None and share.is_limited:
            _keep(session, _providers.id == provider, table(Provider), share.bucket.without(counts[provider]))
    sending, total = taken.sending, sum(counts.values())
    if total and (sending.bucket.messages is not None or sending.warm_up is not None):
        more: dict[str, object] = {}
        if (plan := sending.warm_up) is not None:
            more = {
                "warm_up_stage": plan.stage,
                "warm_up_day_began": plan.day_began,
                "warm_up_used": plan.used + total,
            }
        ours = _sending.domain == settings().sending_domain
        _keep(session, ours, table(SendingDomain), sending.bucket.without(total), **more)


def _keep(session: Session, which: sa.ColumnElement[bool], where: sa.Table, bucket: Bucket, **more: object) -> None:
    session.execute(
        sa.update(where)
        .where(which)
        .values(second_left=bucket.second, hour_left=bucket.hour, filled_at=bucket.at, **more)
    )


def give_back(session: Session, counts: Mapping[ProviderId, int]) -> None:
    """Puts back what was allowed to so many messages per provider that did not leave."""
    for provider in sorted(counts):
        if provider != NO_PROVIDER:
            _add(session, table(Provider), _providers.id == provider, counts[provider])
    total = sum(counts.values())
    if total:
        ours = _sending.domain == settings().sending_domain
        used = sa.case((_sending.warm_up_used > total, _sending.warm_up_used - total), else_=0)
        planned = sa.case((_sending.warm_up_used.is_not(None), used), else_=None)
        _add(session, table(SendingDomain), ours, total, warm_up_used=planned)


def _add(session: Session, where: sa.Table, which: sa.ColumnElement[bool], count: int, **more: object) -> None:
    left = {"second_left": where.c.second_left + count, "hour_left": where.c.hour_left + count}
    session.execute(sa.update(where).where(which).values(**left, **more))


_IS_ANY_APART = Prepared(sa.select(sa.literal(1)).where(_providers.is_apart).limit(1))


def is_any_apart(session: Session) -> bool:
    """Whether any provider's messages are kept apart."""
    return _IS_ANY_APART.first(session, {}) is not None


def apart(session: Session, domains: Collection[str]) -> dict[str, ProviderId]:
    """The provider of each of these domains (in their comparable form) whose messages are kept apart now."""
    own = sa.select(Provider.name, Provider.id).where(Provider.name.in_(domains), _is_in_force())
    grouped = (
        sa.select(ProviderDomain.domain, Provider.id)
        .join(Provider, Provider.id == ProviderDomain.provider_id)
        .where(ProviderDomain.domain.in_(domains), _is_in_force())
    )
    return {**dict(session.execute(own).all()), **dict(session.execute(grouped).all())}


def _is_in_force() -> sa.ColumnElement[bool]:
    """SQL: something limits the provider."""
    limiting = (Provider.per_second, Provider.per_hour, Provider.connections, Provider.slowed_to, Provider.paused_at)
    return sa.and_(Provider.is_apart, sa.or_(*(column.is_not(None) for column in limiting)))


def reunite(session: Session, unless: sa.ColumnElement[bool]) -> None:
    """Keeps messages apart no longer for providers that are not limited any more, unless the condition holds."""
    session.execute(
        sa.update(Provider)
        .where(Provider.is_apart, sa.not_(_is_in_force()), sa.not_(unless))
        .values(is_apart=False)
        .execution_options(synchronize_session=False)
    )


def refused(session: Session, domain: str, code: int, text: str, at: datetime) -> ProviderId | None:
    """Slows down or pauses a domain's provider, if that is what a server's refusal means; which one, if so.

    `at` is aware.
    """
    reaction = rules.reaction(code, text)
    if reaction is None:
        return None
    provider = of_domain(session, domain)
    said = rules.said(code, text)
    if reaction is Reaction.PAUSE:
        _pause(session, provider, said, at)
    else:
        pace = rules.slowed(provider.limits, provider.pace, at)
        if pace != provider.pace:
            log.warning("provider slows us down", provider=provider.name, said=said, per_second=pace.per_second)
        _change(session, provider.id, slowed_to=pace.per_second, slowed_at=pace.changed_at, said=said, is_apart=True)
    return provider.id


def is_about_us(status: str) -> bool:
    """Whether a status in a report (RFC 3463) says that the server refuses us: 5.7.x."""
    return rules.reaction(550, status) is Reaction.PAUSE


def came_back(session: Session, provider: Provider, status: str, at: datetime) -> None:
    """Pauses a provider (as `of_domain` returns it) for reports of this status; `at` is aware."""
    _pause(session, provider, rules.said(550, status), at)


def _pause(session: Session, provider: Provider, said: str, at: datetime) -> None:
    if provider.paused_at is None:
        log.warning("provider refuses us, paused", provider=provider.name, said=said)
        _change(session, provider.id, paused_at=at, said=said, is_apart=True)


def succeeded(session: Session, providers: Collection[ProviderId], at: datetime) -> None:
    """Lets providers that were slowed down and have taken mail grow a little; `at` is aware."""
    rows = session.execute(
        sa.select(Provider)
        .where(Provider.id.in_(providers), Provider.slowed_to.is_not(None))
        .order_by(Provider.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalars()
    for provider in rows.all():
        pace = provider.pace
        faster = rules.grown(provider.limits, pace, at) if pace is not None else None
        if faster != pace:
            values = (faster.per_second, faster.changed_at) if faster is not None else (None, None)
            _change(session, provider.id, slowed_to=values[0], slowed_at=values[1])


def of_domain(session: Session, domain: str) -> Provider:
    """The provider that a domain (in its comparable form) counts with, locked; its own one is made if need be."""
    found = session.execute(
        sa.select(ProviderDomain.provider_id).where(ProviderDomain.domain == domain)
    ).scalar_one_or_none()
    if found is None:
        return named(session, domain)
    return _locked(session, Provider.id == found)


def domains(session: Session, provider: Provider) -> Sequence[str]:
    """The domains that count with a provider, in their comparable form; its own is its name."""
    of_group = sa.select(ProviderDomain.domain).where(ProviderDomain.provider_id == provider.id)
    return [provider.name, *session.execute(of_group).scalars()]


def named(session: Session, name: str) -> Provider:
    """The provider of this name, locked; made if need be."""
    session.execute(insert(session, Provider).values(name=name, is_apart=False).on_conflict_do_nothing())
    return _locked(session, Provider.name == name)


def _locked(session: Session, which: sa.ColumnElement[bool]) -> Provider:
    statement = sa.select(Provider).where(which).with_for_update().execution_options(populate_existing=True)
    return session.execute(statement).scalar_one()


def _change(session: Session, provider: ProviderId, **values: object) -> None:
    session.execute(sa.update(table(Provider)).where(_providers.id == provider).values(**values))
