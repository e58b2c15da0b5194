"""Screenshots of all public pages, desktop and phone, light and dark: python -m tests.e2e.screenshots DIR [LANGUAGE]

Against an example instance of its own, which ends with it.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.conftest import prepare_database
from tests.e2e.conftest import ARGUMENTS, chromium, running
from tests.e2e.public_pages import PAGES, prepare

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 780}


def main(target: Path, locale: str) -> None:
    """Writes one picture a page, size and colour scheme into `target`."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        database_url = f"sqlite:///{folder}/consent.db"
        prepare_database(database_url)
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        with running(database_url, Path(folder)) as service:
            opened = prepare(browser.new_context(locale="en-GB").new_page(), service)
            for name, go in PAGES.items():
                page = browser.new_context(locale=locale, viewport=DESKTOP, reduced_motion="reduce").new_page()  # type: ignore[arg-type]
                go(page, opened)
                for size, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
                    page.set_viewport_size(viewport)  # type: ignore[arg-type]
                    for scheme in ("light", "dark"):
                        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                        page.screenshot(path=target / f"{name}-{size}-{scheme}.png", full_page=True)
                page.context.close()
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m tests.e2e.screenshots DIR [LANGUAGE]")
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) == 3 else "de")
