"""`consent-service proof`: the complete evidence about one person."""

import json
from collections.abc import Iterator
from typing import Any

import click
from flask.cli import with_appcontext

from consent_service import clock
from consent_service.audit.service import OPERATOR
from consent_service.database import transaction
from consent_service.people import service

INDENT = "  "


@click.command("proof")
@click.argument("address")
@click.option("--json", "as_json", is_flag=True, help="The proof as JSON, with the bytes of the confirmation mails.")
@with_appcontext
def proof(address: str, as_json: bool) -> None:
    """Print the complete evidence about a person's consents.

    Example: consent-service proof anna@example.org --json > proof.json
    """
    with transaction() as session:
        made = service.prove_by_address(session, address, OPERATOR, clock.now())
    if as_json:
        click.echo(json.dumps(made, ensure_ascii=False, indent=2))
        return
    for line in _lines(made):
        click.echo(line)


def _lines(value: Any, depth: int = 0) -> Iterator[str]:
    """The proof as an outline. Bytes are left to --json, which nothing is left out of."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value, start=1)
    for name, inner in pairs:
        label = f"{INDENT * depth}{name}"
        if isinstance(inner, dict | list) and inner:
            yield f"{label}:"
            yield from _lines(inner, depth + 1)
        elif name == "bytes_base64":
            yield f"{label}: {len(inner)} characters, see --json"
        elif isinstance(inner, str) and "\n" in inner:
            yield f"{label}:"
            yield from (f"{INDENT * (depth + 1)}{line}" for line in inner.splitlines())
        else:
            yield f"{label}: {_words(inner)}"


def _words(value: Any) -> str:
    if value is None or value in ([], {}):
        return "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
