"""What became of a message, for a report: the outcome, what the server's answer says, and why it failed."""

import re
from enum import StrEnum

from consent_service.mailing.rules import ADDRESS_IS_GONE, MessageState


class Outcome(StrEnum):
    """What became of one person's copy."""

    SENT = "sent"
    WAITING = "waiting"
    LEFT_OUT = "left_out"
    FAILED = "failed"
    CAME_BACK = "came_back"
    COMPLAINED = "complained"
    IN_DOUBT = "in_doubt"


STATES: dict[Outcome, tuple[MessageState, ...]] = {
    Outcome.SENT: (MessageState.SENT,),
    Outcome.WAITING: (MessageState.QUEUED, MessageState.CLAIMED, MessageState.HANDING, MessageState.DEFERRED),
    Outcome.LEFT_OUT: (MessageState.SUPPRESSED,),
    Outcome.FAILED: (MessageState.FAILED,),
    Outcome.CAME_BACK: (MessageState.BOUNCED,),
    Outcome.COMPLAINED: (MessageState.COMPLAINED,),
    Outcome.IN_DOUBT: (MessageState.IN_DOUBT,),
}
_OF_STATE = {state: outcome for outcome, states in STATES.items() for state in states}


def outcome_of(state: MessageState) -> Outcome:
    """What a message in this state counts as."""
    return _OF_STATE[state]


# Each way in which a server names the number under which it has queued a mail, with one that does.
_QUEUED_AS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bqueued as:? *<?([^\s<>;,)]+)",  # Postfix, Brevo, SendGrid, Mailjet
        r"\[InternalId=(\d+)",  # Exchange, Microsoft 365
        r"\bid[=:] *<?([^\s<>;,)\]]+)",  # Exim, GMX and WEB.DE
        r"\bqueued (?:with id|\() *([0-9A-F-]{8,}(?:\.\d+)?)",  # Stalwart, Haraka
        r"\bok +\d{9,} +qp +(\d+)",  # qmail
        r"\bok +\d{9,} +(\S+) +- +gsmtp",  # Google
        r"^(?:2\.\d\.\d+ +)?([0-9A-Za-z]{8,20}) +message accepted for delivery",  # Sendmail, OpenSMTPD
        r"^ok +([0-9a-f]{16}-[0-9a-f-]{36}-\d{6})",  # Amazon SES
        r"^2\.\d\.\d+ +ok +([0-9A-F]{2}/[0-9A-F]{2}-\d+-[0-9A-F]+)",  # Momentum, SparkPost
    )
)
_CODE = re.compile(r"^-?\d+ +")


def queue_id(answer: str) -> str | None:
    """The number under which a server has queued a mail, from its answer with the code (RFC 5321 names no form)."""
    if not answer.startswith("2"):
        return None
    text = _CODE.sub("", answer, count=1)
    for pattern in _QUEUED_AS:
        if found := pattern.search(text):
            return found[1].rstrip(".")
    return None


class FailureKind(StrEnum):
    """Why a message was given up."""

    GONE = "gone"
    POLICY = "policy"
    TOO_LONG = "too_long"
    REFUSED = "refused"
    NOT_COMPOSED = "not_composed"
    ERASED = "erased"


MAY_GO_AGAIN = (FailureKind.POLICY, FailureKind.TOO_LONG, FailureKind.REFUSED, FailureKind.NOT_COMPOSED)
"""What another try can mend: not where the mailbox does not exist, or the person was erased."""

_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")  # RFC 3463
BEGINNING = 15
"""So many characters of an answer are enough to say why a message failed."""


def failure_kind(answer: str | None) -> FailureKind:
    """Why a message failed, from the beginning of the last answer to it; None: it was deleted with the person."""
    if answer is None:
        return FailureKind.ERASED
    code, _, text = answer.partition(" ")
    if not code.lstrip("-").isdecimal():
        return FailureKind.NOT_COMPOSED
    if int(code) < 500:
        return FailureKind.TOO_LONG
    status = _STATUS.match(text)
    if status is None:
        return FailureKind.REFUSED
    if status[0] in ADDRESS_IS_GONE:
        return FailureKind.GONE
    return FailureKind.POLICY if status[0].split(".")[1] == "7" else FailureKind.REFUSED
