"""Zones for rules, and the example of a domain with which all is well."""

import base64
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from consent_service.dns_lookup.zone import Answer, Kind, Zone


def zone(values: Mapping[tuple[str, str], list[str]], failing: tuple[str, ...] = ()) -> Zone:
    """A zone that answers from a table."""

    def answer(name: str, kind: Kind) -> Answer:
        return Answer(failed=True) if name in failing else Answer(tuple(values.get((name.lower(), kind.value), ())))

    return answer


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A fresh key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def key_record(key: rsa.RSAPrivateKey) -> str:
    """The value of its record."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    """The private key as dkimpy takes it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def in_zone_file(text: str) -> str:
    """A TXT value as zone files have it: strings of at most 255 characters."""
    return " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))


KEY = rsa_key()
SENDER = "127.0.0.1"
GOOD: dict[tuple[str, str], list[str]] = {
    ("bounces.beispiel.example", "TXT"): ['"v=spf1 ip4:127.0.0.1 -all"'],
    ("beispiel.example", "TXT"): ['"google-site-verification=1"', '"v=spf1 mx include:spf.relay.example ~all"'],
    ("spf.relay.example", "TXT"): ['"v=spf1 ip4:192.0.2.0/24 -all"'],
    ("s1._domainkey.beispiel.example", "TXT"): [in_zone_file(key_record(KEY))],
    ("_dmarc.beispiel.example", "TXT"): ['"v=DMARC1; p=quarantine; rua=mailto:dmarc@beispiel.example"'],
    ("beispiel.example", "MX"): ["10 mx.beispiel.example."],
    ("bounces.beispiel.example", "MX"): ["10 mx.beispiel.example."],
    ("mx.beispiel.example", "A"): ["192.0.2.25"],
    ("1.0.0.127.in-addr.arpa", "PTR"): ["mail.beispiel.example."],
    ("mail.beispiel.example", "A"): ["127.0.0.1"],
}
