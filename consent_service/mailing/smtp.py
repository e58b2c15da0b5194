"""One kept-open connection to the mail server.

Mail is handed over as bytes: Flask-Mail's own Message builds each mail anew, which is too slow for bulk,
and its send() does not return the server's reply, which is evidence.

Where the server offers PIPELINING (RFC 2920), one exchange carries the content of a mail and the envelope of the
next: a mail costs one round trip in place of four. So two mails are in hand at once: the server has agreed to
take the second, which waits, and has got nothing of it before its content is sent.
"""

import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

from consent_service.domain.identifiers import PublicId
from consent_service.mailing.copies import Envelope
from consent_service.mailing.opening import connect
from consent_service.mailing.replies import Replies, described
from consent_service.mailing.rules import CONNECTION_LOST, SERVICE_CLOSING, Reply

CHECK_AFTER_IDLE_SECONDS = 1.0
CLOSE_AFTER_IDLE_SECONDS = 30.0
MOST_RECEIVED = 65_536  # more than a TLS record holds: of one that is read in part, the system would not tell again
_UNCLEAR = (OSError, smtplib.SMTPException)
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_GO_ON = 354  # RFC 5321 section 4.2.2: start mail input
_END = b"\r\n.\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's last word on a message; None where it has certainly got nothing of it."""

    public_id: PublicId
    reply: Reply | None


Said = TypeVar("Said", Reply, Exception)
Exchange = Generator[None, Reply, None]
"""An exchange with the server, which asks for one reply after the other, and is thrown what goes wrong."""


class Connection:
    """A connection that opens when needed, is kept, and is dropped after anything unclear.

    Nobody waits for an exchange with the server, so that one thread can carry many connections: it is begun, and goes
    on whenever `file` is ready, until there are answers. Opening and closing wait.
    """

    def __init__(self) -> None:
        self._server: smtplib.SMTP | None = None
        self._pipelines = False
        self._has_served = False  # it answered to a mail since it was opened
        self._has_content = False  # of the latest mail, as far as it did not wait
        self._last_used = 0.0
        self._waiting: Envelope | None = None  # the server has agreed to take it
        self._exchange: Exchange | None = None
        self._answers: list[Answer] | None = None  # those of an exchange as they come
        self._unsent = memoryview(b"")
        self._replies = Replies()

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
    def is_fresh(self) -> bool:
        """Whether `open` has nothing to do: we are connected, and heard from the server a moment ago."""
        return self._server is not None and (
            self._waiting is not None or self._idle_seconds() <= CHECK_AFTER_IDLE_SECONDS
        )

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to hand over for so long that others may rather have the server's attention."""
        return self._server is not None and self._idle_seconds() > CLOSE_AFTER_IDLE_SECONDS

    @property
    def is_busy(self) -> bool:
        """Whether an exchange has begun of which nobody has the answers yet."""
        return self._answers is not None

    @property
    def waiting(self) -> PublicId | None:
        """The message that the server has agreed to take and of which it has got nothing yet."""
        return self._waiting.public_id if self._waiting is not None else None

    @property
    def file(self) -> tuple[int, bool] | None:
        """The descriptor on which an exchange waits for the server, and whether to write to it; None if it is over."""
        return (self._socket.fileno(), bool(self._unsent)) if self._exchange is not None else None

    @property
    def seconds_left(self) -> float:
        """How long the server may still take for its next reply, or for what it has not yet taken of the mail."""
        return self._timeout - self._idle_seconds()

    def open(self) -> None:
        """Connects unless a connection is open and, where it was idle, still answers. Raises CannotConnect."""
        if self.is_fresh:
            return
        self._check()
        if self._server is not None:
            return
        self._server = connect()
        self._replies = Replies()
        self._has_served = False
        self._pipelines = self._server.has_extn("pipelining")
        self._socket.settimeout(0)
        self._last_used = time.monotonic()

    def begin(self, envelope: Envelope | None) -> None:
        """Begins to hand over the mail that waits, if one does, and to bring this one to where it waits.

        Or to hand over this one, too, where the server cannot pipeline.
        """
        assert self._exchange is None, "one after the other"
        self._last_used = time.monotonic()
        self._answers, self._has_content = [], False
        self._exchange = self._guarded(envelope)
        next(self._exchange)
        self._attempt(self._flush)

    def go_on(self) -> list[Answer] | None:
        """Sends and receives what can be without waiting; None until the exchange is over, then what the server said.

        The first answer is to the mail that waited. A lost connection is a code below 0.
        """
        if self._exchange is not None:
            self._attempt(self._receive)
        if self._exchange is not None and self.seconds_left <= 0:
            self._throw(TimeoutError("timed out"))
        if self._exchange is not None:
            return None
        answers, self._answers = self._answers, None
        return answers

    def forsake(self) -> None:
        """Gives up the mail that waits, and with it the connection: RFC 5321 has no other way back from DATA."""
        self._drop()

    def close(self) -> None:
        """Takes leave of the server, or just leaves where it is to say something else first."""
        is_inside_data = self._waiting is not None or self._exchange is not None  # where QUIT is content
        if self._server is not None and not is_inside_data:
            with suppress(*_UNCLEAR):
                self._socket.settimeout(self._timeout)
                self._server.quit()
        self._exchange = self._answers = None
        self._drop()

    @property
    def _socket(self) -> socket.socket:
        assert self._server is not None, "open() comes first"
        assert self._server.sock is not None
        return self._server.sock

    @property
    def _timeout(self) -> float:
        assert self._server is not None
        return self._server.timeout

    def _idle_seconds(self) -> float:
        return time.monotonic() - self._last_used

    def _check(self) -> None:
        """Drops a connection that the server has closed in the meantime."""
        if self._server is not None:
            try:
                self._socket.settimeout(self._timeout)
                code, _ = self._server.noop()
                self._socket.settimeout(0)
            except _UNCLEAR:
                self._drop()
            else:
                self._last_used = time.monotonic()
                if code != 250:
                    self._drop()

    def _attempt(self, step: Callable[[], None]) -> None:
        """Sends or receives; what goes wrong is the exchange's affair."""
        try:
            step()
        except _UNCLEAR as error:
            self._throw(error)

    def _flush(self) -> None:
        with suppress(*_NOT_NOW):
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
                if not self._unsent:
                    self._last_used = time.monotonic()

    def _receive(self) -> None:
        self._flush()
        try:
            data = self._socket.recv(MOST_RECEIVED)
        except _NOT_NOW:
            return
        if not data:
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        self._replies.hear(data)
        while self._exchange is not None and (reply := self._replies.following()) is not None:
            self._last_used = time.monotonic()
            self._resume(self._exchange.send, reply)
        self._flush()

    def _throw(self, error: Exception) -> None:
        assert self._exchange is not None, "nothing else sends or receives"
        self._resume(self._exchange.throw, error)

    def _resume(self, step: Callable[[Said], None], said: Said) -> None:
        try:
            step(said)
        except StopIteration:
            self._exchange = None
            if self._unsent:  # of a mail that the server did not wait for: it would take what comes next for it
                self._drop()

    def _guarded(self, envelope: Envelope | None) -> Exchange:
        try:
            if envelope is None:
                yield from self._last()
            elif self._pipelines:
                yield from self._group(envelope)
            else:
                self._answer(envelope, (yield from self._dialogue(envelope)))
        except _UNCLEAR as error:
            self._lost(error, envelope)
        else:
            self._has_served = True

    def _answer(self, envelope: Envelope, reply: Reply | None) -> None:
        assert self._answers is not None
        self._answers.append(Answer(envelope.public_id, reply))

    def _last(self) -> Exchange:
        """Hands over the mail that waits, and nothing behind it."""
        waiting = self._waiting
        assert waiting is not None, "there is nothing to hand over"
        self._send(_content(waiting))
        reply = yield
        self._waiting = None
        self._answer(waiting, self._settled(reply))

    def _group(self, envelope: Envelope) -> Exchange:
        """One group of RFC 2920: the content of the mail that waits, and MAIL, RCPT and DATA of this one."""
        waiting = self._waiting
        content = _content(waiting) if waiting is not None else b""
        self._send(content + b"".join(_commands(envelope)))
        if waiting is not None:
            reply = yield
            self._waiting = None
            self._answer(waiting, reply)
            if _is_last_word(reply) or self._unsent:  # or it did not wait for all of the mail
                self._drop()
                self._answer(envelope, None)
                return
        refusal = yield from self._refusal_of_envelope()
        if refusal is None:
            self._waiting = envelope
        else:
            self._answer(envelope, refusal)

    def _refusal_of_envelope(self) -> Generator[None, Reply, Reply | None]:
        """Reads the answers to MAIL, RCPT and DATA; what was refused first, after which all is ready for the next."""
        mail = yield
        if _is_last_word(mail):
            self._drop()
            return mail
        recipient = yield
        data = recipient if _is_last_word(recipient) else (yield)
        refusals = [reply for reply in (mail, recipient, data) if not reply.is_success and reply.code != _GO_ON]
        if not refusals:
            return None
        if _is_last_word(recipient) or _is_last_word(data):
            self._drop()
        else:
            yield from self._end_refused(data)
        return refusals[0]

    def _end_refused(self, data: Reply) -> Exchange:
        """Ends a mail that was refused; the refusal stands even where the server hangs up now."""
        try:
            if data.code == _GO_ON:  # RFC 2920 section 3.1: without a recipient, yet waiting for content
                self._send(_END[2:])
                yield
            self._send(b"RSET\r\n")
            yield
        except _UNCLEAR:
            self._drop()

    def _dialogue(self, envelope: Envelope) -> Generator[None, Reply, Reply]:
        """MAIL, RCPT, DATA one by one: stops at the first refusal and leaves the connection ready for the next mail."""
        for command in _commands(envelope):
            self._send(command)
            reply = yield
            if _is_last_word(reply):
                self._drop()
                return reply
            if not reply.is_success and reply.code != _GO_ON:
                yield from self._end_refused(reply)
                return reply
        self._has_content = True
        self._send(_content(envelope))
        reply = yield
        return self._settled(reply)

    def _settled(self, reply: Reply) -> Reply:
        if _is_last_word(reply):
            self._drop()
        return reply

    def _lost(self, error: Exception, envelope: Envelope | None) -> None:
        """The connection is gone: of a mail that waited the server may have got all, of one behind it nothing.

        A server may close after each mail. One that closes a fresh connection at the first mail says no to this one.
        """
        waiting = self._waiting
        self._drop()
        if waiting is not None:
            self._answer(waiting, _lost_connection(error))
        if envelope is not None:
            has_got_nothing = not self._has_content and (self._has_served or bool(self._answers))
            self._answer(envelope, None if has_got_nothing else _lost_connection(error))

    def _send(self, data: bytes) -> None:
        self._unsent = memoryview(data)

    def _drop(self) -> None:
        self._waiting = None
        self._unsent = memoryview(b"")
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
    return Reply(CONNECTION_LOST, f"connection lost: {described(error)}")
