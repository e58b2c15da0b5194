"""The people list and a person's page at a million people against a thousand (the worse ratio of times)."""

import argparse
from statistics import median

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


def main() -> None:
    """Measures both sizes, and reports the page that grows more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help=f"multiplies the {MANY} people; 5 is a million")
    many, few = _times(int(MANY * parser.parse_args().scale)), _times(FEW)
    worst = max(many, key=lambda page: median(many[page]) / median(few[page]))
    report("people", many[worst], few[worst], "ms", AIM)


def _times(people: int) -> dict[str, list[float]]:
    """Milliseconds of each request, per page."""
    with prepared() as (folder, app):
        fill(folder / "consent.db", people)
        client = signed_in(app)
        with reading() as session:
            person = queries.person_by_address(session, f"person{people // 2}@example.org").public_id
        pages = {"list": "/staff/people/", "person": f"/staff/people/{person}"}
        return {name: [milliseconds(client, path) for _ in range(REQUESTS)] for name, path in pages.items()}


if __name__ == "__main__":
    main()
