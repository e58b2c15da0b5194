"""The command line: exit codes, one clear line for each error, data on stdout and talk on stderr."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from consent_service.cli import commands
from tests.conftest import TEXTS, run_command
from tests.driving import Mailbox

COMMAND = Path(sys.executable).with_name("consent-service")


def _without_settings(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(words, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", ["worker", "migrate", "check"])
def test_without_settings_a_command_names_every_variable(command: str) -> None:
    refused = _without_settings(str(COMMAND), command)
    assert refused.returncode == 1
    assert refused.stdout == ""
    lines = refused.stderr.splitlines()
    assert all(line.startswith("consent-service: CONSENT_") for line in lines)
    assert "consent-service: CONSENT_SUPPRESSION_KEY: is not set" in lines


def test_without_settings_the_web_server_gives_up_and_names_every_variable() -> None:
    gunicorn = str(COMMAND.with_name("gunicorn"))
    refused = _without_settings(gunicorn, "--no-control-socket", "--bind", "127.0.0.1:0", "consent_service.wsgi:app")
    assert refused.returncode == 4
    assert "consent-service: CONSENT_SECRET_KEYS: is not set" in refused.stderr


def test_misuse_is_2() -> None:
    assert _without_settings(str(COMMAND), "nonsense").returncode == 2


def _every_command(command: click.Command, *path: str) -> list[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        return [found for name, child in command.commands.items() for found in _every_command(child, *path, name)]
    return [(path, command)]


def test_every_command_has_help_with_an_example() -> None:
    every = _every_command(commands)
    assert len(every) >= 10
    for path, command in every:
        assert command.help, path
        assert f"Example: consent-service {' '.join(path)}" in " ".join(command.help.split()), path


def test_check_is_content(database_url: str, mailbox: Mailbox) -> None:
    content = run_command(database_url, "check", smtp_port=mailbox.port)
    assert (content.returncode, content.stderr) == (0, "")
    as_json = json.loads(run_command(database_url, "check", "--json", smtp_port=mailbox.port).stdout)
    assert [finding["what"] for finding in as_json] == ["database", "migrations", "suppression key", "dkim", "smtp"]
    assert {finding["problem"] for finding in as_json} == {None}


def test_check_has_a_line_for_each_problem(database_url: str) -> None:
    problems = run_command(database_url, "check", SUPPRESSION_KEY="another-key-that-is-long-enough-too")
    assert problems.returncode == 1
    lines = problems.stderr.splitlines()
    assert [line.split()[1].rstrip(":") for line in lines] == ["CONSENT_SUPPRESSION_KEY", "CONSENT_SMTP_URL"]


@pytest.mark.parametrize(
    "url", ["sqlite:////nonexistent/consent.db", "postgresql://consent:secret@127.0.0.1:1/consent"]
)
def test_a_database_that_is_away_is_one_line_without_its_password(url: str) -> None:
    for command in (["check"], ["worker"], ["migrate"]):
        refused = run_command(url, *command)
        assert refused.returncode == 1
        assert "secret" not in refused.stderr
        assert "Traceback" not in refused.stderr


def test_texts_are_published_where_they_differ(database_url: str, tmp_path: Path) -> None:
    unchanged = run_command(database_url, "texts", "publish", str(TEXTS))
    assert (unchanged.returncode, unchanged.stdout) == (0, "")
    file = tmp_path / "texts.toml"
    file.write_text(
        TEXTS.read_text(encoding="utf-8").replace("about once a month", "about once a week"), encoding="utf-8"
    )
    foreseen = run_command(database_url, "texts", "publish", str(file), "--dry-run")
    assert foreseen.stdout == "newsletter version 2\n"
    assert run_command(database_url, "texts", "publish", str(file)).stdout == "newsletter version 2\n"
    assert run_command(database_url, "texts", "publish", str(file)).stdout == ""


def test_texts_that_are_not_complete_are_refused_in_one_line(sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "texts.toml"
    for content in (b"[purposes", b"\xff\xfe"):
        file.write_bytes(content)
        refused = run_command(sqlite_url, "texts", "publish", str(file))
        assert refused.returncode == 1
        assert len(refused.stderr.splitlines()) == 1
