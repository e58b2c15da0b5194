"""Every address of the application is either on the list of public ones or wants a signed-in member of staff."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.driving import hidden

PUBLIC = {
    "static",
    "pages.start",
    "newsletter.form",
    "newsletter.sign_up",
    "notice.current",
    "notice.edition",
    "registrations.confirm",
    "registrations.press",
    "preferences.ask",
    "preferences.mail_link",
    "preferences.settings",
    "preferences.withdraw",
    "preferences.give",
    "preferences.rename",
    "one_click.page",
    "one_click.unsubscribe",
    "one_click.reason",
    "one_click.again",
    "seminars.index",
    "seminars.feed",
    "seminars.seminar",
    "seminars.register",
    "seminars.dates",
    "seminars.registration",
    "seminars.cancel",
    "seminars.answers",
    "surveys.index",
    "surveys.show",
    "surveys.register",
    "surveys.public_results",
    "surveys.public_chart",
    "survey.start",
    "survey.fresh",
    "survey.page",
    "survey.save",
    "survey.review",
    "survey.send",
    "survey.delete",
    "survey.answer",
    "monitoring.healthz",
    "monitoring.readyz",
    "monitoring.metrics",
    "webhooks.from_ses",
    "webhooks.take",
    "security.login",
}
"""Everything that answers to who has not signed in. Whoever adds to it says in the review why that is well."""


def routes(app: Flask) -> list[tuple[str, str, str]]:
    """Endpoint, path with its variables filled in, and method of each route."""
    found = []
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:(\w+):)?\w+>", lambda part: "1" if part[1] == "int" else "a" * 32, rule.rule)
        found += [(rule.endpoint, path, method) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def test_every_address_is_public_by_name_or_guarded(app: Flask, staff_browser: FlaskClient) -> None:
    guarded = [route for route in routes(app) if route[0] not in PUBLIC]
    assert len(guarded) > 15
    for endpoint, path, method in guarded:
        token = hidden(staff_browser.get("/staff/sign-in").text, "csrf_token")
        answer = staff_browser.open(path, method=method, data={"csrf_token": token} if method != "GET" else None)
        leads_to_sign_in = answer.status_code == 302 and answer.headers["Location"].startswith("/staff/sign-in")
        assert leads_to_sign_in or answer.status_code in (401, 403), (endpoint, method, answer.status_code)


def test_the_list_of_public_addresses_names_nothing_that_is_gone(app: Flask) -> None:
    assert set(app.view_functions) >= PUBLIC


def test_what_staff_pages_change_wants_a_form_token(app: Flask, staff_client: FlaskClient) -> None:
    changing = [(path, method) for endpoint, path, method in routes(app) if endpoint not in PUBLIC and method != "GET"]
    for path, method in changing:
        assert staff_client.open(path, method=method).status_code == 400, (path, method)


@pytest.mark.parametrize("path", ["/staff/sign-out", "/staff/verify", "/staff/fs-static/x"])
def test_what_flask_security_could_do_besides_is_off(staff_client: FlaskClient, path: str) -> None:
    assert staff_client.get(path).status_code in (404, 405)
