"""Amazon SES: event publishing (`eventType`) and feedback notifications (`notificationType`), both by way of SNS."""

from collections.abc import Sequence
from email.utils import parseaddr

from consent_service.inbound.rules import ReturnedKind
from consent_service.inbound.webhooks.reports import (
    MAILBOX_FULL,
    NOT_NOW,
    Json,
    Malformed,
    Reported,
    needed,
    part,
    parts,
    status_or,
    words,
)
from consent_service.mailing.diagnosis import status_in

_NO_COMPLAINTS = frozenset({"not-spam", "virus", "auth-failure"})


def read(event: Json) -> Sequence[Reported]:
    """A bounce, complaint or subscription event, for each of its recipients."""
    match words(event, "eventType") or words(event, "notificationType"):
        case "Bounce":
            return _bounces(event)
        case "Complaint":
            return _complaints(event)
        case "Subscription":
            return _unsubscribes(event)
    return ()


def _bounces(event: Json) -> Sequence[Reported]:
    bounce, mail = part(event, "bounce"), part(event, "mail")
    default = _status(bounce)
    return [
        Reported(
            ReturnedKind.BOUNCE,
            needed(recipient, "emailAddress"),
            _named(mail),
            _envelope_sender(mail),
            status=status_in(words(recipient, "status")) or status_or(default, words(recipient, "diagnosticCode")),
            text=words(recipient, "diagnosticCode")
            or f"{words(bounce, 'bounceType')} {words(bounce, 'bounceSubType')}",
        )
        for recipient in parts(bounce, "bouncedRecipients")
    ]


def _status(bounce: Json) -> str | None:
    if words(bounce, "bounceSubType") == "MailboxFull":
        return MAILBOX_FULL
    return NOT_NOW if words(bounce, "bounceType") == "Transient" else None


def _complaints(event: Json) -> Sequence[Reported]:
    complaint, mail = part(event, "complaint"), part(event, "mail")
    if words(complaint, "complaintFeedbackType") in _NO_COMPLAINTS:
        return ()
    return [
        Reported(
            ReturnedKind.COMPLAINT,
            needed(recipient, "emailAddress"),
            _named(mail),
            _envelope_sender(mail),
            text=words(complaint, "complaintFeedbackType"),
        )
        for recipient in parts(complaint, "complainedRecipients")
    ]


def _unsubscribes(event: Json) -> Sequence[Reported]:
    """By SES's own list management: who left all of it, or a topic. Raises Malformed where nobody is named."""
    mail, now = part(event, "mail"), part(part(event, "subscription"), "newTopicPreferences")
    left = now.get("unsubscribeAll") is True or any(
        words(topic, "subscriptionStatus") == "OptOut" for topic in parts(now, "topicSubscriptionStatus")
    )
    if not left:
        return ()
    recipients = mail.get("destination")
    addresses = [one for one in recipients if isinstance(one, str) and one] if isinstance(recipients, list) else []
    if not addresses:
        raise Malformed("destination")
    return [Reported(ReturnedKind.UNSUBSCRIBE, address, _named(mail), _envelope_sender(mail)) for address in addresses]


def _named(mail: Json) -> tuple[str, ...]:
    """The Message-ID that we gave: SES puts its own into the mail, and ours is in the original headers."""
    headers = (words(one, "value") for one in parts(mail, "headers") if words(one, "name").lower() == "message-id")
    return (*headers, words(part(mail, "commonHeaders"), "messageId"))


def _envelope_sender(mail: Json) -> str:
    return parseaddr(words(mail, "source"))[1]
