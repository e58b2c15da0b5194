"""Every page for staff against WCAG 2.2 AA with axe: phone and desktop, light and dark, never scrolled sideways."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.conftest import Service
from tests.e2e.staff_pages import SIGNED_IN, SIGNED_OUT, Desk, prepare
from tests.e2e.visiting import is_wider_than_window, violations


@pytest.fixture(scope="module")
def signed_in(browser: Browser) -> Iterator[BrowserContext]:
    """A window in which a member of staff signs in."""
    context = browser.new_context(locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(60_000)
    yield context
    context.close()


@pytest.fixture(scope="module")
def desk(signed_in: BrowserContext, service: Service) -> Desk:
    """What the pages have to show."""
    return prepare(signed_in.new_page(), service)


@pytest.mark.parametrize("name", SIGNED_IN)
def test_page(signed_in: BrowserContext, desk: Desk, name: str) -> None:
    page = signed_in.new_page()
    SIGNED_IN[name](page, desk)
    _is_good(page)
    page.close()


@pytest.mark.parametrize("name", SIGNED_OUT)
def test_page_before_the_sign_in(page: Page, desk: Desk, name: str) -> None:
    SIGNED_OUT[name](page, desk)
    _is_good(page)


def _is_good(page: Page) -> None:
    """Both sizes and both schemes in two looks of axe, which takes most of the time."""
    page.wait_for_load_state()  # a page that is only half there has other faults
    for width, scheme in ((1280, "dark"), (320, "light")):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 800})
        assert not is_wider_than_window(page), width
        assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert not is_wider_than_window(page)
