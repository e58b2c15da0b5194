"""Machines' mail that is no report: vacation replies, read receipts, tickets (RFC 3834), and what may be one."""

import re

from consent_service.inbound.parsing import Mail

_MARKS = (
    "X-Autoreply",
    "X-Autorespond",
    "X-Autoresponder",
    "X-AutoReply-From",
    "X-Mail-Autoreply",
    "X-Vacation",
)
_ANSWERS = frozenset({"auto_reply", "auto-reply"})
# What groups, relays and Exchange put on people's own mail, too. Feedback-ID is no mark at all: Amazon SES adds it
# to whatever goes through it.
_LISTS = ("List-Id", "List-Unsubscribe")
_TO_MANY = frozenset({"bulk", "junk", "list"})
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
    return mail.sender == "" or is_named_daemon(mail)


def is_named_daemon(mail: Mail) -> bool:
    """Whether its author is a mail server by name; vacation replies have the null sender, but a person's name."""
    return _DAEMON.match(mail.author[1]) is not None


def is_vacation(mail: Mail) -> bool:
    """Whether it says by its subject that somebody is away; bounces have other subjects."""
    return _SUBJECT.match(mail.subject) is not None


def is_answer(mail: Mail) -> bool:
    """Whether it says that it is an automatic answer: a server's own report says so otherwise."""
    return (
        _submitted(mail).startswith("auto-replied")
        or _precedence(mail) in _ANSWERS
        or any(mail.headers(mark) for mark in _MARKS)
        or _is_receipt(mail)
        or is_vacation(mail)
        or (mail.sender == "" and may_be_automatic(mail))
    )


def is_to_many(mail: Mail) -> bool:
    """Whether it bears the marks of a mailing list or newsletter; what a group passes on bears them, too."""
    return _precedence(mail) in _TO_MANY or any(mail.headers(mark) for mark in _LISTS)


def may_be_automatic(mail: Mail) -> bool:
    """Whether a machine or a person may have written it: its words alone end nothing."""
    return is_to_many(mail) or bool(mail.headers("X-Auto-Response-Suppress"))


def is_automatic(mail: Mail) -> bool:
    """Whether no person wrote it."""
    return _submitted(mail) not in ("", "no") or is_answer(mail) or _NOBODY.match(mail.author[1]) is not None


def _precedence(mail: Mail) -> str:
    return mail.header("Precedence").lower()


def _submitted(mail: Mail) -> str:
    return mail.header("Auto-Submitted").partition(";")[0].strip().lower()


def _is_receipt(mail: Mail) -> bool:
    """A disposition notification (RFC 8098): it was read, or deleted unread."""
    return any(part.get_content_type() == "message/disposition-notification" for part in mail.parts)
