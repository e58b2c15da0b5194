"""The sign-up form: what it shows, what it takes, and how it keeps robots away without losing people."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from consent_service import clock
from consent_service.application import create_app
from consent_service.config import from_environment
from consent_service.database import transaction
from consent_service.notice import service as notice
from tests.conftest import TEXTS, environment
from tests.driving import FILL_TIME, everything, heading, hidden, sign_up, text_of

ANNA = "anna@example.org"


def test_the_start_page_says_what_one_can_register_for(visitor: FlaskClient) -> None:
    words = text_of(visitor.get("/").text)
    for title in ("Newsletter", "Invitations to seminars and webinars", "Invitations to surveys"):
        assert title in words
    assert "Customer information" not in words


def test_the_form_has_unticked_boxes_wordings_responsible_and_notice(visitor: FlaskClient) -> None:
    page = visitor.get("/newsletter").text
    assert len(re.findall(r'type="checkbox"', page)) == 4
    assert " checked" not in page
    words = text_of(page)
    assert "Yes, Beispiel GmbH may e-mail me news about video conferencing about once a month." in words
    assert "Responsible: Beispiel GmbH, Musterweg 1, 12345 Musterstadt." in words
    assert "Privacy notice, version 1" in words
    assert "Set-Cookie" not in visitor.get("/newsletter").headers


def test_german_unless_the_browser_or_the_switch_says_english(client: FlaskClient) -> None:
    def language(path: str, wanted: str) -> str:
        return client.get(path, headers={"Accept-Language": wanted}).text.partition('<html lang="')[2][:2]

    assert language("/newsletter", "") == "de"
    assert language("/newsletter", "fr, es;q=0.5") == "de"
    assert language("/newsletter", "en-GB, de;q=0.5") == "en"
    assert language("/newsletter?lang=de", "en") == "de"
    assert language("/newsletter?lang=xx", "en") == "en"


def test_a_switched_language_lasts_from_page_to_page(client: FlaskClient) -> None:
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    page = client.get("/newsletter?lang=en").text
    assert 'action="/newsletter?lang=en"' in page
    assert 'href="/settings?lang=en"' in page
    answer = client.post("/newsletter?lang=en", data={})
    assert '<html lang="en">' in answer.text


@pytest.mark.parametrize(
    "query", ["_external=1&_scheme=javascript", "endpoint=x", "token=y", "_anchor=z", "lang=de&lang=en"]
)
def test_the_switch_takes_any_query(visitor: FlaskClient, query: str) -> None:
    page = visitor.get(f"/newsletter?{query}")
    assert page.status_code == 200
    assert "javascript:" not in page.text


def test_mistakes_are_said_in_a_summary_and_beside_the_field_and_nothing_typed_is_lost(visitor: FlaskClient) -> None:
    answer = sign_up(visitor, "anna(at)example.org", [], name="Anna Beispiel", language="en")
    assert answer.status_code == 400
    page = answer.text
    assert "<title>Error: " in page
    for field, message in (
        ("email", "Enter an e-mail address, for example name@example.com"),
        ("purposes", "Choose at least one topic"),
    ):
        assert f'<a href="#{field}">{message}</a>' in page
        assert f'id="{field}-error"' in page
    assert 'value="anna(at)example.org"' in page
    assert 'value="Anna Beispiel"' in page
    assert 'aria-invalid="true"' in page
    assert page.index("error-summary") < page.index("<h1")


@pytest.mark.parametrize(
    ("address", "is_taken"),
    [
        ("anna@example.org", True),
        ("  anna@example.org ", True),
        ("anna@müller.example.org", True),
        ("anna+tag@example.org", True),
        ("", False),
        ("anna", False),
        ("anna@localhost", False),
        ("anna@example.org\r\nBcc: b@example.org", False),
        ("ännä@example.org", False),
        (f"{'a' * 65}@example.org", False),
        ("anna@example.org, bernd@example.org", False),
    ],
)
def test_addresses(visitor: FlaskClient, address: str, is_taken: bool) -> None:
    assert sign_up(visitor, address).status_code == (200 if is_taken else 400)


def test_the_page_after_it_repeats_the_address_and_sends_again(visitor: FlaskClient) -> None:
    answer = sign_up(visitor, ANNA, name="Anna Beispiel")
    words = text_of(answer.text)
    assert heading(answer.text) == "Check your mailbox"
    assert ANNA in words
    assert "spam folder" in words
    fields = {name: hidden(answer.text, name) for name in ("form_token", "email", "name", "language", "purposes")}
    again = visitor.post("/newsletter", data=fields)  # at once: the form's time counts from its first sending
    assert heading(again.text) == "Check your mailbox"


@pytest.mark.parametrize("name", ['Anna "><script>alert(1)</script>', "{{ email }} %(name)s", "", "Ännä 🙂 & Söhne"])
def test_the_page_after_it_has_what_was_typed_and_nothing_of_whoever_came_before(
    visitor: FlaskClient, name: str
) -> None:
    sign_up(visitor, "before@example.org", name="Who Came Before")
    page = sign_up(visitor, ANNA, ["survey_invitation:1"], name=name, language="en").text
    assert hidden(page, "email") == ANNA
    assert hidden(page, "name") == name
    assert hidden(page, "language") == "en"
    assert re.findall(r'name="purposes" value="([^"]*)"', page) == ["survey_invitation:1"]
    assert "<script>alert" not in page
    assert not re.search("before@example.org|Who Came Before", page)


def test_the_page_after_it_is_kept_apart_for_each_language_and_frame(visitor: FlaskClient) -> None:
    def answer(query: str) -> str:
        with time_machine.travel(clock.now() - FILL_TIME):
            token = hidden(visitor.get("/newsletter").text, "form_token")
        fields = {"form_token": token, "email": ANNA, "language": "de", "purposes": "newsletter:1"}
        return visitor.post(f"/newsletter{query}", data=fields).text

    for _ in range(2):
        assert '<html lang="en">' in answer("")
        assert '<html lang="de">' in answer("?lang=de")
        assert "site-head" in answer("")
        assert "site-head" not in answer("?embedded=1")


@pytest.mark.parametrize("waiting", [timedelta(seconds=0), timedelta(hours=25)])
def test_too_quick_and_too_slow_are_asked_once_more_with_everything_kept(
    visitor: FlaskClient, waiting: timedelta
) -> None:
    before = everything()
    with time_machine.travel(clock.now() - waiting):
        token = hidden(visitor.get("/newsletter").text, "form_token")
    fields = {"form_token": token, "email": ANNA, "language": "de", "purposes": "newsletter:1"}
    answer = visitor.post("/newsletter", data=fields)
    assert answer.status_code == 400
    assert "once more" in text_of(answer.text)
    assert f'value="{ANNA}"' in answer.text
    assert everything() == before
    with time_machine.travel(clock.now() + FILL_TIME):
        fields["form_token"] = hidden(answer.text, "form_token")
        assert visitor.post("/newsletter", data=fields).status_code == 200


def test_who_fills_in_the_trap_sees_it_and_loses_nothing(visitor: FlaskClient) -> None:
    before = everything()
    answer = sign_up(visitor, ANNA, website="https://robot.example")
    assert answer.status_code == 400
    assert '<a href="#website">Leave this field blank</a>' in answer.text
    assert f'value="{ANNA}"' in answer.text
    assert everything() == before


@pytest.mark.parametrize("token", ["", "rubbish", "ImEi.aSdf.x"])
def test_a_form_that_we_did_not_make_is_shown_anew(visitor: FlaskClient, token: str) -> None:
    before = everything()
    fields = {"form_token": token, "email": ANNA, "language": "de", "purposes": "newsletter:1"}
    assert visitor.post("/newsletter", data=fields).status_code == 400
    assert everything() == before


def _publish(old: str, new: str) -> None:
    document = Path(TEXTS).read_text(encoding="utf-8")
    assert old in document
    with transaction() as session:
        notice.publish(session, notice.read(document.replace(old, new)), clock.now() - timedelta(seconds=1))


def test_a_wording_that_changed_meanwhile_is_shown_and_agreed_to_anew(visitor: FlaskClient) -> None:
    _publish("about once a month", "about twice a month")
    before = everything()
    answer = sign_up(visitor, ANNA, ["newsletter:1", "survey_invitation:1"])
    assert answer.status_code == 400
    assert "The wording has changed. Please read it and choose again." in answer.text
    assert "about twice a month" in answer.text
    assert re.findall(r'value="([a-z_]+:\d)" checked', answer.text) == ["survey_invitation:1"]
    assert f'value="{ANNA}"' in answer.text
    assert everything() == before


def test_a_notice_that_changed_meanwhile_is_shown_anew(visitor: FlaskClient) -> None:
    _publish("## For how long?", "## How long?")
    answer = sign_up(visitor, ANNA, notice="1")
    assert answer.status_code == 400
    assert "The privacy notice has changed" in answer.text
    assert "Privacy notice, version 2" in answer.text
    assert sign_up(visitor, ANNA, notice="2").status_code == 200


@pytest.mark.parametrize(
    ("old", "new", "topic", "status"),
    [
        ("about once a month", "about twice a month", "newsletter:1", 400),
        ("about once a month", "about twice a month", "newsletter:2", 200),
        ("offered = true", "offered = false", "newsletter:1", 400),
        ("## For how long?", "## How long?", "newsletter:1", 400),
    ],
)
def test_what_another_process_published_counts_from_the_next_form_that_is_sent(
    visitor: FlaskClient, old: str, new: str, topic: str, status: int
) -> None:
    with time_machine.travel(clock.now() - FILL_TIME):
        page = visitor.get("/newsletter").text  # this process has now seen what is about to change
    fields = {name: hidden(page, name) for name in ("form_token", "notice")}
    _publish(old, new)
    before = everything()
    sent = visitor.post("/newsletter", data={**fields, "email": ANNA, "language": "de", "purposes": topic})
    assert sent.status_code == status
    assert (everything() == before) is (status == 400)


def test_each_source_is_limited_and_ipv6_counts_by_its_64(sqlite_url: str) -> None:
    app = create_app(from_environment(environment(sqlite_url, SIGN_UP_LIMIT="3 per minute")))
    client = app.test_client(use_cookies=False)

    def status(source: str) -> int:
        return client.post("/newsletter?lang=en", data={}, environ_base={"REMOTE_ADDR": source}).status_code

    assert [status(f"2001:db8:1:1::{n}") for n in range(4)] == [400, 400, 400, 429]
    assert status("2001:db8:1:2::1") == 400
    assert [status("192.0.2.1") for _ in range(4)] == [400, 400, 400, 429]
    assert status("192.0.2.2") == 400
    assert [status(f"::ffff:192.0.2.{n}") for n in (1, 2)] == [429, 400]


def test_the_strictest_of_several_limits_holds_and_each_form_counts_apart(sqlite_url: str) -> None:
    app = create_app(from_environment(environment(sqlite_url, SIGN_UP_LIMIT="10 per minute; 2 per hour")))
    client = app.test_client(use_cookies=False)
    assert [client.post("/newsletter", data={}).status_code for _ in range(3)] == [400, 400, 429]
    assert client.post("/settings", data={}).status_code == 400


@pytest.fixture(autouse=True)
def _limits(app: Flask) -> None:
    """Each test begins with fresh counters."""
    from consent_service.extensions import limiter

    limiter.reset()
