"""What every answer carries, whom the service believes, and what it tells those who run it."""

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from consent_service import errors
from consent_service.application import create_app
from consent_service.config import from_environment
from consent_service.database import transaction
from consent_service.extensions import database
from tests.conftest import environment
from tests.driving import add_people

TOKEN = "monitoring-token-0123456789"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/newsletter", 200),
        ("GET", "/settings", 200),
        ("GET", "/staff/sign-in", 200),
        ("GET", "/static/css/base.css", 200),
        ("GET", "/nothing", 404),
        ("DELETE", "/newsletter", 405),
    ],
)
def test_every_answer_is_guarded(client: FlaskClient, method: str, path: str, status: int) -> None:
    with client.open(path, method=method) as response:
        assert response.status_code == status
    policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in str(policy)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert ("no-store" in response.headers["Cache-Control"]) is not path.startswith("/static")


def _app(database_url: str, **more: str) -> Flask:
    return create_app(from_environment(environment(database_url, **more)))


def test_behind_https_browsers_are_told_to_stay_there(sqlite_url: str) -> None:
    client = _app(sqlite_url, BASE_URL="https://consent.example.org").test_client()
    response = client.get("/", base_url="https://consent.example.org")
    assert response.headers["Strict-Transport-Security"].startswith("max-age=31536000")


@pytest.mark.parametrize(
    ("proxies", "forwarded", "believed"),
    [
        ("0", "203.0.113.7", "127.0.0.1"),
        ("1", "203.0.113.7", "203.0.113.7"),
        ("1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("2", "198.51.100.1, 203.0.113.7", "198.51.100.1"),
    ],
)
def test_a_proxys_word_is_believed_only_where_it_is_set(
    sqlite_url: str, proxies: str, forwarded: str, believed: str
) -> None:
    app = _app(sqlite_url, TRUSTED_PROXIES=proxies)
    app.add_url_rule("/source", view_func=lambda: f"{request.remote_addr} {request.host}")
    headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Host": "evil.example"}
    assert app.test_client().get("/source", headers=headers).text == f"{believed} localhost"


def test_health_is_public_and_nothing_else_is(client: FlaskClient) -> None:
    assert client.get("/healthz").text == "ok\n"
    for path in ("/readyz", "/metrics"):
        assert client.get(path).status_code == 404
        assert client.get(path, headers={"Authorization": "Bearer "}).status_code == 404


def test_readiness_and_metrics_want_the_token(database_url: str) -> None:
    app = _app(database_url, MONITORING_TOKEN=TOKEN)
    client = app.test_client()
    for path in ("/readyz", "/metrics"):
        assert client.get(path).status_code == 404
        assert client.get(path, headers={"Authorization": f"Bearer {TOKEN}x"}).status_code == 404
    with app.app_context():
        with transaction() as session:
            add_people(session, 3)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert client.get("/readyz", headers=headers).text == "ready\n"
        metrics = client.get("/metrics", headers=headers)
        assert 'consent_people{purpose="newsletter",status="active"} 3.0' in metrics.text
        database.session.remove()
        database.engine.dispose()


def test_a_database_that_is_away_asks_to_come_again(sqlite_url: str) -> None:
    app = _app(sqlite_url.replace("consent.db", "missing/consent.db"), MONITORING_TOKEN=TOKEN)
    response = app.test_client().get("/readyz?lang=en", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 503
    assert response.headers["Retry-After"] == str(errors.RETRY_AFTER_SECONDS)
    assert "nothing was changed" in response.text
