"""`consent-service staff`, and what ending an account does to whoever is signed in."""

import json
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import STAFF_ADDRESS, STAFF_PASSWORD, run_command, sign_in
from tests.driving import hidden, text_of

NEW_PASSWORD = "a new pass phrase, long enough"


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
    assert run_command(database_url, "staff", "activate", STAFF_ADDRESS).returncode == 0
    assert run_command(database_url, "staff", "activate", STAFF_ADDRESS).returncode == 1
    assert staff_client.get("/staff/").status_code == 302
    assert sign_in(staff_browser).status_code == 302


def test_a_new_password_from_the_command_line_ends_every_session(
    database_url: str, staff_client: FlaskClient, staff_browser: FlaskClient
) -> None:
    assert staff_client.get("/staff/").status_code == 200
    changed = run_command(database_url, "staff", "password", STAFF_ADDRESS.upper(), "--generate")
    assert changed.returncode == 0, changed.stderr
    assert staff_client.get("/staff/").status_code == 302
    assert sign_in(staff_browser).status_code == 200
    assert sign_in(staff_browser, password=changed.stdout.strip()).status_code == 302


def test_nobody_s_password_and_a_short_one_are_refused(sqlite_url: str) -> None:
    unknown = run_command(sqlite_url, "staff", "password", "nobody@example.org", "--generate")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr.strip() == "consent-service: there is no account nobody@example.org"
    assert run_command(sqlite_url, "staff", "password", "nobody@example.org", stdin="short\nshort\n").returncode == 1
    both = run_command(sqlite_url, "staff", "password", "a@example.org", "--generate", "--password-file", "-")
    assert both.returncode == 2


def change_password(browser: FlaskClient, current: str, new: str, again: str | None = None) -> tuple[int, str]:
    """Fills in the form; the status, and the words of the page that it leads to."""
    token = hidden(browser.get("/staff/account/password").text, "csrf_token")
    fields = {"csrf_token": token, "current": current, "new": new, "again": new if again is None else again}
    answer = browser.post("/staff/account/password", data=fields, follow_redirects=True)
    return answer.status_code, text_of(answer.text)


def test_one_s_own_password_is_changed_and_other_sessions_end(app: Flask, staff_client: FlaskClient) -> None:
    elsewhere = app.test_client()
    assert sign_in(elsewhere).status_code == 302
    status, words = change_password(staff_client, STAFF_PASSWORD, NEW_PASSWORD)
    assert status == 200
    assert "Your password is changed" in words
    assert staff_client.get("/staff/people/").status_code == 200
    assert elsewhere.get("/staff/people/").status_code == 302
    assert sign_in(elsewhere).status_code == 200
    assert sign_in(elsewhere, password=NEW_PASSWORD).status_code == 302


def test_a_password_is_only_changed_for_a_good_one_and_by_who_knows_the_old_one(staff_client: FlaskClient) -> None:
    for current, new, again, complaint in (
        ("wrong", NEW_PASSWORD, NEW_PASSWORD, "This is not your password"),
        ("", NEW_PASSWORD, NEW_PASSWORD, "Enter the password that you have now"),
        (STAFF_PASSWORD, "elevenchars", "elevenchars", "A password has 12 to 128 characters"),
        (STAFF_PASSWORD, NEW_PASSWORD, "something else", "The two new passwords differ"),
        (STAFF_PASSWORD, STAFF_PASSWORD, STAFF_PASSWORD, "This is the password that you have already"),
    ):
        status, words = change_password(staff_client, current, new, again)
        assert status == 400
        assert words.count(complaint) == 2, "in the summary and beside the field"
    for _ in range(5):
        change_password(staff_client, "wrong", NEW_PASSWORD)
    assert change_password(staff_client, STAFF_PASSWORD, NEW_PASSWORD)[0] == 429
