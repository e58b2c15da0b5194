"""Brevo: transactional and marketing webhooks, one event each or batched."""

from collections.abc import Sequence

from consent_service.inbound.rules import ReturnedKind
from consent_service.inbound.webhooks.reports import (
    BAD_ADDRESS,
    NOT_NOW,
    Json,
    Reported,
    needed,
    status_or,
    words,
)

_KINDS = {
    "hard_bounce": ReturnedKind.BOUNCE,
    "soft_bounce": ReturnedKind.BOUNCE,
    "blocked": ReturnedKind.BOUNCE,
    "invalid_email": ReturnedKind.BOUNCE,
    "error": ReturnedKind.BOUNCE,
    "spam": ReturnedKind.COMPLAINT,
    "complaint": ReturnedKind.COMPLAINT,
    "unsubscribe": ReturnedKind.UNSUBSCRIBE,
    "unsubscribed": ReturnedKind.UNSUBSCRIBE,
}
_STATUS = {"soft_bounce": NOT_NOW, "error": NOT_NOW, "invalid_email": BAD_ADDRESS}


def read(event: Json) -> Sequence[Reported]:
    """What one event reports."""
    name, reason = words(event, "event"), words(event, "reason")
    kind = _KINDS.get(name)
    if kind is None:
        return ()
    return [
        Reported(
            kind,
            needed(event, "email"),
            (words(event, "message-id"),),
            status=status_or(_STATUS.get(name), reason) if kind is ReturnedKind.BOUNCE else None,
            text=reason or name,
            ours=words(event, "X-Mailin-custom"),
        )
    ]
