"""Leaving by mail and by complaint: what unsubscribes whom, and what never does."""

from flask import Flask
from flask.testing import FlaskClient

from consent_service import links
from consent_service.database import reading
from consent_service.domain.addresses import normalise
from consent_service.inbound.rules import InboundState, MailClass, Result
from consent_service.subjects import service as subjects
from tests.driving import Mailbox, Worker, everything, sign_up
from tests.inbound.arriving import (
    RECIPIENT,
    UNSUBSCRIBE_MAILBOX,
    Inbox,
    history,
    lmtp,
    message_state,
    rows,
    send_campaign,
    suppressions,
)
from tests.inbound.reading import mail, names
from tests.people.test_pages import public_id


def test_the_mailto_with_its_token_unsubscribes_at_once(inbox: Inbox, worker: Worker, mailbox: Mailbox) -> None:
    mails = names("unsubscribe-")
    sent = send_campaign(worker, mailbox, people=len(mails))
    for name, one, row in zip(mails, sent, inbox.take_each(mails, sent), strict=True):
        assert (row.state, row.mail_class) == (InboundState.HANDLED, MailClass.UNSUBSCRIBE), name
        assert row.result is Result.UNSUBSCRIBED, name
        assert history(one.person) == [("withdrawn", "email")], name
        assert suppressions(one.person) == [(False, "unsubscribed")], name


def test_the_list_unsubscribe_header_of_a_real_campaign_works(inbox: Inbox) -> None:
    header = inbox.sent.caught.header("List-Unsubscribe")
    mailto = header.partition("<mailto:")[2].rstrip(">")
    address, _, subject = mailto.partition("?subject=")
    data = f"From: {RECIPIENT}\r\nTo: {address}\r\nSubject: {subject.replace('%20', ' ')}\r\n\r\n".encode()
    assert inbox.take_bytes(data, RECIPIENT, address).result is Result.UNSUBSCRIBED
    assert history(inbox.sent.person) == [("withdrawn", "email")]


def test_twice_changes_nothing_more(inbox: Inbox) -> None:
    inbox.take("unsubscribe-thunderbird")
    events = history(inbox.sent.person)
    inbox.take("unsubscribe-gmail")
    assert history(inbox.sent.person) == events
    assert rows()[-1].result is Result.UNSUBSCRIBED


def test_a_clear_wish_of_a_known_address_ends_all_marketing(inbox: Inbox, worker: Worker, mailbox: Mailbox) -> None:
    mails = names("wish-")
    sent = send_campaign(worker, mailbox, people=len(mails))
    for name, one, row in zip(mails, sent, inbox.take_each(mails, sent), strict=True):
        assert (row.state, row.mail_class) == (InboundState.HANDLED, MailClass.UNSUBSCRIBE), name
        assert row.result is Result.UNSUBSCRIBED, name
        assert history(one.person) == [("withdrawn", "email")], name
        # Of each purpose by consent or legitimate interest, those included that the person was never asked about.
        assert suppressions(one.person) == [(False, "unsubscribed")] * 5, name


def test_a_wish_is_proved_by_its_words(inbox: Inbox, staff_client: FlaskClient) -> None:
    row = inbox.take("wish-german-plain")
    proof = staff_client.get(f"/staff/people/{public_id(RECIPIENT)}/proof.json").json
    evidence = proof["events"][-1]["evidence"]
    assert evidence["mail"] == row.public_id
    assert evidence["from"] == f"Anna Beispiel <{RECIPIENT}>"
    assert "bitte melden Sie mich vom Newsletter ab" in evidence["note"]


def test_what_is_unclear_waits_for_staff_and_ends_nothing(inbox: Inbox) -> None:
    before = everything()
    for name in (*names("unclear-"), *names("reply-")):
        assert inbox.take(name).state is InboundState.OPEN, name
    after = everything()
    assert {table for table in after if after[table] != before[table]} == {"inbound_messages"}


def test_an_automatic_answer_ends_nothing_and_bothers_nobody(inbox: Inbox) -> None:
    before = everything()
    for name in names("automatic-"):
        row = inbox.take(name)
        assert (row.state, row.mail_class) == (InboundState.HANDLED, MailClass.AUTOMATIC), name
        assert row.result is Result.NOTHING, name
    after = everything()
    assert {table for table in after if after[table] != before[table]} == {"inbound_messages"}


def test_a_groups_mail_waits_for_staff_and_its_words_end_nothing(inbox: Inbox) -> None:
    before = everything()
    for name in names("group-"):
        row = inbox.take(name, "bounces@firma.example")
        assert (row.state, row.mail_class) == (InboundState.OPEN, MailClass.UNCLEAR), name
    after = everything()
    assert {table for table in after if after[table] != before[table]} == {"inbound_messages"}


def test_a_strangers_newsletter_bothers_nobody(inbox: Inbox) -> None:
    for name in names("newsletter-"):
        row = inbox.take(name, "bounces@shop.example")
        assert (row.state, row.mail_class) == (InboundState.HANDLED, MailClass.AUTOMATIC), name


def test_a_mail_servers_words_end_nothing_even_in_a_persons_name(inbox: Inbox) -> None:
    for name in ("wish-german-plain", "unsubscribe-thunderbird"):
        assert inbox.take(name, sender="").state is InboundState.OPEN
    assert history(inbox.sent.person) == []


def test_a_wish_sent_elsewhere_is_a_reply(app: Flask, worker: Worker, mailbox: Mailbox, inbox: Inbox) -> None:
    data = mail("wish-german-plain", **inbox.sent.ours).replace(UNSUBSCRIBE_MAILBOX.encode(), b"info@beispiel.example")
    row = inbox.take_bytes(data, RECIPIENT, "info@beispiel.example")
    assert (row.state, row.mail_class) == (InboundState.OPEN, MailClass.REPLY)
    assert history(inbox.sent.person) == []


def test_a_test_mails_token_ends_nothing(inbox: Inbox) -> None:
    token = links.sign(links.Use.UNSUBSCRIBE, links.TEST_MAIL)
    assert inbox.take("unsubscribe-thunderbird", token=token).result is Result.NOTHING
    assert rows()[-1].state is InboundState.HANDLED
    assert history(inbox.sent.person) == []


def test_a_token_for_another_use_waits_for_staff(inbox: Inbox) -> None:
    identifier = links.read(links.Use.UNSUBSCRIBE, inbox.sent.ours["token"])
    for use in (links.Use.SETTINGS, links.Use.CONFIRMATION):
        data = mail("unsubscribe-other-sender", **{**inbox.sent.ours, "token": links.sign(use, identifier)})
        assert inbox.take_bytes(data, "bernd@example.net", UNSUBSCRIBE_MAILBOX).state is InboundState.OPEN
    assert history(inbox.sent.person) == []


MATCHED = [name for name in names("complaint-") if name != "complaint-unmatched"]


def test_a_complaint_withdraws_and_suppresses_at_once(inbox: Inbox, worker: Worker, mailbox: Mailbox) -> None:
    sent = send_campaign(worker, mailbox, people=len(MATCHED))
    came = inbox.take_each(MATCHED, sent, sender="abusedesk@provider.example")
    for name, one, row in zip(MATCHED, sent, came, strict=True):
        assert (row.state, row.result) == (InboundState.HANDLED, Result.COMPLAINED), name
        assert history(one.person) == [("withdrawn", "email")], name
        assert sorted(suppressions(one.person)) == [(False, "unsubscribed"), (True, "complained")], name
        assert message_state(one.ours["public_id"]) == "complained", name


def test_a_complaint_by_token_alone_counts_for_the_latest_campaign(
    inbox: Inbox, worker: Worker, mailbox: Mailbox
) -> None:
    (later,) = send_campaign(worker, mailbox)
    inbox.take("complaint-by-token", sender="abusedesk@provider.example")
    states = [message_state(one.ours["public_id"]) for one in (inbox.sent, later)]
    assert states == ["sent", "complained"]


def test_a_complaint_about_customer_information_is_an_objection(app: Flask, worker: Worker, mailbox: Mailbox) -> None:
    (sent,) = send_campaign(worker, mailbox, "customer_information")
    with lmtp(app) as port:
        Inbox(port, worker, sent).take("complaint-rfc5965-simple", sender="abusedesk@provider.example")
    assert history(sent.person) == [("objected", "email")]
    assert (True, "complained") in suppressions(sent.person)


def test_a_complaint_that_names_nothing_of_ours_waits_for_staff(inbox: Inbox) -> None:
    row = inbox.take("complaint-unmatched", sender="abusedesk@provider.example")
    assert (row.state, row.result) == (InboundState.OPEN, Result.UNMATCHED)
    assert history(inbox.sent.person) == []


def test_a_complaint_about_a_confirmation_cancels_the_request(
    inbox: Inbox, client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    sign_up(client, "victim@example.org")
    worker.work()
    caught = mailbox.latest("victim@example.org")
    ours = {"message_id": caught.header("Message-ID"), "envelope_sender": caught.envelope_sender}
    row = inbox.take("complaint-rfc5965-full", sender="abusedesk@provider.example", **ours)
    assert row.result is Result.COMPLAINED
    link = caught.text.partition("http://localhost")[2].split()[0]
    assert client.post(link).status_code != 200 or "cancelled" in client.get(link).text.lower()
    with reading() as session:
        digest = subjects.suppression_digest(normalise("victim@example.org"))
        assert subjects.suppressed_for_all_among(session, [digest], subjects.SuppressionReason.COMPLAINED) == {digest}
