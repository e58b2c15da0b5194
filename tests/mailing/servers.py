"""SMTP servers for tests: they remember every hand-over in memory, with its moment, and can be made to misbehave."""

import asyncio
import re
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

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
    hang_up_in_data: int = 0  # how many mails to break off when they were sent and not yet answered
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
        return "250 2.0.0 Taken"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        """Knows one user only."""
        return AuthResult(success=(data.login, data.password) == self.user, handled=False)

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
