"""The inbox as staff use it: the list, one mail, and what they decide. And what becomes of it in time."""

import json
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_service import clock
from consent_service.application import create_app
from consent_service.config import from_environment
from consent_service.database import Base, reading
from consent_service.inbound import handling
from consent_service.inbound.models import InboundMessage
from consent_service.inbound.rules import InboundState, MailClass, Result
from consent_service.mailing.models import Message
from tests.conftest import environment, free_port, run_command
from tests.driving import Mailbox, Worker, heading, hidden, text_of
from tests.inbound.arriving import ON_SQLITE, RECIPIENT, Inbox, deliver, history, lmtp, rows, suppressions
from tests.inbound.reading import mail, names
from tests.mailing.servers import Recorder, serving
from tests.people.test_pages import audited, public_id

LIST = "/staff/inbox/"


def act(client: FlaskClient, row: InboundMessage, what: str, **fields: str) -> TestResponse:
    """Presses a button of a mail's page."""
    token = hidden(client.get(f"{LIST}{row.public_id}").text, "csrf_token")
    return client.post(f"{LIST}{row.public_id}/{what}", data={"csrf_token": token, **fields})


def test_the_list_shows_what_waits_and_is_narrowed(inbox: Inbox, staff_client: FlaskClient) -> None:
    inbox.take("reply-outlook")
    inbox.take("unclear-question")
    inbox.take("automatic-gmail")
    page = text_of(staff_client.get(LIST).text)
    assert "AW: Neues im Mai" in page
    assert "Anna Beispiel <person0@example.org>" in page
    assert "Out of office" not in page
    replies = text_of(staff_client.get(f"{LIST}?show=waiting&kind=reply").text)
    assert ("AW: Neues im Mai" in replies, "Frage" in replies) == (True, False)
    assert "Out of office Re: Neues im Mai" in text_of(staff_client.get(f"{LIST}?show=handled").text)
    assert "Nothing here" in staff_client.get(f"{LIST}?show=handled&kind=complaint").text
    assert staff_client.get(f"{LIST}?show=nonsense&kind=nonsense&older=nonsense").status_code == 200
    assert "2 e-mails from people waiting for us" in text_of(staff_client.get("/staff/").text)


def test_every_mail_is_reached_page_by_page_and_back(app: Flask, worker: Worker, staff_client: FlaskClient) -> None:
    with lmtp(app) as port:
        for number in range(120):
            data = f"From: a{number}@example.org\r\nSubject: Number {number:03}\r\n\r\nHello\r\n".encode()
            deliver(port, data, "a@example.org", "newsletter@beispiel.example")
    worker.work()
    page = staff_client.get(LIST).text
    first, seen = page, []
    while True:
        seen += [word[:3] for word in page.split("Number ")[1:]]
        if 'rel="next"' not in page:
            break
        page = staff_client.get(page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")).text
    assert seen == [f"{number:03}" for number in reversed(range(120))]
    while 'rel="prev"' in page:
        page = staff_client.get(page.partition('rel="prev" href="')[2].partition('"')[0].replace("&amp;", "&")).text
    assert [word[:3] for word in page.split("Number ")[1:]] == [word[:3] for word in first.split("Number ")[1:]]


def test_a_mail_is_shown_as_text_alone_and_the_look_is_recorded(inbox: Inbox, staff_client: FlaskClient) -> None:
    row = inbox.take("reply-html-attachment")
    page = staff_client.get(f"{LIST}{row.public_id}").text
    assert heading(page) == "Rückfrage"
    assert "siehe Anlage." in text_of(page)
    assert "Angebot.pdf" in page
    for markup in ("tracker.example", "alert(1)", "<b>Anlage"):
        assert markup not in page
    (entry,) = audited("inbox_viewed")
    assert (entry.target, entry.actor) == (row.public_id, "anna.beispiel@beispiel.example")
    assert staff_client.get(f"{LIST}{'0' * 32}").status_code == 404


@pytest.mark.parametrize(("code", "ended"), [("newsletter", 1), ("everything", 5)])
def test_staff_unsubscribe_the_person_with_one_press(
    inbox: Inbox, staff_client: FlaskClient, code: str, ended: int
) -> None:
    row = inbox.take("unclear-question")
    assert act(staff_client, row, "unsubscribe", purpose=code).status_code == 303
    assert history(inbox.sent.person) == [("withdrawn", "email")]
    assert suppressions(inbox.sent.person) == [(False, "unsubscribed")] * ended
    assert (rows()[0].state, rows()[0].result) == (InboundState.HANDLED, Result.UNSUBSCRIBED)
    (entry,) = audited("inbox_answered")
    assert entry.details == {"result": "unsubscribed", "ended": code}
    proof = staff_client.get(f"/staff/people/{public_id(RECIPIENT)}/proof.json").json
    assert proof["events"][-1]["evidence"]["mail"] == row.public_id
    assert act(staff_client, row, "unsubscribe", purpose="nonsense").status_code == 404


@ON_SQLITE
def test_who_is_unknown_cannot_be_unsubscribed(inbox: Inbox, staff_client: FlaskClient) -> None:
    row = inbox.take("unclear-stranger")
    assert "Nobody is known by this address" in staff_client.get(f"{LIST}{row.public_id}").text
    assert act(staff_client, row, "unsubscribe", purpose="everything").headers["Location"].endswith(row.public_id)
    assert rows()[0].state is InboundState.OPEN


def test_what_means_nothing_is_put_aside_once(inbox: Inbox, staff_client: FlaskClient) -> None:
    row = inbox.take("reply-thunderbird")
    assert act(staff_client, row, "dismiss").headers["Location"] == LIST
    assert act(staff_client, row, "dismiss").headers["Location"].endswith(row.public_id)
    assert (rows()[0].state, rows()[0].result) == (InboundState.HANDLED, Result.NOTHING)
    assert len(audited("inbox_answered")) == 1


@ON_SQLITE
def test_without_a_mailbox_nothing_is_forwarded(inbox: Inbox, staff_client: FlaskClient) -> None:
    row = inbox.take("reply-thunderbird")
    assert "forward it" not in staff_client.get(f"{LIST}{row.public_id}").text
    assert act(staff_client, row, "forward").headers["Location"].endswith(row.public_id)
    assert rows()[0].state is InboundState.OPEN


def test_what_failed_is_named_and_can_be_handled_once_more(
    inbox: Inbox, staff_client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(handling.service, "handle", lambda *_: {}["x"])
        row = inbox.take("unsubscribe-thunderbird")
    page = staff_client.get(f"{LIST}{row.public_id}").text
    assert "could not handle this e-mail (KeyError)" in page
    assert "Could not be handled" in staff_client.get(LIST).text
    assert act(staff_client, row, "retry").headers["Location"] == LIST
    inbox.worker.settle()
    assert rows()[0].result is Result.UNSUBSCRIBED
    assert act(staff_client, row, "retry").headers["Location"].endswith(row.public_id)


class TestForwarding:
    """With CONSENT_INBOUND_FORWARD_TO, replies leave as new mails; nothing goes round."""

    @pytest.fixture
    def forwarding(self, app: Flask, inbox: Inbox) -> Inbox:
        settings = app.extensions["consent_settings"]
        variables = environment(settings.database_url, settings.smtp.port, INBOUND_FORWARD_TO="desk@example.com")
        app.extensions["consent_settings"] = from_environment(variables)
        return inbox

    def test_a_reply_is_forwarded_whole(self, forwarding: Inbox, worker: Worker, mailbox: Mailbox) -> None:
        row = forwarding.take("reply-html-attachment")
        worker.work()
        assert (row.state, row.mail_class, row.result) == (InboundState.HANDLED, MailClass.REPLY, Result.FORWARDED)
        copy = mailbox.latest("desk@example.com")
        assert copy.header("Reply-To") == RECIPIENT
        assert copy.header("Auto-Submitted") == "auto-generated"
        assert copy.subject == "Fwd: Rückfrage"
        assert "siehe Anlage." in copy.text
        (attached,) = [part for part in copy.message.walk() if part.get_filename() == "original.eml"]
        assert attached.get_payload(decode=True) == mail("reply-html-attachment", **forwarding.sent.ours)
        assert copy.raw.isascii()

    @ON_SQLITE
    @pytest.mark.parametrize(
        "subject",
        [
            "=?utf-8?q?a=0D=0AX-Eve=3A_b=0D=0A=0D=0Aevil?=",
            "=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3D0D=3D0AX-Eve=3A_b=3D0D=3D0A=3D0D=3D0Aevil=3F=3D?=",
        ],
        ids=["encoded", "encoded twice"],
    )
    def test_a_subject_adds_nothing_to_the_copy(
        self, forwarding: Inbox, worker: Worker, mailbox: Mailbox, subject: str
    ) -> None:
        data = mail("reply-outlook", **forwarding.sent.ours)
        forwarding.take_bytes(
            re.sub(rb"(?m)^Subject: .*$", f"Subject: {subject}\r".encode(), data),
            RECIPIENT,
            "newsletter@beispiel.example",
        )
        worker.work()
        copy = mailbox.latest("desk@example.com")
        assert copy.header("X-Eve") == ""
        assert copy.message.get_content_type() == "multipart/mixed"
        assert copy.subject.startswith("Fwd: ")

    @ON_SQLITE
    def test_only_a_reply_is_forwarded_by_itself(self, forwarding: Inbox, worker: Worker, mailbox: Mailbox) -> None:
        for name in (*names("automatic-"), *names("bounce-"), *names("unclear-")):
            forwarding.take(name)
        worker.work()
        assert mailbox.mails("desk@example.com") == []

    @ON_SQLITE
    def test_a_forwarded_copy_that_comes_in_is_not_forwarded_again(
        self, forwarding: Inbox, worker: Worker, mailbox: Mailbox
    ) -> None:
        forwarding.take("reply-outlook")
        worker.work()
        copy = mailbox.latest("desk@example.com")
        row = forwarding.take_bytes(copy.raw, copy.envelope_sender, "newsletter@beispiel.example")
        worker.work()
        assert (row.mail_class, row.state) == (MailClass.AUTOMATIC, InboundState.HANDLED)
        assert len(mailbox.mails("desk@example.com")) == 1

    @ON_SQLITE
    def test_a_bounce_of_the_copy_ends_nothing_for_the_person(
        self, forwarding: Inbox, worker: Worker, mailbox: Mailbox
    ) -> None:
        forwarding.take("reply-outlook")
        worker.work()
        copy = mailbox.latest("desk@example.com")
        ours = {"envelope_sender": copy.envelope_sender, "recipient": "desk@example.com"}
        assert forwarding.take("bounce-postfix-gone", **ours).result is Result.NOTED
        assert suppressions(forwarding.sent.person) == []

    def test_a_reply_whose_copy_came_back_waits_for_staff_again(
        self, forwarding: Inbox, worker: Worker, mailbox: Mailbox, staff_client: FlaskClient
    ) -> None:
        row = forwarding.take("reply-outlook")
        worker.work()
        copy = mailbox.latest("desk@example.com")
        ours = {"envelope_sender": copy.envelope_sender, "recipient": "desk@example.com"}
        forwarding.take("bounce-postfix-full", **ours)
        assert (rows()[0].state, rows()[0].result) == (InboundState.OPEN, Result.NOT_FORWARDED)
        assert "could not be delivered" in text_of(staff_client.get(f"{LIST}{row.public_id}").text)
        assert act(staff_client, row, "forward").headers["Location"] == LIST
        worker.work()
        assert len(mailbox.mails("desk@example.com")) == 2
        assert (rows()[0].state, rows()[0].result) == (InboundState.HANDLED, Result.FORWARDED)

    def test_a_reply_whose_copy_is_refused_waits_for_staff_again(
        self,
        app: Flask,
        forwarding: Inbox,
        worker: Worker,
        staff_client: FlaskClient,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        port = free_port()
        monkeypatch.setattr(app.extensions["mail"], "port", port)
        row = forwarding.take("reply-outlook")
        with serving(Recorder(reply_to_recipient=lambda _: "552 5.2.2 full"), port):
            worker.work()
        assert (rows()[0].state, rows()[0].result) == (InboundState.OPEN, Result.NOT_FORWARDED)
        assert act(staff_client, row, "dismiss").headers["Location"] == LIST
        worker.settle()
        assert (rows()[0].state, rows()[0].result) == (InboundState.HANDLED, Result.NOTHING)

    @ON_SQLITE
    def test_staff_forward_what_is_a_reply_after_all(
        self, forwarding: Inbox, worker: Worker, mailbox: Mailbox, staff_client: FlaskClient
    ) -> None:
        row = forwarding.take("unclear-question")
        assert act(staff_client, row, "forward").headers["Location"] == LIST
        worker.work()
        assert mailbox.latest("desk@example.com").subject == "Fwd: Frage"
        assert rows()[0].result is Result.FORWARDED

    @pytest.mark.parametrize("address", ["newsletter@beispiel.example", "Leave <NEWSLETTER@beispiel.example>"])
    def test_an_address_that_comes_in_here_is_refused(self, address: str) -> None:
        with pytest.raises(Exception, match="CONSENT_INBOUND_FORWARD_TO"):
            create_app(from_environment(environment("sqlite:////tmp/x.db", INBOUND_FORWARD_TO=address)))

    def test_the_copy_is_emptied_with_the_mail(self, forwarding: Inbox, worker: Worker) -> None:
        forwarding.take("reply-outlook")
        worker.work()
        with time_machine.travel(clock.now() + timedelta(days=31)):
            worker.settle()
        with reading() as session:
            row = session.execute(sa.select(Message).where(Message.kind == "forwarded")).scalar_one()
        assert (row.content, row.recipient) == (None, None)


def test_content_is_deleted_when_its_time_is_over_and_the_facts_stay(
    inbox: Inbox, worker: Worker, staff_client: FlaskClient
) -> None:
    done = inbox.take("automatic-gmail")
    waiting = inbox.take("reply-outlook")
    with time_machine.travel(clock.now() + timedelta(days=29)):
        worker.settle()
    assert rows()[0].content is not None
    with time_machine.travel(clock.now() + timedelta(days=31)):
        worker.settle()
    forgotten, kept = rows()
    assert (forgotten.content, forgotten.summary, forgotten.sender) == (None, None, None)
    assert (forgotten.mail_class, forgotten.result, forgotten.received_at) == (
        MailClass.AUTOMATIC,
        Result.NOTHING,
        done.received_at,
    )
    assert (kept.public_id, kept.content is not None) == (waiting.public_id, True)
    assert "was deleted when its time was over" in staff_client.get(f"{LIST}{done.public_id}").text
    assert "Not readable any more" in staff_client.get(f"{LIST}?show=handled").text


def test_erasing_a_person_erases_what_they_wrote(inbox: Inbox, database_url: str) -> None:
    inbox.take("reply-outlook")
    inbox.take("bounce-postfix-gone")
    inbox.take("unclear-stranger")
    foreseen = run_command(database_url, "erase", RECIPIENT, "--dry-run", "--json")
    assert json.loads(foreseen.stdout)["inbound_mails"] == 2
    assert run_command(database_url, "erase", RECIPIENT, "--yes").returncode == 0
    assert [row.content is None for row in rows()] == [True, True, False]
    with reading() as session:
        for table in Base.metadata.sorted_tables:
            for found in session.execute(sa.select(table)):
                assert RECIPIENT not in repr(tuple(found)), table.name
        (text,) = session.execute(sa.text("SELECT text FROM returns")).scalars()
    assert text is None


@pytest.mark.parametrize("name", ["bounce-postfix-gone", "complaint-rfc5965-full"])
def test_what_comes_back_about_an_erased_person_is_kept_without_its_words(
    inbox: Inbox, database_url: str, name: str
) -> None:
    late = mail(name, **inbox.sent.ours)
    assert run_command(database_url, "erase", RECIPIENT, "--yes").returncode == 0
    assert inbox.take_bytes(late, "", inbox.sent.caught.envelope_sender).message_id is not None
    with reading() as session:
        assert session.execute(sa.text("SELECT text FROM returns")).scalars().all() == [None]


def test_erasing_who_is_nobodys_but_has_written(inbox: Inbox, database_url: str) -> None:
    inbox.take("unclear-stranger")
    assert run_command(database_url, "erase", "erna@example.net", "--yes").returncode == 0
    assert rows()[0].content is None
