"""Identifiers of a message that travel with it: Message-ID, and the signed envelope sender."""

import base64
import hashlib
import hmac
import re

from consent_service.domain.identifiers import PublicId
from consent_service.extensions import settings

_SIGNATURE_BYTES = 10
_PREFIX = "b-"
_MESSAGE_ID = re.compile(r"<([0-9a-f]{32})@[^<>\s]+>")


def message_id(public_id: PublicId) -> str:
    """The Message-ID of an outbox row: the same however often it is handed over."""
    return f"<{public_id}@{settings().host}>"


def envelope_sender(public_id: PublicId) -> str:
    """Where bounces of this message go: its id and a signature, lower-case base32 within 64 octets (RFC 5321)."""
    raw = bytes.fromhex(public_id)
    signed = raw + _signature(raw, settings().secret_keys[-1])
    local = base64.b32encode(signed).decode("ascii").rstrip("=").lower()
    return f"{_PREFIX}{local}@{settings().bounce_domain}"


def message_of_envelope_sender(address: str) -> PublicId | None:
    """The message that a bounce came back for; None where the address is not one that this service signed."""
    local = address.partition("@")[0].lower().removeprefix(_PREFIX).upper()
    try:
        signed = base64.b32decode(local + "=" * (-len(local) % 8))
    except ValueError:
        return None
    raw, signature = signed[:16], signed[16:]
    if any(hmac.compare_digest(signature, _signature(raw, key)) for key in settings().secret_keys):
        return PublicId(raw.hex())
    return None


def message_of_message_id(text: str) -> PublicId | None:
    """The message that the first Message-ID of our form in a header's text names; it may not be in our outbox."""
    found = _MESSAGE_ID.search(text)
    return PublicId(found[1]) if found else None


def _signature(raw: bytes, key: str) -> bytes:
    return hmac.digest(key.encode(), b"envelope sender" + raw, hashlib.sha256)[:_SIGNATURE_BYTES]
