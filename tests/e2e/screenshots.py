"""Screenshots of all pages, desktop and phone, light and dark: python -m tests.e2e.screenshots DIR [LANGUAGE]

Against an example instance of its own, which ends with it.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import prepare_database
from tests.e2e import public_pages, staff_pages
from tests.e2e.conftest import ARGUMENTS, Service, chromium, running

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 780}


def main(target: Path, locale: str) -> None:
    """Writes one picture a page, size and colour scheme into `target`."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        database_url = f"sqlite:///{folder}/consent.db"
        prepare_database(database_url)
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        with running(database_url, Path(folder)) as service:
            _take_public(browser, service, target, locale)
            _take_staff(browser, service, target, locale)
        browser.close()


def _take_public(browser: Browser, service: Service, target: Path, locale: str) -> None:
    opened = public_pages.prepare(browser.new_context(locale="en-GB").new_page(), service)
    for name, go in public_pages.PAGES.items():
        page = browser.new_context(locale=locale, reduced_motion="reduce").new_page()
        go(page, opened)
        _take(page, target / name)
        page.context.close()


def _take_staff(browser: Browser, service: Service, target: Path, locale: str) -> None:
    context = browser.new_context(locale="en-GB")
    desk = staff_pages.prepare(context.new_page(), service)
    signed_in = [cookie for cookie in context.cookies() if cookie.get("name") == "session"]
    for pages, cookies in ((staff_pages.SIGNED_OUT, []), (staff_pages.SIGNED_IN, signed_in)):
        for name, go in pages.items():
            page = _staff_page(browser, locale, cookies)
            go(page, desk)
            _take(page, target / f"staff-{name}")
            page.context.close()


def _staff_page(browser: Browser, locale: str, cookies: list[object]) -> Page:
    context = browser.new_context(locale=locale, reduced_motion="reduce")
    context.add_cookies(cookies)  # type: ignore[arg-type]
    return context.new_page()


def _take(page: Page, name: Path) -> None:
    page.wait_for_load_state("networkidle")  # frames too
    for size, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=f"{name}-{size}-{scheme}.png", full_page=True)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m tests.e2e.screenshots DIR [LANGUAGE]")
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) == 3 else "de")
