"""`consent-service export`: a list of those who may be written to, to stdout or into a file."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn

from consent_service import clock
from consent_service.audit.service import OPERATOR
from consent_service.database import transaction
from consent_service.domain.errors import Refused
from consent_service.exports import service
from consent_service.exports.rules import ExportFormat
from consent_service.exports.sending import send
from consent_service.exports.service import Begun, Criteria, Request


@click.command("export")
@click.option("--purpose", required=True, help="What the people may be written to for, as newsletter.")
@click.option("--format", "wanted", type=click.Choice([one.value for one in ExportFormat]), default="csv")
@click.option("--reason", required=True, help="What the list is for; it is kept with the record.")
@click.option("--recipient", metavar="COMPANY", help="A third party; only people whose consent names it are in.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file, in place of stdout.")
@with_appcontext
def export(purpose: str, wanted: str, reason: str, recipient: str | None, output: Path | None) -> None:
    """Export exactly those who may be written to for a purpose now.

    The export is recorded before its first byte. A file gets its name only once it is whole.

    Example: consent-service export --purpose newsletter --format xlsx --reason "Spring mailing" --output list.xlsx
    """
    request = Request(Criteria(purpose, recipient), ExportFormat(wanted), reason)
    if output is not None and not output.absolute().parent.is_dir():
        raise Refused(f"there is no folder {output.absolute().parent}")
    with transaction() as session:
        begun = service.begin(session, request, OPERATOR, clock.now())
    if output is None:
        _write(sys.stdout.buffer, begun)
    else:
        _write_file(output, begun)
    click.echo(f"Exported, and recorded as {begun.public_id}.", err=True)


def _write_file(output: Path, begun: Begun) -> None:
    """Writes beside the file, for this user's eyes, and renames: nobody finds half of it under its name."""
    with tempfile.NamedTemporaryFile(dir=output.absolute().parent, prefix=f".{output.name}.", delete=False) as beside:
        try:
            _write(beside, begun)
            os.fsync(beside.fileno())
            Path(beside.name).replace(output)
        except BaseException:
            Path(beside.name).unlink()
            raise


def _write(target: IO[bytes], begun: Begun) -> None:
    for piece in _shown(send(begun)):
        target.write(piece)
    target.flush()


def _shown(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Passes the pieces on and shows on a terminal how much has passed."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("Exporting"), DownloadColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Exporting", total=None)
        for piece in pieces:
            yield piece
            progress.advance(task, len(piece))
