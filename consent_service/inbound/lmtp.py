"""Mail by LMTP (RFC 2033): a small service of its own, on loopback unless told otherwise.

A mail is acknowledged once it is committed; when that fails, the mail server keeps it and tries again.
"""

import asyncio
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope as SmtpEnvelope
from aiosmtpd.smtp import Session as SmtpSession
from flask import Flask

from consent_service import clock
from consent_service.database import transaction
from consent_service.domain.errors import Refused
from consent_service.extensions import settings
from consent_service.inbound import receiving
from consent_service.inbound.parsing import Envelope
from consent_service.inbound.receiving import Arrival
from consent_service.inbound.rules import Way

log = structlog.get_logger()
WRITERS = 2
LONGEST_LINE = 64 * 1024  # of a mail; some servers fold nothing


class _Lmtp(LMTP):
    """aiosmtpd's LMTP, which forgets that the data is answered once for each recipient (RFC 2033 section 4.2)."""

    line_length_limit = LONGEST_LINE
    _answers = 1

    async def push(self, status: Any) -> None:
        """Sends an answer, and the one after 354 as often as there are recipients."""
        times, self._answers = self._answers, 1
        if self.envelope is not None and str(status).startswith("354"):
            self._answers = len(self.envelope.rcpt_tos)
        for _ in range(times):
            await super().push(status)


class _Keeper:
    """What aiosmtpd calls with each mail; the database is talked to in threads of its own."""

    def __init__(self, app: Flask) -> None:
        self.pool = ThreadPoolExecutor(WRITERS, initializer=lambda: app.app_context().push())

    async def handle_DATA(self, server: _Lmtp, session: SmtpSession, envelope: SmtpEnvelope) -> str:
        """Stores the mail; its answer goes to the client."""
        data = envelope.original_content or b""
        arrival = Arrival(
            Way.LMTP, Envelope((envelope.mail_from or "").strip("<>"), tuple(envelope.rcpt_tos)), data, len(data)
        )
        try:
            await asyncio.get_running_loop().run_in_executor(self.pool, _store, arrival)
        except Exception:
            log.exception("mail cannot be stored")
            return "451 4.3.0 It cannot be stored now, try again later"
        return "250 2.0.0 Stored"


def _store(arrival: Arrival) -> None:
    with transaction() as session:
        receiving.store(session, arrival, clock.now())


class Server(Controller):
    """The service, in a thread of its own: `start()` returns once it answers, `stop()` once it has ended."""

    def __init__(self, app: Flask, host: str, port: int, largest_bytes: int) -> None:
        super().__init__(
            _Keeper(app),
            hostname=host,
            port=port,
            # Without a name of its own the server looks one up in the DNS at each connection.
            server_hostname="localhost",
            data_size_limit=largest_bytes,
            enable_SMTPUTF8=True,
        )

    def factory(self) -> _Lmtp:
        """One connection's server."""
        return _Lmtp(self.handler, **self.SMTP_kwargs)


def run(app: Flask) -> None:
    """Takes mail until SIGTERM or SIGINT. Call it from the main thread. Raises Refused where it cannot listen."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    inbound = settings().inbound
    server = Server(app, inbound.lmtp_host, inbound.lmtp_port, inbound.largest_bytes)
    try:
        server.start()
    except OSError as error:
        where = f"CONSENT_INBOUND_LMTP_HOST and CONSENT_INBOUND_LMTP_PORT: {inbound.lmtp_host}:{inbound.lmtp_port}"
        raise Refused(f"{where} cannot be listened at: {error}") from error
    log.info("taking mail by LMTP", host=inbound.lmtp_host, port=inbound.lmtp_port)
    stopped.wait()
    server.stop()
    server.handler.pool.shutdown()
