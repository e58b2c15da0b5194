"""Building mail: a single one whole; a mailing's MIME once per language, with slots that are filled per person.

A slot stands alone between soft line breaks of quoted-printable (RFC 2045 section 6.7), so whatever is put
in cannot change what stands around it. In a stored template a slot is its name between two NUL bytes,
which seven-bit MIME never contains.
"""

import binascii
import html
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum

_POLICY = policy.SMTP.clone(cte_type="7bit", max_line_length=78)
_LONGEST_DISPLAY_NAME = 100


class Slot(StrEnum):
    """What differs from person to person; people write `{{name}}` and `{{greeting}}` in a campaign."""

    NAME = "name"
    GREETING = "greeting"
    UNSUBSCRIBE = "unsubscribe"
    SETTINGS = "settings"


def placeholder(slot: Slot) -> str:
    """How a slot is written in a text."""
    return "{{" + slot.value + "}}"


_PLACEHOLDERS = re.compile("|".join(re.escape(placeholder(slot)) for slot in Slot))


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a mail is from, as it stands in From."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Text:
    """What a mail says: subject, and the same words as plain text and as HTML."""

    subject: str
    plain: str
    html: str


@dataclass(frozen=True, slots=True)
class WayOut:
    """How one person leaves one purpose: List-Unsubscribe with an http(s) URI and a mailto (RFC 2369, RFC 8058)."""

    one_click_url: str
    mailto: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"https?://[!-~]+", self.one_click_url) or not re.fullmatch(r"mailto:[!-~]+", self.mailto):
            raise ValueError("a way out needs a one-click address and a mailto")


@dataclass(frozen=True, slots=True)
class Person:
    """What a mailing's template is filled with for one recipient. It cannot be built without the way out (I4)."""

    address: str
    name: str | None
    greeting: str
    settings_url: str
    way_out: WayOut
    message_id: str


@dataclass(frozen=True, slots=True)
class MailingText:
    """A mailing in one language; its texts may hold placeholders, and show the slots for leaving."""

    sender: Sender
    list_title: str
    list_identifier: str
    text: Text

    def __post_init__(self) -> None:
        for words in (self.text.plain, self.text.html):
            if placeholder(Slot.UNSUBSCRIBE) not in words:
                raise ValueError("a mailing shows a visible way out in its text and in its HTML (design I4)")


def single(sender: Sender, recipient: str, text: Text, message_id: str, at: datetime) -> bytes:
    """A whole mail to one address, not customer information: a confirmation, a welcome, a settings link.

    `at` is aware. The recipient's name is not in it: nothing that a visitor typed is (design I2).
    """
    message = _message(sender, text)
    message["Subject"] = text.subject
    message["To"] = recipient
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    return message.as_bytes(policy=_POLICY)


def template(mailing: MailingText) -> bytes:
    """The MIME of a mailing in one language, with slots; everything but To, Subject, Date and what is personal."""
    mark = f"SLOT{secrets.token_hex(8)}"
    words = Text("", _marked(mailing.text.plain, mark), _marked(mailing.text.html, mark))
    message = _message(mailing.sender, words)
    message["List-Id"] = f"{_list_title(mailing.list_title)} <{mailing.list_identifier}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Precedence"] = "bulk"
    alone = re.compile(rb"\r\n" + mark.encode() + rb"([PH])([a-z]+)\r\n")
    return alone.sub(rb"=\r\n\0\1\2\0=\r\n", message.as_bytes(policy=_POLICY))


@dataclass(frozen=True, slots=True)
class Template:
    """A stored template, taken apart once for many fillings."""

    subject: str
    literals: tuple[bytes, ...]
    slots: tuple[tuple[Slot, bool], ...]  # the slot, and whether it stands in HTML

    @classmethod
    def parse(cls, subject: str, mime: bytes) -> "Template":
        """From the subject with its placeholders, and what `template` returned."""
        pieces = mime.split(b"\0")
        slots = tuple((Slot(piece[1:].decode()), piece[:1] == b"H") for piece in pieces[1::2])
        return cls(subject, tuple(pieces[::2]), slots)

    def fill(self, person: Person, at: datetime) -> bytes:
        """The whole mail to one person; `at` is aware."""
        values = _values(person)
        parts = [self._headers(person, values, at), self.literals[0]]
        for (slot, in_html), literal in zip(self.slots, self.literals[1:], strict=True):
            value = values[slot]
            parts.append(_quoted(html.escape(value) if in_html else value))
            parts.append(literal)
        return b"".join(parts)

    def _headers(self, person: Person, values: dict[Slot, str], at: datetime) -> bytes:
        subject = fill_text(self.subject, lambda slot: values[slot])
        to = Address(display_name=(person.name or "")[:_LONGEST_DISPLAY_NAME], addr_spec=person.address)
        # Folding would encode the long URL as words (RFC 2047), which no provider would read as a URL.
        way_out = (
            f"List-Unsubscribe: <{person.way_out.one_click_url}>,\r\n <{person.way_out.mailto}>\r\n"
            f"Message-ID: {person.message_id}\r\nDate: {format_datetime(at)}\r\n"
        )
        return (_folded("To", str(to)) + _folded("Subject", subject) + way_out).encode("ascii")


def fill_text(text: str, value: Callable[[Slot], str]) -> str:
    """The text with each placeholder replaced."""
    return _PLACEHOLDERS.sub(lambda found: value(Slot(found[0][2:-2])), text)


def has_way_out(data: bytes) -> bool:
    """Whether a mail carries the headers of a one-click unsubscribe (RFC 8058 section 3.1)."""
    headers = b"\r\n" + data.partition(b"\r\n\r\n")[0]
    return (
        b"\r\nList-Unsubscribe: <http" in headers
        and b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click" in headers
    )


def _values(person: Person) -> dict[Slot, str]:
    return {
        Slot.NAME: person.name or "",
        Slot.GREETING: person.greeting,
        Slot.UNSUBSCRIBE: person.way_out.one_click_url,
        Slot.SETTINGS: person.settings_url,
    }


def _message(sender: Sender, text: Text) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(display_name=sender.name, addr_spec=sender.address)
    message.set_content(text.plain, cte="quoted-printable")
    message.add_alternative(text.html, subtype="html", cte="quoted-printable")
    return message


def _marked(text: str, mark: str) -> str:
    kind = "H" if text.lstrip().startswith("<") else "P"
    return fill_text(text, lambda slot: f"\n{mark}{kind}{slot.value}\n")


def _quoted(value: str) -> bytes:
    return binascii.b2a_qp(value.encode(), quotetabs=True, istext=False).replace(b"\n", b"\r\n")


def _folded(name: str, value: str) -> str:
    return str(_POLICY.header_factory(name, value).fold(policy=_POLICY))


def _list_title(title: str) -> str:
    return '"' + title.replace("\\", "").replace('"', "") + '"'
