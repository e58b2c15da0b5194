"""Complaints: feedback reports in the Abuse Reporting Format (RFC 5965)."""

from dataclasses import dataclass
from email.message import Message

from consent_service.inbound.parsing import Headers, Mail, header_of

# A report of another type (not-spam, virus, auth-failure of RFC 6591) is no person's complaint about advertising.
_COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list", "unsubscribe"})


@dataclass(frozen=True, slots=True)
class Feedback:
    """A feedback report: its fields, and whether somebody complains."""

    fields: Headers
    is_complaint: bool

    @property
    def original_sender(self) -> str:
        """The envelope sender of the mail that it is about."""
        return header_of(self.fields, "Original-Mail-From").strip("<> ")


def feedback(mail: Mail) -> Feedback | None:
    """The feedback report that a mail is; None where it is none."""
    for part in mail.parts:
        if part.get_content_type() == "message/feedback-report":
            inner = part.get_payload()
            fields = inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], Message) else Message()
            kind = header_of(fields, "Feedback-Type").strip().lower()
            return Feedback(fields, kind in _COMPLAINTS)
    return None
