"""Exporting everybody who may be written to, against csv.writer on the rows of the same SELECT (ratio of times)."""

import argparse
import csv
import resource
import sqlite3
import sys
import time
from pathlib import Path

from sqlalchemy.dialects import sqlite

from benchmarks.filling import fill
from benchmarks.reporting import report
from benchmarks.serving import prepared
from consent_service import clock
from consent_service.database import transaction
from consent_service.exports import queries, service
from consent_service.exports.rules import COLUMNS, ExportFormat
from consent_service.exports.sending import send
from consent_service.exports.service import Criteria, Request

PEOPLE = 200_000
ROUNDS = 3
AIM = "<= 2"
MOST_MEGABYTES = 200


def main() -> None:
    """Measures both in turn, and what memory the process took at most."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help=f"multiplies the {PEOPLE} people; 5 is a million")
    people = int(PEOPLE * parser.parse_args().scale)
    ours, bare = [], []
    with prepared() as (folder, _app):
        fill(folder / "consent.db", people)
        for _ in range(ROUNDS):
            ours.append(_ours(folder))
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        for _ in range(ROUNDS):
            bare.append(_bare(folder))
            ours.append(_ours(folder))
        if (folder / "ours.csv").read_bytes() != (folder / "bare.csv").read_bytes():
            raise RuntimeError("the two wrote different files")
    print(f"{people} people, at most {megabytes:.0f} MB of memory (aim: < {MOST_MEGABYTES})", file=sys.stderr)
    report("export", ours, bare, "s", AIM)


def _ours(folder: Path) -> float:
    began = time.perf_counter()
    request = Request(Criteria("newsletter", None), ExportFormat.CSV, "benchmark")
    with transaction() as session:
        export = service.begin(session, request, "benchmark", clock.now())
    with (folder / "ours.csv").open("wb") as file:
        file.writelines(send(export))
    return time.perf_counter() - began


def _bare(folder: Path) -> float:
    with transaction() as session:
        chosen = service.begin(
            session, Request(Criteria("newsletter", None), ExportFormat.CSV, "benchmark"), "benchmark", clock.now()
        ).chosen
    options = {"literal_binds": True}
    select = str(queries.statement(chosen).compile(dialect=sqlite.dialect(), compile_kwargs=options))
    began = time.perf_counter()
    connection = sqlite3.connect(folder / "consent.db")
    with (folder / "bare.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(connection.execute(select))
    connection.close()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
