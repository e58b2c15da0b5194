"""Mailjet: the Event API, one event each (version 1) or grouped (version 2)."""

from collections.abc import Sequence

from consent_service.inbound.rules import ReturnedKind
from consent_service.inbound.webhooks.reports import (
    MAILBOX_DISABLED,
    MAILBOX_FULL,
    NO_SUCH_MAILBOX,
    NOT_NOW,
    Json,
    Reported,
    needed,
    status_or,
    words,
)

_KINDS = {
    "bounce": ReturnedKind.BOUNCE,
    "blocked": ReturnedKind.BOUNCE,
    "spam": ReturnedKind.COMPLAINT,
    "unsub": ReturnedKind.UNSUBSCRIBE,
}
_STATUS = {
    "user unknown": NO_SUCH_MAILBOX,
    "mailbox inactive": MAILBOX_DISABLED,
    "quota exceeded": MAILBOX_FULL,
    "greylisted": NOT_NOW,
    "connection issue": NOT_NOW,
    "system issue": NOT_NOW,
}
_NOT_SENT = frozenset({"duplicate in campaign"})


def read(event: Json) -> Sequence[Reported]:
    """What one event reports."""
    kind, error = _KINDS.get(words(event, "event")), words(event, "error")
    if kind is None or error in _NOT_SENT:
        return ()
    text = " ".join(filter(None, (words(event, "error_related_to"), error, words(event, "comment"))))
    default = NOT_NOW if event.get("hard_bounce") is False else None
    return [
        Reported(
            kind,
            needed(event, "email"),
            status=status_or(_STATUS.get(error, default), text) if kind is ReturnedKind.BOUNCE else None,
            text=text or words(event, "source"),
            ours=words(event, "CustomID"),
        )
    ]
