"""The form in somebody else's website: no cookies there, and no referrer from there."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import add_staff, sign_in
from tests.e2e.conftest import Service, snippet_in
from tests.e2e.visiting import link, take_time


@pytest.fixture(scope="module")
def pieces(service: Service) -> dict[str, str]:
    """What staff copy: the plain form, and the frame."""
    with service.app.app_context():
        add_staff()
        staff = service.app.test_client()
        staff.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    sign_in(staff)
    query = {"page": f"{service.site.url}/form", "language": "en"}
    html = staff.get("/staff/embed/", query_string=query).text
    return {which: snippet_in(html, which) for which in ("snippet", "frame")}


@pytest.fixture
def foreign(browser: Browser, service: Service, pieces: dict[str, str]) -> Iterator[Page]:
    """A tab in which cookies are blocked, and a website that has both."""
    for path, which in (("/form", "snippet"), ("/frame", "frame")):
        service.site.pages[path] = f"<!doctype html><title>Elsewhere</title><h1>Elsewhere</h1>{pieces[which]}"
    context = browser.new_context(locale="en-GB")
    context.add_init_script("Object.defineProperty(document, 'cookie', {get() { throw 'blocked' }})")
    yield context.new_page()
    assert context.cookies() == []
    context.close()


def test_the_plain_form(foreign: Page, service: Service) -> None:
    foreign.goto(f"{service.site.url}/form")
    foreign.get_by_label("E-mail address", exact=True).fill("plain@example.org")
    foreign.get_by_label("Newsletter").check(force=True)
    with foreign.expect_request("**/newsletter*") as sent:
        foreign.get_by_role("button", name="Request confirmation e-mail").click()
    assert sent.value.all_headers()["origin"] == "null"
    expect(foreign.get_by_role("heading", level=1)).to_have_text("Check your mailbox")
    assert foreign.url.startswith(service.url)
    assert link(service.mailbox, "plain@example.org", "confirm")


def test_a_mistake_in_the_plain_form_loses_nothing(foreign: Page, service: Service) -> None:
    foreign.goto(f"{service.site.url}/form")
    foreign.get_by_label("E-mail address", exact=True).fill("plain2@example.org")
    foreign.get_by_role("button", name="Request confirmation e-mail").click()
    expect(foreign.get_by_label("E-mail address", exact=True)).to_have_value("plain2@example.org")
    foreign.get_by_label("Newsletter", exact=True).check(force=True)
    take_time()
    foreign.get_by_role("button", name="Request confirmation e-mail").click()
    expect(foreign.get_by_role("heading", level=1)).to_have_text("Check your mailbox")


def test_the_frame(foreign: Page, service: Service) -> None:
    foreign.goto(f"{service.site.url}/frame")
    frame = foreign.frame_locator("iframe")
    expect(frame.get_by_role("navigation")).to_have_count(0)
    frame.get_by_label("E-mail address", exact=True).fill("framed@example.org")
    frame.get_by_label("Newsletter", exact=True).check(force=True)
    take_time()
    frame.get_by_role("button", name="Request confirmation e-mail").click()
    expect(frame.get_by_role("heading", level=1)).to_have_text("Check your mailbox")
    expect(frame.get_by_role("navigation")).to_have_count(0)
    assert foreign.url == f"{service.site.url}/frame"
    assert link(service.mailbox, "framed@example.org", "confirm")


def test_other_pages_refuse_to_be_framed(foreign: Page, service: Service) -> None:
    service.site.pages["/settings"] = f'<iframe src="{service.url}/settings"></iframe>'
    foreign.goto(f"{service.site.url}/settings")
    expect(foreign.frame_locator("iframe").get_by_label("E-mail address")).to_have_count(0)
