"""A copy of a test mail that came back: signed by us, unaltered, complete, and with its way out."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape

import dkim

from consent_service.deliverability.rules import dmarc, tags
from consent_service.deliverability.rules.findings import Check, Finding, Verdict, finding
from consent_service.deliverability.rules.tags import BrokenRecord
from consent_service.dns_lookup.zone import Kind, NoAnswer, Zone

ONCE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "List-Id")
SIGNED = frozenset({"list-unsubscribe", "list-unsubscribe-post"})  # RFC 8058 section 4
METHODS = ("spf", "dkim", "dmarc")
_RESULT = re.compile(r"(?:^|;)\s*(spf|dkim|dmarc)\s*=\s*(\w+)", re.IGNORECASE)
_ONE_CLICK = re.compile(r"<(https?://[^>\s]+)>")


def verify_copy(raw: bytes, author: str, zone: Zone) -> list[Finding]:
    """What is wrong with a copy as it arrived, one finding each; `author` is the From domain that it must have."""
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    found = [*_signature(raw, message, author, zone), *_judged(message), *_headers(message), *_way_out(message)]
    return found or [finding(Check.COPY, author, Verdict.WELL)]


def _signature(raw: bytes, message: EmailMessage, author: str, zone: Zone) -> Iterator[Finding]:
    """One valid signature of ours is enough, as it is for DMARC; the best one is judged."""
    signatures = [str(value) for value in message.get_all("DKIM-Signature", [])]
    if not signatures:
        yield finding(Check.COPY, author, Verdict.COPY_UNSIGNED)
        return
    valid = [text for place, text in enumerate(signatures) if _is_valid(raw, place, zone)]
    if not valid:
        yield finding(Check.COPY, author, Verdict.COPY_SIGNATURE_FAILS)
        return
    ours = [text for text in valid if _is_ours(text, author, zone)]
    if not ours:
        signers = ", ".join(sorted({_tag(text, "d") for text in valid}))
        yield finding(Check.COPY, author, Verdict.COPY_SIGNED_BY_OTHERS, signers=signers)
    elif not any({name.strip().lower() for name in _tag(text, "h").split(":")} >= SIGNED for text in ours):
        yield finding(Check.COPY, author, Verdict.COPY_WAY_OUT_UNSIGNED)


def _is_valid(raw: bytes, place: int, zone: Zone) -> bool:
    def text_of(name: bytes, timeout: int = 0) -> bytes | None:
        values = zone(name.decode("ascii", "replace").rstrip("."), Kind.TXT).values
        return values[0].encode("ascii", "replace") if values else None

    try:
        return bool(dkim.DKIM(raw, minkey=1024).verify(idx=place, dnsfunc=text_of))
    except (dkim.DKIMException, ValueError):
        return False


def _is_ours(signature: str, author: str, zone: Zone) -> bool:
    try:
        return dmarc.is_aligned(_tag(signature, "d").lower(), author, False, zone)
    except NoAnswer:
        return False


def _tag(signature: str, name: str) -> str:
    try:
        return tags.read("".join(signature.split())).get(name, "")
    except BrokenRecord:
        return ""


def _judged(message: EmailMessage) -> Iterator[Finding]:
    """Only the topmost Authentication-Results is the receiver's own: a sender can write others (RFC 8601 section 5)."""
    results = message.get_all("Authentication-Results", [])
    if not results:
        yield finding(Check.COPY, "Authentication-Results", Verdict.COPY_NOT_JUDGED)
        return
    judged = [(method.lower(), result.lower()) for method, result in _RESULT.findall(str(results[0]))]
    for method in METHODS:
        said = [result for name, result in judged if name == method]
        if said and "pass" not in said:
            yield finding(Check.COPY, "Authentication-Results", Verdict.COPY_JUDGED_BAD, method=method, result=said[0])


def _headers(message: EmailMessage) -> Iterator[Finding]:
    for name in ONCE:
        times = len(message.get_all(name, []))
        if times != 1:
            yield finding(Check.COPY, name, Verdict.COPY_HEADER, name=name, times=str(times))


def _way_out(message: EmailMessage) -> Iterator[Finding]:
    """RFC 8058 section 3.1, and the visible link in both parts."""
    header = str(message.get("List-Unsubscribe", ""))
    link = _ONE_CLICK.search(header)
    is_one_click = str(message.get("List-Unsubscribe-Post", "")).strip() == "List-Unsubscribe=One-Click"
    is_visible = link is not None and all(link[1] in text for text in _texts(message))
    if link is None or "<mailto:" not in header or not is_one_click or not is_visible:
        yield finding(Check.COPY, "List-Unsubscribe", Verdict.COPY_WAY_OUT)


def _texts(message: EmailMessage) -> Iterator[str]:
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        try:
            text = part.get_content() if part is not None else ""
        except (LookupError, ValueError):  # a character set or an encoding that nobody knows
            text = ""
        yield unescape(text) if kind == "html" else text
