"""`consent-service erase`: says what it will do, asks, and does it."""

import json

import click
from flask.cli import with_appcontext

from consent_service import clock, database
from consent_service.audit.service import OPERATOR
from consent_service.database import reading, transaction
from consent_service.mailing import service as mailing
from consent_service.rights import service
from consent_service.rights.service import Erasure

_PERSON = "The person's address, name and keys of evidence"
_REQUESTS = "There is no such person, but requests or mails: they"


@click.command("erase")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Erase without asking.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="The numbers as JSON.")
@with_appcontext
def erase(address: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Erase a person: address, name, registrations, mails and evidence, for good.

    The ledger's lines stay, and nobody can read any more who they are about. A digest stays, too, so that
    no import brings the address back. docs/erasing.md says what backups and PostgreSQL still hold, and for how long.

    Example: consent-service erase anna@example.org --dry-run
    """
    with reading() as session:
        _report(service.foresee(session, address), as_json, "would be" if dry_run else "will be")
    if dry_run:
        return
    if not yes:
        click.confirm("This cannot be undone. Erase?", abort=True, err=True)
    with transaction() as session:
        found = service.erase(session, address, OPERATOR, clock.now())
    if found.person is not None:
        mailing.wait_until_not_in_hand(found.person)
    with transaction() as session:
        service.empty_messages(session, found)
    click.echo("Erased.", err=True)
    if not database.forget_deleted():
        click.echo(
            "consent-service: erased, but another process reads the database, so its write-ahead log could not be "
            "emptied: the old text may be in it until the next erasure or a restart of all processes empties it",
            err=True,
        )
        raise SystemExit(1)


def _report(found: Erasure, as_json: bool, will: str) -> None:
    numbers = {
        "active_purposes": found.active_purposes,
        "registrations": found.registrations,
        "messages": found.messages,
        "import_rows": found.import_rows,
        "inbound_mails": found.inbound_mails,
        "seminar_registrations": found.seminar_registrations,
        "surveys": found.surveys,
        "events_kept": found.events_kept,
    }
    if as_json:
        click.echo(json.dumps(numbers))
        return
    click.echo(f"{_PERSON if found.person else _REQUESTS} {will} destroyed:")
    click.echo(f"  purposes ended: {found.active_purposes}")
    click.echo(f"  registrations deleted: {found.registrations}")
    click.echo(f"  mails emptied: {found.messages}")
    click.echo(f"  registrations for seminars deleted: {found.seminar_registrations}")
    click.echo(f"  surveys forgotten, with the answers that have a name: {found.surveys}")
    click.echo(f"  rows of staged imports deleted: {found.import_rows}")
    click.echo(f"  mails from the person emptied: {found.inbound_mails}")
    click.echo(f"  lines of the ledger kept, which name nobody: {found.events_kept}")
    click.echo("The address stays suppressed, by a digest, until its owner registers again.")
