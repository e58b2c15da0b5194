"""Logs: one JSON object a line with the request's id, and nobody's data in them."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
import structlog
from flask import Flask
from flask.testing import FlaskClient

from consent_service import logs
from consent_service.database import transaction
from consent_service.subjects.models import Subject
from tests.driving import Mailbox, Worker, add_people, path_in, sign_up

ADDRESS, NAME = "anna.beispiel@example.org", "Anna Beispiel"


def _lines(output: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the service logs, as a process of it would."""
    root, gunicorn = logging.getLogger(), logging.getLogger("gunicorn.error")
    before, before_of_structlog = (root.handlers, gunicorn.handlers, gunicorn.propagate), structlog.get_config()
    output = io.StringIO()
    monkeypatch.setattr(sys, "stderr", output)
    logs.configure()
    yield output
    structlog.configure(**before_of_structlog)
    root.handlers, gunicorn.handlers, gunicorn.propagate = before


def test_the_whole_way_of_a_person_names_nobody(
    logged: io.StringIO, client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    sign_up(client, ADDRESS, name=NAME)
    worker.work()
    confirm = path_in(mailbox.latest(ADDRESS), "confirm")
    client.get(confirm)
    client.post(confirm)
    worker.work()
    settings = path_in(mailbox.latest(ADDRESS), "settings")
    client.get(settings)
    client.post(settings, data={"leave": "everything"})
    client.get("/newsletter?email=" + ADDRESS)
    client.get("/nothing/" + ADDRESS)
    output = logged.getvalue()
    routes = [json.loads(line).get("route") for line in output.splitlines()]
    assert "/newsletter" in routes
    assert any(route and route.startswith("/settings/<") for route in routes)
    for secret in (ADDRESS, "anna", "Beispiel", confirm.rpartition("/")[2], settings.rpartition("/")[2]):
        assert secret not in output


def test_a_request_keeps_the_id_that_a_proxy_gave_it(logged: io.StringIO, client: FlaskClient) -> None:
    response = client.get("/", headers={"X-Request-ID": "proxy-12345678"})
    assert response.headers["X-Request-ID"] == "proxy-12345678"
    assert _lines(logged)[-1]["request_id"] == "proxy-12345678"
    odd = client.get("/", headers={"X-Request-ID": "<script>"})
    assert odd.headers["X-Request-ID"] != "<script>"


def test_a_failure_is_logged_by_its_type_and_its_way(logged: io.StringIO, app: Flask, client: FlaskClient) -> None:
    """A database's refusal of a row quotes the row."""
    with transaction() as session:
        add_people(session, 2)

    @app.get("/<path:anything>/fails")
    def fails(anything: str) -> str:
        with transaction() as session:
            session.execute(sa.update(Subject).values(normalised_address="person0@example.org"))
        return anything

    assert client.get(f"/{ADDRESS}/fails").status_code == 500
    output = logged.getvalue()
    failure = next(line for line in map(json.loads, output.splitlines()) if line["event"] == "request failed")
    assert failure["exception"][0]["type"] == "sqlalchemy.exc.IntegrityError"
    assert any("test_logs.py" in line for line in failure["exception"][0]["lines"])
    assert ADDRESS not in output
    assert "person0" not in output


def test_other_libraries_messages_come_without_their_values(logged: io.StringIO) -> None:
    logging.getLogger("gunicorn.error").error("Error handling request %s", f"/settings/token?{ADDRESS}")
    line = _lines(logged)[-1]
    assert (line["event"], line["logger"]) == ("Error handling request %s", "gunicorn.error")


def test_a_server_that_is_away_is_named(logged: io.StringIO) -> None:
    try:
        raise ConnectionRefusedError(111, "Connection refused")
    except ConnectionRefusedError:
        structlog.get_logger().exception("failed")
    assert "Connection refused" in str(_lines(logged)[-1]["exception"])
