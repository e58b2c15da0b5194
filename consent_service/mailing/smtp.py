"""One kept-open connection to the mail server, as Flask-Mail's configuration names it.

Mail is handed over as bytes: Flask-Mail's own Message builds each mail anew, which is too slow for bulk,
and its send() does not return the server's reply, which is evidence.
"""

import smtplib
import ssl
from types import TracebackType

from flask import current_app

from consent_service.extensions import settings
from consent_service.mailing.handover import Envelope
from consent_service.mailing.rules import Reply

_CLOSING = 421


class CannotConnect(Exception):
    """The server is not there, does not answer, or refuses our sign-in; the text says which."""


class Connection:
    """A connection that opens when needed, is kept, and is dropped after anything unclear."""

    def __init__(self) -> None:
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Connects if we are not connected. Raises CannotConnect."""
        if self._server is not None:
            return
        try:
            self._server = _connect()
        except (OSError, smtplib.SMTPException) as error:
            raise CannotConnect(f"{type(error).__name__}: {error}") from error

    def hand_over(self, envelope: Envelope) -> Reply:
        """Hands one mail over and returns the server's last word on it; a lost connection is a code below 0."""
        assert self._server is not None, "open() comes first"
        try:
            reply = _dialogue(self._server, envelope)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Reply(-1, f"connection lost: {type(error).__name__}: {error}")
        if reply.code == _CLOSING:
            self._drop()
        return reply

    def close(self) -> None:
        """Takes leave of the server."""
        if self._server is not None:
            try:
                self._server.quit()
            except (OSError, smtplib.SMTPException):
                self._drop()
            self._server = None

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


def _dialogue(server: smtplib.SMTP, envelope: Envelope) -> Reply:
    """MAIL, RCPT, DATA: stops at the first refusal and leaves the connection ready for the next mail."""
    reply = _reply(*server.mail(envelope.sender))
    if reply.is_success:
        reply = _reply(*server.rcpt(envelope.recipient))
    if not reply.is_success:
        _reset(server, reply)
        return reply
    try:
        return _reply(*server.data(envelope.data))
    except smtplib.SMTPDataError as error:
        reply = _reply(error.smtp_code, error.smtp_error)
        _reset(server, reply)
        return reply


def _reset(server: smtplib.SMTP, reply: Reply) -> None:
    if reply.code != _CLOSING:
        server.rset()


def _reply(code: int, text: bytes | str) -> Reply:
    return Reply(code, text.decode("utf-8", "replace") if isinstance(text, bytes) else text)
