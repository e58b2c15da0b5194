"""Postmark: the webhooks Bounce, SpamComplaint and SubscriptionChange."""

from collections.abc import Sequence

from consent_service.inbound.rules import ReturnedKind
from consent_service.inbound.webhooks.reports import (
    BAD_ADDRESS,
    NOT_NOW,
    Json,
    Reported,
    needed,
    part,
    status_or,
    words,
)
from consent_service.mailing.rules import PROVIDER_FIELD, BounceKind

_STATUS = {"Transient": NOT_NOW, "SoftBounce": NOT_NOW, "DnsError": NOT_NOW, "BadEmailAddress": BAD_ADDRESS}
_POLICY = frozenset({"SpamNotification", "VirusNotification", "Blocked", "DMARCPolicy"})
_BOUNCES = _POLICY | {*_STATUS, "HardBounce", "Unknown"}


def read(event: Json) -> Sequence[Reported]:
    """What one of the three reports; answering machines and the like are listed as bounces there, not here."""
    match words(event, "RecordType"):
        case "Bounce":
            return _bounce(event)
        case "SpamComplaint":
            return [_about(event, ReturnedKind.COMPLAINT)]
        case "SubscriptionChange" if _has_left(event):
            return [Reported(ReturnedKind.UNSUBSCRIBE, needed(event, "Recipient"), ours=_ours(event))]
    return ()


def _bounce(event: Json) -> Sequence[Reported]:
    kind = words(event, "Type")
    if kind == "SpamComplaint":
        return [_about(event, ReturnedKind.COMPLAINT)]
    if kind == "Unsubscribe":
        return [_about(event, ReturnedKind.UNSUBSCRIBE)]
    if kind not in _BOUNCES:
        return ()
    text = words(event, "Details") or words(event, "Description")
    return [
        Reported(
            ReturnedKind.BOUNCE,
            needed(event, "Email"),
            (words(event, "Content"),),
            classification=BounceKind.POLICY if kind in _POLICY else None,
            status=status_or(_STATUS.get(kind), text),
            text=text,
            ours=_ours(event),
        )
    ]


def _about(event: Json, kind: ReturnedKind) -> Reported:
    return Reported(
        kind, needed(event, "Email"), (words(event, "Content"),), text=words(event, "Details"), ours=_ours(event)
    )


def _ours(event: Json) -> str:
    return words(part(event, "Metadata"), PROVIDER_FIELD)


def _has_left(event: Json) -> bool:
    """By the recipient's own hand; the other suppressions are reported by the other two webhooks, or are staff's."""
    return (
        event.get("SuppressSending") is True
        and words(event, "Origin") == "Recipient"
        and words(event, "SuppressionReason") == "ManualSuppression"
    )
