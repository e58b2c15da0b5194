"""The people list and a person's page at a million people against a thousand (the worse ratio of times)."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from flask.testing import FlaskClient

from benchmarks.browsing import milliseconds, signed_in
from benchmarks.filling import fill
from benchmarks.reporting import report
from benchmarks.serving import prepared
from consent_service.database import reading
from consent_service.people import queries

FEW = 1_000
MANY = 200_000
REQUESTS = 60
AIM = "<= 2"

Page = tuple[FlaskClient, str]
"""Who asks, and for what."""


def main() -> None:
    """Asks for pages of both sizes in turn, and reports the one that grows more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help=f"multiplies the {MANY} people; 5 is a million")
    with _desk(int(MANY * parser.parse_args().scale)) as many, _desk(FEW) as few:
        times = [_in_turn(*paths) for paths in zip(many, few, strict=True)]
    report("people", *max(times, key=lambda both: median(both[0]) / median(both[1])), "ms", AIM)


@contextmanager
def _desk(people: int) -> Iterator[list[Page]]:
    """The pages of a service that knows so many people."""
    with prepared() as (folder, app):
        fill(folder / "consent.db", people)
        client = signed_in(app)
        with reading() as session:
            person = queries.person_by_address(session, f"person{people // 2}@example.org").public_id
        yield [(client, "/staff/people/"), (client, f"/staff/people/{person}")]


def _in_turn(many: Page, few: Page) -> tuple[list[float], list[float]]:
    """Milliseconds of each request for the one and for the other."""
    times = [(milliseconds(*many), milliseconds(*few)) for _ in range(REQUESTS)]
    return [one for one, _ in times], [other for _, other in times]


if __name__ == "__main__":
    main()
