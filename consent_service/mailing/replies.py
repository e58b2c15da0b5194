"""What a mail server says: from octets to replies (RFC 5321 section 4.2), and to characters that can be kept."""

import smtplib

from consent_service.mailing.rules import CONNECTION_LOST, Reply

LONGEST_LINE = 8192


class Replies:
    """Those of one connection, in whatever pieces they come."""

    def __init__(self) -> None:
        self._data = b""
        self._lines: list[bytes] = []  # of a reply that goes on

    def hear(self, data: bytes) -> None:
        """Takes what was received."""
        self._data += data

    def following(self) -> Reply | None:
        """The next reply that is complete, if one is; one without a code counts as the end of the connection.

        Raises SMTPException for a line that does not end.
        """
        while True:
            line, end, rest = self._data.partition(b"\n")
            if not end:
                if len(line) > LONGEST_LINE:
                    raise smtplib.SMTPResponseException(500, "Line too long.")
                return None
            self._data = rest
            self._lines.append(line[4:].strip(b" \t\r"))
            code = int(line[:3]) if line[:3].isdigit() else CONNECTION_LOST
            if code == CONNECTION_LOST or line[3:4] != b"-":
                text, self._lines = b"\n".join(self._lines), []
                return Reply(code, printable(text))


def printable(text: bytes) -> str:
    """What a server said, in characters that every database takes: PostgreSQL has none for NUL."""
    return text.decode("utf-8", "replace").replace("\0", "\ufffd")


def described(error: Exception) -> str:
    """What went wrong between us and the server, in its words where it said some."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {printable(text) if isinstance(text, bytes) else text}"
    return f"{type(error).__name__}: {error}"
