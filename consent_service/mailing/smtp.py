"""One kept-open connection to the mail server, as Flask-Mail's configuration names it.

Mail is handed over as bytes: Flask-Mail's own Message builds each mail anew, which is too slow for bulk,
and its send() does not return the server's reply, which is evidence.

Where the server offers PIPELINING (RFC 2920), one exchange carries the content of a mail and the envelope of the
next: a mail costs one round trip in place of four. So two mails are in hand at once: the server has agreed to
take the second, which waits, and has got nothing of it before its content is sent.

TLS certificates are always verified, against the system's authorities; OpenSSL's SSL_CERT_FILE names others.
"""

import smtplib
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

from flask import current_app

from consent_service.domain.identifiers import PublicId
from consent_service.extensions import settings
from consent_service.mailing.copies import Envelope
from consent_service.mailing.rules import CONNECTION_LOST, SERVICE_CLOSING, Reply, TroubleKind

CHECK_AFTER_IDLE_SECONDS = 1.0
CLOSE_AFTER_IDLE_SECONDS = 30.0
_UNCLEAR = (OSError, smtplib.SMTPException)
_GO_ON = 354  # RFC 5321 section 4.2.2: start mail input
_END = b"\r\n.\r\n"


class CannotConnect(Exception):
    """The server is not there, does not answer, is not trusted, or refuses our sign-in; kind and text say which."""

    def __init__(self, kind: TroubleKind, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's last word on a message; None where it has certainly got nothing of it."""

    public_id: PublicId
    reply: Reply | None


class Connection:
    """A connection that opens when needed, is kept, and is dropped after anything unclear."""

    def __init__(self) -> None:
        self._server: smtplib.SMTP | None = None
        self._pipelines = False
        self._has_served = False  # it answered to a mail since it was opened
        self._has_content = False  # of the latest mail, as far as it did not wait
        self._last_used = 0.0
        self._waiting: Envelope | None = None  # the server has agreed to take it

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

    @property
    def waiting(self) -> PublicId | None:
        """The message that the server has agreed to take and of which it has got nothing yet."""
        return self._waiting.public_id if self._waiting is not None else None

    def open(self) -> None:
        """Connects unless a connection is open and, where it was idle, still answers. Raises CannotConnect."""
        if self._waiting is None and self._idle_seconds() > CHECK_AFTER_IDLE_SECONDS:
            self._check()
        if self._server is not None:
            return
        try:
            self._server = _connect()
        except (*_UNCLEAR, ValueError) as error:
            raise CannotConnect(_kind(error), _described(error)) from error
        self._has_served = False
        self._pipelines = self._server.has_extn("pipelining")
        self._last_used = time.monotonic()

    def hand_over(self, envelope: Envelope) -> list[Answer]:
        """Hands over the mail that waits, if one does, and brings this one to where it waits, or hands it over too.

        Returns the answers that have come: to the one that waited first. A lost connection is a code below 0.
        """
        answers: list[Answer] = []
        self._has_content = False
        try:
            if self._pipelines:
                self._exchange(envelope, answers)
            else:
                answers.append(Answer(envelope.public_id, self._dialogue(envelope)))
        except _UNCLEAR as error:
            self._lost(error, envelope, answers)
        else:
            self._last_used = time.monotonic()
            self._has_served = True
        return answers

    def finish(self) -> list[Answer]:
        """Hands over the mail that waits, if one does."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return []
        try:
            self._send(_content(waiting))
            reply = self._settled(self._reply())
        except _UNCLEAR as error:
            self._drop()
            reply = _lost_connection(error)
        self._last_used = time.monotonic()
        return [Answer(waiting.public_id, reply)]

    def forsake(self) -> None:
        """Gives up the mail that waits, and with it the connection: RFC 5321 has no other way back from DATA."""
        self._drop()

    def close(self) -> None:
        """Takes leave of the server."""
        if self._server is not None and self._waiting is None:  # inside DATA, QUIT would be content
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

    def _exchange(self, envelope: Envelope, answers: list[Answer]) -> None:
        """One group of RFC 2920: the content of the mail that waits, and MAIL, RCPT and DATA of this one."""
        waiting = self._waiting
        content = _content(waiting) if waiting is not None else b""
        self._send(content + b"".join(_commands(envelope)))
        if waiting is not None:
            reply = self._reply()
            self._waiting = None
            answers.append(Answer(waiting.public_id, reply))
            if _is_last_word(reply):
                self._drop()
                answers.append(Answer(envelope.public_id, None))
                return
        refusal = self._refusal_of_envelope()
        if refusal is None:
            self._waiting = envelope
        else:
            answers.append(Answer(envelope.public_id, refusal))

    def _refusal_of_envelope(self) -> Reply | None:
        """Reads the answers to MAIL, RCPT and DATA; what was refused first, after which all is ready for the next."""
        mail = self._reply()
        if _is_last_word(mail):
            self._drop()
            return mail
        recipient = self._reply()
        data = recipient if _is_last_word(recipient) else self._reply()
        refusals = [reply for reply in (mail, recipient, data) if not reply.is_success and reply.code != _GO_ON]
        if not refusals:
            return None
        if _is_last_word(recipient) or _is_last_word(data):
            self._drop()
        else:
            self._end_refused(data)
        return refusals[0]

    def _end_refused(self, data: Reply) -> None:
        """Ends a mail that was refused; the refusal stands even where the server hangs up now."""
        try:
            if data.code == _GO_ON:  # RFC 2920 section 3.1: without a recipient, yet waiting for content
                self._send(_END[2:])
                self._reply()
            self._send(b"RSET\r\n")
            self._reply()
        except _UNCLEAR:
            self._drop()

    def _dialogue(self, envelope: Envelope) -> Reply:
        """MAIL, RCPT, DATA one by one: stops at the first refusal and leaves the connection ready for the next mail."""
        for command in _commands(envelope):
            self._send(command)
            reply = self._reply()
            if _is_last_word(reply):
                self._drop()
                return reply
            if not reply.is_success and reply.code != _GO_ON:
                self._end_refused(reply)
                return reply
        self._has_content = True
        self._send(_content(envelope))
        return self._settled(self._reply())

    def _settled(self, reply: Reply) -> Reply:
        if _is_last_word(reply):
            self._drop()
        return reply

    def _lost(self, error: Exception, envelope: Envelope, answers: list[Answer]) -> None:
        """The connection is gone: of a mail that waited the server may have got all, of one behind it nothing.

        A server may close after each mail. One that closes a fresh connection at the first mail says no to this one.
        """
        waiting = self._waiting
        self._drop()
        if waiting is not None:
            answers.append(Answer(waiting.public_id, _lost_connection(error)))
        has_got_nothing = not self._has_content and (self._has_served or bool(answers))
        answers.append(Answer(envelope.public_id, None if has_got_nothing else _lost_connection(error)))

    def _send(self, data: bytes) -> None:
        assert self._server is not None, "open() comes first"
        self._server.send(data)

    def _reply(self) -> Reply:
        assert self._server is not None
        code, text = self._server.getreply()
        return Reply(code, _words(text))

    def _drop(self) -> None:
        self._waiting = None
        if self._server is not None:
            self._server.close()
            self._server = None


def _commands(envelope: Envelope) -> tuple[bytes, bytes, bytes]:
    return (
        b"MAIL FROM:<%b>\r\n" % envelope.sender.encode("ascii"),
        b"RCPT TO:<%b>\r\n" % envelope.recipient.encode("ascii"),
        b"DATA\r\n",
    )


def _content(envelope: Envelope) -> bytes:
    """The mail with its dots doubled, and its end (RFC 5321 section 4.5.2)."""
    data = envelope.data
    if envelope.has_first_dots:
        data = (b"\r\n" + data).replace(b"\r\n.", b"\r\n..")[2:]
    return data + (_END[2:] if data.endswith(b"\r\n") else _END)


def _is_last_word(reply: Reply) -> bool:
    """Whether the server closes the connection with this, or did without a word."""
    return reply.code in (SERVICE_CLOSING, CONNECTION_LOST)


def _lost_connection(error: Exception) -> Reply:
    return Reply(CONNECTION_LOST, f"connection lost: {_described(error)}")


def _described(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {_words(text) if isinstance(text, bytes) else text}"
    return f"{type(error).__name__}: {error}"


def _words(text: bytes) -> str:
    """What a server said, in characters that every database takes: PostgreSQL has none for NUL."""
    return text.decode("utf-8", "replace").replace("\0", "\ufffd")


def _kind(error: Exception) -> TroubleKind:
    """What it is that keeps us from connecting."""
    if isinstance(error, ssl.SSLError) or (
        isinstance(error, smtplib.SMTPNotSupportedError) and "STARTTLS" in str(error)
    ):
        return TroubleKind.UNTRUSTED
    if isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPNotSupportedError):
        return TroubleKind.SIGN_IN_REFUSED
    if "timed out" in str(error):
        return TroubleKind.TOO_SLOW
    if isinstance(error, smtplib.SMTPServerDisconnected | smtplib.SMTPResponseException | ConnectionResetError):
        return TroubleKind.HUNG_UP
    return TroubleKind.UNREACHABLE


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
