"""Machines' mail that is no report: vacation replies, read receipts, mailing lists, tickets (RFC 3834)."""

import re

from consent_service.inbound.parsing import Mail

_MARKS = (
    "X-Autoreply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-AutoReply-From",
    "X-Mail-Autoreply",
    "X-Auto-Response-Suppress",
    "X-Vacation",
    "List-Id",
    "List-Unsubscribe",
    "Feedback-ID",
)
_PRECEDENCE = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
# Outlook's and others' subjects of absence, in German and English.
_SUBJECT = re.compile(
    r"^(automatische (antwort|antwortmail|rückantwort|e-?mail)|automatisch generierte|abwesenheits?(notiz|nachricht|"
    r"meldung|assistent|agent)?\b|abwesend\b|ich bin (nicht im (büro|haus)|im urlaub)|nicht im (büro|haus)\b|"
    r"urlaub(svertretung|snotiz)?:|out[ -]of[ -](the[ -])?office|auto(matic)?[ -]?(reply|response|answer)|"
    r"automated (reply|response)|vacation (reply|response|message|notice)|on (vacation|holiday)\b|"
    r"away from (my|the) (office|desk))",
    re.IGNORECASE,
)
_NOBODY = re.compile(r"(no-?reply|do-?not-?reply|nicht-?antworten)\b", re.IGNORECASE)
_DAEMON = re.compile(
    r"((e-?)?mail(er)?|delivery)-?(daemon|deliverysubsystem|system)\b|mdaemon\b|postmaster\b|microsoftexchange",
    re.IGNORECASE,
)


def is_daemon(mail: Mail) -> bool:
    """Whether it comes from a mail server: by the null sender (RFC 5321 section 4.5.5), or by its name."""
    return mail.sender == "" or _DAEMON.match(mail.author[1]) is not None


def is_vacation(mail: Mail) -> bool:
    """Whether it says by its subject that somebody is away; bounces have other subjects."""
    return _SUBJECT.match(mail.subject) is not None


def is_answer(mail: Mail) -> bool:
    """Whether it says that it is an automatic answer or a list's: a server's own report says so otherwise."""
    return (
        _submitted(mail).startswith("auto-replied")
        or mail.header("Precedence").lower() in _PRECEDENCE
        or any(mail.headers(mark) for mark in _MARKS)
        or _is_receipt(mail)
        or is_vacation(mail)
    )


def is_automatic(mail: Mail) -> bool:
    """Whether no person wrote it."""
    return _submitted(mail) not in ("", "no") or is_answer(mail) or _NOBODY.match(mail.author[1]) is not None


def _submitted(mail: Mail) -> str:
    return mail.header("Auto-Submitted").partition(";")[0].strip().lower()


def _is_receipt(mail: Mail) -> bool:
    """A disposition notification (RFC 8098): it was read, or deleted unread."""
    return any(part.get_content_type() == "message/disposition-notification" for part in mail.parts)
