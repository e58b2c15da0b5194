"""What a visitor does in the browser, in the steps that several tests share."""

import time

from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Page

from consent_service.public_forms import SHORTEST_TIME
from tests.driving import Mailbox, path_in
from tests.e2e.conftest import Service
from tests.mailing.campaigning import wait_for

_RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


def sign_up(page: Page, service: Service, address: str, topics: tuple[str, ...] = ("Newsletter",)) -> None:
    """Fills in the form as a person does, and sends it."""
    page.goto(f"{service.url}/newsletter")
    page.get_by_label("E-mail address").fill(address)
    page.get_by_label("Name").fill("Anna Beispiel")
    for topic in topics:
        page.get_by_label(topic, exact=True).check(force=True)
    take_time()
    page.get_by_role("button", name="Request confirmation e-mail").click()


def take_time() -> None:
    """As long as a person needs at least."""
    time.sleep(SHORTEST_TIME.total_seconds() + 0.2)


def link(mailbox: Mailbox, address: str, use: str, number: int = 1) -> str:
    """The path of the link in the address's mail with this number, as soon as it is there."""
    wait_for(lambda: len(mailbox.mails(address)) >= number)
    return path_in(mailbox.mails(address)[number - 1], use)


def registered(page: Page, service: Service, address: str) -> str:
    """Signs up and confirms in the browser; the path of the settings link in the welcome mail."""
    sign_up(page, service, address)
    page.goto(service.url + link(service.mailbox, address, "confirm") + "?lang=en")
    page.get_by_role("button", name="Yes, register me").click()
    return link(service.mailbox, address, "settings", number=2)


def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA, one line each, as soon as the page is whole."""
    page.wait_for_load_state()
    found = Axe().run(page, options=_RULES)["violations"]
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]


def is_wider_than_window(page: Page) -> bool:
    """Whether one would have to scroll sideways, as soon as the page is whole."""
    page.wait_for_load_state()
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
