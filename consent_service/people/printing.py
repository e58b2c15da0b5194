"""The proof made ready for a page: moments in place of text, and the confirmation mail as its reader saw it."""

import base64
from collections.abc import Mapping
from datetime import datetime
from email import message_from_bytes, policy
from typing import Any

from consent_service.people.proof import Proof

_MOMENTS = frozenset(
    {
        "at",
        "requested_at",
        "valid_from",
        "since",
        "registered_at",
        "made_at",
        "known_since",
        "erased_at",
        "handed_over_at",
    }
)


def printable(proof: Proof) -> Proof:
    """The same proof with aware datetimes, and with `text` and `subject` in place of a mail's bytes."""
    shown: Proof = _readable(proof)
    return shown


def _readable(value: Any) -> Any:
    if isinstance(value, list):
        return [_readable(item) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {name: _moment(inner) if name in _MOMENTS else _readable(inner) for name, inner in value.items()}
    return {**shown, **_mail(value)}


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def _mail(value: Mapping[str, Any]) -> dict[str, str]:
    """What a mail said, where this is one with its bytes."""
    if "bytes_base64" not in value:
        return {}
    mail = message_from_bytes(base64.b64decode(value["bytes_base64"]), policy=policy.default)
    body = mail.get_body(("plain",))
    return {"subject": str(mail["Subject"]), "to": str(mail["To"]), "text": body.get_content() if body else ""}
