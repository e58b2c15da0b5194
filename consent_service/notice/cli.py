"""Publishing texts from the command line."""

from pathlib import Path

import click
from flask.cli import AppGroup

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.notice import service

texts = AppGroup("texts", help="Purposes, their exact wordings, and the privacy notice.")


@texts.command("publish")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would be published.")
def publish(file: Path, dry_run: bool) -> None:
    """Publish a new version of each text of FILE that differs from the one in force.

    Whoever has consented to an older wording stays with it; published texts are never changed.

    Example: consent-service texts publish texts.toml --dry-run
    """
    content = service.read(file.read_bytes().decode("utf-8", "replace"))
    # What is read is never committed: the dry run publishes, and forgets it.
    with reading() if dry_run else transaction() as session:
        published = service.publish(session, content, clock.now())
    for text in published:
        click.echo(text)
    if not published:
        click.echo("Nothing differs from what is in force.", err=True)
    elif dry_run:
        click.echo("Nothing was published: this was a dry run.", err=True)
