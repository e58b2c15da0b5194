"""SMTP servers for tests: they remember every hand-over in memory, with its moment, and can be made to misbehave."""

import asyncio
import re
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

MESSAGE_ID = re.compile(rb"^Message-ID: (<[^>\r\n]+>)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HandOver:
    """One mail that the server took; moments are those of `time.monotonic()`."""

    connection: int
    recipient: str
    message_id: str
    began: float
    data: bytes


@dataclass
class Recorder:
    """What aiosmtpd calls. `reply_to_…` decide its answers; None means that all is well."""

    reply_to_recipient: Callable[[str], str | None] = lambda address: None
    reply_to_data: Callable[[str], str | None] = lambda address: None
    seconds_per_mail: float = 0.0
    seconds_to_answer: float = 0.0  # after it took one
    hang_up_in_data: int = 0  # how many mails to break off when they were sent and not yet answered
    closes_after_each: bool = False  # without a word, once it has answered
    pipelines: bool = True  # whether it says so (RFC 2920); it takes a group of commands in any case
    user: tuple[bytes, bytes] | None = None
    taken: list[HandOver] = field(default_factory=list)
    begun: list[tuple[str, float]] = field(default_factory=list)  # recipient, and when its MAIL FROM came
    connections: list[Session] = field(default_factory=list)
    signed_in: int = 0
    over_tls: int = 0

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if session not in self.connections:
            self.connections.append(session)
        return [*responses[:-1], "250-PIPELINING", responses[-1]] if self.pipelines else responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        session.began = time.monotonic()
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.begun.append((address, session.began))
        refusal = self.reply_to_recipient(address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.seconds_per_mail:
            await asyncio.sleep(self.seconds_per_mail)
        if self.hang_up_in_data:
            self.hang_up_in_data -= 1
            server.transport.abort()
            return "421 4.3.0 never seen"
        recipient = envelope.rcpt_tos[0]
        refusal = self.reply_to_data(recipient)
        if refusal is not None:
            return refusal
        data = envelope.original_content or b""
        found = MESSAGE_ID.search(data)
        assert found is not None
        self.signed_in += bool(session.authenticated)
        self.over_tls += server.transport.get_extra_info("ssl_object") is not None
        self.taken.append(HandOver(id(session), recipient, found[1].decode(), session.began, data))
        if self.seconds_to_answer:
            await asyncio.sleep(self.seconds_to_answer)
        if self.closes_after_each:
            server.transport.write(b"250 2.0.0 Taken\r\n")
            server.transport.close()
        return "250 2.0.0 Taken"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        """Knows one user only."""
        return AuthResult(success=(data.login, data.password) == self.user, handled=False)

    def keep_pace(self, mails: float) -> None:
        """Becomes the slower the further ahead it is of so many mails, but answers within a second."""
        self.seconds_per_mail = min(max(len(self.taken) - mails, 0) / 50, 1) or 0.005

    def recipients(self) -> Counter[str]:
        """How many mails each address got."""
        return Counter(one.recipient for one in self.taken)


@contextmanager
def serving(
    recorder: Recorder,
    port: int,
    implicit_tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    seconds_idle: float = 300,
) -> Iterator[Recorder]:
    """A server on loopback in a thread of its own, which hangs up on whoever is idle for too long."""
    more = {"authenticator": recorder.authenticate, "auth_require_tls": implicit_tls is None} if recorder.user else {}
    controller = Controller(
        recorder,
        hostname="127.0.0.1",
        port=port,
        server_hostname="localhost",
        ssl_context=implicit_tls,
        tls_context=starttls,
        require_starttls=starttls is not None,
        timeout=seconds_idle,
        **more,
    )
    controller.start()
    try:
        yield recorder
    finally:
        controller.stop()


Says = Callable[[bytes], bytes | None]


def hanging_up(port: int, at: bytes) -> AbstractContextManager[list[bytes]]:
    """A server that closes each connection without a word at the first line that begins thus; b"": when it is opened.

    b"From: ", for instance, is in the middle of the content.
    """
    return scripted(port, lambda line: b"" if line.upper().startswith(at.upper()) else None)


@contextmanager
def scripted(port: int, says: Says) -> Iterator[list[bytes]]:
    """A server that pipelines and answers each line as `says` has it; the lines that it got.

    None is what a server says to whom all is well, b"" closes the connection without a word. It is asked, with
    b"", what to say first, and about each line of the content; only the last one, b".\\r\\n", needs an answer.
    """
    got: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", port))

    def serve() -> None:
        with suppress(OSError):  # closed at the end of the test
            while True:
                connection, _ = listener.accept()
                with connection, connection.makefile("rwb") as stream, suppress(ConnectionError):
                    _talk(stream, says, got)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield got
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=5)


def _talk(stream: IO[bytes], says: Says, got: list[bytes]) -> None:
    line, is_content = b"", False
    while True:
        said = says(line)
        if said == b"":
            return
        if said and is_content and line != b".\r\n":
            stream.write(said + b"\r\n")
            stream.flush()
        elif not is_content or line == b".\r\n":
            answer = said or _usual(line)
            stream.write(answer + b"\r\n")
            stream.flush()
            if answer.startswith(b"421"):
                return
            is_content = answer.startswith(b"354")
        line = stream.readline()
        if not line:
            return
        got.append(line)


def _usual(line: bytes) -> bytes:
    word = line[:4].upper()
    return {b"": b"220 ready", b"EHLO": b"250-here\r\n250 PIPELINING", b"DATA": b"354 go on"}.get(
        word, b"250 2.0.0 fine"
    )
