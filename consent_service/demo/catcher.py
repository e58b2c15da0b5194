"""A local SMTP server that keeps what it is given in a folder, and the reading of that folder.

Each mail is one file, `<utc time>-<n>.eml`: the envelope in `X-Envelope-…` lines, then the mail as it came.
"""

import re
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from functools import cached_property
from itertools import count
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from consent_service.clock import now

TIME_FORMAT = "%Y%m%dT%H%M%S.%fZ"
FILE_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-\d+\.eml")
LARGEST_MAIL = 64 * 1024 * 1024


class Catcher(Controller):
    """The server, in a thread of its own: `start()` returns once it answers, `stop()` once it has ended."""

    def __init__(self, folder: Path, host: str, port: int, keeper: "Keeper | None" = None) -> None:
        super().__init__(
            keeper or Keeper(folder),
            hostname=host,
            port=port,
            # Without a name of its own the server looks one up in the DNS at each connection.
            server_hostname="localhost",
            data_size_limit=LARGEST_MAIL,
            enable_SMTPUTF8=True,
        )


def run(catcher: Catcher) -> None:
    """Catches mail until SIGTERM or SIGINT. Call it from the main thread."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    catcher.start()
    stopped.wait()
    catcher.stop()


class Keeper:
    """What aiosmtpd calls with each mail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = count(1)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keeps the mail; its answer goes to the client."""
        return f"250 2.0.0 Ok: queued as {self.keep(envelope).identifier}"

    def keep(self, envelope: Envelope) -> "CaughtMail":
        """Writes the mail into the folder."""
        # Made anew each time, so that the folder may be thrown away while the server runs.
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{now().strftime(TIME_FORMAT)}-{next(self.numbers):06}.eml"
        # Under a name that nobody reads until the mail is whole.
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(b"".join(_file_content(envelope)))
        unfinished.rename(path)
        return CaughtMail(path)


def _file_content(envelope: Envelope) -> Iterator[bytes]:
    for recipient in envelope.rcpt_tos:
        yield b"X-Envelope-To: " + _one_line(recipient) + b"\r\n"
    # The sender comes last: it marks where the mail begins, whatever headers the mail has of its own.
    yield b"X-Envelope-From: " + _one_line(envelope.mail_from or "") + b"\r\n"
    yield envelope.original_content or b""


def _one_line(address: str) -> bytes:
    return address.encode("utf-8", "surrogateescape").replace(b"\r", b"?").replace(b"\n", b"?")


@dataclass(frozen=True)
class CaughtMail:
    """One kept mail. Its file is read when something out of it is first asked for."""

    path: Path

    @property
    def identifier(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @property
    def received_at(self) -> datetime:
        """When the mail was kept, aware, in UTC."""
        return datetime.strptime(self.identifier.partition("-")[0], TIME_FORMAT).replace(tzinfo=UTC)

    @property
    def envelope_sender(self) -> str:
        """The address of MAIL FROM; `<>` for a bounce."""
        return self._parts[1]

    @property
    def envelope_recipients(self) -> tuple[str, ...]:
        """The addresses of RCPT TO, in their order."""
        return self._parts[0]

    @property
    def raw(self) -> bytes:
        """The mail byte for byte as the client sent it, without the envelope lines."""
        return self._parts[2]

    @property
    def subject(self) -> str:
        """The decoded Subject, or an empty string."""
        return self.header("Subject")

    @property
    def sender(self) -> str:
        """The decoded From, or an empty string."""
        return self.header("From")

    @property
    def to(self) -> str:
        """The decoded To, or an empty string."""
        return self.header("To")

    @cached_property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """All headers in their order, unfolded and decoded."""
        return tuple((name, _readable(str(value))) for name, value in self.message.raw_items())

    @cached_property
    def text(self) -> str:
        """The first plain-text part with newlines between its lines, or an empty string."""
        return self._body("text/plain")

    @cached_property
    def html(self) -> str:
        """The first HTML part with newlines between its lines, or an empty string."""
        return self._body("text/html")

    @cached_property
    def message(self) -> "Message[str, str]":
        """The parsed mail, under the old policy: unlike the newer ones it never raises on broken mail."""
        return message_from_bytes(self.raw)

    def header(self, name: str) -> str:
        """The decoded value of the first header of that name in any case, or an empty string."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def _body(self, content_type: str) -> str:
        for part in self.message.walk():
            if part.get_content_type() == content_type and part.get_content_disposition() != "attachment":
                content = bytes(part.get_payload(decode=True))
                return _decoded(content, part.get_content_charset("utf-8")).replace("\r\n", "\n")
        return ""

    @cached_property
    def _parts(self) -> tuple[tuple[str, ...], str, bytes]:
        """The envelope's recipients, its sender, the mail."""
        recipients, _, rest = self.path.read_bytes().partition(b"\r\nX-Envelope-From: ")
        sender, _, raw = rest.partition(b"\r\n")
        addresses = [line.removeprefix(b"X-Envelope-To: ") for line in recipients.split(b"\r\n")]
        return tuple(_decoded(address, "utf-8") for address in addresses), _decoded(sender, "utf-8"), raw


def caught(folder: Path) -> list[CaughtMail]:
    """All mails of the folder, newest first; only names are read, so a slice of many thousands is cheap."""
    if not folder.is_dir():
        return []
    paths = [path for path in folder.iterdir() if FILE_NAME.fullmatch(path.name)]
    return [CaughtMail(path) for path in sorted(paths, reverse=True)]


def find(folder: Path, identifier: str) -> CaughtMail | None:
    """The mail of that identifier, or None; what is not the name of a kept mail never reaches the disk."""
    name = f"{identifier}.eml"
    path = folder / name
    return CaughtMail(path) if FILE_NAME.fullmatch(name) and path.is_file() else None


def _readable(value: str) -> str:
    """A header's value on one line, encoded words decoded as far as they can be."""
    unfolded = "".join(value.encode("ascii", "surrogateescape").decode("utf-8", "replace").splitlines()).strip()
    try:
        parts = decode_header(unfolded)
    except HeaderParseError:
        return unfolded
    # decode_header turns what stands between encoded words into bytes of this odd encoding.
    return "".join(
        part if isinstance(part, str) else _decoded(part, charset or "raw-unicode-escape") for part, charset in parts
    )


def _decoded(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset, "replace")
    except (LookupError, ValueError):
        # The charset is the mail's own word, and may be anything.
        return data.decode("utf-8", "replace")
