"""Webhooks from the provider's POST to what comes of it, on both databases."""

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_service.database import reading
from consent_service.domain.addresses import normalise
from consent_service.domain.kinds import Channel, SuppressionReason
from consent_service.evidence.service import keyring
from consent_service.inbound.models import InboundMessage
from consent_service.inbound.webhooks import amazon
from consent_service.inbound.webhooks.amazon import NoAnswer
from consent_service.mailing.models import Message
from consent_service.subjects import service as subjects
from consent_service.subjects.models import Suppression
from tests.conftest import run_command
from tests.driving import Mailbox, Worker, add_people, events_of
from tests.inbound.webhooks import payloads
from tests.inbound.webhooks.signing import CERTIFICATE_URL, SUBSCRIBE_URL, certificate, confirmation, notification
from tests.mailing.campaigning import service as running
from tests.mailing.campaigning import start_mailing

SECRET = "a-secret-of-a-mail-provider-0123456789"
SETTINGS = {
    "WEBHOOK_SES_TOPICS": payloads.TOPIC,
    **{f"WEBHOOK_{name}_SECRET": f"an-older-{SECRET} {SECRET}" for name in ("POSTMARK", "BREVO", "MAILJET")},
}
NOBODY = "nobody@example.org"


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Amazon in place of the network: what was fetched from it."""
    urls: list[str] = []

    def answer(url: str) -> bytes:
        urls.append(url)
        return certificate()

    amazon.certificate.cache_clear()
    monkeypatch.setattr(amazon, "fetch", answer)
    yield urls
    amazon.certificate.cache_clear()


@pytest.fixture
def sent(database_url: str, mailbox: Mailbox) -> Iterator[Flask]:
    """A service with all webhooks, which has just mailed the newsletter to two people."""
    with running(database_url, mailbox.port, **SETTINGS) as app:
        add_people(None, 2)
        start_mailing()
        Worker().work()
        yield app


def client(app: Flask) -> FlaskClient:
    return app.test_client(use_cookies=False)


def post(app: Flask, provider: str, payload: Any, secret: str = SECRET) -> TestResponse:
    """Posts as the provider does, with basic authentication where it has a secret."""
    word = b64encode(f"webhook:{secret}".encode()).decode()
    headers = {} if provider == "ses" else {"Authorization": f"Basic {word}"}
    return client(app).post(f"/webhooks/{provider}", data=json.dumps(payload), headers=headers)


def report(app: Flask, provider: str, event: payloads.Json) -> None:
    """Reports an event, which is taken, and has the worker handle it."""
    answer = post(app, provider, notification(event) if provider == "ses" else event)
    assert (answer.status_code, answer.text) == (200, "taken\n")
    Worker().work()


def rows() -> list[InboundMessage]:
    with reading() as session:
        return list(session.execute(sa.select(InboundMessage).order_by(InboundMessage.id)).scalars())


def suppressions(address: str) -> list[SuppressionReason]:
    with reading() as session:
        digest = subjects.suppression_digest(normalise(address))
        found = session.execute(sa.select(Suppression.reason).where(Suppression.digest == digest))
        return sorted(set(found.scalars()))


def states() -> list[str]:
    """Of the two messages, in the order of their recipients."""
    with reading() as session:
        return [state.value for state in session.execute(sa.select(Message.state).order_by(Message.id)).scalars()]


def kinds(address: str) -> list[tuple[str, str]]:
    """What the ledger says of a person, and by which channel."""
    return [(entry.kind.value, entry.channel.value) for entry in events_of(address)]


LEFT = [("confirmed", "link"), ("withdrawn", Channel.PROVIDER.value)]
STAYED = [("confirmed", "link")]


def test_a_bounce_from_ses_is_matched_by_its_envelope_sender(sent: Flask, mailbox: Mailbox, fetched: list[str]) -> None:
    mail = mailbox.latest("person0@example.org")
    report(sent, "ses", payloads.ses_bounce("other@example.org", source=mail.envelope_sender))
    assert states() == ["bounced", "sent"]
    assert suppressions("person0@example.org") == [SuppressionReason.BOUNCED]
    assert kinds("person0@example.org") == STAYED
    assert fetched == [CERTIFICATE_URL]


def test_a_complaint_from_ses_is_matched_by_our_message_id(sent: Flask, mailbox: Mailbox, fetched: list[str]) -> None:
    mail = mailbox.latest("person1@example.org")
    report(sent, "ses", payloads.ses_complaint("person1@example.org", message_id=mail.header("Message-ID")))
    assert states() == ["sent", "complained"]
    assert kinds("person1@example.org") == LEFT
    assert SuppressionReason.COMPLAINED in suppressions("person1@example.org")


COMPLAINTS = {
    "postmark": payloads.postmark_complaint("person0@example.org"),
    "brevo": payloads.brevo("spam", "person0@example.org"),
    "mailjet": payloads.mailjet("spam", "Person0@EXAMPLE.org", source="JMRPP"),
}
UNSUBSCRIBES = {
    "postmark": payloads.postmark_change("person0@example.org"),
    "brevo": payloads.brevo("unsubscribed", "person0@example.org"),
    "mailjet": payloads.mailjet("unsub", "person0@example.org"),
}
GONE = {
    "postmark": payloads.postmark_bounce("person0@example.org", details="smtp;550 5.1.1 no such user"),
    "brevo": payloads.brevo("hard_bounce", "person0@example.org", reason="550 5.1.1 no such user"),
    "mailjet": payloads.mailjet("bounce", "person0@example.org", hard_bounce=True, error="user unknown"),
}


@pytest.mark.parametrize("provider", COMPLAINTS)
def test_complaints_unsubscribes_and_bounces_by_the_address(sent: Flask, provider: str) -> None:
    report(sent, provider, GONE[provider])
    assert suppressions("person0@example.org") == [SuppressionReason.BOUNCED]
    assert kinds("person0@example.org") == STAYED
    report(sent, provider, UNSUBSCRIBES[provider])
    assert kinds("person0@example.org") == LEFT
    report(sent, provider, COMPLAINTS[provider])
    assert SuppressionReason.COMPLAINED in suppressions("person0@example.org")
    assert kinds("person0@example.org") == LEFT
    assert kinds("person1@example.org") == STAYED


@pytest.mark.parametrize("provider", ["brevo", "postmark"])
def test_what_names_our_mail_is_counted_with_it(sent: Flask, mailbox: Mailbox, provider: str) -> None:
    message_id = mailbox.latest("person1@example.org").header("Message-ID")
    event = {
        "brevo": payloads.brevo("soft_bounce", "person1@example.org", message_id, "552 5.2.2 mailbox full"),
        "postmark": payloads.postmark_bounce(
            "person1@example.org", "SoftBounce", "5.2.2 full", f"To: x\r\nMessage-ID: {message_id}\r\n"
        ),
    }[provider]
    report(sent, provider, event)
    assert states() == ["sent", "bounced"]
    assert suppressions("person1@example.org") == []


HEADERS = {"postmark": "X-PM-Metadata-message", "brevo": "X-Mailin-custom", "mailjet": "X-MJ-CustomID"}
MATCHED = {
    "postmark": lambda given: {**payloads.postmark_bounce(NOBODY, "SoftBounce"), "Metadata": {"message": given}},
    "brevo": lambda given: {**payloads.brevo("soft_bounce", NOBODY), "X-Mailin-custom": given},
    "mailjet": lambda given: payloads.mailjet("bounce", NOBODY, error="quota exceeded", CustomID=given),
}


@pytest.mark.parametrize("provider", HEADERS)
def test_what_gives_our_id_back_is_counted_with_the_mail(sent: Flask, mailbox: Mailbox, provider: str) -> None:
    mail = mailbox.latest("person1@example.org")
    given = mail.header(HEADERS[provider])
    assert mail.header("Message-ID") == f"<{given}@localhost>"
    report(sent, provider, MATCHED[provider](given))
    assert states() == ["sent", "bounced"]
    report(sent, provider, MATCHED[provider]("0" * 32))
    assert states() == ["sent", "bounced"]


def test_no_provider_gets_our_id_that_does_not_report_to_us(database_url: str, mailbox: Mailbox) -> None:
    with running(database_url, mailbox.port, WEBHOOK_MAILJET_SECRET=SECRET):
        add_people(None, 1)
        start_mailing()
        Worker().work()
    names = {name for name, _ in mailbox.latest("person0@example.org").headers}
    assert names & set(HEADERS.values()) == {"X-MJ-CustomID"}


def test_a_group_of_events_is_handled_one_by_one_and_opens_are_not_kept(sent: Flask) -> None:
    group = [
        payloads.mailjet("open", "person0@example.org"),
        {"event": "unsub"},
        payloads.mailjet("unsub", "person0@example.org"),
        payloads.mailjet("spam", "person1@example.org"),
        payloads.mailjet("bounce", NOBODY, error="user unknown"),
    ]
    assert post(sent, "mailjet", group).status_code == 200
    Worker().work()
    assert [(row.state.value, row.result and row.result.value, row.error) for row in rows()] == [
        ("failed", None, "Malformed"),
        ("handled", "unsubscribed", None),
        ("handled", "complained", None),
        ("handled", "noted", None),
    ]
    assert kinds("person0@example.org") == kinds("person1@example.org") == LEFT


def test_what_comes_again_is_handled_once(sent: Flask, fetched: list[str]) -> None:
    bounce = payloads.ses_bounce("person0@example.org")
    for event in (bounce, dict(reversed(bounce.items()))):
        for version in ("1", "2"):
            assert post(sent, "ses", notification(event, version, MessageId=f"id {version}")).status_code == 200
    assert len(rows()) == 1
    assert fetched == [CERTIFICATE_URL]  # once for all


def test_it_is_kept_encrypted_and_read_with_the_services_key_only(sent: Flask) -> None:
    post(sent, "postmark", payloads.postmark_complaint("person0@example.org"))
    (row,) = rows()
    assert b"person0" not in (row.content or b"")
    assert b"person0@example.org" in keyring().open(row.content or b"", row.public_id)


def test_who_is_erased_is_erased_here_too(sent: Flask, database_url: str) -> None:
    report(sent, "postmark", payloads.postmark_complaint("person0@example.org"))
    report(sent, "postmark", payloads.postmark_complaint("person1@example.org"))
    assert run_command(database_url, "erase", "person0@example.org", "--yes").returncode == 0
    assert [row.content is not None for row in rows()] == [False, True]


def test_the_ledger_tells_who_reported(sent: Flask) -> None:
    report(sent, "brevo", payloads.brevo("spam", "person0@example.org"))
    with sent.app_context():
        last = events_of("person0@example.org")[-1]
    assert last.channel is Channel.PROVIDER


def test_the_answer_is_the_same_whether_or_not_the_address_is_known(sent: Flask, fetched: list[str]) -> None:
    for provider, make in (
        ("postmark", payloads.postmark_complaint),
        ("mailjet", lambda address: payloads.mailjet("spam", address)),
        ("ses", lambda address: notification(payloads.ses_complaint(address))),
    ):
        known, unknown = (post(sent, provider, make(address)) for address in ("person0@example.org", NOBODY))
        assert (known.status_code, known.data, names(known)) == (200, unknown.data, names(unknown))


def names(answer: TestResponse) -> list[str]:
    return [name for name, _ in answer.headers]


@pytest.mark.parametrize("provider", ["postmark", "brevo", "mailjet"])
def test_the_secret_is_wanted(sent: Flask, provider: str) -> None:
    event = COMPLAINTS[provider]
    assert post(sent, provider, event, "wrong").status_code == 401
    assert post(sent, provider, event, "").status_code == 401
    nothing = client(sent).post(f"/webhooks/{provider}", json=event)
    assert (nothing.status_code, nothing.headers["WWW-Authenticate"]) == (401, 'Basic realm="webhooks"')
    for word in ("Basic !!!", "Bearer", "Bearer wrong", "Digest x", f"Basic {SECRET}", "Bearer ü"):
        wrong = client(sent).post(f"/webhooks/{provider}", json=event, headers={"Authorization": word})
        assert wrong.status_code == 401, word
    assert rows() == []
    by_token = client(sent).post(f"/webhooks/{provider}", json=event, headers={"Authorization": f"Bearer {SECRET}"})
    assert by_token.status_code == 200
    assert post(sent, provider, event, f"an-older-{SECRET}").status_code == 200  # until it is dropped
    assert len(rows()) == 1


def test_what_is_no_json_object_is_refused(sent: Flask) -> None:
    headers = {"Authorization": f"Bearer {SECRET}"}
    for body in (b"", b"{", b"\xff", b"1", b'"x"', b"[1]", b"[" * 100_000, b'{"a":' * 100_000):
        for provider in ("brevo", "ses"):
            answer = client(sent).post(f"/webhooks/{provider}", data=body, headers=headers)
            assert answer.status_code == 400, body[:20]
    assert client(sent).post("/webhooks/brevo", data=b" " * (4 * 1024 * 1024 + 1), headers=headers).status_code == 413
    assert client(sent).get("/webhooks/brevo").status_code == 405
    assert rows() == []


def test_without_its_setting_a_webhook_does_not_exist(app: Flask) -> None:
    for provider in ("ses", "postmark", "brevo", "mailjet", "unknown"):
        assert post(app, provider, {}).status_code == 404


def test_a_message_of_sns_that_is_not_amazons_is_refused(
    sent: Flask, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    event = payloads.ses_complaint("person0@example.org")
    genuine = notification(event)
    elsewhere = "https://evil.example/cert.pem"
    for forged in (
        {**genuine, "Message": json.dumps(payloads.ses_complaint("person1@example.org"))},
        {**genuine, "Signature": ""},
        {**genuine, "SigningCertURL": elsewhere},
        notification(event, TopicArn=payloads.TOPIC + "-of-others"),
        event,
    ):
        assert post(sent, "ses", forged).status_code == 401
    assert elsewhere not in fetched
    assert rows() == []
    amazon.certificate.cache_clear()
    monkeypatch.setattr(amazon, "fetch", _nobody)
    assert post(sent, "ses", genuine).status_code == 503  # Amazon tries again
    assert rows() == []


def _nobody(url: str) -> bytes:
    raise NoAnswer("TimeoutError")


def test_a_subscription_is_confirmed_for_our_topic_only(
    sent: Flask, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post(sent, "ses", confirmation()).status_code == 200
    assert fetched == [CERTIFICATE_URL, SUBSCRIBE_URL]
    assert post(sent, "ses", confirmation(TopicArn="arn:aws:sns:eu-central-1:999999999999:other")).status_code == 401
    assert post(sent, "ses", confirmation(SubscribeURL="https://evil.example/?Action=x")).status_code == 400
    assert fetched == [CERTIFICATE_URL, SUBSCRIBE_URL]
    monkeypatch.setattr(amazon, "fetch", _nobody)
    assert post(sent, "ses", confirmation()).status_code == 503
