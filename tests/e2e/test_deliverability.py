"""The deliverability page in a real browser: readable for everybody, on a phone, and its records can be copied."""

import pytest
from playwright.sync_api import Browser, Page, expect

from consent_service import clock
from consent_service.database import transaction
from consent_service.deliverability import service as deliverability
from consent_service.deliverability.rules import dmarc, servers, spf
from consent_service.deliverability.rules.spf import Senders
from tests.conftest import add_staff
from tests.deliverability.zones import zone
from tests.e2e.conftest import Service
from tests.e2e.visiting import is_wider_than_window, violations

STAFF, PASSWORD = "technik@beispiel.example", "correct horse battery staple"
VALUE = "v=spf1 ip4:192.0.2.1 ~all"
LONG = "a-rather-long-name-of-a-subdomain.bounces.beispiel.example"


@pytest.fixture(scope="module")
def checked(service: Service) -> Service:
    """A service with a check that has found something of each level."""
    names = zone(
        {(f"_dmarc.{LONG}", "TXT"): ["v=DMARC1; p=none"], ("d.example", "MX"): ["10 m"], ("m", "A"): ["192.0.2.9"]}
    )
    found = [
        spf.assess(LONG, Senders(("192.0.2.1",)), names, carries_bounces=True),
        *dmarc.assess(LONG, LONG, [], names),
        servers.assess_mx("d.example", "mx.example", names),
    ]
    with service.app.app_context():
        add_staff(STAFF, PASSWORD)
        with transaction() as session:
            deliverability.record(session, found, clock.now(), clock.now())
    return service


def _open(page: Page, service: Service) -> None:
    page.goto(f"{service.url}/staff/sign-in")
    page.locator("#email").fill(STAFF)
    page.locator("#password").fill(PASSWORD)
    page.locator("main form button").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.get_by_role("link", name="Deliverability").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Deliverability")


def test_page(browser: Browser, checked: Service) -> None:
    context = browser.new_context(locale="en-GB", viewport={"width": 320, "height": 640}, reduced_motion="reduce")
    page = context.new_page()
    _open(page, checked)
    for tag in ("Wrong", "Worth a look", "Good"):
        expect(page.locator(".tag", has_text=tag).first).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert violations(page) == []
    assert not is_wider_than_window(page)
    context.close()


def test_a_record_is_copied(browser: Browser, checked: Service) -> None:
    context = browser.new_context(locale="en-GB", permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    _open(page, checked)
    page.get_by_role("button", name="Copy the value").first.click()
    expect(page.get_by_text("Copied").first).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == VALUE
    context.close()
