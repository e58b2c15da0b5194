"""Identifiers of a message that travel with it: Message-ID, and the signed envelope sender."""

import hmac
import re
from functools import lru_cache

from consent_service.domain.identifiers import PublicId
from consent_service.extensions import settings

_SIGNATURE_DIGITS = 20  # of sixteen values each: 80 bits
_PREFIX = "b-"
_ENVELOPE_SENDER = re.compile(rf"{_PREFIX}([0-9a-f]{{32}})([0-9a-f]{{{_SIGNATURE_DIGITS}}})")
_MESSAGE_ID = re.compile(r"<([0-9a-f]{32})@[^<>\s]+>")


def message_id(public_id: PublicId) -> str:
    """The Message-ID of an outbox row: the same however often it is handed over."""
    return f"<{public_id}@{settings().host}>"


def envelope_sender(public_id: PublicId) -> str:
    """Where bounces of this message go: its id and a signature, in lower case within 64 octets (RFC 5321 4.5.3.1.1)."""
    return f"{_PREFIX}{public_id}{_signature(public_id, settings().secret_keys[-1])}@{settings().bounce_domain}"


def message_of_envelope_sender(address: str) -> PublicId | None:
    """The message that a bounce came back for; None where the address is not one that this service signed."""
    found = _ENVELOPE_SENDER.fullmatch(address.partition("@")[0].lower())
    if found is None:
        return None
    public_id, signature = PublicId(found[1]), found[2]
    if any(hmac.compare_digest(signature, _signature(public_id, key)) for key in settings().secret_keys):
        return public_id
    return None


def message_of_message_id(text: str) -> PublicId | None:
    """The message that the first Message-ID of our form in a header's text names; it may not be in our outbox."""
    found = _MESSAGE_ID.search(text)
    return PublicId(found[1]) if found else None


def _signature(public_id: PublicId, key: str) -> str:
    signature = _begun(key).copy()
    signature.update(public_id.encode())
    return signature.hexdigest()[:_SIGNATURE_DIGITS]


@lru_cache
def _begun(key: str) -> hmac.HMAC:
    """A signature that has taken in the key, to be copied: OpenSSL takes longer to begin one than for all the rest."""
    return hmac.new(key.encode(), b"envelope sender", "sha256")
