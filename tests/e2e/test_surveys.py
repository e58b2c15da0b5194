"""Surveys in a real browser: the whole way without script and by keyboard, and every page against WCAG 2.2 AA."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from consent_service.surveys.queries import Details
from consent_service.surveys.rules import Code, Kind, Mode
from tests.conftest import STAFF_PASSWORD, add_staff
from tests.e2e.conftest import Service
from tests.e2e.visiting import is_wider_than_window, link, take_time, violations
from tests.surveys.driving import Participant, built, every_kind, people, question

STAFF = "surveys@beispiel.example"
PHONE = {"width": 320, "height": 640}


@dataclass(frozen=True)
class Prepared:
    """A survey of each mode, and somebody in each; the first of the named ones has answered."""

    named: Details
    anonymous: Details
    done: Participant
    new: Participant
    nameless: Participant


@pytest.fixture(scope="module")
def prepared(service: Service) -> Prepared:
    """What the pages need to be there."""
    with service.app.test_request_context():
        add_staff(STAFF)
        named, anonymous = built(Mode.NAMED, every_kind()), built(Mode.ANONYMOUS, [question(Kind.RECOMMENDATION)])
        client = service.app.test_client(use_cookies=False)
        done, new = people(client, named, 2)
        (nameless,) = people(client, anonymous, 1)
    answers = ("q1=o1", "q2=o1", "q3=a", "q4=b", "q5=7", "q6=3", "q7=9", "q8=2026-05-03", "q9-r1=o2")
    for number, given in enumerate(answers):
        name, _equals, value = given.partition("=")
        assert done.page(number, **{name: value}).status_code == 303
    assert done.send().status_code == 303
    return Prepared(named, anonymous, done, new, nameless)


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """A visitor's tab that runs no script."""
    context: BrowserContext = browser.new_context(locale="en-GB", java_script_enabled=False)
    context.set_default_timeout(60_000)
    yield context.new_page()
    assert context.cookies() == []
    context.close()


def test_the_whole_way_without_script(plain_page: Page, service: Service, prepared: Prepared) -> None:
    page, address = plain_page, "survey.visitor@example.org"
    with service.app.test_request_context():
        survey = built(
            Mode.NAMED,
            [
                question(Kind.ONE_OF, is_required=True),
                question(Kind.LONG_TEXT, begins_page=True, show_if={Code("q1"): frozenset({"o2"})}),
                question(Kind.SCALE, begins_page=True),
            ],
        )
    page.goto(f"{service.url}/surveys/{survey.public_id}")
    page.get_by_label("E-mail address").fill(address)
    take_time()
    page.get_by_role("button", name="Send me the link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mailbox")
    page.goto(f"{service.url}{link(service.mailbox, address, 'confirm')}?lang=en")
    page.get_by_role("button", name="Yes, to the survey").click()
    page.get_by_role("link", name="Start").click()
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_role("alert")).to_contain_text("Answer “Question one_of”")
    page.get_by_label("Antwort 2").check(force=True)
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_text("Page 2 of 3")).to_be_visible()
    page.get_by_label("Question long_text").fill("In my own words")
    page.get_by_role("button", name="Save and continue").click()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("Question long_text")).to_have_value("In my own words")
    page.get_by_role("button", name="Save and continue").click()
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your answers")
    page.get_by_role("link", name=re.compile("Change.*one_of")).click()
    page.get_by_label("Antwort 1").check(force=True)
    page.get_by_role("button", name="Save and continue").click()
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_text("In my own words")).to_have_count(0)
    page.get_by_role("button", name="Send the answers").click()
    expect(page.get_by_role("status")).to_contain_text("Your answers have arrived")


def test_an_anonymous_survey_by_keyboard_alone(page: Page, service: Service, prepared: Prepared) -> None:
    page.goto(f"{service.url}{prepared.nameless.path}?lang=en")
    page.get_by_role("button", name="Start").focus()
    page.keyboard.press("Enter")
    page.get_by_label("0, not at all likely").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("input[name=q1]:checked")).to_have_value("2")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Continue")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Send the answers").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Your answers have arrived")
    expect(page.get_by_text("Your answers are anonymous, so nobody")).to_be_visible()


def _check(page: Page, name: str) -> None:
    page.wait_for_load_state()
    assert not is_wider_than_window(page), name
    assert violations(page) == [], name
    page.emulate_media(color_scheme="dark")
    assert violations(page) == [], name
    page.emulate_media(color_scheme="light")


def test_every_page_for_participants_is_accessible(browser: Browser, service: Service, prepared: Prepared) -> None:
    context = browser.new_context(locale="en-GB", viewport=PHONE, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    named, new = f"/surveys/{prepared.named.public_id}", prepared.new.path
    for path in ("/surveys/", named, f"/surveys/{prepared.anonymous.public_id}", new, prepared.done.old):
        page.goto(service.url + path)
        _check(page, path)
    for number in range(len(every_kind())):
        page.goto(f"{service.url}{new}/page/{number}")
        _check(page, f"page {number}")
    page.goto(f"{service.url}{prepared.done.path}/review")
    _check(page, "review")
    page.goto(f"{service.url}{new}/page/4")
    page.locator("#q5").fill("nonsense")
    page.locator("button[value=next]").click()
    _check(page, "mistake")
    expect(page.locator(".error-summary")).to_be_focused()
    context.close()


def test_every_page_for_staff_is_accessible(browser: Browser, service: Service, prepared: Prepared) -> None:
    context = browser.new_context(locale="en-GB", viewport=PHONE, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{service.url}/staff/sign-in")
    page.get_by_label("E-mail address").fill(STAFF)
    page.get_by_label("Password").fill(STAFF_PASSWORD)
    page.locator("main button").click()
    own = f"/staff/surveys/{prepared.named.public_id}"
    for path in (
        "/staff/surveys/",
        "/staff/surveys/new",
        own,
        f"{own}/questions/new",
        f"{own}/questions/new/matrix",
        f"{own}/questions/q6",
        f"{own}/preview",
        f"{own}/results/",
        f"{own}/results/texts/q4",
        f"{own}/results/export",
        f"{own}/results/marketing",
    ):
        page.goto(service.url + path)
        _check(page, path)
    page.goto(f"{service.url}{own}")
    page.get_by_role("button", name="Copy the survey").click()
    _check(page, "draft")
    page.get_by_role("link", name="Check and publish").click()
    _check(page, "check")
    context.close()
