"""Signing in and out, as a browser does it, and what guessing meets."""

import re

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from consent_service.audit.models import AuditEntry
from consent_service.database import reading, transaction
from consent_service.staff.models import StaffMember
from tests.conftest import STAFF_ADDRESS, STAFF_PASSWORD, add_staff, sign_in
from tests.driving import heading, hidden


def entries() -> list[tuple[str, str, str | None, object]]:
    with reading() as session:
        rows = session.execute(sa.select(AuditEntry).order_by(AuditEntry.id)).scalars()
        return [(row.action, row.actor, row.target, row.details) for row in rows]


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
    assert entries() == [("signed_in", STAFF_ADDRESS, None, {})]


def test_a_wrong_password_and_an_unknown_address_get_the_same_page(staff_browser: FlaskClient) -> None:
    add_staff()
    pages = set()
    for address, password in ((STAFF_ADDRESS, "wrong password"), ("nobody@example.org", STAFF_PASSWORD)):
        answer = sign_in(staff_browser, address, password)
        assert answer.status_code == 200
        assert "The e-mail address or the password is not right" in answer.text
        pages.add(re.sub(r'name="csrf_token"[^>]*', "", answer.text.replace(address, "")))
    assert len(pages) == 1
    assert entries() == [("sign_in_failed", "nobody", None, {})] * 2


def test_a_password_hashed_at_another_cost_is_hashed_anew_at_the_sign_in(staff_browser: FlaskClient) -> None:
    older = PasswordHasher(time_cost=2, memory_cost=128, parallelism=1).hash(STAFF_PASSWORD)
    add_staff()
    with transaction() as session:
        session.execute(sa.update(StaffMember).values(password=older))
    assert sign_in(staff_browser).status_code == 302
    with reading() as session:
        renewed = session.execute(sa.select(StaffMember.password)).scalar_one()
    assert renewed != older
    assert staff_browser.get("/staff/").status_code == 200
    assert sign_in(staff_browser.application.test_client()).status_code == 302


def test_an_empty_field_is_named(staff_browser: FlaskClient) -> None:
    answer = sign_in(staff_browser, "", "")
    assert '<a href="#email">' in answer.text
    assert '<a href="#password">' in answer.text


@pytest.mark.parametrize("address", [STAFF_ADDRESS, "nobody@example.org"])
def test_guessing_from_one_source_is_slowed_down(staff_browser: FlaskClient, address: str) -> None:
    add_staff()
    answers = [sign_in(staff_browser, f"{number}{address}", "wrong password").status_code for number in range(11)]
    assert answers == [200] * 10 + [429]


@pytest.mark.parametrize("address", [STAFF_ADDRESS, "nobody@example.org"])
def test_guessing_at_one_account_from_many_sources_is_slowed_down(staff_browser: FlaskClient, address: str) -> None:
    add_staff()
    answers = []
    for number in range(11):
        staff_browser.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        spelled = address.upper() if number % 2 else f" {address}"
        answers.append(sign_in(staff_browser, spelled, "wrong password").status_code)
    assert answers == [200] * 10 + [429]


def test_signing_in_is_not_counted_as_guessing(staff_browser: FlaskClient) -> None:
    add_staff()
    for _ in range(12):
        assert sign_in(staff_browser).status_code == 302
        page = staff_browser.get("/staff/")
        staff_browser.post("/staff/sign-out", data={"csrf_token": hidden(page.text, "csrf_token")})


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "\\\\evil.example/",
        "/\\evil.example/",
        "\t//evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
    ],
)
def test_signing_in_leads_to_no_other_site(staff_browser: FlaskClient, target: str) -> None:
    add_staff()
    page = staff_browser.get("/staff/sign-in", query_string={"next": target}).text
    fields = {"csrf_token": hidden(page, "csrf_token"), "email": STAFF_ADDRESS, "password": STAFF_PASSWORD}
    answer = staff_browser.post("/staff/sign-in", data={**fields, "next": target})
    assert answer.headers["Location"] == "/staff/"


def test_signing_in_leads_back_to_the_page_that_was_wanted(staff_browser: FlaskClient) -> None:
    add_staff()
    to_sign_in = staff_browser.get("/staff/people/").headers["Location"]
    page = staff_browser.get(to_sign_in).text
    fields = {name: hidden(page, name) for name in ("csrf_token", "next")}
    answer = staff_browser.post("/staff/sign-in", data={**fields, "email": STAFF_ADDRESS, "password": STAFF_PASSWORD})
    assert answer.headers["Location"] == "/staff/people/"


def test_the_form_token_from_before_the_sign_in_serves_nobody_after_it(staff_browser: FlaskClient) -> None:
    add_staff()
    planted = hidden(staff_browser.get("/staff/sign-in").text, "csrf_token")
    sign_in(staff_browser)
    staff_browser.get("/staff/people/")
    answer = staff_browser.post("/staff/people/search", data={"csrf_token": planted, "term": "", "by": "name"})
    assert answer.status_code == 400


def test_the_session_cookie_is_for_this_site_and_no_script(app: Flask, staff_browser: FlaskClient) -> None:
    add_staff()
    cookies = sign_in(staff_browser).headers.getlist("Set-Cookie")
    assert len(cookies) == 1
    assert "HttpOnly" in cookies[0]
    assert "SameSite=Lax" in cookies[0]
    assert "Expires" not in cookies[0]
    assert app.permanent_session_lifetime.total_seconds() == 12 * 3600
