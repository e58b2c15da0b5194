"""Each provider's events in our terms; and whatever else is posted breaks nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent_service.inbound.rules import ReturnedKind
from consent_service.inbound.webhooks.providers import READERS
from consent_service.inbound.webhooks.reports import Malformed, Reported
from consent_service.mailing.diagnosis import classify
from consent_service.mailing.rules import BounceKind
from tests.inbound.webhooks import payloads

ANNA = "anna@example.org"
FULL_WORDS = "552 5.2.2 mailbox full"


def transient(subtype: str) -> payloads.Json:
    """A bounce of SES without a status, as its documentation shows where no report was sent."""
    event = payloads.ses_bounce(ANNA)
    recipients = [{"emailAddress": ANNA}]
    event["bounce"] |= {"bounceType": "Transient", "bounceSubType": subtype, "bouncedRecipients": recipients}
    return event


BOUNCES = {
    "ses, gone": ("ses", payloads.ses_bounce(ANNA), "5.1.1", BounceKind.GONE),
    "ses, as a notification": (
        "ses",
        payloads.ses_bounce(ANNA, event_key="notificationType"),
        "5.1.1",
        BounceKind.GONE,
    ),
    "ses, policy": ("ses", payloads.ses_bounce(ANNA, "5.7.1"), "5.7.1", BounceKind.POLICY),
    "ses, full": ("ses", transient("MailboxFull"), "5.2.2", BounceKind.FULL),
    "ses, temporary": ("ses", transient("General"), "4.0.0", BounceKind.TEMPORARY),
    "postmark, gone": (
        "postmark",
        payloads.postmark_bounce(ANNA, details="smtp;550 5.1.1 The account that you tried to reach does not exist."),
        "5.1.1",
        BounceKind.GONE,
    ),
    "postmark, soft": ("postmark", payloads.postmark_bounce(ANNA, "SoftBounce", FULL_WORDS), "5.2.2", BounceKind.FULL),
    "postmark, transient": (
        "postmark",
        payloads.postmark_bounce(ANNA, "Transient", "?"),
        "4.0.0",
        BounceKind.TEMPORARY,
    ),
    "postmark, no address": (
        "postmark",
        payloads.postmark_bounce(ANNA, "BadEmailAddress", "?"),
        "5.1.3",
        BounceKind.GONE,
    ),
    "postmark, policy": ("postmark", payloads.postmark_bounce(ANNA, "DMARCPolicy", "?"), None, BounceKind.POLICY),
    "brevo, hard": (
        "brevo",
        payloads.brevo("hard_bounce", ANNA, reason="550 5.1.1 The email account does not exist"),
        "5.1.1",
        BounceKind.GONE,
    ),
    "brevo, soft": (
        "brevo",
        payloads.brevo("soft_bounce", ANNA, reason="server is down"),
        "4.0.0",
        BounceKind.TEMPORARY,
    ),
    "brevo, invalid": ("brevo", payloads.brevo("invalid_email", ANNA), "5.1.3", BounceKind.GONE),
    "brevo, blocked": (
        "brevo",
        payloads.brevo("blocked", ANNA, reason="blocked : due to blacklist user"),
        None,
        BounceKind.POLICY,
    ),
    "mailjet, gone": (
        "mailjet",
        payloads.mailjet(
            "bounce", ANNA, blocked=True, hard_bounce=True, error_related_to="recipient", error="user unknown"
        ),
        "5.1.1",
        BounceKind.GONE,
    ),
    "mailjet, full": (
        "mailjet",
        payloads.mailjet(
            "bounce", ANNA, blocked=False, hard_bounce=False, error_related_to="recipient", error="quota exceeded"
        ),
        "5.2.2",
        BounceKind.FULL,
    ),
    "mailjet, soft": (
        "mailjet",
        payloads.mailjet("bounce", ANNA, blocked=False, hard_bounce=False, error_related_to="domain", error="typofix"),
        "4.0.0",
        BounceKind.TEMPORARY,
    ),
    "mailjet, policy": (
        "mailjet",
        payloads.mailjet("blocked", ANNA, error_related_to="content", error="content blocked"),
        None,
        BounceKind.POLICY,
    ),
}


@pytest.mark.parametrize(("provider", "event", "status", "kind"), BOUNCES.values(), ids=BOUNCES)
def test_a_bounce(provider: str, event: payloads.Json, status: str | None, kind: BounceKind) -> None:
    (reported,) = READERS[provider](event)
    assert (reported.kind, reported.address, reported.status) == (ReturnedKind.BOUNCE, ANNA, status)
    assert (reported.classification or classify(reported.status, reported.text)) is kind


WISHES = {
    "ses, complaint": ("ses", payloads.ses_complaint(ANNA), ReturnedKind.COMPLAINT),
    "ses, complaint of no type": ("ses", payloads.ses_complaint(ANNA, None), ReturnedKind.COMPLAINT),
    "ses, left all": ("ses", payloads.ses_subscription(ANNA, True, "OptIn"), ReturnedKind.UNSUBSCRIBE),
    "ses, left a topic": ("ses", payloads.ses_subscription(ANNA, False, "OptOut"), ReturnedKind.UNSUBSCRIBE),
    "postmark, complaint": ("postmark", payloads.postmark_complaint(ANNA), ReturnedKind.COMPLAINT),
    "postmark, complaint as a bounce": (
        "postmark",
        payloads.postmark_bounce(ANNA, "SpamComplaint"),
        ReturnedKind.COMPLAINT,
    ),
    "postmark, unsubscribe": ("postmark", payloads.postmark_change(ANNA), ReturnedKind.UNSUBSCRIBE),
    "postmark, by mail": ("postmark", payloads.postmark_bounce(ANNA, "Unsubscribe"), ReturnedKind.UNSUBSCRIBE),
    "brevo, complaint": ("brevo", payloads.brevo("spam", ANNA), ReturnedKind.COMPLAINT),
    "brevo, unsubscribe": ("brevo", payloads.brevo("unsubscribed", ANNA), ReturnedKind.UNSUBSCRIBE),
    "mailjet, complaint": ("mailjet", payloads.mailjet("spam", ANNA, source="JMRPP"), ReturnedKind.COMPLAINT),
    "mailjet, unsubscribe": ("mailjet", payloads.mailjet("unsub", ANNA, mj_list_id=1), ReturnedKind.UNSUBSCRIBE),
}


@pytest.mark.parametrize(("provider", "event", "kind"), WISHES.values(), ids=WISHES)
def test_a_wish(provider: str, event: payloads.Json, kind: ReturnedKind) -> None:
    (reported,) = READERS[provider](event)
    assert (reported.kind, reported.address, reported.status) == (kind, ANNA, None)


NOTHING = {
    "ses, delivery": ("ses", {"eventType": "Delivery", "mail": payloads.ses_mail(ANNA)}),
    "ses, open": ("ses", {"eventType": "Open", "mail": payloads.ses_mail(ANNA), "open": {}}),
    "ses, not spam": ("ses", payloads.ses_complaint(ANNA, "not-spam")),
    "ses, subscribed": ("ses", payloads.ses_subscription(ANNA, False, "OptIn")),
    "ses, words": ("ses", {}),
    "postmark, open": ("postmark", {"RecordType": "Open", "Recipient": ANNA}),
    "postmark, vacation": ("postmark", payloads.postmark_bounce(ANNA, "AutoResponder")),
    "postmark, came back": ("postmark", payloads.postmark_change(ANNA, SuppressSending=False, SuppressionReason=None)),
    "postmark, suppressed for a bounce": ("postmark", payloads.postmark_change(ANNA, SuppressionReason="HardBounce")),
    "postmark, by staff": ("postmark", payloads.postmark_change(ANNA, Origin="Admin")),
    "brevo, click": ("brevo", payloads.brevo("click", ANNA)),
    "brevo, deferred": ("brevo", payloads.brevo("deferred", ANNA, reason="try again")),
    "mailjet, open": ("mailjet", payloads.mailjet("open", ANNA)),
    "mailjet, not sent twice": ("mailjet", payloads.mailjet("blocked", ANNA, error="duplicate in campaign")),
}


@pytest.mark.parametrize(("provider", "event"), NOTHING.values(), ids=NOTHING)
def test_what_is_of_no_interest(provider: str, event: payloads.Json) -> None:
    assert list(READERS[provider](event)) == []


def test_every_recipient_of_a_bounce_counts() -> None:
    event = payloads.ses_bounce(ANNA)
    event["bounce"]["bouncedRecipients"].append({"emailAddress": "bert@example.org", "status": "5.2.1"})
    found = [(reported.address, reported.status) for reported in READERS["ses"](event)]
    assert found == [(ANNA, "5.1.1"), ("bert@example.org", "5.2.1")]


@pytest.mark.parametrize("destination", [None, [], "anna", [""], [1]])
def test_who_left_by_the_list_of_ses_must_be_named(destination: object) -> None:
    event = payloads.ses_subscription(ANNA, unsubscribe_all=True, status="OptIn")
    event["mail"]["destination"] = destination
    with pytest.raises(Malformed, match="destination"):
        READERS["ses"](event)


values = st.sampled_from(
    [None, True, 1, 1.5, "", "x", "Bounce", [], [1], ["x"], [{}], {}, {"x": "y"}, [{"emailAddress": 1}]]
)
events = st.sampled_from([*(one[:2] for one in BOUNCES.values()), *(one[:2] for one in WISHES.values())])


def spoiled(value: Any, draw: Callable[[Any], Any]) -> Any:
    """A value in which here and there something else stands than the provider says."""
    if draw(st.integers(0, 4)) == 0:
        return draw(values)
    if isinstance(value, dict):
        return {name: spoiled(inner, draw) for name, inner in value.items()}
    return [spoiled(inner, draw) for inner in value] if isinstance(value, list) else value


@given(events, st.data())
@settings(max_examples=300, deadline=None)
def test_any_change_of_an_event_is_read_or_named(event: tuple[str, payloads.Json], data: st.DataObject) -> None:
    provider, whole = event
    changed = {name: spoiled(value, data.draw) for name, value in whole.items()}
    try:
        found = READERS[provider](changed)
    except Malformed:
        return
    for reported in found:
        assert isinstance(reported, Reported)
        assert reported.address
        assert reported.status is None or len(reported.status) <= 16
