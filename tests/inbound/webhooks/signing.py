"""Amazon SNS as the tests play it: a certificate, and messages signed by its key."""

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.inbound.webhooks.payloads import TOPIC

CERTIFICATE_URL = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
SUBSCRIBE_URL = f"https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
# The order in which Amazon's documentation lists what is signed.
_SIGNED = ("Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type")


@lru_cache
def key() -> rsa.RSAPrivateKey:
    """The key that signs."""
    return rsa.generate_private_key(65537, 2048)


def certificate(days: int = 30) -> bytes:
    """Its certificate, valid from a day ago for so many days, as PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    begins = datetime.now(UTC) - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key().public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
        .sign(key(), SHA256())
        .public_bytes(Encoding.PEM)
    )


def signed(version: str = "2", **fields: Any) -> dict[str, Any]:
    """A message of SNS with a signature of this version over its fields."""
    message = {
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Timestamp": "2026-05-04T12:31:03.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
        **fields,
    }
    text = "".join(f"{name}\n{message[name]}\n" for name in _SIGNED if name in message)
    signature = key().sign(text.encode(), PKCS1v15(), SHA1() if version == "1" else SHA256())
    return {**message, "Signature": base64.b64encode(signature).decode()}


def notification(event: Any, version: str = "2", **fields: Any) -> dict[str, Any]:
    """A notification that carries an event of SES."""
    unsubscribe = "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe"
    carried = signed(version, Type="Notification", Message=json.dumps(event), **fields)
    return {**carried, "UnsubscribeURL": unsubscribe}


def confirmation(version: str = "2", **fields: Any) -> dict[str, Any]:
    """What asks to confirm a subscription."""
    words = f"You have chosen to subscribe to the topic {TOPIC}."
    return signed(
        version,
        **{"Type": "SubscriptionConfirmation", "Token": "2336412f37", "Message": words, "SubscribeURL": SUBSCRIBE_URL}
        | fields,
    )
