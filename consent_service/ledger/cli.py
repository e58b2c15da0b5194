"""`consent-service ledger`: verify it, and rebuild what is projected from it."""

import json
import sys
from collections.abc import Iterator

import click
from flask.cli import AppGroup
from rich.console import Console
from rich.progress import Progress

from consent_service.database import reading, transaction
from consent_service.domain.consent import State
from consent_service.domain.identifiers import SubjectId
from consent_service.ledger import rebuild, verify
from consent_service.ledger.rebuild import Chunk, WrongCount, WrongState
from consent_service.subjects import queries as people

ledger = AppGroup("ledger", help="Verify the ledger, and rebuild what is projected from it.")

BEFORE_ALL = SubjectId(0)


@ledger.command("verify")
@click.option("--json", "as_json", is_flag=True, help="The result as one JSON object.")
def verify_ledger(as_json: bool) -> None:
    """Check the ledger: evidence, states, counts, unsealed rows, triggers, suppression key.

    Ends with 1 and a line for each problem.

    Example: consent-service ledger verify --json
    """
    with reading() as session:
        events = verify.events(session)
    found = _print_json(events) if as_json else _print_lines(events)
    if found:
        sys.exit(1)


def _problems() -> Iterator[str]:
    """All problems, as they are found: a broken ledger may have more than memory holds."""
    with reading() as session:
        rebuild.at_one_moment(session)
        yield from verify.check_database(session)
    for chunk in _chunks():
        with reading() as session:
            rebuild.at_one_moment(session)
            yield from verify.check_people(session, chunk)


def _print_lines(events: int) -> int:
    found = 0
    for problem in _problems():
        click.echo(problem)
        found += 1
    click.echo(f"{events} events were checked, {found} problems were found.", err=True)
    return found


def _print_json(events: int) -> int:
    found = 0
    click.echo(f'{{"events": {events}, "problems": [', nl=False)
    for problem in _problems():
        click.echo(("," if found else "") + "\n  " + json.dumps(problem), nl=False)
        found += 1
    click.echo("\n]}")
    return found


@ledger.command("rebuild")
@click.option("--dry-run", is_flag=True, help="Only report differences; ends with 1 where there are any.")
@click.option("--json", "as_json", is_flag=True, help="The differences as one JSON object.")
def rebuild_projection(dry_run: bool, as_json: bool) -> None:
    """Recompute states and counts from the events, report differences, and mend them.

    Example: consent-service ledger rebuild --dry-run
    """
    states: list[WrongState] = []
    for chunk in _chunks():
        states += _states(chunk, dry_run)
    if dry_run:
        with reading() as session:
            counts = rebuild.wrong_counts(session)
    else:
        with transaction() as session:
            counts = rebuild.mend_counts(session)
    if as_json:
        click.echo(json.dumps({"mended": not dry_run, **_plain(states, counts)}, indent=2))
    else:
        for line in _lines(states, counts):
            click.echo(line)
        verb = "were found" if dry_run else "were found and mended"
        click.echo(f"{len(states) + len(counts)} differences {verb}.", err=True)
    if dry_run and (states or counts):
        sys.exit(1)


def _states(chunk: Chunk, dry_run: bool) -> list[WrongState]:
    if dry_run:
        with reading() as session:
            rebuild.at_one_moment(session)
            return rebuild.wrong_states(session, chunk)
    with transaction() as session:
        return rebuild.mend_states(session, chunk)


def _chunks() -> Iterator[Chunk]:
    """All people in chunks, with a progress bar on a terminal."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        with reading() as session:
            newest = people.newest(session)
        task = progress.add_task("People", total=newest)
        chunk = _next(BEFORE_ALL)
        while chunk is not None:
            yield chunk
            progress.update(task, completed=chunk.last)
            chunk = _next(chunk.last)


def _next(after: SubjectId) -> Chunk | None:
    with reading() as session:
        return rebuild.next_chunk(session, after)


def _lines(states: list[WrongState], counts: list[WrongCount]) -> Iterator[str]:
    for one in states:
        yield (
            f"person {one.subject_id}, purpose {one.purpose_id}:"
            f" {_words(one.stored)}, by the events {_words(one.folded)}"
        )
    for count in counts:
        yield f"purpose {count.purpose_id}, {count.status.value}: {count.counted}, by the states {count.states}"


def _words(state: State | None) -> str:
    return f"{state.status.value} by event {state.event_id}" if state else "nothing"


def _plain(states: list[WrongState], counts: list[WrongCount]) -> dict[str, object]:
    return {
        "states": [
            {
                "subject": one.subject_id,
                "purpose": one.purpose_id,
                "stored": _words(one.stored),
                "by_events": _words(one.folded),
            }
            for one in states
        ],
        "counts": [
            {"purpose": one.purpose_id, "status": one.status.value, "counted": one.counted, "states": one.states}
            for one in counts
        ],
    }
