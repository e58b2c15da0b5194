"""Verifying as a receiver does, with dkimpy."""

import base64
import re
from collections.abc import Mapping

import dkim
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from consent_service.database import reading
from consent_service.signing import queries
from consent_service.signing.dkim import Signer
from consent_service.signing.rules import Algorithm, record

DOMAIN = "beispiel.example"
Zone = Mapping[str, str]
"""TXT values by their names."""


def verdicts(data: bytes, zone: Zone) -> list[bool]:
    """What a receiver thinks of each signature, uppermost first."""
    count = len(re.findall(rb"^DKIM-Signature:", data.partition(b"\r\n\r\n")[0], re.MULTILINE | re.IGNORECASE))
    return [_verdict(data, index, zone) for index in range(count)]


def _verdict(data: bytes, index: int, zone: Zone) -> bool:
    def look_up(name: bytes, timeout: float = 5) -> bytes | None:
        value = zone.get(name.decode().rstrip("."))
        return value.encode() if value else None

    try:
        return bool(dkim.DKIM(data).verify(idx=index, dnsfunc=look_up))
    except dkim.DKIMException:
        return False


def published(domain: str = DOMAIN) -> Zone:
    """What the DNS would have, were all of the domain's keys published."""
    with reading() as session:
        return {key.record.name: key.record.value for key in queries.keys(session, domain)}


RSA = Signer(DOMAIN, "r", rsa.generate_private_key(65537, 2048))
ED25519 = Signer(DOMAIN, "e", ed25519.Ed25519PrivateKey.generate())
SIGNERS = {DOMAIN: (RSA, ED25519)}
RECORDS = (
    record(
        DOMAIN,
        "r",
        Algorithm.RSA,
        base64.b64encode(RSA.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode(),
    ),
    record(
        DOMAIN,
        "e",
        Algorithm.ED25519,
        base64.b64encode(ED25519.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode(),
    ),
)
ZONE = {one.name: one.value for one in RECORDS}
