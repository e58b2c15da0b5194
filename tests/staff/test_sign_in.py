"""Signing in and out, as a browser does it, and what guessing meets."""

import pytest
from flask.testing import FlaskClient

from tests.conftest import STAFF_ADDRESS, add_staff, sign_in
from tests.driving import heading, hidden


def test_staff_sign_in_and_out(staff_browser: FlaskClient) -> None:
    add_staff()
    assert staff_browser.get("/staff/").headers["Location"].startswith("/staff/sign-in")
    answer = sign_in(staff_browser)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/staff/")
    page = staff_browser.get("/staff/")
    assert heading(page.text) == "Overview"
    answer = staff_browser.post("/staff/sign-out", data={"csrf_token": hidden(page.text, "csrf_token")})
    assert answer.headers["Location"] == "/staff/sign-in"
    assert staff_browser.get("/staff/").status_code == 302
