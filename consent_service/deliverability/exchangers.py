"""`consent-service limits look-up`: which provider a domain's mail exchangers belong to."""

from collections.abc import Sequence

import click
from flask.cli import with_appcontext

from consent_service import clock
from consent_service.audit.service import OPERATOR
from consent_service.database import transaction
from consent_service.dns_lookup.resolver import Resolver
from consent_service.dns_lookup.zone import NoAnswer, mail_hosts
from consent_service.domain.errors import NotFound
from consent_service.extensions import settings
from consent_service.limits import steering


@click.command("look-up")
@click.argument("domains", metavar="DOMAIN...", nargs=-1, required=True)
@with_appcontext
def look_up(domains: Sequence[str]) -> None:
    """Look up whose mail exchangers (MX) domains have, and have each count with that provider from now on.

    Example: consent-service limits look-up example.org example.com
    """
    untold = []
    for domain in domains:
        try:
            exchangers = _exchangers(domain.lower())
        except NoAnswer:
            untold.append(domain)
            continue
        with transaction() as session:
            name = steering.assign_by_exchangers(session, domain.lower(), exchangers, OPERATOR, clock.now())
        click.echo(f"{domain}: {name or 'counts for itself'}")
    if untold:
        raise NotFound(f"no name server answers for {', '.join(untold)}: nothing was changed there")


def _exchangers(domain: str) -> set[str]:
    """The names of a domain's MX. Raises NoAnswer."""
    return {host.lower() for host in mail_hosts(Resolver(settings().dns.servers), domain)}
