"""A seminar from the announcement to the waiting list, in a real browser, against WCAG 2.2 AA and at 320 px."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from consent_service import clock
from consent_service.database import transaction
from consent_service.demo import seminars
from consent_service.domain.identifiers import PublicId
from tests.conftest import STAFF_PASSWORD, add_staff
from tests.e2e.conftest import Service
from tests.e2e.visiting import is_wider_than_window, link, take_time, violations
from tests.seminars.driving import change

STAFF = "seminars@beispiel.example"


@pytest.fixture(scope="module")
def seminar(service: Service) -> PublicId:
    """A webinar with one place, and a member of staff to look after it."""
    with service.app.app_context():
        add_staff(STAFF)
        with transaction() as session:
            public_id = seminars.online(session, 1, STAFF, clock.now())
        change(public_id, waiting_capacity=3)
    return public_id


def look(page: Page) -> None:
    """The page is well: accessible in light and dark, narrow enough, and nothing of it was blocked."""
    size = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 640})
    assert not is_wider_than_window(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        assert violations(page) == []
    page.emulate_media(color_scheme="light")
    if size:
        page.set_viewport_size(size)


def register(page: Page, service: Service, seminar: PublicId, address: str) -> None:
    """Registers and follows the mailed link."""
    page.goto(f"{service.url}/seminars/{seminar}?lang=en")
    page.get_by_label("E-mail address").fill(address)
    page.get_by_label("Name").fill("Anna Beispiel")
    take_time()
    page.get_by_role("button", name="Request confirmation e-mail").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mailbox")
    look(page)
    page.goto(f"{service.url}{link(service.mailbox, address, 'confirm')}?lang=en")
    look(page)
    page.get_by_role("button", name="Yes, register me for the seminar").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("You ")
    look(page)


def test_a_place_the_list_and_a_place_again(page: Page, service: Service, seminar: PublicId) -> None:
    blocked: list[str] = []
    page.on("console", lambda message: blocked.append(message.text) if "Content Security" in message.text else None)
    page.goto(f"{service.url}/seminars?lang=en")
    look(page)
    page.get_by_role("link", name="Webinar: good picture, good sound").click()
    expect(page.get_by_text("1 of 1 places is free")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Request confirmation e-mail").click()
    expect(page.locator(".error-summary")).to_be_focused()
    look(page)

    register(page, service, seminar, "place@example.org")
    expect(page.get_by_role("heading", level=1)).to_have_text("You have a place")
    own = page.get_by_role("link", name="See or cancel the registration").get_attribute("href")
    register(page, service, seminar, "waits@example.org")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are on the waiting list")
    page.goto(own or "")
    look(page)
    page.get_by_role("button", name="Cancel my registration").click()
    expect(page.get_by_role("status")).to_contain_text("This registration is cancelled")
    look(page)
    promoted = link(service.mailbox, "waits@example.org", "seminar-registration", number=3)
    page.goto(f"{service.url}{promoted}?lang=en")
    expect(page.get_by_text("You have a place.")).to_be_visible()
    assert blocked == []


def test_staff_on_a_phone(browser: Browser, service: Service, seminar: PublicId) -> None:
    context = browser.new_context(locale="en-GB", viewport={"width": 390, "height": 780})
    page = context.new_page()
    page.goto(f"{service.url}/staff/sign-in")
    page.get_by_label("E-mail").fill(STAFF)
    page.get_by_label("Password").fill(STAFF_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{service.url}/staff/seminars/")
    look(page)
    page.get_by_role("link", name="Webinar: good picture, good sound").click()
    expect(page.get_by_role("heading", name="In numbers")).to_be_visible()
    page.locator("img.chart").evaluate("image => image.decode()")
    look(page)
    page.get_by_role("link", name="Participants").first.click()
    page.get_by_text("Add somebody at the door").click()
    page.get_by_label("Name", exact=True).fill("Dora Exempel")
    page.get_by_label("E-mail address", exact=True).fill("dora.door@example.org")
    page.get_by_label("The person knows what these details are for").check(force=True)
    page.get_by_role("button", name="Add, and note as present").click()
    expect(page.get_by_role("status")).to_contain_text("Dora Exempel is added")
    button = page.get_by_role("button", name=re.compile("Not there after all Dora"))
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    button.click()
    expect(page.get_by_role("button", name=re.compile("Is there Dora"))).to_be_visible()
    look(page)
    for path in ("/staff/seminars/new", f"/staff/seminars/{seminar}/participants/marketing"):
        page.goto(service.url + path)
        look(page)
    context.close()
