"""Every page for staff, error states included, by a name and the way to open it once somebody has signed in."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from playwright.sync_api import Page, expect

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.mailing.models import MailingCount, Message
from consent_service.mailing.rules import MessageState
from tests.conftest import STAFF_PASSWORD, add_staff
from tests.e2e.conftest import Service
from tests.e2e.visiting import registered
from tests.mailing.campaigning import wait_for

STAFF = "pages.staff@beispiel.example"

CUSTOMERS = Path(__file__).parents[2] / "docs" / "examples" / "customers.csv"
PERSON = "bettina.beispiel.mit.langer.adresse@subdomain.example.org"
MIXED = """e-mail;name;sprache;kunde seit;quelle
dora@example.org;Dora Beispiel;de;31.05.2024;Auftrag 4711
nobody;Niemand;de;31.05.2024;Auftrag 4712
DORA@example.org;Dora Beispiel;de;31.05.2024;Auftrag 4713
emil@example.org;Emil Beispiel;fr;31.05.2024;Auftrag 4714
"""
BODY = "# Neues im Juni\n\n{{greeting}},\n\n**drei Termine** für Sie:\n\n- [Räume](https://example.org/raeume)\n"


@dataclass(frozen=True)
class Desk:
    """The addresses of pages about something."""

    url: str
    draft: str
    sent: str
    staged: str
    applied: str
    person: str


def sign_in(page: Page, service: Service) -> None:
    """Signs a member of staff in, by the form."""
    page.goto(f"{service.url}/staff/sign-in?lang=en")
    page.get_by_label("E-mail address").fill(STAFF)
    page.get_by_label("Password", exact=True).fill(STAFF_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def prepare(page: Page, service: Service) -> Desk:
    """Signs in and gives each page something to show; `page` reads English and stays signed in."""
    with service.app.app_context():
        add_staff(STAFF)
    registered(page, service, PERSON)
    sign_in(page, service)
    applied = upload(page, service.url, "kunden-2024.csv", CUSTOMERS.read_bytes())
    page.get_by_role("button", name="Import now").click()
    expect(page.locator("h1 + .tag")).to_have_text("Imported")
    staged = upload(page, service.url, "kunden-mit-fehlern.csv", MIXED.encode())
    sent = write(page, service.url, "Neues im Mai")
    page.get_by_role("link", name="Check and send").click()
    page.get_by_role("button", name="Send to").click()
    expect(page.get_by_role("heading", level=2).first).to_contain_text("Progress Sent")
    _refuse_one(service)
    draft = write(page, service.url, "Neues im Juni: drei Termine, und was wir aus Ihren Antworten gelernt haben")
    _export_check(page, service.url)
    with page.expect_download():
        page.locator("form[action*='/download'] button").click()
    page.goto(f"{service.url}/staff/people/")
    page.get_by_role("link", name=PERSON).click()
    return Desk(service.url, draft, sent, staged, applied, page.url)


def upload(page: Page, url: str, name: str, content: bytes) -> str:
    """Uploads a file of customers and waits until it was read; the address of its page."""
    page.goto(f"{url}/staff/imports/upload")
    page.locator("#file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
    page.locator("main form button").click()
    expect(page.locator("h1 + .tag")).to_have_text("Waiting for your decision")
    return page.url


def write(page: Page, url: str, subject: str) -> str:
    """Keeps a draft of a campaign; the address of its page."""
    page.goto(f"{url}/staff/campaigns/new")
    page.get_by_label("Newsletter", exact=True).check(force=True)
    page.locator("#subject_de").fill(subject)
    page.locator("#body_de").fill(BODY)
    page.locator("#subject_en").fill("What is new in June")
    page.locator("#body_en").fill(BODY)
    page.get_by_role("button", name="Save and preview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(subject)
    return page.url


def _refuse_one(service: Service) -> None:
    """Has a campaign's mail refused by its server, as far as the pages know."""
    with service.app.app_context(), transaction() as session:
        newest = sa.select(sa.func.max(Message.id)).where(Message.mailing_id.is_not(None)).scalar_subquery()
        session.execute(
            sa.update(Message)
            .where(Message.id == newest)
            .values(state=MessageState.FAILED, reply="550 5.7.1 refused by policy", handed_over_at=None)
        )
        session.execute(sa.update(MailingCount).values(count_again_at=clock.now()))
    wait_for(lambda: _failed(service) > 0)


def _failed(service: Service) -> int:
    with service.app.app_context(), reading() as session:
        counted = session.execute(sa.select(MailingCount.messages)).scalars()
        return sum(messages.get(MessageState.FAILED, 0) for messages in counted)


def _export_check(page: Page, url: str) -> None:
    page.goto(f"{url}/staff/exports/new")
    page.locator("#reason").fill("Einladung zum Sommerfest, verschickt von der Agentur im Haus")
    page.locator("main form button").click()


def _at(path: str) -> Callable[[Page, Desk], None]:
    def go(page: Page, desk: Desk) -> None:
        page.goto(desk.url + path)

    return go


def _of(name: str, path: str = "") -> Callable[[Page, Desk], None]:
    def go(page: Page, desk: Desk) -> None:
        page.goto(getattr(desk, name) + path)

    return go


def _sent_as_it_is(path: str, of: str = "") -> Callable[[Page, Desk], None]:
    """A page whose form is sent without filling in anything."""

    def go(page: Page, desk: Desk) -> None:
        page.goto((getattr(desk, of) if of else desk.url) + path)
        page.locator("main form button").last.click()

    return go


def _wrong_password(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/staff/sign-in")
    page.locator("#email").fill(STAFF)
    page.locator("#password").fill("wrong")
    page.locator("main form button").click()


def _wrong_draft(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/staff/campaigns/new")
    page.locator("#subject_de").fill("Hallo {{vorname}}")
    page.locator("main form p.cluster button").click()


def _unreadable_file(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/staff/imports/upload")
    page.locator("#file").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": b"e-mail;name\n"})
    page.locator("main form button").click()


def _nobody_found(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/staff/people/")
    page.locator("#term").fill("zzz")
    page.locator("form.filter button").click()


def _checked_export(page: Page, desk: Desk) -> None:
    _export_check(page, desk.url)


def _report_mistake(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.sent}/report")
    page.locator("main details summary").last.click()
    page.locator("main form button").click()


def _retry_mistake(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.sent}/report/retry")
    page.locator("main form input[type=checkbox]").uncheck(force=True)
    page.locator("main form button").click()


def _snippet(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/staff/embed")
    page.locator("main form button").first.click()


SIGNED_OUT: dict[str, Callable[[Page, Desk], None]] = {
    "sign-in": _at("/staff/sign-in"),
    "sign-in-mistake": _wrong_password,
    "sign-in-empty": _sent_as_it_is("/staff/sign-in"),
}

SIGNED_IN: dict[str, Callable[[Page, Desk], None]] = {
    "overview": _at("/staff/"),
    "campaigns": _at("/staff/campaigns/"),
    "campaign-new": _at("/staff/campaigns/new"),
    "campaign-new-mistakes": _wrong_draft,
    "campaign-edit": _of("draft", "/edit"),
    "campaign-check": _of("draft", "/check"),
    "campaign-draft": _of("draft"),
    "campaign-test-mistake": _sent_as_it_is("", of="sent"),
    "campaign-sent": _of("sent"),
    "campaign-report": _of("sent", "/report"),
    "campaign-report-mistake": _report_mistake,
    "campaign-retry-mistake": _retry_mistake,
    "exports": _at("/staff/exports/"),
    "export-new": _at("/staff/exports/new"),
    "export-new-mistake": _sent_as_it_is("/staff/exports/new"),
    "export-check": _checked_export,
    "imports": _at("/staff/imports/"),
    "import-upload": _at("/staff/imports/upload"),
    "import-upload-mistake": _sent_as_it_is("/staff/imports/upload"),
    "import-upload-unreadable": _unreadable_file,
    "import-staged": _of("staged"),
    "import-applied": _of("applied"),
    "limits": _at("/staff/limits/"),
    "limits-provider": _at("/staff/limits/1"),
    "limits-provider-new-mistake": _sent_as_it_is("/staff/limits/new"),
    "limits-sender": _at("/staff/limits/sender"),
    "limits-warm-up": _at("/staff/limits/warm-up"),
    "people": _at("/staff/people/"),
    "people-none": _nobody_found,
    "person": _of("person"),
    "proof": _of("person", "/proof"),
    "withdraw": _of("person", "/withdraw"),
    "withdraw-mistake": _sent_as_it_is("/withdraw", of="person"),
    "embed": _at("/staff/embed"),
    "password": _at("/staff/account/password"),
    "password-mistakes": _sent_as_it_is("/staff/account/password"),
    "embed-snippet": _snippet,
    "staff-not-found": _at("/staff/people/nobody"),
}
