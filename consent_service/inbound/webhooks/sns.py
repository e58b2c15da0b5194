"""Messages of Amazon SNS: whose they are, and whether Amazon signed them (signature versions 1 and 2)."""

import base64
import binascii
import re
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from consent_service.inbound.webhooks.reports import Json, words

NOTIFICATION = "Notification"
CONFIRMATION = "SubscriptionConfirmation"
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_HASHES: dict[str, HashAlgorithm] = {"1": SHA1(), "2": SHA256()}  # noqa: S303 (what Amazon signs by, unless told)
_HOST = re.compile(r"sns\.[a-z0-9-]{3,}\.amazonaws\.com(\.cn)?")


def is_of_sns(url: str) -> bool:
    """Whether an address is one of Amazon SNS itself, by https, so that what stands there is Amazon's."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and _HOST.fullmatch(parts.netloc) is not None


def is_genuine(message: Json, certificate: bytes, now: datetime) -> bool:
    """Whether the key of a certificate (PEM), which must be valid `now`, has signed the message."""
    signed, algorithm = _string_to_sign(message), _HASHES.get(words(message, "SignatureVersion"))
    if signed is None or algorithm is None:
        return False
    try:
        parsed = x509.load_pem_x509_certificate(certificate)
        signature = base64.b64decode(words(message, "Signature"), validate=True)
        key = parsed.public_key()
        if not isinstance(key, RSAPublicKey) or not parsed.not_valid_before_utc <= now <= parsed.not_valid_after_utc:
            return False
        key.verify(signature, signed, PKCS1v15(), algorithm)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _string_to_sign(message: Json) -> bytes | None:
    """Names and values, a line each; a Subject only where there is one."""
    names = _SIGNED.get(words(message, "Type"))
    if names is None:
        return None
    lines = [(name, message.get(name)) for name in names]
    if any(not isinstance(value, str) for name, value in lines if name != "Subject"):
        return None
    try:
        return "".join(f"{name}\n{value}\n" for name, value in lines if value is not None).encode()
    except UnicodeEncodeError:
        return None
