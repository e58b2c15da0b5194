"""Each failure that the demo's catcher can be switched to: the form, the delivery, the way in, and what staff see."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_service.demo.answers import Reaction
from consent_service.demo.catcher import Catcher
from consent_service.demo.caught_mail import create_app
from consent_service.demo.courier import Courier
from consent_service.demo.failing import FailingKeeper
from consent_service.demo.failures import Failure, Journal, Switch
from consent_service.mailing.rules import Lane
from tests.campaigns.test_campaigns import press, write
from tests.conftest import free_port
from tests.driving import Mailbox, Worker, add_people, one_click_path, text_of
from tests.inbound.arriving import lmtp, rows
from tests.people.test_pages import public_id

SLOW_SECONDS = 0.3
REPORT_WITHIN_SECONDS = 30
PEOPLE = [f"person{number}@example.org" for number in range(5)]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """That of the demo; what the service does is tested on both elsewhere."""
    return sqlite_url


@dataclass
class Provider:
    """The catcher with its switch, its page, and its way back."""

    courier: Courier
    keeper: FailingKeeper
    page: FlaskClient

    def turn(self, failure: str, only: str = "") -> str:
        """Turns the switch on the page; what the page says then."""
        answer = self.page.post("/failures", data={"failure": failure, "only": only}, follow_redirects=True)
        assert answer.status_code == 200
        return text_of(answer.text)

    def happened(self) -> str:
        """What the page says has happened."""
        return text_of(self.page.get("/failures").text).partition("What happened last")[2]


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    folder, switch = tmp_path / "caught", Switch()
    with Courier("127.0.0.1", 1, Journal(), report_after_seconds=0) as courier:
        keeper = FailingKeeper(folder, switch, courier, SLOW_SECONDS)
        yield Provider(courier, keeper, create_app(folder, switch, courier).test_client())


@pytest.fixture
def mailbox(provider: Provider) -> Iterator[Mailbox]:
    """The provider's SMTP server, in place of the one that takes everything."""
    catcher = Catcher(provider.keeper.folder, "127.0.0.1", free_port(), provider.keeper)
    catcher.start()
    yield Mailbox(provider.keeper.folder, catcher.port)
    catcher.stop()


@dataclass
class Demo:
    """The service with five people on its list, its staff, and the provider."""

    provider: Provider
    worker: Worker
    staff: FlaskClient
    mailbox: Mailbox

    def campaign(self) -> str:
        """Sends a campaign to all; the path of its page."""
        path = write(self.staff)
        press(self.staff, path, "send")
        self.worker.work()
        return path

    def come_back(self, number: int) -> None:
        """Waits until so many mails have come in, and has them handled."""
        deadline = monotonic() + REPORT_WITHIN_SECONDS
        while len(rows()) < number:
            assert monotonic() < deadline, self.provider.happened()
            sleep(0.02)
        self.worker.settle()

    def answer(self, reaction: Reaction, address: str) -> TestResponse:
        """Presses a button on the page of the mail that this person got; the page that follows."""
        (mail,) = self.mailbox.mails(address)
        path = f"/mail/{mail.identifier}"
        assert f'value="{reaction}"' in self.provider.page.get(path).text
        said = self.provider.page.post(f"{path}/answer", data={"reaction": reaction}, follow_redirects=True)
        self.worker.settle()
        return said

    def seen(self, path: str) -> str:
        """The words of a page of staff."""
        return text_of(self.staff.get(path).text)

    def comes_to_say(self, path: str, words: str) -> bool:
        """Whether a campaign's page says so once it is counted again."""
        deadline = monotonic() + REPORT_WITHIN_SECONDS
        while words not in self.seen(path) and monotonic() < deadline:
            sleep(0.1)
            self.worker.settle()
        return words in self.seen(path)

    def person(self, address: str) -> str:
        """The words of a person's page."""
        return self.seen(f"/staff/people/{public_id(address)}")


@pytest.fixture
def demo(provider: Provider, app: Flask, worker: Worker, staff_client: FlaskClient, mailbox: Mailbox) -> Iterator[Demo]:
    add_people(None, len(PEOPLE))
    with lmtp(app) as provider.courier.port:
        yield Demo(provider, worker, staff_client, mailbox)


def test_who_is_refused_at_once(demo: Demo) -> None:
    gone, full, unwanted, *_ = PEOPLE
    said = demo.provider.turn(Failure.GONE_AT_ONCE, f" {gone.upper()} ")
    assert f"Mailbox gone, refused at once is switched on for {gone.upper()}" in said
    page = demo.seen(demo.campaign())
    assert "4 Sent" in page
    assert "1 Refused by the mail server" in page
    assert sorted(mail.envelope_recipients[0] for mail in demo.mailbox.mails()) == PEOPLE[1:]
    person = demo.person(gone)
    assert "Mail came back or was refused For every purpose, since" in person
    assert "Campaign News for {{name}} Refused by the mail server the mailbox does not exist (5.1.1)" in person
    assert "550 5.1.1 There is no mailbox of this name" in person
    assert f"{gone} Refused: 550 5.1.1" in demo.provider.happened()

    demo.provider.turn(Failure.FULL_AT_ONCE, full)
    assert demo.comes_to_say(demo.campaign(), "1 Waiting")
    person = demo.person(full)
    assert "To be tried again the mailbox is full (4.2.2) since" in person
    assert "not before" in person
    assert "452 4.2.2" in person

    demo.provider.turn(Failure.POLICY, unwanted)
    demo.campaign()
    person = demo.person(unwanted)
    assert "refused by policy or reputation (5.7.1)" in person
    assert "Not written to" not in person


def test_what_comes_back_later(demo: Demo) -> None:
    gone, full, complains, away, _ = PEOPLE
    demo.provider.turn(Failure.GONE, gone)
    path = demo.campaign()
    demo.come_back(1)
    assert "1 Came back" in demo.seen(path)
    person = demo.person(gone)
    assert "Mail came back or was refused For every purpose, since" in person
    assert "Came back the mailbox does not exist (5.1.1)" in person
    assert "User unknown in virtual mailbox table" in person
    assert f"{gone} Came back to the service" in demo.provider.happened()

    demo.provider.turn(Failure.FULL, full)
    path = demo.campaign()
    demo.come_back(2)
    assert "1 Came back" in demo.seen(path)
    person = demo.person(full)
    assert "the mailbox is full (5.2.2)" in person
    assert "Noted; the address is still written to" in person
    assert "Mail came back or was refused For every purpose" not in person

    demo.provider.turn(Failure.COMPLAINT, complains)
    path = demo.campaign()
    demo.come_back(3)
    assert "1 Reported as unwanted" in demo.seen(path)
    person = demo.person(complains)
    assert "Complained For every purpose, since" in person
    assert "Newsletter: Withdrawn by e-mail" in person
    assert "Complaint Done Unsubscribed, and the address is not written to any more" in person

    demo.provider.turn(Failure.AWAY, away)
    path = demo.campaign()
    demo.come_back(4)
    assert "3 Sent" in demo.seen(path)
    assert "Automatische Antwort: Neues für Person 3 Automatic reply Done" in demo.person(away)

    assert "Nothing waits for you" in demo.seen("/staff/inbox/")
    inbox = demo.seen("/staff/inbox/?show=everything")
    assert "about Person 0 Mail came back the mailbox does not exist Done The address is not written to" in inbox


def test_a_server_that_is_down_or_slow_gets_all_in_the_end(demo: Demo, client: FlaskClient) -> None:
    demo.provider.turn(Failure.DOWN)
    path = write(demo.staff)
    press(demo.staff, path, "send")
    demo.worker.settle()
    assert demo.worker.carry(Lane.BULK, Event())
    assert demo.comes_to_say(path, "5 Waiting")
    assert "Waiting since" in demo.person(PEOPLE[0])
    assert demo.mailbox.mails() == []
    assert "421 4.3.2" in demo.provider.happened()

    leaves = PEOPLE[4]
    assert client.post(one_click_path(leaves)).status_code == 200
    demo.provider.turn(Failure.SLOW, PEOPLE[0])
    before = monotonic()
    demo.worker.work()
    assert monotonic() - before >= SLOW_SECONDS
    assert f"{PEOPLE[0]} Taken after 0.3 seconds" in demo.provider.happened()
    assert "4 Sent" in demo.seen(path)
    assert "Not sent withdrew their consent" in demo.person(leaves)
    assert rows() == []


def test_answering_as_the_recipient(demo: Demo) -> None:
    asks, wishes, follows, complains, gone = PEOPLE
    demo.campaign()
    assert "Your question is in the staff’s inbox" in text_of(demo.answer(Reaction.QUESTION, asks).text)
    inbox = demo.seen("/staff/inbox/")
    assert "Re: Neues für Person 0 Person 0 <person0@example.org> Reply Waiting for us" in inbox
    (row,) = rows()
    assert "Campaign News for {{name}}" in demo.seen(f"/staff/inbox/{row.public_id}")
    assert "Re: Neues für Person 0" in demo.person(asks)
    for reaction, address in ((Reaction.WISH, wishes), (Reaction.MAILTO, follows)):
        demo.answer(reaction, address)
        person = demo.person(address)
        assert "Newsletter: Withdrawn by e-mail" in person
        assert "Unsubscribe Done The person was unsubscribed" in person
    assert "unsubscribe … Person 2 <person2@example.org>" in demo.seen("/staff/inbox/?show=everything")
    demo.answer(Reaction.COMPLAINT, complains)
    assert "Complained For every purpose" in demo.person(complains)
    demo.answer(Reaction.FULL, asks)
    assert "the mailbox is full (5.2.2)" in demo.person(asks)
    demo.answer(Reaction.GONE, gone)
    assert "Mail came back or was refused For every purpose" in demo.person(gone)
    demo.answer(Reaction.AWAY, asks)
    assert "Automatic reply Done" in demo.person(asks)
    demo.provider.courier.port = free_port()
    refused = demo.answer(Reaction.QUESTION, asks)
    assert refused.status_code == 503
    assert "The service did not take it" in refused.text


def test_another_site_cannot_turn_the_switch(provider: Provider) -> None:
    for path in ("/failures", "/mail/x/answer"):
        answer = provider.page.post(path, data={"failure": "down"}, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403
    own = provider.page.post("/failures", data={"failure": "slow"}, headers={"Origin": "http://localhost"})
    assert own.status_code == 303


@pytest.mark.parametrize("fields", [{}, {"failure": "earthquake"}])
def test_an_unknown_failure_is_refused(provider: Provider, fields: dict[str, str]) -> None:
    assert provider.page.post("/failures", data=fields).status_code == 400
