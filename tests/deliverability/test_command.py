"""`check --dns` as an operator runs it, against real servers: a name server, a relay with STARTTLS, a website."""

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from consent_service.application import create_app
from consent_service.cli import commands
from consent_service.config import from_environment
from consent_service.extensions import database
from tests.conftest import environment, free_port, run_command
from tests.deliverability.conftest import variables
from tests.dns_lookup.dns_server import Names
from tests.mailing import certificates
from tests.mailing.servers import Recorder, serving


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> certificates.Files:
    """A certificate for 127.0.0.1 that is trusted here."""
    files = certificates.make(tmp_path, days=90)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
    return files


def _context(files: certificates.Files) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    return context


@contextmanager
def _website(app: Flask, port: int, files: certificates.Files) -> Iterator[None]:
    server = make_server("127.0.0.1", port, app, threaded=True, ssl_context=_context(files))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def _elsewhere(port: int, files: certificates.Files) -> Iterator[None]:
    """A website that sends everybody away."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(301)
            self.send_header("Location", "https://www.beispiel.example/")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.socket = _context(files).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _settings(names: Names, web_port: int) -> dict[str, str]:
    return {**variables(names), "BASE_URL": f"https://127.0.0.1:{web_port}", "SMTP_SECURITY": "starttls"}


def _check(url: str, smtp_port: int, more: dict[str, str], *options: str) -> "subprocess.CompletedProcess[str]":
    return run_command(url, "check", "--dns", *options, smtp_port=smtp_port, **more)


def _verdicts(done: "subprocess.CompletedProcess[str]") -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in json.loads(done.stdout):
        found.setdefault(one["check"], set()).add(one["verdict"])
    return found


def test_all_is_well(database_url: str, names: Names, files: certificates.Files) -> None:
    smtp_port, web_port = free_port(), free_port()
    more = _settings(names, web_port)
    app = create_app(from_environment(environment(database_url, smtp_port, **more)))
    with serving(Recorder(), smtp_port, starttls=_context(files)), _website(app, web_port, files):
        done = _check(database_url, smtp_port, more, "--json")
    with app.app_context():
        database.engine.dispose()
    checks = ("spf", "dkim", "dmarc", "mx", "ptr", "tls", "one_click")
    assert _verdicts(done) == {check: {"well"} for check in checks}, done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_wrong_ends_with_1_and_the_records_to_publish(
    sqlite_url: str, names: Names, files: certificates.Files
) -> None:
    for key in (
        ("bounces.beispiel.example", "TXT"),
        ("s1._domainkey.beispiel.example", "TXT"),
        ("_dmarc.beispiel.example", "TXT"),
        ("bounces.beispiel.example", "MX"),
        ("1.0.0.127.in-addr.arpa", "PTR"),
    ):
        del names.table[key]
    smtp_port, web_port = free_port(), free_port()
    more = _settings(names, web_port)
    with serving(Recorder(), smtp_port), _elsewhere(web_port, files):
        done = _check(sqlite_url, smtp_port, more, "--json")
        table = _check(sqlite_url, smtp_port, more)
    assert (done.returncode, table.returncode) == (1, 1)
    found = _verdicts(done)
    assert found == {
        "spf": {"spf_missing", "well"},
        "dkim": {"dkim_missing"},
        "dmarc": {"dmarc_missing"},
        "mx": {"mx_missing", "well"},
        "ptr": {"ptr_missing"},
        "tls": {"tls_not_offered"},
        "one_click": {"one_click_redirects"},
    }
    for record in (
        "publish: bounces.beispiel.example. TXT v=spf1 ip4:127.0.0.1 ~all",
        "publish: _dmarc.beispiel.example. TXT v=DMARC1; p=none; rua=mailto:postmaster@beispiel.example",
        "publish: bounces.beispiel.example. MX 10 mx.beispiel.example",
    ):
        assert record in table.stdout.splitlines()
    assert "PTR 127.0.0.1" not in table.stdout
    assert "redirects to" in table.stdout


def test_certificates_that_nobody_trusts(
    sqlite_url: str, names: Names, files: certificates.Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.make(tmp_path / "other").certificate))
    smtp_port, web_port = free_port(), free_port()
    with serving(Recorder(), smtp_port, starttls=_context(files)), _elsewhere(web_port, files):
        done = _check(sqlite_url, smtp_port, _settings(names, web_port), "--json")
    found = _verdicts(done)
    assert (found["tls"], found["one_click"]) == ({"tls_untrusted"}, {"https_untrusted"})


def test_servers_that_are_away(sqlite_url: str, names: Names) -> None:
    names.refused = {name for name, _ in names.table}
    more = {**_settings(names, free_port()), "SENDING_ADDRESSES": "", "DKIM_SELECTORS": ""}
    done = _check(sqlite_url, free_port(), more, "--json")
    found = _verdicts(done)
    assert found["spf"] == {"no_answer"}
    assert (found["tls"], found["one_click"]) == ({"relay_unreachable"}, {"one_click_unreachable"})
    assert (found["ptr"], found["dkim"]) == ({"ptr_unknown"}, {"dkim_unknown"})
    assert done.returncode == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_check_at_a_time(app: Flask) -> None:
    asked = app.test_cli_runner().invoke(commands, ["check", "--dns", "--seed", "a@example.org"])
    assert asked.exit_code == 2
