"""Double opt-in, as a visitor meets it (design I2)."""

import base64
import re
import threading
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from consent_service import clock, links
from consent_service.database import transaction
from consent_service.domain.identifiers import new_public_id
from consent_service.domain.kinds import EventKind
from consent_service.links import Use
from consent_service.registrations import service as registrations
from tests.driving import (
    Mailbox,
    Worker,
    confirmed,
    events_of,
    everything,
    heading,
    one_click_path,
    path_in,
    sign_up,
    text_of,
)

ANNA = "anna@example.org"


@pytest.fixture
def confirmation(visitor: FlaskClient, worker: Worker, mailbox: Mailbox) -> str:
    """The path of the link in Anna's confirmation mail."""
    sign_up(visitor, ANNA, ["newsletter:1", "survey_invitation:1"], name="Anna Beispiel")
    worker.work()
    return path_in(mailbox.latest(ANNA), "confirm")


def test_button_page_then_welcome_with_the_way_to_the_settings(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox, confirmation: str
) -> None:
    page = visitor.get(confirmation)
    assert page.status_code == 200
    assert "Yes, register me" in page.text
    assert "Yes, Beispiel GmbH may e-mail me news" in page.text
    assert "Invitations to surveys" in page.text
    assert "conference rooms" not in page.text  # was not ticked
    assert "Anna" not in page.text
    assert "<script>" not in page.text

    done = visitor.post(confirmation)
    assert heading(done.text) == "You are registered"
    settings = done.text.partition('href="http://localhost/settings/')[2].partition('"')[0]
    assert visitor.get(f"/settings/{settings}").status_code == 200
    worker.work()
    assert visitor.get(path_in(mailbox.latest(ANNA), "settings")).status_code == 200
    assert [event.kind for event in events_of(ANNA)] == [EventKind.CONFIRMED] * 2


def test_an_address_that_could_be_taken_for_encoded_holds_up_nobody(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    """A local part may have these characters (RFC 5322 section 3.2.3), and nobody decodes it, ends of lines least."""
    strange = "=?utf-8?q?=0d=0abcc=3aeve?=@example.net"
    assert sign_up(visitor, strange).status_code == 200
    sign_up(visitor, ANNA)
    worker.work()
    assert mailbox.latest(ANNA).subject
    (mail,) = [mail for mail in mailbox.mails() if mail.raw.startswith(f"To: {strange}".encode())]
    assert mail.header("bcc") == ""


@pytest.mark.parametrize("name", ["Buy now https://spam.example", "Anna\r\nBcc: x@example.org"])
def test_the_confirmation_mail_repeats_nothing_that_was_typed(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox, name: str
) -> None:
    sign_up(visitor, "Anna.TAG@example.org", name=name)
    worker.work()
    mail = mailbox.latest()
    words = mail.text + mail.raw.decode(errors="replace").partition("\n\n")[2]
    assert "Buy now" not in words
    assert "spam.example" not in words
    assert "Bcc" not in mail.raw.decode()
    assert "Anna" not in words
    assert list(mail.envelope_recipients) == ["Anna.TAG@example.org"]
    assert re.findall(r"^http://localhost\S*$", mail.text, re.MULTILINE) == [
        f"http://localhost{path_in(mail, 'confirm')}?lang=de"
    ]
    assert mail.text.count("http://localhost") == 1


def test_opening_the_link_ten_times_by_get_and_head_changes_nothing(visitor: FlaskClient, confirmation: str) -> None:
    before = everything()
    for _ in range(10):
        assert visitor.get(confirmation).status_code == 200
        assert visitor.head(confirmation).status_code == 200
        assert visitor.options(confirmation).status_code == 200
    assert everything() == before


def test_a_used_link_says_so_and_changes_nothing(visitor: FlaskClient, confirmation: str) -> None:
    visitor.post(confirmation)
    before = everything()
    for answer in (visitor.post(confirmation), visitor.get(confirmation)):
        assert heading(answer.text) == "This link has been used already"
        assert "marketing settings" in answer.text
    assert everything() == before


def test_every_spelling_of_a_used_link_is_used(visitor: FlaskClient, confirmation: str) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    at = letters.index(confirmation[-1])
    spellings = [confirmation[:-1] + letters[at // 4 * 4 + spare] for spare in range(4)]
    assert len({base64.urlsafe_b64decode(s.rpartition(".")[2] + "=") for s in spellings}) == 1
    visitor.post(confirmation)
    for spelling in spellings:
        assert heading(visitor.post(spelling).text) == "This link has been used already"
    assert len(events_of(ANNA)) == 2


def test_two_simultaneous_confirmations_give_one_event_each(app: Flask, confirmation: str) -> None:
    barrier = threading.Barrier(4)
    answers = []

    def press() -> None:
        client = app.test_client(use_cookies=False)
        barrier.wait()
        answers.append(client.post(f"{confirmation}?lang=en"))

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    headings = sorted(heading(answer.text) for answer in answers)
    assert headings == ["This link has been used already"] * 3 + ["You are registered"]
    assert len(events_of(ANNA)) == 2


def test_an_expired_link_confirms_nothing(visitor: FlaskClient, worker: Worker, confirmation: str) -> None:
    with time_machine.travel(clock.now() + timedelta(days=7, minutes=1)):
        for answer in (visitor.get(confirmation), visitor.post(confirmation)):
            assert answer.status_code == 410
            assert heading(answer.text) == "This link has expired"
            assert "Register anew" in answer.text
        with transaction() as session:
            assert registrations.expire(session, clock.now()) == 1
        assert heading(visitor.post(confirmation).text) == "This link has expired"
    assert events_of(ANNA) == []


def test_a_registration_that_is_no_longer_kept_reads_as_expired(visitor: FlaskClient, app: Flask) -> None:
    answer = visitor.post(f"/confirm/{links.sign(Use.CONFIRMATION, new_public_id())}")
    assert (answer.status_code, heading(answer.text)) == (410, "This link has expired")


def test_a_withdrawal_cancels_the_registrations_that_are_open(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    confirmed(visitor, worker, mailbox, ANNA)
    sign_up(visitor, ANNA, ["newsletter:1", "survey_invitation:1"])
    worker.work()
    open_link = path_in(mailbox.latest(ANNA), "confirm")
    visitor.post(one_click_path(ANNA))
    answer = visitor.post(open_link)
    assert (answer.status_code, heading(answer.text)) == (410, "This registration was cancelled")
    assert [event.kind for event in events_of(ANNA)] == [EventKind.CONFIRMED, EventKind.WITHDRAWN]


def test_a_withdrawal_calls_off_the_mail_of_an_open_registration(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    confirmed(visitor, worker, mailbox, ANNA)
    sign_up(visitor, ANNA, ["newsletter:1", "survey_invitation:1"])
    with transaction() as session:
        assert registrations.answer_next(session, clock.now())
    visitor.post(one_click_path(ANNA))
    before = len(mailbox.mails(ANNA))
    worker.work()
    assert len(mailbox.mails(ANNA)) == before


def test_a_withdrawal_leaves_a_registration_for_another_purpose_alone(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    confirmed(visitor, worker, mailbox, ANNA)
    sign_up(visitor, ANNA, ["survey_invitation:1"])
    worker.work()
    visitor.post(one_click_path(ANNA))
    assert heading(visitor.post(path_in(mailbox.latest(ANNA), "confirm")).text) == "You are registered"


def test_coming_back_by_double_opt_in_lifts_the_suppression(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    confirmed(visitor, worker, mailbox, ANNA)
    visitor.post(one_click_path(ANNA))
    confirmed(visitor, worker, mailbox, ANNA)
    assert [event.kind for event in events_of(ANNA)] == [
        EventKind.CONFIRMED,
        EventKind.WITHDRAWN,
        EventKind.CONFIRMED,
    ]
    sign_up(visitor, ANNA)
    worker.work()
    assert path_in(mailbox.latest(ANNA), "settings")  # no confirmation: nothing stands in the way any more


def test_who_is_registered_already_gets_a_fresh_settings_link_instead(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    confirmed(visitor, worker, mailbox, ANNA)
    sign_up(visitor, ANNA)
    worker.work()
    page = visitor.get(path_in(mailbox.latest(ANNA), "settings") + "?lang=en")
    assert "What has happened so far" in text_of(page.text)


def test_a_stranger_cannot_rename_somebody_by_signing_them_up(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    confirmed(visitor, worker, mailbox, ANNA, name="Anna Beispiel")
    sign_up(visitor, ANNA, ["survey_invitation:1"], name="Rude Words")
    worker.work()
    visitor.post(path_in(mailbox.latest(ANNA), "confirm"))
    worker.work()
    assert "Rude" not in mailbox.latest(ANNA).raw.decode()


def test_links_and_pages_are_in_the_language_that_was_chosen(
    client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    sign_up(client, ANNA, language="en")
    worker.work()
    mail = mailbox.latest(ANNA)
    assert "Continue to the confirmation" in mail.text
    assert f"{path_in(mail, 'confirm')}?lang=en" in mail.text
    assert heading(client.get(f"{path_in(mail, 'confirm')}?lang=en").text).startswith("One more click")
