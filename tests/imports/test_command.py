"""`consent-service import`, run as a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from consent_service.database import reading
from consent_service.imports import applying
from consent_service.imports.rules import ImportState, RowResult
from consent_service.subjects.models import Subject
from tests.conftest import environment, run_command
from tests.driving import events_of, everything
from tests.imports.driving import customer, customers, newest, rows_left

MIXED = customers(
    customer("anna@example.org", "Änne Müßig"),
    customer("nobody"),
    customer("ANNA@example.org"),
    customer("bernd@example.org"),
)
REPORT = "line 3: bad: This is not an e-mail address\nline 4: duplicate\n"


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "customers.csv"
    path.write_text(MIXED, encoding="utf-8-sig")
    return str(path)


def test_dry_run_reports_and_can_be_resumed(app: Flask, database_url: str, file: str) -> None:
    before = everything()
    dry = run_command(database_url, "import", file, "--dry-run")
    assert dry.returncode == 0
    assert dry.stdout.startswith(REPORT)
    assert "New: 2" in dry.stdout
    assert "example.org" not in dry.stdout + dry.stderr
    assert {table for table, rows in everything().items() if rows != before[table]} == {
        "imports",
        "import_rows",
        "audit_entries",
    }
    public_id = newest().public_id
    assert f"--resume {public_id}" in dry.stderr

    done = run_command(database_url, "import", "--resume", public_id, "--yes", "--json")
    assert done.returncode == 0
    shown = json.loads(done.stdout)
    assert (shown["state"], shown["applied_counts"]["new"]) == ("applied", 2)
    assert shown["problems"] == [
        {"line": 3, "result": "bad", "reason": "invalid_address"},
        {"line": 4, "result": "duplicate", "reason": None},
    ]
    assert len(events_of("anna@example.org")) == 1
    assert rows_left() == 0
    again = run_command(database_url, "import", "--resume", public_id, "--yes")
    assert again.returncode == 1
    assert "is applied, not staged" in again.stderr


def test_asks_before_it_changes_anything(app: Flask, database_url: str, file: str) -> None:
    no = run_command(database_url, "import", file, stdin="n\n")
    assert no.returncode == 0
    assert "Import 2 of 4 rows?" in no.stderr
    assert newest().state is ImportState.DISCARDED
    assert run_command(database_url, "import", file).returncode == 1
    assert newest().state is ImportState.STAGED
    yes = run_command(database_url, "import", file, stdin="y\n")
    assert yes.stdout.startswith(REPORT)
    assert newest().state is ImportState.APPLIED
    assert len(events_of("bernd@example.org")) == 1


def test_suppressions_from_standard_input(app: Flask, database_url: str) -> None:
    done = run_command(database_url, "import", "-", "--kind", "complained", "--yes", stdin="E-Mail\nanna@example.org\n")
    assert done.returncode == 0, done.stderr
    (suppression,) = everything()["suppressions"]
    assert suppression[2:4] == (None, "complained")


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "words"),
    [
        ([], "", 2, "give a file"),
        (["-", "--resume", "0" * 32], "", 2, "give a file"),
        (["nowhere.csv"], "", 2, "No such file"),
        (["-", "--kind", "friends"], "", 2, "Invalid value for '--kind'"),
        (["--resume", "0" * 32, "--yes"], "", 1, "there is no import"),
        (["-"], "", 1, "The file is empty"),
        (["-"], "e-mail,name\n", 1, "must name these columns too: Customer since, Source"),
        (["-", "--purpose", "newsletter"], MIXED, 1, "newsletter does not rest on legitimate interest"),
        (["-", "--purpose", "tea"], MIXED, 1, "there is no purpose 'tea'"),
    ],
)
def test_errors_are_one_clear_line(sqlite_url: str, arguments: list[str], stdin: str, status: int, words: str) -> None:
    failed = run_command(sqlite_url, "import", *arguments, stdin=stdin)
    assert failed.returncode == status
    assert words in failed.stderr
    assert "Traceback" not in failed.stderr
    assert failed.stdout == ""


# Before it commits.
DIES_IN_THE_THIRD_BATCH = """
import os, signal
from itertools import count
from consent_service import cli
from consent_service.imports import applying

apply, turns = applying.apply_rows, count(1)

def apply_and_die(*given):
    done = apply(*given)
    if next(turns) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return done

applying.apply_rows = apply_and_die
cli.main()
"""


def test_killed_in_the_middle_and_resumed(app: Flask, database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text(customers(*(customer(f"person{number}@example.org") for number in range(6000))))
    process = subprocess.run(
        [sys.executable, "-c", DIES_IN_THE_THIRD_BATCH, "import", str(path), "--yes"],
        env={**os.environ, **environment(database_url)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    stopped = newest()
    assert (stopped.state, stopped.rows_applied) == (ImportState.APPLYING, 2 * applying.BATCH)

    resumed = run_command(database_url, "import", "--resume", stopped.public_id, "--yes")
    assert resumed.returncode == 0, resumed.stderr
    assert newest().applied_counts[RowResult.NEW] == 6000
    events = Counter(row[2] for row in everything()["consent_events"])
    assert len(events) == 6000
    assert set(events.values()) == {1}
    with reading() as session:
        assert session.execute(sa.select(sa.func.count()).select_from(Subject)).scalar_one() == 6000
    assert rows_left() == 0
