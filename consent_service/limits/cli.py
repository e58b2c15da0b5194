"""`consent-service limits`: how fast campaigns go out and to whom, at the command line."""

import json
from typing import Any

import click
from flask.cli import AppGroup

from consent_service import clock
from consent_service.audit.service import OPERATOR
from consent_service.database import reading, transaction
from consent_service.extensions import settings
from consent_service.limits import queries, steering
from consent_service.limits.queries import ProviderDetails, SenderDetails
from consent_service.limits.rules import Limits

limits = AppGroup("limits", help="Say how fast campaigns go out, and to whom. Single mails are not limited.")

_per_second = click.option("--per-second", type=click.FloatRange(0, min_open=True), help="Messages per second.")
_per_hour = click.option("--per-hour", type=click.IntRange(1), help="Messages per hour, spread over it.")
_connections = click.option("--connections", type=click.IntRange(1), help="How many connections at once.")


@limits.command("show")
@click.option("--all", "show_all", is_flag=True, help="Those without a limit, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(show_all: bool, as_json: bool) -> None:
    """Say what is limited, slowed down or paused, and where the warm-up stands.

    Example: consent-service limits show --json
    """
    with reading() as session:
        providers = queries.providers(session)
        sender = queries.sender(session, settings().sending_domain, clock.now())
    shown = [one for one in providers if show_all or one.is_held_up or one.limits.is_set]
    if as_json:
        facts = {"sender": _sender_facts(sender), "providers": [_facts(one) for one in shown]}
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
        return
    click.echo(f"from {sender.domain}: {_said(sender.limits)}")
    if (plan := sender.warm_up) is not None:
        click.echo(f"warm-up: day {plan.stage + 1} of {plan.days}, {plan.used} of {plan.today} messages today")
    for one in shown:
        click.echo(f"{one.name}: {_said(one.limits)}{_state(one)}")


@limits.command("set")
@click.argument("name", metavar="[PROVIDER]", required=False)
@click.option("--sender", is_flag=True, help="What may leave from our domain, to all together.")
@_per_second
@_per_hour
@_connections
def set_limits(
    name: str | None, sender: bool, per_second: float | None, per_hour: int | None, connections: int | None
) -> None:
    """Limit a provider (its name, or a domain such as example.org), or with --sender all that leaves.

    What is not named is not limited any more: without any option, nothing is.

    Example: consent-service limits set gmail.com --per-second 20 --connections 4
    """
    if sender == (name is not None):
        raise click.UsageError("name a provider or domain, or say --sender")
    given = Limits(per_second, per_hour, connections)
    with transaction() as session:
        if name is None:
            whose = settings().sending_domain
            steering.limit_sender(session, whose, given, OPERATOR, clock.now())
        else:
            whose = steering.limit_provider(session, name, given, OPERATOR, clock.now())
    click.echo(f"{whose}: {_said(given)}", err=True)


@limits.command("pause")
@click.argument("name", metavar="PROVIDER")
def pause(name: str) -> None:
    """Let nothing more of campaigns go to a provider; `limits lift` ends it.

    Example: consent-service limits pause gmail.com
    """
    with transaction() as session:
        whose = steering.pause_provider(session, name, OPERATOR, clock.now())
    click.echo(f"Campaigns do not go to {whose} any more.", err=True)


@limits.command("lift")
@click.argument("name", metavar="[PROVIDER]", required=False)
@click.option("--all", "lift_all", is_flag=True, help="Of every provider.")
def lift(name: str | None, lift_all: bool) -> None:
    """End the pause and the back-off of a provider; limits that somebody has set stay.

    Example: consent-service limits lift gmail.com
    """
    if lift_all == (name is not None):
        raise click.UsageError("name a provider or domain, or say --all")
    with transaction() as session:
        if name is None:
            count = steering.lift_all(session, OPERATOR, clock.now())
        else:
            steering.lift(session, name, OPERATOR, clock.now())
            count = 1
    click.echo(f"{count} provider(s) get campaigns again, at full speed.", err=True)


@limits.command("assign")
@click.argument("domain")
@click.argument("name", metavar="PROVIDER")
def assign(domain: str, name: str) -> None:
    """Have a recipient domain count with a provider, which is made if there is none of this name.

    Example: consent-service limits assign mail.example "Gmail"
    """
    with transaction() as session:
        whose = steering.assign(session, domain, name, OPERATOR, clock.now())
    click.echo(f"{domain} counts with {whose}.", err=True)


@limits.command("warm-up")
@click.option("--first", type=click.IntRange(1), default=50, show_default=True, help="Messages on the first day.")
@click.option("--until", type=click.IntRange(2), default=20000, show_default=True, help="Done at so many a day.")
@click.option("--end", is_flag=True, help="End the plan before it is done.")
def warm_up(first: int, until: int, end: bool) -> None:
    """Begin a warm-up plan for our domain: so many messages on the first day, twice as many on each day after.

    Example: consent-service limits warm-up --first 50 --until 20000
    """
    domain = settings().sending_domain
    with transaction() as session:
        if end:
            steering.end_warm_up(session, domain, OPERATOR, clock.now())
        else:
            steering.warm_up(session, domain, first, until, OPERATOR, clock.now())
    click.echo(f"The warm-up of {domain} has {'ended' if end else 'begun'}.", err=True)


def _facts(provider: ProviderDetails) -> dict[str, Any]:
    return {
        "provider": provider.name,
        "domains": list(provider.domains),
        **_limits_facts(provider.limits),
        "slowed_to": provider.pace.per_second if provider.pace else None,
        "paused_at": provider.paused_at.isoformat() if provider.paused_at else None,
        "said": provider.said,
    }


def _sender_facts(sender: SenderDetails) -> dict[str, Any]:
    plan = sender.warm_up
    warm_up = {"day": plan.stage + 1, "days": plan.days, "used": plan.used, "today": plan.today} if plan else None
    return {"domain": sender.domain, **_limits_facts(sender.limits), "warm_up": warm_up}


def _limits_facts(given: Limits) -> dict[str, Any]:
    return {"per_second": given.per_second, "per_hour": given.per_hour, "connections": given.connections}


def _said(given: Limits) -> str:
    said = [
        f"{number:g} {words}"
        for number, words in (
            (given.per_second, "a second"),
            (given.per_hour, "an hour"),
            (given.connections, "connection(s)"),
        )
        if number is not None
    ]
    return ", ".join(said) or "no limit"


def _state(provider: ProviderDetails) -> str:
    said = f" ({provider.said})" if provider.said else ""
    if provider.paused_at is not None:
        return f"; paused since {provider.paused_at.isoformat()}{said}"
    return f"; slowed down to {provider.pace.per_second:.3g} a second{said}" if provider.pace else ""
