"""The public keys of DKIM in DNS (RFC 6376 section 3.6.1, RFC 8463)."""

import base64
import binascii
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from consent_service.deliverability.rules import tags
from consent_service.deliverability.rules.findings import Check, Finding, Record, Verdict, finding
from consent_service.deliverability.rules.tags import BrokenRecord
from consent_service.dns_lookup.zone import Answer, Kind, Zone

SHORTEST_RSA_BITS = 1024  # RFC 8301 section 3.2
GOOD_RSA_BITS = 2048
ED25519_BYTES = 32


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs our mail; `public` is the record's value, None where only the relay knows it."""

    selector: str
    domain: str
    public: str | None = None

    @property
    def name(self) -> str:
        """Where its record stands."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> Record | None:
        """What to publish, where we know it."""
        return Record(self.name, "TXT", self.public) if self.public else None


def named(name: str, domain: str) -> SigningKey:
    """The key of a selector at a domain, or of a whole name such as `s1._domainkey.example.org`."""
    selector, mark, of = name.partition("._domainkey.")
    return SigningKey(selector, of if mark else domain)


def assess(key: SigningKey, zone: Zone) -> Finding:
    """Whether a receiver can verify with this key."""
    answer = zone(key.name, Kind.TXT)
    verdict = _verdict(key, answer)
    if isinstance(verdict, Finding):
        return verdict
    is_ours_to_mend = verdict not in (Verdict.WELL, Verdict.NO_ANSWER)
    return finding(Check.DKIM, key.name, verdict, key.record if is_ours_to_mend else None, name=key.name)


def _verdict(key: SigningKey, answer: Answer) -> Verdict | Finding:
    if answer.failed:
        return Verdict.NO_ANSWER
    if not answer.values:
        return Verdict.DKIM_MISSING
    if len(answer.values) > 1:
        return Verdict.DKIM_SEVERAL
    try:
        return _judge(key, tags.read(answer.values[0]))
    except BrokenRecord as error:
        return finding(Check.DKIM, key.name, Verdict.DKIM_BROKEN, key.record, part=str(error))


def _judge(key: SigningKey, found: dict[str, str]) -> Verdict | Finding:
    public = _squeezed(found.get("p"))
    if public == "":
        return Verdict.DKIM_REVOKED
    if key.public and public != _squeezed(tags.read(key.public).get("p")):
        return Verdict.DKIM_OTHER_KEY
    bits = _rsa_bits(found, public)
    if bits is not None and bits < GOOD_RSA_BITS:
        verdict = Verdict.DKIM_SHORT if bits >= SHORTEST_RSA_BITS else Verdict.DKIM_TOO_SHORT
        return finding(Check.DKIM, key.name, verdict, key.record, bits=str(bits))
    return Verdict.DKIM_TESTING if "y" in found.get("t", "").split(":") else Verdict.WELL


def _squeezed(value: str | None) -> str | None:
    return None if value is None else "".join(value.split())


def _rsa_bits(found: dict[str, str], public: str | None) -> int | None:
    """How long an RSA key is, None for Ed25519. Raises BrokenRecord for what verifies nothing."""
    if "v" in found and (found["v"] != "DKIM1" or next(iter(found)) != "v"):
        raise BrokenRecord(f"v={found['v']}")
    for name, wanted in (("h", "sha256"), ("s", "email")):
        if name in found and not {wanted, "*"} & {word.strip() for word in found[name].split(":")}:
            raise BrokenRecord(f"{name}={found[name]}")
    try:
        key = base64.b64decode(public or "", validate=True)
        if found.get("k", "rsa") == "ed25519" and len(key) == ED25519_BYTES:
            return None
        rsa = load_der_public_key(key)
    except (binascii.Error, ValueError) as error:
        raise BrokenRecord(f"p={(public or '')[:12]}…") from error
    if found.get("k", "rsa") != "rsa" or not isinstance(rsa, RSAPublicKey):
        raise BrokenRecord(f"k={found.get('k', 'rsa')}")
    return rsa.key_size
