"""`consent-service limits look-up`: which provider a domain's mail exchangers belong to."""

from collections.abc import Sequence

import click
from flask.cli import with_appcontext

from consent_service import clock
from consent_service.audit.service import OPERATOR
from consent_service.database import transaction
from consent_service.dns_lookup.resolver import Resolver
from consent_service.dns_lookup.zone import Kind
from consent_service.extensions import settings
from consent_service.limits import steering


@click.command("look-up")
@click.argument("domains", metavar="DOMAIN...", nargs=-1, required=True)
@with_appcontext
def look_up(domains: Sequence[str]) -> None:
    """Look up whose mail exchangers (MX) domains have, and have each count with that provider from now on.

    Example: consent-service limits look-up example.org example.com
    """
    for domain in domains:
        exchangers = _exchangers(domain.lower())
        with transaction() as session:
            name = steering.assign_by_exchangers(session, domain.lower(), exchangers, OPERATOR, clock.now())
        click.echo(f"{domain}: {name or 'counts for itself'}")


def _exchangers(domain: str) -> set[str]:
    """The names of a domain's MX, without their preferences."""
    answer = Resolver(settings().dns.servers)(domain, Kind.MX)
    return {value.split()[-1].rstrip(".").lower() for value in answer.values}
