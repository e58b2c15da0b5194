"""`consent-service check --dns`, `--seed` and `--copy`: findings as a table or as JSON; 1 when something is red."""

import json
import sys
import time
from collections.abc import Sequence
from typing import BinaryIO

import click
from flask_babel import force_locale
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.deliverability import checking, seeds, service, words
from consent_service.deliverability.rules.copy import verify_copy
from consent_service.deliverability.rules.findings import Finding, Level, worst
from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import PublicId
from consent_service.extensions import settings

POLL_SECONDS = 0.5
_STYLE = {Level.GREEN: "green", Level.AMBER: "yellow", Level.RED: "bold red"}


def check_dns(as_json: bool) -> None:
    """Makes a check, keeps it for the page of the staff, and prints it."""
    started_at = clock.now()
    found = checking.look(checking.zone())
    with transaction() as session:
        service.record(session, found, started_at, clock.now())
    _report(found, as_json)


def check_seed(address: str, seconds: int, as_json: bool) -> None:
    """Sends a test mail, waits for its copy, and prints what that is worth. Raises InvalidAddress, NotFound."""
    with transaction() as session:
        public_id = seeds.send(session, address, clock.now())
    click.echo(f"The test mail {public_id} is in the outbox; waiting {seconds} s for its copy.", err=True)
    copy = _awaited(public_id, seconds)
    if copy is None:
        raise NotFound(f"no copy came back within {seconds} s; do `consent-service worker` and `inbound` run?")
    _report(verify_copy(copy, settings().sending_domain, checking.zone()), as_json)


def check_copy(file: BinaryIO, as_json: bool) -> None:
    """Prints what a saved copy of a mail of ours is worth."""
    _report(verify_copy(file.read(), settings().sending_domain, checking.zone()), as_json)


def _awaited(public_id: PublicId, seconds: int) -> bytes | None:
    deadline = time.monotonic() + seconds
    while True:
        with reading() as session:
            copy = seeds.copy_of(session, public_id)
        if copy is not None or time.monotonic() >= deadline:
            return copy
        time.sleep(POLL_SECONDS)


def _report(found: Sequence[Finding], as_json: bool) -> None:
    with force_locale("en"):
        if as_json:
            rows = [{**one.plain(), "says": words.sentence(one)} for one in found]
            click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        else:
            _print(found)
    if worst(found) is Level.RED:
        sys.exit(1)


def _print(found: Sequence[Finding]) -> None:
    console = Console(soft_wrap=False)
    about, sentence = (Column(name, overflow="fold") for name in ("About", "Finding"))  # no setting's name is cut off
    table = Table("", "Check", about, sentence, show_lines=True)
    for one in found:
        table.add_row(f"[{_STYLE[one.level]}]{one.level.value}", str(words.CHECK[one.check]), *_escaped(one))
    console.print(table)
    for one in found:
        if one.record is not None:
            # To be copied: on one line each, however long.
            click.echo(f"publish: {one.record.name}. {one.record.type} {one.record.value}")


def _escaped(one: Finding) -> tuple[Text, Text]:
    return Text(one.about), Text(words.sentence(one))
