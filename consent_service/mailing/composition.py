"""Building mail: a single one whole; a mailing's MIME once per language, with slots that are filled per person.

A slot stands alone between soft line breaks of quoted-printable (RFC 2045 section 6.7), so whatever is put
in cannot change what stands around it. In a stored template a slot is its name between two NUL bytes,
which seven-bit MIME never contains. What is put in is never looked at again for slots.

Headers that hold a person's words are written here, by the rules of RFC 2047: the standard library takes
`=?utf-8?q?x?=` in a name for something already encoded, and is too slow for bulk.
"""

import html
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum
from functools import lru_cache

from consent_service.domain.names import tidy

LONGEST_QUOTED_LINE = 76  # RFC 2045 section 6.7 (5), the "=" of a soft line break included
_LONGEST_PIECE = LONGEST_QUOTED_LINE - 3  # room for the "=" before a slot, and for a first dot's escape
_POLICY = policy.SMTP.clone(cte_type="7bit", max_line_length=_LONGEST_PIECE)
_FIRST_DOT = (b"\r\n.", b"\r\n=2E")  # then no mail has to be copied to double its dots (RFC 5321 section 4.5.2)


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


_WEB_ADDRESS, _MAILTO = re.compile(r"https?://[!-~]+"), re.compile(r"mailto:[!-~]+")


@dataclass(frozen=True, slots=True)
class WayOut:
    """How one person leaves one purpose: List-Unsubscribe with an http(s) URI and a mailto (RFC 2369, RFC 8058)."""

    one_click_url: str
    mailto: str

    def __post_init__(self) -> None:
        if not (_WEB_ADDRESS.fullmatch(self.one_click_url) and _MAILTO.fullmatch(self.mailto)):
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
    feedback_id: str
    text: Text
    complaints_to: str | None = None  # where mailbox providers may report complaints (RFC 9477)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w-]+(:[\w-]+){1,3}", self.feedback_id, re.ASCII):
            raise ValueError("a Feedback-ID has two to four plain words between colons")
        for words in (self.text.plain, self.text.html):
            if placeholder(Slot.UNSUBSCRIBE) not in words:
                raise ValueError("a mailing shows a visible way out in its text and in its HTML (design I4)")


def feedback_id(campaign: str, purpose: str, sender: Sender) -> str:
    """What a provider's complaint statistics count by: campaign, purpose and sender; it names no person.

    The big providers take up to four fields between colons, of which the last names the sender in 5 to 15 characters.
    """
    domain = sender.address.rpartition("@")[2].lower()
    return f"{campaign}:{_plain_word(purpose)}:{_plain_word(domain)[:15]:-<5}"


def _plain_word(text: str) -> str:
    return re.sub(r"[^\w-]", "-", text, flags=re.ASCII)


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """A calendar object that goes with a mail (RFC 6047): its iTIP method, and its bytes in UTF-8."""

    file_name: str
    method: str
    data: bytes


def single(
    sender: Sender,
    recipient: str,
    text: Text,
    message_id: str,
    at: datetime,
    calendars: Sequence[CalendarPart] = (),
) -> bytes:
    """A whole mail to one address, not customer information: a confirmation, a welcome, a settings link.

    `at` is aware. The recipient's name is not in it: nothing that a visitor typed is (design I2).
    """
    message = _message(sender, text)
    for part in calendars:
        parameters = {"method": part.method, "charset": "utf-8"}
        message.add_attachment(
            part.data, maintype="text", subtype="calendar", filename=part.file_name, params=parameters
        )
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    head = f"To: {addr_spec(recipient)}\r\nSubject: {unstructured('Subject', text.subject)}\r\n".encode("ascii")
    return head + message.as_bytes(policy=_POLICY)


def template(mailing: MailingText) -> bytes:
    """The MIME of a mailing in one language, with slots; everything but To, Subject, Date and what is personal.

    `Precedence: bulk` keeps out-of-office answers away where a responder does not know List-Id (RFC 3834 section
    2). There is no Auto-Submitted: people wrote the mailing, and RFC 3834 section 5 keeps that for what a machine
    answers or makes up.
    """
    mark = f"SLOT{secrets.token_hex(8)}"
    words = Text("", _marked(mailing.text.plain, mark, _IN_PLAIN), _marked(mailing.text.html, mark, _IN_HTML))
    message = _message(mailing.sender, words)
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Precedence"] = "bulk"
    # Written here for it stands as it is on one line: the standard library would encode what it cannot fold.
    head = (
        f"List-Id: {_phrase('List-Id', mailing.list_title)} <{mailing.list_identifier}>\r\n"
        f"Feedback-ID: {mailing.feedback_id}\r\n"
        f"{_CFBL_ADDRESS + mailing.complaints_to + '; report=arf' + _END if mailing.complaints_to else ''}"
    ).encode("ascii")
    alone = re.compile(rb"\r\n" + mark.encode() + rb"([PH])([a-z]+)\r\n")
    mime = message.as_bytes(policy=_POLICY).replace(*_FIRST_DOT)
    return alone.sub(rb"=\r\n\0\1\2\0=\r\n", head + mime)


_CFBL_ADDRESS, _END = "CFBL-Address: ", "\r\n"


@dataclass(frozen=True, slots=True)
class Template:
    """A stored template, taken apart once for many fillings."""

    subject: str
    literals: tuple[bytes, ...]
    slots: tuple[tuple[Slot, bool], ...]  # each kind once: the slot, and whether it stands in HTML
    between: tuple[int, ...]  # which of them stands behind each literal but the last
    fixed_subject: str | None  # the header's words, where they are the same for everybody
    has_first_dots: bool  # whether a line begins with one; whatever is filled in never makes one do so

    @classmethod
    def parse(cls, subject: str, mime: bytes) -> "Template":
        """From the subject with its placeholders, and what `template` returned."""
        pieces = mime.split(b"\0")
        found = [(Slot(piece[1:].decode()), piece[:1] == _IN_HTML.encode()) for piece in pieces[1::2]]
        slots = tuple(dict.fromkeys(found))
        between = tuple(slots.index(slot) for slot in found)
        fixed_subject = None if _PLACEHOLDERS.search(subject) else unstructured("Subject", subject)
        return cls(subject, tuple(pieces[::2]), slots, between, fixed_subject, b"\r\n." in mime)

    def fill(self, person: Person, at: datetime) -> bytes:
        """The whole mail to one person; `at` is aware."""
        values = slot_values(person)
        texts = [html.escape(values[slot]) if in_html else values[slot] for slot, in_html in self.slots]
        quoted = {text: _quoted(text) for text in set(texts)}  # links and most names read the same in text and HTML
        parts = [self._headers(person, values, at), self.literals[0]]
        for slot, literal in zip(self.between, self.literals[1:], strict=True):
            parts += (quoted[texts[slot]], literal)
        return b"".join(parts)

    def _headers(self, person: Person, values: dict[Slot, str], at: datetime) -> bytes:
        subject = self.fixed_subject or unstructured("Subject", fill_text(self.subject, values.__getitem__))
        # The long URL stands as it is: encoded as words (RFC 2047) no provider would read it as a URL.
        return (
            f"To: {_mailbox(person)}\r\n"
            f"Subject: {subject}\r\n"
            f"List-Unsubscribe: <{person.way_out.one_click_url}>,\r\n <{person.way_out.mailto}>\r\n"
            f"Message-ID: {person.message_id}\r\n"
            f"Date: {_date(int(at.timestamp()))}\r\n"
            f"{self._complaint_id(person)}"
        ).encode("ascii")

    def _complaint_id(self, person: Person) -> str:
        """By what a complaint's report names this mail, where it invites one: random, and it names no person."""
        if _CFBL_ADDRESS.encode() not in self.literals[0]:
            return ""
        return f"CFBL-Feedback-ID: {person.message_id.strip('<>').partition('@')[0]}{_END}"


def fill_text(text: str, value: Callable[[Slot], str]) -> str:
    """The text with each placeholder replaced."""
    return _PLACEHOLDERS.sub(lambda found: value(Slot(found[0][2:-2])), text)


def has_way_out(data: bytes) -> bool:
    """Whether a mail carries the headers of a one-click unsubscribe (RFC 8058 section 3.1)."""
    end = data.find(b"\r\n\r\n")
    return (
        data.find(b"\r\nList-Unsubscribe: <http", 0, end) >= 0
        and data.find(b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click", 0, end) >= 0
    )


def slot_values(person: Person) -> dict[Slot, str]:
    """What each slot is filled with for one recipient."""
    return {
        Slot.NAME: tidy(person.name) or "",
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


_IN_PLAIN, _IN_HTML = "P", "H"


def _marked(text: str, mark: str, kind: str) -> str:
    """The text with each placeholder on a line of its own; it ends its last line, so that no slot comes last."""
    ended = text if text.endswith("\n") else text + "\n"
    return fill_text(ended, lambda slot: f"\n{mark}{kind}{slot.value}\n")


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC))


_KEPT = frozenset(range(ord(" "), ord("~") + 1)) - {ord("=")}
_QUOTED = {octet: f"={octet:02X}" for octet in range(256) if octet not in _KEPT}
_QUOTED_LINE = re.compile(rf".{{1,{_LONGEST_PIECE}}}(?<!=)(?<!=.)")


def _quoted(value: str) -> bytes:
    """The value in quoted-printable, for a line that ends in a soft line break; no escape is torn apart."""
    if value.isascii() and value.isprintable():  # as links and most names are, and replacing is quicker
        escaped = value.replace("=", "=3D")
    else:
        escaped = value.encode().decode("latin-1").translate(_QUOTED)
    lines = "\r\n" + "=\r\n".join(_QUOTED_LINE.findall(escaped))
    return lines.encode("ascii").replace(*_FIRST_DOT)[2:]


_PLAIN_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+", re.ASCII)
_PLAIN_PHRASE = re.compile(r"[\w .,'&()+/-]{1,60}", re.ASCII)
_PLAIN_LINE = re.compile(r"[ -~]{1,66}")


def _mailbox(person: Person) -> str:
    """The value of To. Raises ValueError for what is no address."""
    address = addr_spec(person.address)
    phrase = _phrase("To", person.name or "")
    return f"{phrase}\r\n <{address}>" if phrase else address


def addr_spec(address: str) -> str:
    """An address as it stands in a header. Raises ValueError for what is none.

    As it is where it is plain: the standard library takes `=?utf-8?q?x?=` for encoded in an address, too, and may
    find the end of a line in it.
    """
    return address if _PLAIN_ADDRESS.fullmatch(address) else Address(addr_spec=address).addr_spec


def _phrase(header: str, text: str) -> str:
    """Words before an address in angle brackets: quoted where they are harmless, else encoded (RFC 2047 5 (3))."""
    words = tidy(text) or ""
    return f'"{words}"' if _PLAIN_PHRASE.fullmatch(words) else _encoded(header, words)


def unstructured(header: str, text: str) -> str:
    """A header's words: as they are where they fit on one line and cannot be taken for encoded, else encoded.

    For whoever writes the header as it is: the standard library would decode them first.
    """
    words = tidy(text) or ""
    return words if _PLAIN_LINE.fullmatch(words) and "=?" not in words else _encoded(header, words)


def _encoded(header: str, words: str) -> str:
    """Encoded words, folded (RFC 2047 section 2); the text is on one line and without control characters."""
    return Header(words, "utf-8", maxlinelen=LONGEST_QUOTED_LINE, header_name=header).encode(linesep="\r\n")
