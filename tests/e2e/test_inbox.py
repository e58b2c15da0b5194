"""The inbox for staff in a real browser: every page of it against WCAG 2.2 AA, at 320 px, and one decision made."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.addresses import normalise
from consent_service.inbound import receiving
from consent_service.inbound.parsing import Envelope
from consent_service.inbound.receiving import Arrival
from consent_service.inbound.rules import ReturnedKind, Way
from consent_service.inbound.service import Returned, handle
from consent_service.subjects import service as subjects
from tests.conftest import STAFF_PASSWORD, add_staff
from tests.driving import add_people
from tests.e2e.conftest import Service
from tests.e2e.visiting import is_wider_than_window, violations
from tests.inbound.reading import mail
from tests.mailing.campaigning import wait_for

STAFF = "inbox.staff@beispiel.example"

ADDRESS = "person0@example.org"
NAMES = ("unclear-question", "reply-html-attachment", "unclear-stranger", "automatic-outlook-german")


def fill(service: Service) -> None:
    """One person, mails of several kinds from them, and a bounce."""
    ours = {
        "recipient": ADDRESS,
        "envelope_sender": "b-x@beispiel.example",
        "message_id": "<1@localhost>",
        "token": "x",
    }
    with service.app.test_request_context():
        add_staff(STAFF)
        add_people(None, 1)
        with transaction() as session:
            for name in NAMES:
                data = mail(name, **ours)
                recipients = ("newsletter@beispiel.example",)
                receiving.store(session, Arrival(Way.LMTP, Envelope(ADDRESS, recipients), data, len(data)), clock.now())
            said = Returned(ReturnedKind.BOUNCE, clock.now(), address=ADDRESS, is_address_enough=True, status="5.1.1")
            handle(session, said, clock.now())


def person_path(service: Service) -> str:
    """The path of the person's page."""
    with service.app.test_request_context(), reading() as session:
        person = subjects.find(session, normalise(ADDRESS))
        assert person is not None
        return f"/staff/people/{person.public_id}"


@pytest.fixture(scope="module")
def signed_in(browser: Browser, service: Service) -> Iterator[Page]:
    """A member of staff's tab on a phone, with mails in the inbox."""
    fill(service)
    context = browser.new_context(locale="en-GB", viewport={"width": 320, "height": 640}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{service.url}/staff/sign-in")
    page.get_by_label("E-mail address").fill(STAFF)
    page.get_by_label("Password").fill(STAFF_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    wait_for(lambda: bool(page.goto(f"{service.url}/staff/inbox/")) and page.get_by_text("Frage").count() > 0)
    yield page
    context.close()


def is_well(page: Page) -> bool:
    """Whether nobody is kept out, light or dark, and nothing is wider than the window."""
    page.emulate_media(color_scheme="light")
    light = violations(page)
    page.emulate_media(color_scheme="dark")
    assert (light, violations(page)) == ([], [])
    return not is_wider_than_window(page)


def test_the_list_a_mail_and_a_decision(signed_in: Page, service: Service) -> None:
    signed_in.goto(f"{service.url}/staff/inbox/")
    assert is_well(signed_in)
    signed_in.get_by_role("link", name="Rückfrage").click()
    expect(signed_in.locator("pre")).to_contain_text("siehe Anlage.")
    assert is_well(signed_in)
    signed_in.goto(f"{service.url}/staff/inbox/")
    signed_in.get_by_role("link", name="Frage", exact=True).click()
    assert is_well(signed_in)
    signed_in.get_by_role("button", name="Unsubscribe from everything").click()
    expect(signed_in.get_by_role("link", name="Rückfrage")).to_be_visible()
    expect(signed_in.get_by_role("link", name="Frage", exact=True)).to_have_count(0)
    signed_in.get_by_label("State").select_option("handled")
    signed_in.get_by_role("button", name="Show").click()
    expect(signed_in.get_by_role("link", name="Frage", exact=True)).to_have_count(1)
    assert is_well(signed_in)


def test_lifting_a_bounce(signed_in: Page, service: Service) -> None:
    signed_in.goto(service.url + person_path(service))
    assert is_well(signed_in)
    signed_in.get_by_role("link", name="Lift").click()
    assert is_well(signed_in)
    signed_in.get_by_role("button", name="Write to it again").click()
    expect(signed_in.get_by_role("alert")).to_contain_text("Say why")
    assert is_well(signed_in)
    signed_in.get_by_label("Reason").fill("Called on 3 May")
    signed_in.get_by_role("button", name="Write to it again").click()
    expect(signed_in.get_by_text("The address is written to again")).to_have_count(1)
