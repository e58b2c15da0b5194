"""One kept-open connection to the mail server, as Flask-Mail's configuration names it.

Mail is handed over as bytes: Flask-Mail's own Message builds each mail anew, which is too slow for bulk,
and its send() does not return the server's reply, which is evidence.

TLS certificates are always verified, against the system's authorities; OpenSSL's SSL_CERT_FILE names others.
"""

import smtplib
import ssl
import time
from contextlib import suppress
from types import TracebackType

from flask import current_app

from consent_service.extensions import settings
from consent_service.mailing.handover import Envelope
from consent_service.mailing.rules import CONNECTION_LOST, SERVICE_CLOSING, Reply

CHECK_AFTER_IDLE_SECONDS = 1.0
CLOSE_AFTER_IDLE_SECONDS = 30.0
_UNCLEAR = (OSError, smtplib.SMTPException)


class CannotConnect(Exception):
    """The server is not there, does not answer, is not trusted, or refuses our sign-in; the text says which."""


class Connection:
    """A connection that opens when needed, is kept, and is dropped after anything unclear."""

    def __init__(self) -> None:
        self._server: smtplib.SMTP | None = None
        self._last_used = 0.0

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether we are connected, as far as we know."""
        return self._server is not None

    def open(self) -> None:
        """Connects unless a connection is open and, where it was idle, still answers. Raises CannotConnect."""
        if self._idle_seconds() > CHECK_AFTER_IDLE_SECONDS:
            self._check()
        if self._server is not None:
            return
        try:
            self._server = _connect()
        except (*_UNCLEAR, ValueError) as error:
            raise CannotConnect(f"{type(error).__name__}: {error}") from error
        self._last_used = time.monotonic()

    def hand_over(self, envelope: Envelope) -> Reply:
        """Hands one mail over and returns the server's last word on it; a lost connection is a code below 0."""
        assert self._server is not None, "open() comes first"
        try:
            reply = self._dialogue(self._server, envelope)
        except _UNCLEAR as error:
            self._drop()
            return Reply(CONNECTION_LOST, f"connection lost: {type(error).__name__}: {error}")
        self._last_used = time.monotonic()
        if reply.code in (SERVICE_CLOSING, CONNECTION_LOST):
            self._drop()
        return reply

    def close(self) -> None:
        """Takes leave of the server."""
        if self._server is not None:
            with suppress(*_UNCLEAR):
                self._server.quit()
            self._drop()

    def close_if_idle(self) -> None:
        """Takes leave of the server when there was nothing to hand over for a while."""
        if self._idle_seconds() > CLOSE_AFTER_IDLE_SECONDS:
            self.close()

    def _idle_seconds(self) -> float:
        return time.monotonic() - self._last_used

    def _check(self) -> None:
        """Drops a connection that the server has closed in the meantime."""
        if self._server is not None:
            try:
                code, _ = self._server.noop()
            except _UNCLEAR:
                self._drop()
            else:
                self._last_used = time.monotonic()
                if code != 250:
                    self._drop()

    def _dialogue(self, server: smtplib.SMTP, envelope: Envelope) -> Reply:
        """MAIL, RCPT, DATA: stops at the first refusal and leaves the connection ready for the next mail."""
        reply = _reply(*server.mail(envelope.sender))
        if reply.is_success:
            reply = _reply(*server.rcpt(envelope.recipient))
        if reply.is_success:
            try:
                return _reply(*server.data(envelope.data))
            except smtplib.SMTPDataError as error:
                reply = _reply(error.smtp_code, error.smtp_error)
        if reply.code not in (SERVICE_CLOSING, CONNECTION_LOST):
            self._reset(server)
        return reply

    def _reset(self, server: smtplib.SMTP) -> None:
        """Ends a mail that was refused; the refusal stands even where the server hangs up now."""
        try:
            server.rset()
        except _UNCLEAR:
            self._drop()

    def _drop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


def _connect() -> smtplib.SMTP:
    mail = current_app.extensions["mail"]
    timeout = settings().smtp.timeout_seconds
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if mail.use_ssl:
        server = smtplib.SMTP_SSL(mail.server, mail.port, settings().host, timeout=timeout, context=context)
    else:
        server = smtplib.SMTP(mail.server, mail.port, settings().host, timeout=timeout)
    try:
        if mail.use_tls:
            server.starttls(context=context)
        if mail.username:
            server.login(mail.username, mail.password)
        else:
            server.ehlo_or_helo_if_needed()
    except BaseException:
        server.close()
        raise
    return server


def _reply(code: int, text: bytes | str) -> Reply:
    return Reply(code, text.decode("utf-8", "replace") if isinstance(text, bytes) else text)
