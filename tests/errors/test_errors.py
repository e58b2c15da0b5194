"""What people see when something goes wrong: what happened and what next, in both languages, nothing revealed."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent_service.application import create_app
from consent_service.config import from_environment
from tests.conftest import environment
from tests.driving import heading


@pytest.fixture
def app(sqlite_url: str) -> Flask:
    """An application with a page that fails, and a low limit."""
    app = create_app(from_environment(environment(sqlite_url, SIGN_UP_LIMIT="1 per minute")))

    @app.get("/fails")
    def fails() -> str:
        raise RuntimeError("secret detail")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


def _page(client: FlaskClient, status: int) -> str:
    match status:
        case 404:
            answer = client.get("/nothing/here?lang=en")
        case 405:
            answer = client.put("/newsletter?lang=en")
            assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
        case 413:
            answer = client.post("/settings?lang=en", data={"email": "x" * (17 * 1024 * 1024)})
        case 429:
            client.post("/settings?lang=en", data={})
            client.post("/settings?lang=en", data={})
            answer = client.post("/settings?lang=en", data={})
        case _:
            answer = client.get("/fails?lang=en")
    assert answer.status_code == status
    return answer.text


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (404, "Page not found"),
        (405, "That does not work this way"),
        (413, "That is too large"),
        (429, "Too many attempts"),
        (500, "Something went wrong on our side"),
    ],
)
def test_each_has_a_page_in_our_looks(client: FlaskClient, status: int, title: str) -> None:
    page = _page(client, status)
    assert heading(page) == title
    assert '<html lang="en">' in page
    assert "site-foot" in page
    assert "secret detail" not in page


def test_headers_are_on_error_pages_too(client: FlaskClient) -> None:
    answer = client.get("/nothing")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_a_damaged_link_says_what_to_do(client: FlaskClient) -> None:
    for path in ("/confirm/rubbish", "/settings/rubbish"):
        answer = client.get(f"{path}?lang=en")
        assert (answer.status_code, heading(answer.text)) == (404, "This link does not work")
        assert "/settings?lang=en" in answer.text
        assert "/newsletter?lang=en" in answer.text
