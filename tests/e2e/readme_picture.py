"""The README's picture of the staff's first page, from a demo of its own: python -m tests.e2e.readme_picture"""

import signal
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.conftest import free_port
from tests.demo.test_demo import Demo, password
from tests.e2e.conftest import ARGUMENTS, chromium
from tests.e2e.staff_pages import write

TARGET = Path(__file__).parents[2] / "docs" / "images" / "dashboard.png"
SUBJECTS = ("Neues im Oktober", "Neues im November", "Neues im Dezember")


def main() -> None:
    """Sends campaigns, has somebody ask something, and takes the picture."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        demo = Demo(Path(folder), tuple(free_port() for _ in range(4)))
        secret = password(demo.wait())
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        try:
            page = browser.new_page(locale="en-GB", viewport={"width": 1280, "height": 1010}, reduced_motion="reduce")
            _take(page, f"http://127.0.0.1:{demo.port}", f"http://127.0.0.1:{demo.mail_port}", secret)
        finally:
            browser.close()
            demo.end(signal.SIGTERM)


def _take(page: Page, site: str, mail: str, secret: str) -> None:
    page.goto(f"{site}/staff/sign-in")
    page.get_by_label("E-mail address").fill("marketing@beispiel.example")
    page.get_by_label("Password", exact=True).fill(secret)
    page.get_by_role("button", name="Sign in").click()
    for subject in SUBJECTS:
        write(page, site, subject)
        page.get_by_role("link", name="Check and send").click()
        page.get_by_role("button", name="Send to").click()
        expect(page.locator("#progress .tag")).to_have_text("Sent", timeout=60_000)
    page.goto(mail)
    page.get_by_role("link", name=SUBJECTS[-1]).first.click()
    page.get_by_role("button", name="Reply with a question").click()
    time.sleep(2)  # the worker takes a second to handle it
    page.goto(f"{site}/staff/")
    page.screenshot(path=TARGET)


if __name__ == "__main__":
    main()
