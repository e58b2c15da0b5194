"""`consent-service import`: the dry run, the question, and the batches with a progress bar."""

import getpass
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import click
from flask.cli import with_appcontext
from flask_babel import force_locale
from rich.console import Console
from rich.progress import Progress

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import PublicId
from consent_service.imports import applying, queries, service, words
from consent_service.imports.files import UnreadableFile
from consent_service.imports.queries import Overview, StagedRow
from consent_service.imports.rules import TO_APPLY, ImportKind, ImportState, RowResult
from consent_service.imports.staging import stage_file

ROWS_READ_AT_ONCE = 1000


@click.command("import")
@click.argument("file", required=False, type=click.File("rb"))
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in ImportKind]),
    default=ImportKind.CUSTOMERS.value,
    show_default=True,
    help="What the file holds: customers, or addresses that an older system no longer writes to.",
)
@click.option("--purpose", default="customer_information", show_default=True, help="What customers are written to for.")
@click.option("--dry-run", is_flag=True, help="Only stage the file and report on its rows.")
@click.option("--yes", is_flag=True, help="Apply without asking.")
@click.option("--json", "as_json", is_flag=True, help="Report as one JSON object.")
@click.option("--resume", metavar="ID", help="Apply, or go on applying, an import that was staged before.")
@with_appcontext
def import_file(
    file: BinaryIO | None, kind: str, purpose: str, dry_run: bool, yes: bool, as_json: bool, resume: str | None
) -> None:
    """Import customers, or the suppressions of an older system, from a CSV file.

    Every row is staged and judged first; docs/importing.md describes the columns. The report has one line per
    row that is bad, a duplicate, or stays out.

    Example: consent-service import customers.csv --dry-run
    """
    with force_locale("en"):
        if file is not None and resume is None:
            public_id = _stage(file, ImportKind(kind), purpose)
        elif resume is not None and file is None:
            public_id = PublicId(resume)
        else:
            raise click.UsageError("give a file, or --resume with the id of an import")
        before = _overview(public_id)
        report = [_plain(row) for row in _problems(before)] if as_json else None
        if report is None:
            for row in _problems(before):
                click.echo(_line(row))
        if dry_run:
            click.echo(f"Staged; to apply it: consent-service import --resume {public_id}", err=True)
        elif yes or _agreed(before):
            _apply(public_id)
        after = _overview(public_id)
        click.echo(_json(after, report) if report is not None else _summary(after))


def _stage(file: BinaryIO, kind: ImportKind, purpose: str) -> PublicId:
    size = os.fstat(file.fileno()).st_size
    try:
        with _progress() as progress, progress.wrap_file(file, total=size, description="Reading") as lines:
            return stage_file(lines, kind, purpose, Path(file.name).name, _operator())
    except UnreadableFile as error:
        raise Refused(words.file_problem(error)) from error


def _agreed(staged: Overview) -> bool:
    """Asks. A no discards what is staged; no answer leaves it to be resumed."""
    if staged.state is ImportState.APPLYING:
        return True
    count = sum(staged.counts[result] for result in TO_APPLY)
    question = f"{_summary(staged)}\nImport {count} of {staged.rows} rows?"
    if click.confirm(question, err=True):
        return True
    with transaction() as session:
        service.discard(session, staged.public_id, _operator(), clock.now())
    return False


def _apply(public_id: PublicId) -> None:
    with transaction() as session:
        service.apply(session, public_id, _operator(), clock.now())
    with _progress() as progress:
        shown = _overview(public_id)
        task = progress.add_task("Importing", total=shown.rows, completed=shown.rows_applied)
        more = True
        while more:
            more = applying.apply_batch(public_id)
            progress.update(task, completed=_overview(public_id).rows_applied)


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def _operator() -> str:
    try:
        return f"operator {getpass.getuser()}"
    except (KeyError, OSError):  # a container may run under a number that has no name
        return f"operator {os.getuid()}"


def _overview(public_id: PublicId) -> Overview:
    with reading() as session:
        return queries.overview(session, public_id)


def _problems(staged: Overview) -> Iterator[StagedRow]:
    """The rows that stay out, as long as they are staged."""
    for result in RowResult:
        if result in TO_APPLY:
            continue
        last = 0
        while rows := _next_rows(staged.id, result, last):
            yield from rows
            last = rows[-1].line


def _next_rows(import_id: int, result: RowResult, after: int) -> Sequence[StagedRow]:
    with reading() as session:
        return queries.staged_rows(session, import_id, result, after=after, most=ROWS_READ_AT_ONCE)


def _line(row: StagedRow) -> str:
    """A row by its line number: no address, so that reports can be kept."""
    reason = f": {words.REASON[row.reason]}" if row.reason else ""
    return f"line {row.line}: {row.result.value}{reason}"


def _plain(row: StagedRow) -> dict[str, object]:
    return {"line": row.line, "result": row.result, "reason": row.reason}


def _summary(shown: Overview) -> str:
    counts = shown.applied_counts if shown.state is ImportState.APPLIED else shown.counts
    numbers = ", ".join(f"{words.result(shown.kind, result)}: {count}" for result, count in counts.items())
    return f"{words.STATE[shown.state]}: {shown.file_name} ({numbers})"


def _json(shown: Overview, problems: list[dict[str, object]]) -> str:
    return json.dumps(
        {
            "id": shown.public_id,
            "kind": shown.kind,
            "purpose": shown.purpose_code,
            "state": shown.state,
            "sha256": shown.sha256,
            "counts": shown.counts,
            "applied_counts": shown.applied_counts,
            "problems": problems,
        }
    )
