"""Reading a mail that anybody may have sent: never more than so many bytes, levels and parts of it.

The standard library's parser descends by recursion and never gives up; what is nested too deeply is read as
headers only. Whatever is cut off here is still stored.
"""

import codecs
import html
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import nh3

if TYPE_CHECKING:
    Headers = Message[str, str]
else:  # before Python 3.12 it takes no parameters
    Headers = Message

READ_AT_MOST = 256 * 1024
MOST_CONTAINERS = 40
MOST_PARTS = 200
MOST_TAGS = 3000
MOST_COMMENTS = 20  # one in another: the standard library descends by recursion
LONGEST_TEXT = 100_000
LONGEST_HEADER = 10_000
_CONTAINER = re.compile(rb"^content-type:\s*(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
_ENDS_LINE = re.compile(r"<br\b[^>]*>|</(?:p|div|tr|li|h[1-6]|blockquote)>", re.IGNORECASE)
_REACHED = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To")
# Python's own encodings of names and literals; some take the square of the time.
_NO_CHARSETS = frozenset({"punycode", "idna", "unicode_escape", "undefined"})
_RETURNED = ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers")


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who handed it over and to whom (RFC 5321): the null sender is empty, None is not known."""

    sender: str | None
    recipients: tuple[str, ...]


@dataclass(frozen=True)
class Mail:
    """A mail as far as it was read."""

    envelope: Envelope
    message: Headers
    has_only_headers: bool = False

    @classmethod
    def read(cls, envelope: Envelope, data: bytes | memoryview) -> "Mail":
        """From the bytes as they came. Never raises, whatever they are."""
        start = bytes(data[:READ_AT_MOST])
        containers = sum(1 for _ in islice(_CONTAINER.finditer(start), MOST_CONTAINERS + 1))
        if containers <= MOST_CONTAINERS:
            with suppress(TypeError):  # the standard library's, at a boundary given whole and in pieces (RFC 2231)
                return cls(envelope, message_from_bytes(start))
        return cls(envelope, BytesHeaderParser().parsebytes(start), has_only_headers=True)

    @cached_property
    def sender(self) -> str | None:
        """The envelope's sender, else what Return-Path says; the null sender is empty."""
        if self.envelope.sender is not None:
            return self.envelope.sender
        path = self.header("Return-Path")
        return path.strip("<> ") if path else None

    @cached_property
    def recipients(self) -> tuple[str, ...]:
        """Every address that it may have reached us by, those of the envelope first, in lower case."""
        named = [*self.envelope.recipients, *(value for name in _REACHED for value in self.headers(name))]
        shown = [address for name in ("To", "Cc") for _, address in self.addresses(name)]
        return tuple(dict.fromkeys(address.strip("<> ").lower() for address in (*named, *shown) if address))

    @cached_property
    def author(self) -> tuple[str, str]:
        """Name and address of From; empty where there is none."""
        return next(iter(self.addresses("From")), ("", ""))

    @cached_property
    def subject(self) -> str:
        """The decoded subject."""
        return self.header("Subject")

    def header(self, name: str) -> str:
        """The first header of this name, decoded, on one line; empty where there is none."""
        return next(iter(self.headers(name)), "")

    def headers(self, name: str) -> list[str]:
        """All headers of this name, decoded, each on one line."""
        return [_decoded_words(value) for value in self._raw.get(name.lower(), ())]

    @cached_property
    def _raw(self) -> dict[str, list[str]]:
        raw: dict[str, list[str]] = {}
        for name, value in self.message.raw_items():
            raw.setdefault(name.lower(), []).append(str(value))
        return raw

    def addresses(self, name: str) -> list[tuple[str, str]]:
        """Names and addresses of a header: encoded words are a name's alone (RFC 2047 section 5), and decoded last.

        Decoded first, one could hold an address that no mail server on the way has seen and vouched for.
        """
        values = [_on_one_line(value) for value in self._raw.get(name.lower(), ())]
        sane = [value for value in values if value.count("(") <= MOST_COMMENTS]
        return [(_decoded_words(words), address) for words, address in getaddresses(sane) if "@" in address]

    @cached_property
    def parts(self) -> tuple[Headers, ...]:
        """The parts, containers included, in their order; what is inside of an attached mail is not among them."""
        return tuple(islice(_walk(self.message), MOST_PARTS))

    @cached_property
    def returned(self) -> Headers | None:
        """The headers of the mail that is attached, whole or in part, as reports do."""
        for part in self.parts:
            if part.get_content_type() in _RETURNED:
                inner = part.get_payload() if part.is_multipart() else None
                if isinstance(inner, list) and inner and isinstance(inner[0], Message):
                    return inner[0]
                return BytesHeaderParser().parsebytes(content_of(part))
        return None

    @cached_property
    def text(self) -> str:
        """What it says, as plain text: the first part of plain text, else of HTML without its tags."""
        for content_type, readable in (("text/plain", str), ("text/html", _without_tags)):
            for part in self.parts:
                if part.get_content_type() == content_type and part.get_content_disposition() != "attachment":
                    return readable(text_of(part))[:LONGEST_TEXT].replace("\r\n", "\n")
        return ""

    @cached_property
    def attachments(self) -> tuple[str, ...]:
        """The names of the attached files, and the types of those that have none."""
        return tuple(
            _decoded_words(_file_name(part) or part.get_content_type())
            for part in self.parts
            if part.get_content_maintype() != "multipart" and part.get_content_disposition() == "attachment"
        )


def _walk(message: Headers) -> Iterator[Headers]:
    waiting = [message]
    while waiting:
        part = waiting.pop()
        yield part
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            waiting += reversed(part.get_payload())  # type: ignore[arg-type]


def _file_name(part: Headers) -> str | None:
    with suppress(TypeError):  # as above
        return part.get_filename()
    return None


def _charset(part: Headers) -> str:
    with suppress(TypeError):
        return part.get_content_charset("utf-8")
    return "utf-8"


def all_of(headers: Headers, name: str) -> list[str]:
    """All headers of this name, decoded, each on one line."""
    wanted = name.lower()
    return [_decoded_words(str(value)) for key, value in headers.raw_items() if key.lower() == wanted]


def header_of(headers: Headers, name: str) -> str:
    """The first header of this name, decoded, on one line; empty where there is none."""
    wanted = name.lower()
    return next((_decoded_words(str(value)) for key, value in headers.raw_items() if key.lower() == wanted), "")


def content_of(part: Headers) -> bytes:
    """A leaf part's content without its transfer encoding."""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def text_of(part: Headers) -> str:
    """A leaf part's content as text, whatever its charset claims to be."""
    content = content_of(part)[: 4 * LONGEST_TEXT]
    return decoded(content, _charset(part)).replace("\0", "\ufffd")


def _on_one_line(value: str) -> str:
    """A header's value on one line, encoded words as they are."""
    bare = decoded(value[:LONGEST_HEADER].encode("utf-8", "surrogateescape"), "utf-8").replace("\0", "\ufffd")
    return "".join(bare.splitlines()).strip()


def _decoded_words(value: str) -> str:
    """A header's value on one line, encoded words decoded as far as they can be."""
    unfolded = _on_one_line(value)
    if "=?" not in unfolded:
        return unfolded
    try:
        parts = decode_header(unfolded)
    except (HeaderParseError, ValueError):
        return unfolded
    # decode_header turns what stands between encoded words into bytes of this odd encoding.
    words = (
        part if isinstance(part, str) else decoded(part, charset or "raw-unicode-escape") for part, charset in parts
    )
    return " ".join("".join(words).replace("\0", "\ufffd").splitlines())


def decoded(data: bytes, charset: str) -> str:
    """Bytes as text that can be encoded again: the charset is the mail's own word and may be anything."""
    try:
        known = codecs.lookup(charset).name not in _NO_CHARSETS
        text = data.decode(charset if known else "utf-8", "replace")
    except (LookupError, ValueError):
        text = data.decode("utf-8", "replace")
    return text.encode("utf-8", "replace").decode("utf-8")


def _without_tags(text: str) -> str:
    """HTML's words: for reading and for recognition, never to be shown as HTML. Tags take the square of the time."""
    beginning = "<".join(text[: 2 * LONGEST_TEXT].split("<", MOST_TAGS)[:MOST_TAGS])
    broken = _ENDS_LINE.sub(lambda found: f"{found[0]}\n", beginning)
    return html.unescape(nh3.clean(broken, tags=set(), clean_content_tags={"script", "style", "head", "title"})).strip()
