"""What a signing key is called, what the DNS says of it, and what may become of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

LONGEST_STRING = 255
PUBLISHED_AFTER_LAST_SIGNATURE = timedelta(days=7)
"""How long verifiers may still look for a key after its last signature: servers try for some five days."""


class Algorithm(StrEnum):
    """What a key signs by (RFC 6376 section 3.3, RFC 8463); the value is that of the tag `k`."""

    RSA = "rsa"
    ED25519 = "ed25519"


class KeyState(StrEnum):
    """The life of a key, in its order. From prepared to replaced its record stands in the DNS."""

    PREPARED = "prepared"
    SIGNING = "signing"
    REPLACED = "replaced"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Record:
    """The TXT record that publishes a key (RFC 6376 section 3.6)."""

    name: str
    value: str

    @property
    def strings(self) -> tuple[str, ...]:
        """The value in pieces that fit into the DNS (RFC 1035 section 3.3); readers join them without a space."""
        return tuple(self.value[at : at + LONGEST_STRING] for at in range(0, len(self.value), LONGEST_STRING))

    @property
    def zone_line(self) -> str:
        """The record as it stands in a zone file."""
        quoted = " ".join(f'"{string}"' for string in self.strings)
        return f"{self.name}. IN TXT {f'( {quoted} )' if len(self.strings) > 1 else quoted}"


def record(domain: str, selector: str, algorithm: Algorithm, public_key: str) -> Record:
    """The record of a key; `public_key` is in base64, as RFC 6376 section 3.6.1 and RFC 8463 section 4.2 want it."""
    return Record(f"{selector}._domainkey.{domain}", f"v=DKIM1; k={algorithm.value}; p={public_key}")


def selector(algorithm: Algorithm, day: date, taken: Collection[str]) -> str:
    """A name for a new key, never one that was taken before: resolvers remember what they read."""
    first = f"{algorithm.value}-{day:%Y%m%d}"
    names = [first, *(f"{first}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def problem(wanted: Record, found: Sequence[str]) -> str | None:
    """What is wrong with the TXT values that the DNS has under a record's name; None where all is well."""
    if not found:
        return "there is no TXT record"
    if len(found) > 1:
        return f"there are {len(found)} TXT records where one should be"
    if _tags(found[0]) != _tags(wanted.value):
        return f"the TXT record is another: {found[0]}"
    return None


def _tags(value: str) -> dict[str, str]:
    """The tags of a record; spaces count nowhere, notes and flags (n, s, t, h) are the publisher's own."""
    pairs = (part.partition("=") for part in "".join(value.split()).split(";"))
    tags = {name: content for name, _, content in pairs}
    return {"v": "DKIM1", "k": "rsa"} | {name: content for name, content in tags.items() if name in ("v", "k", "p")}
