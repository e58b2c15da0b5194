"""What people do about limits: set them, lift what refusals did, warm a domain up. All of it is audited."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.audit import service as audit
from consent_service.audit.service import Action
from consent_service.database import insert
from consent_service.domain.addresses import recipient_domain
from consent_service.domain.errors import InvalidAddress, NotFound, Refused
from consent_service.limits import service
from consent_service.limits.models import Provider, ProviderDomain, ProviderExchanger, SendingDomain
from consent_service.limits.rules import Limits

_NO_PLAN = dict.fromkeys(("warm_up_first", "warm_up_until", "warm_up_stage", "warm_up_day_began", "warm_up_used"), None)
_EMPTY = {"second_left": None, "hour_left": None, "filled_at": None}


def limit_provider(session: Session, name: str, limits: Limits, actor: str, at: datetime) -> str:
    """Sets what a provider may get, by its name or one of its domains; no limits at all free it.

    Returns the provider's own name; `at` is aware. Raises Refused where nobody is called so.
    """
    provider = _of(session, name)
    values = {**asdict(limits), **_EMPTY, "is_apart": provider.is_apart or limits.is_set}
    session.execute(sa.update(Provider).where(Provider.id == provider.id).values(**values))
    _record(session, provider.name, actor, at, "limited", **asdict(limits))
    return provider.name


def pause_provider(session: Session, name: str, actor: str, at: datetime) -> str:
    """Lets nothing more of mailings go to a provider until the pause is lifted.

    Returns the provider's own name; `at` is aware. Raises Refused where nobody is called so.
    """
    provider = _of(session, name)
    session.execute(
        sa.update(Provider).where(Provider.id == provider.id).values(paused_at=at, said=None, is_apart=True)
    )
    _record(session, provider.name, actor, at, "paused")
    return provider.name


def lift(session: Session, name: str, actor: str, at: datetime) -> None:
    """Ends a provider's pause and back-off; what somebody has set stays. Raises NotFound, and Refused for neither."""
    provider = _find(session, name)
    if provider is None:
        raise NotFound(f"there is no provider {name!r}")
    if provider.paused_at is None and provider.slowed_to is None:
        raise Refused(f"{provider.name} is neither paused nor slowed down")
    _lift(session, provider, actor, at)


def lift_all(session: Session, actor: str, at: datetime) -> int:
    """Ends the pause and back-off of all providers; how many."""
    held_up = sa.or_(Provider.paused_at.is_not(None), Provider.slowed_to.is_not(None))
    statement = sa.select(Provider).where(held_up).order_by(Provider.id).with_for_update()
    providers = session.execute(statement.execution_options(populate_existing=True)).scalars().all()
    for provider in providers:
        _lift(session, provider, actor, at)
    return len(providers)


def _lift(session: Session, provider: Provider, actor: str, at: datetime) -> None:
    session.execute(
        sa.update(Provider)
        .where(Provider.id == provider.id)
        .values(paused_at=None, slowed_to=None, slowed_at=None, lifted_at=at, said=None, **_EMPTY)
    )
    _record(session, provider.name, actor, at, "lifted")


def assign(session: Session, domain: str, name: str, actor: str, at: datetime) -> str:
    """Has a domain count with a provider from now on, which is made if nobody is called so.

    Returns the provider's own name; `at` is aware. Raises Refused for what is no domain.
    """
    domain = _domain(domain)
    provider = _find(session, name) or service.named(session, _comparable(name))
    values = {"provider_id": provider.id}
    session.execute(
        insert(session, ProviderDomain)
        .values(domain=domain, **values)
        .on_conflict_do_update(index_elements=["domain"], set_=values)
    )
    _record(session, provider.name, actor, at, "domain assigned", domain=domain)
    return provider.name


def assign_by_exchangers(
    session: Session, domain: str, exchangers: Collection[str], actor: str, at: datetime
) -> str | None:
    """Has a domain count with the provider whose mail exchangers these are; where they are nobody's, it stays as it is.

    Returns the name of the provider that it counts with; None where it counts for itself.
    """
    parents = {exchanger.split(".", cut)[-1] for exchanger in exchangers for cut in range(exchanger.count(".") + 1)}
    name = session.execute(
        sa.select(Provider.name)
        .join(ProviderExchanger, ProviderExchanger.provider_id == Provider.id)
        .where(ProviderExchanger.domain.in_(parents))
        .order_by(sa.func.length(ProviderExchanger.domain).desc())
        .limit(1)
    ).scalar_one_or_none()
    if name is not None:
        return assign(session, domain, name, actor, at)
    return session.execute(
        sa.select(Provider.name)
        .join(ProviderDomain, ProviderDomain.provider_id == Provider.id)
        .where(ProviderDomain.domain == _comparable(domain))
    ).scalar_one_or_none()


def limit_sender(session: Session, domain: str, limits: Limits, actor: str, at: datetime) -> None:
    """Sets what may leave from a sending domain, to all providers together; `at` is aware."""
    _change_sender(session, domain, **asdict(limits), **_EMPTY)
    _record(session, domain, actor, at, "sender limited", **asdict(limits))


def warm_up(session: Session, domain: str, first: int, until: int, actor: str, at: datetime) -> None:
    """Begins a warm-up plan: `first` messages on the day from `at` (aware) on, twice as many on the next, and so on,
    until a day would have `until`. Raises Refused for numbers that make no plan."""
    if not 0 < first < until:
        raise Refused("a warm-up plan begins with at least one message a day, and ends with more")
    plan = {"first": first, "until": until}
    _change_sender(
        session,
        domain,
        warm_up_first=first,
        warm_up_until=until,
        warm_up_stage=0,
        warm_up_day_began=at,
        warm_up_used=0,
    )
    _record(session, domain, actor, at, "warm-up begun", **plan)


def end_warm_up(session: Session, domain: str, actor: str, at: datetime) -> None:
    """Ends a warm-up plan before it is done. Raises Refused where there is none."""
    row = session.execute(sa.select(SendingDomain.warm_up_first).where(SendingDomain.domain == domain)).first()
    if row is None or row.warm_up_first is None:
        raise Refused(f"there is no warm-up plan for {domain}")
    _change_sender(session, domain, **_NO_PLAN)
    _record(session, domain, actor, at, "warm-up ended")


def _change_sender(session: Session, domain: str, **values: object) -> None:
    statement = insert(session, SendingDomain).values(domain=domain, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["domain"], set_=values))


def _of(session: Session, name: str) -> Provider:
    """The provider of this name or domain, locked. A domain that counts for itself is made one if need be: mail may
    go there. Whatever else there is no provider for would be limited in vain, so it raises Refused."""
    found = _find(session, name)
    if found is not None:
        return found
    try:
        domain = recipient_domain(name)
    except InvalidAddress as error:
        raise Refused(f"{name!r} is neither a domain nor a provider; those are: {_names(session)}") from error
    return service.named(session, domain)


def _names(session: Session) -> str:
    """Of the providers that are groups of domains."""
    groups = sa.select(ProviderDomain.provider_id)
    names = session.execute(sa.select(Provider.name).where(Provider.id.in_(groups))).scalars()
    return "; ".join(sorted(names))


def _domain(text: str) -> str:
    try:
        return recipient_domain(text)
    except InvalidAddress as error:
        raise Refused(f"{text!r} is not a domain") from error


def _comparable(name: str) -> str:
    """A domain in the form in which delivery looks for it; any other name as it is."""
    try:
        return recipient_domain(name)
    except InvalidAddress:
        return name


def _find(session: Session, name: str) -> Provider | None:
    """The provider that the domain of this name counts with, or else that of this name; locked."""
    comparable = _comparable(name)
    by_domain = Provider.id.in_(sa.select(ProviderDomain.provider_id).where(ProviderDomain.domain == comparable))
    by_name = Provider.name.in_((comparable, name))
    return session.execute(
        sa.select(Provider)
        .where(sa.or_(by_domain, by_name, sa.func.lower(Provider.name) == name.lower()))
        .order_by(sa.case((by_domain, 0), (Provider.name == comparable, 1), else_=2))
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def _record(session: Session, target: str, actor: str, at: datetime, what: str, **details: object) -> None:
    audit.record(
        session,
        at=at,
        actor=actor,
        action=Action.LIMITS_CHANGED,
        target=target[:64],
        details={"what": what, **details},
    )
