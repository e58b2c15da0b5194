"""`consent-service staff`, and what ending an account does to whoever is signed in."""

import json
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import STAFF_ADDRESS, run_command, sign_in


def test_a_generated_password_is_printed_once_and_lets_in(
    app: Flask, database_url: str, staff_browser: FlaskClient
) -> None:
    added = run_command(database_url, "staff", "add", "Bert.Beispiel@example.org", "--generate")
    assert added.returncode == 0, added.stderr
    password = added.stdout.strip()
    assert len(password) >= 20
    assert sign_in(staff_browser, "bert.beispiel@EXAMPLE.org", password).status_code == 302
    listed = json.loads(run_command(database_url, "staff", "list", "--json").stdout)
    assert [(row["email"], row["active"]) for row in listed] == [("bert.beispiel@example.org", True)]


def test_a_password_from_a_file_or_typed_twice_must_be_long(sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("elevenchars\n", encoding="utf-8")
    refused = run_command(sqlite_url, "staff", "add", "anna@example.org", "--password-file", str(file))
    assert refused.returncode == 1
    assert "12" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    typed = run_command(sqlite_url, "staff", "add", "anna@example.org", stdin="twelve chars!\ntwelve chars!\n")
    assert typed.returncode == 0, typed.stderr
    again = run_command(sqlite_url, "staff", "add", "ANNA@example.org", "--generate")
    assert again.returncode == 1
    assert "already" in again.stderr
    assert again.stdout == ""


def test_a_deactivated_account_is_out_at_once_and_stays_out(
    database_url: str, staff_client: FlaskClient, staff_browser: FlaskClient
) -> None:
    assert staff_client.get("/staff/").status_code == 200
    assert run_command(database_url, "staff", "deactivate", STAFF_ADDRESS.upper()).returncode == 0
    assert staff_client.get("/staff/").status_code == 302
    assert sign_in(staff_browser).status_code == 200
    assert run_command(database_url, "staff", "deactivate", STAFF_ADDRESS).returncode == 1
