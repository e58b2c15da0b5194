"""The command line: `consent-service NOUN VERB`. Data goes to stdout, talk to stderr; 0 well, 1 not, 2 misuse."""

import sys
from typing import Any

import click
import structlog
from flask import current_app
from flask.cli import AppGroup, ScriptInfo

from consent_service import create_app, logs, worker
from consent_service.config import ConfigurationError
from consent_service.domain.errors import DomainError
from consent_service.migrating import migrate_database


@click.group(cls=AppGroup, context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Collects, proves and honours consent to e-mail.

    Settings come from the environment (CONSENT_…); docs/settings.md lists them. Begin with
    `consent-service check`.
    """


@commands.command("worker")
def run_worker() -> None:
    """Send the outbox and keep the timetable, until SIGTERM.

    Example: consent-service worker
    """
    worker.run(current_app._get_current_object())  # type: ignore[attr-defined]


@commands.command("migrate")
def migrate() -> None:
    """Bring the database's tables up to date.

    Example: consent-service migrate
    """
    migrate_database()


def main() -> Any:
    """The entry point: turns what went wrong into one clear line."""
    logs.configure()
    try:
        return commands(prog_name="consent-service", obj=ScriptInfo(create_app=create_app))
    except (ConfigurationError, DomainError) as error:
        click.echo(f"consent-service: {error}", err=True)
        structlog.get_logger().debug("command failed", error=repr(error))
        sys.exit(1)
