"""The command line: `consent-service NOUN VERB`. Data goes to stdout, talk to stderr; 0 well, 1 not, 2 misuse."""

import dataclasses
import gc
import json
import sys
from typing import Any, BinaryIO

import click
import sqlalchemy as sa
from flask import current_app
from flask.cli import AppGroup, ScriptInfo

from consent_service import check, logs, migrating, worker
from consent_service.application import create_app
from consent_service.campaigns.report_cli import campaign
from consent_service.config import ConfigurationError
from consent_service.deliverability import cli as deliverability
from consent_service.deliverability.exchangers import look_up
from consent_service.demo.cli import demo
from consent_service.domain.errors import DomainError
from consent_service.exports.cli import export
from consent_service.imports.cli import import_file
from consent_service.inbound.cli import inbound
from consent_service.ledger.cli import ledger
from consent_service.limits.cli import limits
from consent_service.notice.cli import texts
from consent_service.people.cli import proof
from consent_service.rights.cli import erase
from consent_service.signing.cli import dkim
from consent_service.staff.cli import staff
from consent_service.subjects.service import WrongSuppressionKey


@click.group(cls=AppGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="consent-service", message="%(version)s")
def commands() -> None:
    """Collects, proves and honours consent to e-mail.

    Settings come from the environment (CONSENT_…); docs/settings.md lists them. Begin with
    `consent-service check`, or with `consent-service demo`, which needs none.
    """


commands.add_command(demo)
commands.add_command(texts)
commands.add_command(staff)
commands.add_command(import_file)
commands.add_command(export)
commands.add_command(ledger)
commands.add_command(proof)
commands.add_command(erase)
commands.add_command(campaign)
commands.add_command(inbound)
commands.add_command(dkim)
limits.add_command(look_up)
commands.add_command(limits)


@commands.command("worker")
def run_worker() -> None:
    """Send the outbox and keep the timetable, until SIGTERM.

    Example: consent-service worker
    """
    check.refuse_unready()
    check.refuse_unsigned()
    worker.run(current_app._get_current_object())  # type: ignore[attr-defined]


@commands.command("migrate")
@click.option("--to", "target", metavar="REVISION", default=migrating.NEWEST, help="Up or down to here; base is none.")
@click.option("--dry-run", is_flag=True, help="Only say what would be run.")
@click.option("--grant-to", "role", metavar="ROLE", help="Then give a PostgreSQL role the application's rights.")
def migrate(target: str, dry_run: bool, role: str | None) -> None:
    """Bring the database's tables up to date, or up or down to a revision.

    Going down drops the tables of what is undone, with all that is in them.

    Example: consent-service migrate --grant-to consent_app
    """
    run = migrating.steps(target) if dry_run else migrating.migrate_database(target)
    for step in run:
        click.echo(f"{'up' if step.up else 'down'} {step.revision}: {step.title}")
    if not run:
        click.echo("There is nothing to migrate.", err=True)
    if role and not dry_run:
        migrating.grant_to(role)
        click.echo(f"{role} may now do what the application needs.", err=True)


@commands.command("check")
@click.option("--dns", "with_dns", is_flag=True, help="Whether mail can arrive: DNS, the relay's TLS, one-click.")
@click.option("--seed", metavar="ADDRESS", help="Send a test mail to a mailbox that comes back to `inbound`.")
@click.option("--wait", type=click.IntRange(0), default=120, show_default=True, help="For its copy, in seconds.")
@click.option("--copy", type=click.File("rb"), help="Verify a copy that you saved, as it arrived; - is stdin.")
@click.option("--json", "as_json", is_flag=True, help="What was looked at, as JSON.")
def check_everything(with_dns: bool, seed: str | None, wait: int, copy: BinaryIO | None, as_json: bool) -> None:
    """Check the settings, the database, the suppression key, the DKIM keys and the mail server.

    Or, with --dns, --seed or --copy, check whether mail arrives; docs/deliverability.md tells more.
    Ends with 1 when something is wrong.

    Example: consent-service check --json
    """
    if with_dns + (seed is not None) + (copy is not None) > 1:
        raise click.UsageError("--dns, --seed and --copy are checks of their own: choose one")
    if with_dns:
        deliverability.check_dns(as_json)
    elif seed is not None:
        deliverability.check_seed(seed, wait, as_json)
    elif copy is not None:
        deliverability.check_copy(copy, as_json)
    else:
        _check_service(as_json)


def _check_service(as_json: bool) -> None:
    findings = check.everything()
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    for finding in findings:
        if finding.problem:
            click.echo(f"consent-service: {finding.problem}", err=True)
        elif not as_json:
            click.echo(f"{finding.what}: well")
    if any(finding.problem for finding in findings):
        sys.exit(1)


def main() -> Any:
    """The entry point: turns what went wrong into clear lines."""
    gc.freeze()  # what was imported is no garbage, and looking it through at the end cost each command 0.4 s
    logs.configure()
    try:
        return commands(prog_name="consent-service", obj=ScriptInfo(create_app=create_app))
    except (ConfigurationError, check.NotReady, WrongSuppressionKey, DomainError) as error:
        text = str(error)
    except sa.exc.OperationalError as error:
        text = f"the database does not answer: {' '.join(str(error.orig).split())}"
    for line in text.splitlines():
        click.echo(f"consent-service: {line}", err=True)
    sys.exit(1)
