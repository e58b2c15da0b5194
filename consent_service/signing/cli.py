"""`consent-service dkim`: the keys that sign our mail, and the DNS records that publish them."""

import json
from collections.abc import Sequence

import click
import idna
from flask.cli import AppGroup

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.dns_lookup.resolver import Resolver
from consent_service.dns_lookup.zone import Kind, NoAnswer, told
from consent_service.domain.errors import Refused
from consent_service.extensions import settings
from consent_service.signing import queries, rules, service
from consent_service.signing.queries import Key
from consent_service.signing.rules import Algorithm, KeyState

dkim = AppGroup("dkim", help="Make, publish, replace and retire the keys that sign mail (CONSENT_DKIM=service).")

_domain = click.option("--domain", help="The sending domain; without it that of CONSENT_MAIL_FROM.")
_as_json = click.option("--json", "as_json", is_flag=True, help="The keys and their records as JSON.")


@dkim.command("create")
@_domain
@click.option(
    "--algorithm",
    "algorithms",
    multiple=True,
    type=click.Choice([one.value for one in Algorithm]),
    default=[one.value for one in Algorithm],
    help="One of them; without it both, and each mail gets both signatures.",
)
@_as_json
def create(domain: str | None, algorithms: Sequence[str], as_json: bool) -> None:
    """Make a domain's first keys, and print the DNS records to publish. They sign once they are activated.

    Example: consent-service dkim create
    """
    named = _named(domain)
    with transaction() as session:
        service.create(session, named, [Algorithm(one) for one in algorithms], clock.now())
    _show_new(named, as_json)


@dkim.command("rotate")
@_domain
@_as_json
def rotate(domain: str | None, as_json: bool) -> None:
    """Make successors for the keys that sign, and print their DNS records. The old ones sign until then.

    Example: consent-service dkim rotate --domain example.org
    """
    named = _named(domain)
    with transaction() as session:
        service.rotate(session, named, clock.now())
    _show_new(named, as_json)


@dkim.command("activate")
@_domain
@click.option("--now", "at_once", is_flag=True, help="Without looking whether the records are published.")
def activate(domain: str | None, at_once: bool) -> None:
    """Let new keys sign, once their records are found in the DNS. What they replace stays published for a week.

    Example: consent-service dkim activate
    """
    named = _named(domain)
    with reading() as session:
        new = queries.keys(session, named, KeyState.PREPARED)
    if not new:
        raise Refused(f"{named} has no new key; consent-service dkim create or rotate makes one")
    if not at_once:
        _refuse_unpublished(new)
    with transaction() as session:
        service.activate(session, named, [key.selector for key in new], clock.now())
    when = "now" if settings().signs_dkim else "once CONSENT_DKIM=service is set and the worker was restarted"
    for key in new:
        click.echo(f"{key.selector} signs {when}.", err=True)


def _refuse_unpublished(keys: Sequence[Key]) -> None:
    zone = Resolver(settings().dns.servers)
    try:
        problems = [(key.record.name, rules.problem(key.record, told(zone, key.record.name, Kind.TXT))) for key in keys]
    except NoAnswer as error:
        raise Refused(f"the DNS does not answer for {error}; try again, or use --now") from error
    wrong = [f"{name}: {problem}" for name, problem in problems if problem]
    if wrong:
        raise Refused("\n".join([*wrong, "nothing was activated; see consent-service dkim show"]))


@dkim.command("show")
@_domain
@_as_json
def show(domain: str | None, as_json: bool) -> None:
    """List a domain's keys, their states, and the records of those that belong into the DNS.

    Example: consent-service dkim show --json
    """
    with reading() as session:
        keys = queries.keys(session, _named(domain))
    if as_json:
        _show_json(keys)
        return
    for key in keys:
        click.echo(f"; {key.selector}: {key.state.value} since {key.since:%Y-%m-%d}")
        if key.state is not KeyState.RETIRED:
            click.echo(key.record.zone_line)
    if not keys:
        click.echo("There are no keys; consent-service dkim create makes some.", err=True)


@dkim.command("retire")
@click.argument("selector")
@_domain
@click.option("--now", "at_once", is_flag=True, help="Although mail that it signed may still be under way.")
def retire(selector: str, domain: str | None, at_once: bool) -> None:
    """Destroy a key that was replaced, or that nobody wants; its record may leave the DNS afterwards.

    Example: consent-service dkim retire rsa-20260301
    """
    named = _named(domain)
    with transaction() as session:
        service.retire(session, named, selector, at_once, clock.now())
    click.echo(f"{selector} is destroyed. Take {selector}._domainkey.{named} out of the DNS.", err=True)


def _named(domain: str | None) -> str:
    """A domain as signatures name it, in lower case and ASCII (RFC 6376 section 3.5, tag d). Raises Refused."""
    if domain is None:
        return settings().sending_domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except idna.IDNAError as error:
        raise Refused(f"{domain!r} is no domain name") from error


def _show_new(domain: str, as_json: bool) -> None:
    with reading() as session:
        new = queries.keys(session, domain, KeyState.PREPARED)
    if as_json:
        _show_json(new)
    else:
        for key in new:
            click.echo(key.record.zone_line)
    click.echo("Publish these records, then run: consent-service dkim activate", err=True)


def _show_json(keys: Sequence[Key]) -> None:
    rows = [
        {
            "domain": key.domain,
            "selector": key.selector,
            "algorithm": key.algorithm.value,
            "state": key.state.value,
            "since": key.since.isoformat(),
            "record": {
                "name": key.record.name,
                "type": "TXT",
                "value": key.record.value,
                "strings": list(key.record.strings),
            },
        }
        for key in keys
    ]
    click.echo(json.dumps(rows, indent=2))
