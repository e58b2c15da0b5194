"""The whole way of one person, in a real browser, over real HTTP and SMTP."""

import pytest
from playwright.sync_api import Browser, Page, expect

from consent_service.demo.catcher import CaughtMail
from tests.driving import one_click_path
from tests.e2e.conftest import Service
from tests.e2e.visiting import link, registered, sign_up, take_time

ANNA = "anna@example.org"


def test_sign_up_confirm_settings_one_click_and_back(page: Page, service: Service) -> None:
    sign_up(page, service, ANNA, ("Newsletter", "Invitations to surveys"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mailbox")
    expect(page.get_by_text(ANNA, exact=True)).to_be_visible()

    page.goto(f"{service.url}{link(service.mailbox, ANNA, 'confirm')}?lang=en")
    page.get_by_role("button", name="Yes, register me").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are registered")

    page.get_by_role("link", name="To the marketing settings").click()
    page.get_by_role("button", name="Unsubscribe Invitations to surveys").click()
    expect(page.get_by_role("status")).to_contain_text("you are unsubscribed")

    page.get_by_role("link", name="Send me a fresh link").click()
    page.get_by_label("E-mail address").fill(ANNA)
    take_time()
    page.get_by_role("button", name="Send me the link").click()
    page.goto(f"{service.url}{link(service.mailbox, ANNA, 'settings', number=3)}?lang=en")
    page.get_by_label("Name").fill("Änne Beispiel")
    page.get_by_role("button", name="Save name").click()
    expect(page.get_by_label("Name")).to_have_value("Änne Beispiel")

    with service.app.test_request_context():
        path = one_click_path(ANNA)
    path = path[path.index("/unsubscribe/") :]
    page.goto(f"{service.url}{path}?lang=en")
    page.get_by_role("button", name="Unsubscribe now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are unsubscribed")
    page.get_by_text("Too many e-mails", exact=True).click()
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("status")).to_contain_text("Thank you")
    page.get_by_role("button", name="Register again").click()
    page.goto(f"{service.url}{link(service.mailbox, ANNA, 'confirm', number=4)}?lang=en")
    page.get_by_role("button", name="Yes, register me").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are registered")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_mail_reads_well_in_a_browser(browser: Browser, service: Service, scheme: str) -> None:
    address = f"mail.{scheme}@example.org"
    context = browser.new_context(locale="en-GB", color_scheme=scheme)  # type: ignore[arg-type]
    registered(context.new_page(), service, address)
    mail: CaughtMail = service.mailbox.mails(address)[0]
    page = context.new_page()
    page.set_content(mail.html or "")
    button = page.get_by_role("link", name="Weiter zur Bestätigung").or_(
        page.get_by_role("link", name="Continue to the confirmation")
    )
    expect(button).to_be_visible()
    context.close()


def test_without_script_and_without_cookies(browser: Browser, service: Service) -> None:
    context = browser.new_context(locale="en-GB", java_script_enabled=False)
    page = context.new_page()
    registered(page, service, "bert@example.org")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are registered")
    assert context.cookies() == []
    context.close()


def test_by_keyboard_alone(page: Page, service: Service) -> None:
    page.goto(f"{service.url}/newsletter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type("keys@example.org")
    for _ in range(3):  # name, language, first topic
        page.keyboard.press("Tab")
    expect(page.get_by_label("Newsletter", exact=True)).to_be_focused()
    page.keyboard.press("Space")
    take_time()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mailbox")


def test_a_mistake_moves_the_focus_to_the_summary_and_its_links_to_the_fields(page: Page, service: Service) -> None:
    page.goto(f"{service.url}/newsletter")
    page.get_by_label("E-mail address").fill("anna(at)example.org")
    take_time()
    page.get_by_role("button", name="Request confirmation e-mail").click()
    expect(page.locator(".error-summary")).to_be_focused()
    assert page.title().startswith("Error: ")
    page.get_by_role("link", name="Enter an e-mail address").click()
    field = page.get_by_label("E-mail address")
    expect(field).to_be_focused()
    expect(field).to_have_value("anna(at)example.org")
    expect(field).to_have_accessible_description(
        "We write to it about the topics that you tick below, and nothing else. "
        "Error: Enter an e-mail address, for example name@example.com"
    )
    page.get_by_role("link", name="Choose at least one topic").click()
    expect(page.get_by_label("Newsletter", exact=True)).to_be_focused()
