"""`consent-service staff`: the accounts that may sign in."""

import json
import secrets
from collections.abc import Callable
from typing import TextIO

import click
from flask.cli import AppGroup

from consent_service import clock
from consent_service.audit.service import OPERATOR
from consent_service.database import reading, transaction
from consent_service.staff import service

_RANDOM_BYTES = 18

staff = AppGroup("staff", help="Accounts of those who may sign in.")


def _takes_password(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that say where a password comes from."""
    generate = click.option("--generate", is_flag=True, help="Make a password and print it, this one time.")
    file = click.option(
        "--password-file", type=click.File(), help="Take the password from this file's first line; - is stdin."
    )
    return file(generate(command))


@staff.command("add")
@click.argument("email")
@_takes_password
def add(email: str, password_file: TextIO | None, generate: bool) -> None:
    """Add an account; asks for its password unless an option says where it comes from.

    Example: consent-service staff add anna@example.org --generate
    """
    password = _password(password_file, generate)
    password_hash = service.hashed(password)
    with transaction() as session:
        service.add(session, email, password_hash, clock.now())
    click.echo(f"{email} may sign in now.", err=True)
    if generate:
        click.echo(password)


@staff.command("password")
@click.argument("email")
@_takes_password
def set_password(email: str, password_file: TextIO | None, generate: bool) -> None:
    """Give an account a new password; whoever is signed in with it is signed out at once.

    Asks for the password unless an option says where it comes from.

    Example: consent-service staff password anna@example.org --generate
    """
    password = _password(password_file, generate)
    password_hash = service.hashed(password)
    with transaction() as session:
        service.set_password(session, email, password_hash, OPERATOR, clock.now())
    click.echo(f"{email} has a new password.", err=True)
    if generate:
        click.echo(password)


def _password(file: TextIO | None, generate: bool) -> str:
    if file and generate:
        raise click.UsageError("give --password-file or --generate, not both")
    if generate:
        return secrets.token_urlsafe(_RANDOM_BYTES)
    if file:
        return file.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


@staff.command("list")
@click.option("--json", "as_json", is_flag=True, help="The accounts as JSON.")
def list_accounts(as_json: bool) -> None:
    """List the accounts.

    Example: consent-service staff list --json
    """
    with reading() as session:
        accounts = service.accounts(session)
    if as_json:
        rows = [
            {"email": account.email, "active": account.active, "created_at": account.created_at.isoformat()}
            for account in accounts
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    for account in accounts:
        state = "active" if account.active else "deactivated"
        click.echo(f"{account.email}\t{state}\t{account.created_at.isoformat(timespec='seconds')}")


@staff.command("deactivate")
@click.argument("email")
def deactivate(email: str) -> None:
    """End an account and its sessions.

    Example: consent-service staff deactivate anna@example.org
    """
    with transaction() as session:
        service.deactivate(session, email, clock.now())
    click.echo(f"{email} cannot sign in any more.", err=True)


@staff.command("activate")
@click.argument("email")
def activate(email: str) -> None:
    """Let an ended account sign in again, with the password it had.

    Example: consent-service staff activate anna@example.org
    """
    with transaction() as session:
        service.activate(session, email, clock.now())
    click.echo(f"{email} may sign in again.", err=True)
