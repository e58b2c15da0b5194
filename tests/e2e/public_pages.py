"""Every public page, error states included, by a name and the way to open it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from playwright.sync_api import Page

from consent_service import clock
from consent_service.database import transaction
from consent_service.registrations.models import Registration
from tests.driving import one_click_path
from tests.e2e.conftest import Service
from tests.e2e.visiting import link, registered, sign_up, take_time

PERSON = "anna.beispiel@example.org"


@dataclass(frozen=True)
class Opened:
    """The addresses of pages that stand behind links."""

    url: str
    can_confirm: str
    used: str
    expired: str
    cancelled: str
    old_settings: str
    fresh_settings: str
    one_click: str


def prepare(page: Page, service: Service) -> Opened:
    """Registers a person and opens a registration in each state."""
    settings = registered(page, service, PERSON)
    used = link(service.mailbox, PERSON, "confirm")
    pending = {name: f"{name}@example.org" for name in ("waiting", "late")}
    for address in pending.values():
        sign_up(page, service, address, ("Newsletter", "Offers from our partner"))
    sign_up(page, service, PERSON, ("Newsletter", "Invitations to surveys"))
    cancelled = link(service.mailbox, PERSON, "confirm", number=3)
    late = link(service.mailbox, pending["late"], "confirm")
    with service.app.test_request_context():
        one_click = one_click_path(PERSON)
        with transaction() as session:
            row = session.query(Registration).filter_by(normalised_address=pending["late"]).one()
            row.expires_at = clock.now() - timedelta(minutes=1)
    one_click = one_click[one_click.index("/unsubscribe/") :]
    page.goto(f"{service.url}{settings}?lang=en")
    page.get_by_role("button", name="Unsubscribe Newsletter").click()
    page.goto(f"{service.url}/settings")
    page.get_by_label("E-mail address").fill(PERSON)
    take_time()
    page.get_by_role("button", name="Send me the link").click()
    fresh = link(service.mailbox, PERSON, "settings", number=4)
    return Opened(
        url=service.url,
        can_confirm=service.url + link(service.mailbox, pending["waiting"], "confirm"),
        used=service.url + used,
        expired=service.url + late,
        cancelled=service.url + cancelled,
        old_settings=service.url + settings,
        fresh_settings=service.url + fresh,
        one_click=service.url + one_click,
    )


def _at(path: str) -> Callable[[Page, Opened], None]:
    return lambda page, opened: void(page.goto(opened.url + path))


def _behind(name: str) -> Callable[[Page, Opened], None]:
    return lambda page, opened: void(page.goto(getattr(opened, name)))


def void(_answer: object) -> None:
    """Nothing: the page is open now."""


def _mistakes(page: Page, opened: Opened) -> None:
    page.goto(f"{opened.url}/newsletter")
    page.locator("#email").fill("anna(at)example.org")
    page.locator("form button").click()


def _trap(page: Page, opened: Opened) -> None:
    page.goto(f"{opened.url}/newsletter")
    page.locator("#website").evaluate("field => field.value = 'x'")
    page.locator("form button").click()


def _check_your_mail(page: Page, opened: Opened) -> None:
    page.goto(f"{opened.url}/newsletter")
    page.locator("#email").fill("a.very.long.address.that.needs.room@subdomain.example.org")
    page.locator("label[for=purposes]").click()
    take_time()
    page.locator("form button").click()


def _settings_asked(page: Page, opened: Opened) -> None:
    page.goto(f"{opened.url}/settings")
    page.locator("#email").fill("a.very.long.address.that.needs.room@subdomain.example.org")
    take_time()
    page.locator("form button").click()


def _settings_mistake(page: Page, opened: Opened) -> None:
    page.goto(f"{opened.url}/settings")
    page.locator("form button").click()


def _name_mistake(page: Page, opened: Opened) -> None:
    page.goto(opened.fresh_settings)
    page.locator("#name").fill("x" * 300)
    page.locator("form[action*='/name'] button").click()


def _unsubscribed(page: Page, opened: Opened) -> None:
    page.goto(opened.one_click)
    page.locator("form button").click()


def _answered(page: Page, opened: Opened) -> None:
    _unsubscribed(page, opened)
    page.locator("label[for=reason-other]").click()
    page.locator("form[action*='/reason'] button").click()


def _back(page: Page, opened: Opened) -> None:
    _unsubscribed(page, opened)
    page.locator("form[action*='/again'] button").click()


def _registered(page: Page, opened: Opened) -> None:
    page.goto(opened.can_confirm)
    page.locator("form button").click()


PAGES: dict[str, Callable[[Page, Opened], None]] = {
    "start": _at("/"),
    "newsletter": _at("/newsletter"),
    "newsletter-mistakes": _mistakes,
    "newsletter-trap": _trap,
    "newsletter-embedded": _at("/newsletter?embedded=1"),
    "check-your-mail": _check_your_mail,
    "privacy": _at("/privacy"),
    "confirm": _behind("can_confirm"),
    "confirm-used": _behind("used"),
    "confirm-expired": _behind("expired"),
    "confirm-cancelled": _behind("cancelled"),
    "confirm-damaged": _at("/confirm/damaged"),
    "settings-ask": _at("/settings"),
    "settings-ask-mistake": _settings_mistake,
    "settings-asked": _settings_asked,
    "settings-old-link": _behind("old_settings"),
    "settings-fresh-link": _behind("fresh_settings"),
    "settings-name-mistake": _name_mistake,
    "unsubscribe": _behind("one_click"),
    "unsubscribe-damaged": _at("/unsubscribe/damaged"),
    "unsubscribed": _unsubscribed,
    "unsubscribed-answered": _answered,
    "unsubscribed-back": _back,
    "not-found": _at("/nothing/here"),
    "registered": _registered,
}
"""In an order in which each can be opened: the last one uses its link up."""
