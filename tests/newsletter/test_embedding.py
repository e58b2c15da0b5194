"""The form in another website: plain HTML or a frame, without cookies, also from a page with no referrer (I11)."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from consent_service import clock
from consent_service.application import create_app
from consent_service.config import ConfigurationError, from_environment
from consent_service.database import reading
from consent_service.evidence import service as evidence
from consent_service.evidence.service import Evidence
from consent_service.extensions import database
from consent_service.registrations.models import Registration
from tests.conftest import add_staff, environment, sign_in
from tests.driving import FILL_TIME, heading, hidden, text_of

SITE = "https://www.beispiel.example"
PAGE = f"{SITE}/aktuell/newsletter.html"


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    """An application that one website may embed."""
    app = create_app(from_environment(environment(database_url, EMBED_SITES=SITE)))
    with app.app_context():
        yield app
        database.session.remove()
        database.engine.dispose()


@pytest.fixture
def snippet(app: Flask) -> str:
    """The HTML that staff copy for the page."""
    add_staff()
    browser = app.test_client()
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    with app.app_context():
        sign_in(browser)
        page = browser.get("/staff/embed/", query_string={"page": PAGE, "language": "en"}).text
    return unescape(re.search(r'<pre id="snippet"[^>]*><code>(.*?)</code>', page, re.DOTALL)[1])  # type: ignore[index]


def _fields(snippet: str) -> dict[str, str]:
    return {
        "form_token": hidden(snippet, "form_token"),
        "language": hidden(snippet, "language"),
        "email": "anna@example.org",
        "name": "Anna",
        "purposes": "newsletter:1",
        "website": "",
    }


def test_the_snippet_has_the_wordings_in_force_and_no_ticks(snippet: str) -> None:
    assert 'action="http://localhost/newsletter?lang=en"' in snippet
    assert "Yes, Beispiel GmbH may e-mail me news about video conferencing about once a month." in snippet
    assert set(re.findall(r'value="([a-z_]+:\d)"', snippet)) == {
        "newsletter:1",
        "seminar_information:1",
        "survey_invitation:1",
        "partner_offers:1",
    }
    assert "checked" not in snippet
    assert "Responsible: Beispiel GmbH" in snippet
    for label in re.findall(r'<label for="([^"]+)"', snippet):
        assert f'id="{label}"' in snippet


@pytest.mark.parametrize("origin", [SITE, "null", None, "http://localhost"])
def test_the_snippet_posts_from_the_other_site(visitor: FlaskClient, snippet: str, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    answer = visitor.post("/newsletter?lang=en", data=_fields(snippet), headers=headers)
    assert (answer.status_code, heading(answer.text)) == (200, "Check your mailbox")
    assert "site-head" in answer.text
    box = _evidence()
    assert box["form"] == PAGE
    assert box["language"] == "en"


@pytest.mark.parametrize(
    ("sent_to", "form"),
    [
        ("/newsletter", "/newsletter"),
        ("/newsletter?lang=de&embedded=1", "/newsletter?lang=de&embedded=1"),
        ("/newsletter?utm_source=poster", "/newsletter"),
    ],
)
def test_the_evidence_of_our_own_form_is_its_address(visitor: FlaskClient, sent_to: str, form: str) -> None:
    with time_machine.travel(clock.now() - FILL_TIME):
        token = hidden(visitor.get(sent_to).text, "form_token")
    fields = {"form_token": token, "email": "anna@example.org", "language": "en", "purposes": "newsletter:1"}
    assert visitor.post(sent_to, data=fields).status_code == 200
    assert _evidence()["form"] == f"http://localhost{form}"


def _evidence() -> Evidence:
    with reading() as session:
        row = session.query(Registration).one()
        key = evidence.request_key(session, row.data_key_id)
        return evidence.open_box(key, row.evidence, row.public_id)


def test_a_foreign_site_is_refused_with_the_way_to_our_form(visitor: FlaskClient, snippet: str) -> None:
    answer = visitor.post("/newsletter?lang=en", data=_fields(snippet), headers={"Origin": "https://foreign.example"})
    assert answer.status_code == 403
    assert "/newsletter?lang=en" in answer.text
    with reading() as session:
        assert session.query(Registration).count() == 0


def test_an_outdated_snippet_shows_the_form_with_the_new_wording(visitor: FlaskClient, snippet: str) -> None:
    fields = {**_fields(snippet), "purposes": "newsletter:0"}
    answer = visitor.post("/newsletter?lang=en", data=fields, headers={"Origin": SITE})
    assert answer.status_code == 400
    assert "The wording has changed" in answer.text
    assert 'value="anna@example.org"' in answer.text


def test_only_named_sites_may_frame_the_form_and_nothing_else(visitor: FlaskClient) -> None:
    def ancestors(path: str) -> str:
        policy = visitor.get(path).headers["Content-Security-Policy"]
        return re.search(r"frame-ancestors ([^;]*)", policy)[1]  # type: ignore[index]

    assert ancestors("/newsletter?embedded=1") == f"'self' {SITE}"
    assert ancestors("/settings") == "'none'"
    assert ancestors("/") == "'none'"


def test_the_frame_stays_a_frame(visitor: FlaskClient) -> None:
    page = visitor.get("/newsletter?embedded=1&lang=en").text
    assert "site-head" not in page
    action = unescape(re.search(r'<form[^>]*action="([^"]*)"', page)[1])  # type: ignore[index]
    assert "embedded=1" in action
    assert "lang=en" in action
    wrong = visitor.post(action, data={})
    assert wrong.status_code == 400
    assert "site-head" not in wrong.text
    refused = visitor.post(action, data={}, headers={"Origin": "https://foreign.example"})
    assert "site-head" not in refused.text


def test_a_page_on_another_site_gets_no_snippet(app: Flask) -> None:
    add_staff()
    browser = app.test_client()
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    sign_in(browser)
    page = browser.get("/staff/embed/", query_string={"page": "https://foreign.example/"}).text
    assert "Enter an address on one of the allowed websites" in text_of(page)
    assert "form_token" not in page


@pytest.mark.parametrize("sites", ["www.example.org", "https://www.example.org/", "ftp://example.org", "*"])
def test_embedding_sites_are_origins(sites: str) -> None:
    with pytest.raises(ConfigurationError, match="CONSENT_EMBED_SITES"):
        from_environment(environment("sqlite:////tmp/none.db", EMBED_SITES=sites))
