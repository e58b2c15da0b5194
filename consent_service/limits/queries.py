"""Reads of limits, for pages and the command line."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import ProviderId
from consent_service.limits import rules
from consent_service.limits.models import Provider, ProviderDomain, SendingDomain
from consent_service.limits.rules import Limits, Pace, WarmUp
from consent_service.limits.service import planned

MOST_SHOWN = 200
DOMAINS_SHOWN = 50
PAUSED_NAMED = 10


@dataclass(frozen=True, slots=True)
class PausedProvider:
    """A provider that gets nothing of campaigns, since when (aware, in UTC), and what its server said."""

    name: str
    at: datetime | None
    said: str | None


def paused(session: Session, *which: sa.ColumnElement[bool]) -> Sequence[PausedProvider]:
    """The providers that are paused and of which all this holds, the latest first, some ten of them."""
    rows = session.execute(
        sa.select(Provider.name, Provider.paused_at, Provider.said)
        .where(Provider.is_apart, Provider.paused_at.is_not(None), *which)
        .order_by(Provider.paused_at.desc())
        .limit(PAUSED_NAMED)
    )
    return [PausedProvider(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class ProviderDetails:
    """A provider: its domains, what somebody has set, and how its refusals have changed that; times are aware."""

    id: ProviderId
    name: str
    domains: Sequence[str]
    limits: Limits
    pace: Pace | None
    paused_at: datetime | None
    said: str | None

    @property
    def per_second(self) -> float | None:
        """The rate in force, in messages per second."""
        return rules.allowed_per_second(self.limits, self.pace)

    @property
    def is_held_up(self) -> bool:
        """Whether there is something to lift."""
        return self.paused_at is not None or self.pace is not None


def providers(session: Session) -> Sequence[ProviderDetails]:
    """Those that are held up first, then those with limits, then the others that are known."""
    is_held_up = sa.or_(Provider.paused_at.is_not(None), Provider.slowed_to.is_not(None))
    rows = session.execute(
        sa.select(Provider)
        .order_by(sa.case((is_held_up, 0), else_=1), Provider.is_apart.desc(), sa.func.lower(Provider.name))
        .limit(MOST_SHOWN)
    ).scalars()
    found = list(rows)
    domains = _domains(session, [provider.id for provider in found])
    return [_details(provider, domains[provider.id]) for provider in found]


def provider(session: Session, provider_id: int) -> ProviderDetails:
    """One provider by its number. Raises NotFound."""
    found = session.execute(sa.select(Provider).where(Provider.id == provider_id)).scalar_one_or_none()
    if found is None:
        raise NotFound(f"there is no provider {provider_id}")
    return _details(found, _domains(session, [found.id])[found.id])


def _details(found: Provider, domains: Sequence[str]) -> ProviderDetails:
    return ProviderDetails(found.id, found.name, domains, found.limits, found.pace, found.paused_at, found.said)


def _domains(session: Session, ids: Sequence[ProviderId]) -> dict[ProviderId, list[str]]:
    by_provider: dict[ProviderId, list[str]] = defaultdict(list)
    rows = session.execute(
        sa.select(ProviderDomain.provider_id, ProviderDomain.domain)
        .where(ProviderDomain.provider_id.in_(ids))
        .order_by(ProviderDomain.domain)
    )
    for provider_id, domain in rows:
        if len(by_provider[provider_id]) < DOMAINS_SHOWN:
            by_provider[provider_id].append(domain)
    return by_provider


@dataclass(frozen=True, slots=True)
class SenderDetails:
    """A domain that we send from: what somebody has set, and its warm-up plan while there is one."""

    domain: str
    limits: Limits
    warm_up: WarmUp | None


def sender(session: Session, domain: str, now: datetime) -> SenderDetails:
    """What holds for a sending domain at `now` (aware)."""
    row = session.execute(sa.select(SendingDomain).where(SendingDomain.domain == domain)).scalar_one_or_none()
    if row is None:
        return SenderDetails(domain, Limits(), None)
    plan = planned(row.warm_up_first, row.warm_up_until, row.warm_up_stage, row.warm_up_day_began, row.warm_up_used)
    current = rules.turned(plan, now) if plan is not None else None
    is_over = current is None or current.is_done
    return SenderDetails(domain, Limits(row.per_second, row.per_hour, row.connections), None if is_over else current)
