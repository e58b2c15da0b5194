"""E-mail addresses in their one comparable form.

The form is frozen: suppression digests are made from it and must match for ever. A change is a new
version beside the old one, never an edit.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NewType

import idna
from email_validator import EmailNotValidError, validate_email

from consent_service.domain.errors import InvalidAddress

NormalisedAddress = NewType("NormalisedAddress", str)
NORMALISATION_VERSION = 1
LONGEST_ADDRESS = 254
LONGEST_LOCAL_PART = 64
_SPECIALS = frozenset('()<>[]:;@\\,"')

_PLAIN = re.compile(
    r"[a-z0-9_+-]+(\.[a-z0-9_+-]+)*@(?!.*xn--)(?P<domain>[a-z0-9.-]+)",
    re.ASCII | re.IGNORECASE,
)


def deliverable(address: str) -> NormalisedAddress:
    """The comparable form of an address that mail can be sent to. Raises InvalidAddress.

    email-validator decides. What it takes long over is the domain, and most people are with a few providers: of an
    address that is plain up to there, and not too long, it can refuse nothing else.
    """
    normalised = normalise(address)
    plain = _PLAIN.fullmatch(address)
    if plain is None:
        _validate(address)
    else:
        _validate_domain(plain["domain"])
    return normalised


def _validate(address: str) -> None:
    try:
        validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise InvalidAddress("mail cannot be sent to this address") from error


@lru_cache(maxsize=1000)
def _validate_domain(domain: str) -> None:
    _validate(f"a@{domain}")


def normalise(address: str) -> NormalisedAddress:
    """Version 1 of the comparable form: NFC, trimmed, case folded, domain in IDNA's ASCII form.

    Plus-tags and dots are kept: who owns which spelling is the receiving provider's business.
    Raises InvalidAddress for what cannot be an address (RFC 5321 section 4.5.3.1 lengths included).
    """
    text = unicodedata.normalize("NFC", address).strip()
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain or " " in text or not text.isprintable():
        raise InvalidAddress("this is no e-mail address: it is not of the form local@domain")
    if not _SPECIALS.isdisjoint(local):
        raise InvalidAddress("the local part has a character that stands only in quotes (RFC 5322 section 3.2.3)")
    ascii_domain = _ascii_domain(domain.casefold())
    folded = unicodedata.normalize("NFC", local.casefold())
    if len(folded.encode()) > LONGEST_LOCAL_PART or len(folded.encode()) + 1 + len(ascii_domain) > LONGEST_ADDRESS:
        raise InvalidAddress("too long")
    return NormalisedAddress(f"{folded}@{ascii_domain}")


def recipient_domain(text: str) -> str:
    """The comparable form of a domain that mail can be sent to. Raises InvalidAddress."""
    return deliverable(f"a@{text}").rpartition("@")[2]


@lru_cache(maxsize=1000)
def _ascii_domain(domain: str) -> str:
    try:
        found = idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise InvalidAddress("the domain is not valid") from error
    if found.endswith("."):
        raise InvalidAddress("the domain ends with a dot")
    return found


def mailbox(address: str, normalised: NormalisedAddress) -> str:
    """The address as mail goes there: the local part as written, the domain in IDNA's ASCII form."""
    local = unicodedata.normalize("NFC", address).strip().rpartition("@")[0]
    return f"{local}@{normalised.rpartition('@')[2]}"
