"""Every public page against WCAG 2.2 AA with axe, and 320 px wide without sideways scrolling."""

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import Service
from tests.e2e.public_pages import PAGES, Opened, prepare
from tests.e2e.visiting import is_wider_than_window, violations


@pytest.fixture(scope="module")
def opened(browser: Browser, service: Service) -> Opened:
    """What the pages need to be there: a registered person, links of each kind."""
    context = browser.new_context(locale="en-GB")
    try:
        return prepare(context.new_page(), service)
    finally:
        context.close()


@pytest.mark.parametrize("name", PAGES)
def test_page(browser: Browser, service: Service, opened: Opened, name: str) -> None:
    context = browser.new_context(locale="en-GB", viewport={"width": 320, "height": 640}, reduced_motion="reduce")
    page = context.new_page()
    PAGES[name](page, opened)
    page.wait_for_load_state()
    assert not is_wider_than_window(page)
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page) == []
    context.close()


def test_axe_finds_what_is_wrong(page: Page, service: Service) -> None:
    page.goto(f"{service.url}/newsletter")
    page.evaluate("document.querySelector('label').remove()")
    assert violations(page) != []
