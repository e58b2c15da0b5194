"""The decisions of delivery: what a server's answer means, and when to try again."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from consent_service.config.thresholds import Threshold
from consent_service.limits import rules as limits
from consent_service.limits.rules import Reaction


class Lane(StrEnum):
    """Single mails (confirmations, welcomes) never wait behind a campaign."""

    SINGLE = "single"
    BULK = "bulk"


class MailKind(StrEnum):
    """What a message in the outbox is."""

    CONFIRMATION = "confirmation"
    ALREADY_CONFIRMED = "already_confirmed"
    SETTINGS_LINK = "settings_link"
    WELCOME = "welcome"
    SURVEY_LINK = "survey_link"
    SURVEY_REMINDER = "survey_reminder"
    TEST = "test"
    CAMPAIGN = "campaign"
    SEMINAR = "seminar"
    FORWARDED = "forwarded"


class MessageState(StrEnum):
    """Design: queued -> claimed (lease) -> handing -> sent | deferred | failed | suppressed | in_doubt.

    What comes back makes a sent one bounced or complained.
    """

    QUEUED = "queued"
    CLAIMED = "claimed"
    HANDING = "handing"
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    IN_DOUBT = "in_doubt"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class ReturnKind(StrEnum):
    """What came back about a mail that was handed over."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"


class BounceKind(StrEnum):
    """Why a mail came back."""

    GONE = "gone"
    FULL = "full"
    POLICY = "policy"
    TEMPORARY = "temporary"
    UNKNOWN = "unknown"


class MailingState(StrEnum):
    """Where a mailing stands: its messages leave only while it runs."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"


class Part(StrEnum):
    """What delivery cannot do without."""

    MAIL_SERVER = "mail_server"
    DATABASE = "database"


class TroubleKind(StrEnum):
    """Why nothing goes out, as far as it tells what to do."""

    UNREACHABLE = "unreachable"
    TOO_SLOW = "too_slow"
    HUNG_UP = "hung_up"
    UNTRUSTED = "untrusted"
    SIGN_IN_REFUSED = "sign_in_refused"
    DATABASE_FAILED = "database_failed"


class AlarmKind(StrEnum):
    """What staff are warned of about a mailing, or what pauses it."""

    BOUNCES = "bounces"
    COMPLAINTS = "complaints"
    STALE = "stale"


class Verdict(StrEnum):
    """What follows from a mailing's figures."""

    GO_ON = "go_on"
    ALARM = "alarm"
    PAUSE = "pause"


FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
MOST_ATTEMPTS = 25  # some three days
LONGEST_PAUSE_BEFORE_RECONNECT = timedelta(minutes=1)
SERVICE_CLOSING = 421
CONNECTION_LOST = -1
PROVIDER_FIELD = "message"
"""What our id of a mail is called where a provider lets us choose (Postmark's metadata)."""

ADDRESS_IS_GONE = frozenset({"5.1.1", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})


def pause_before_retry(attempts: int, jitter: float) -> timedelta:
    """How long to wait after the given number of attempts (1 or more): doubling, with jitter (0 to 1) of a half."""
    doublings: int = 2 ** min(attempts - 1, 20)
    doubled = min(FIRST_PAUSE * doublings, LONGEST_PAUSE)
    return timedelta(seconds=doubled.total_seconds() * (0.75 + 0.5 * jitter))


def pause_before_reconnect(failures: int, jitter: float) -> timedelta:
    """How long to leave the server alone that was away or hung up so often in a row (1 or more); jitter is 0 to 1."""
    doublings: int = 2 ** min(failures - 1, 20)
    return min(timedelta(seconds=1) * doublings, LONGEST_PAUSE_BEFORE_RECONNECT) * (0.5 + 0.5 * jitter)


SHORTEST_PAUSE_BEFORE_COUNT = timedelta(seconds=1)
MESSAGES_COUNTED_A_SECOND = 100_000  # a fiftieth of what a machine can


def pause_before_count(messages: int) -> timedelta:
    """How long not to count so many messages of a mailing again, so that counting takes little of the worker's time."""
    return max(SHORTEST_PAUSE_BEFORE_COUNT, timedelta(seconds=messages / MESSAGES_COUNTED_A_SECOND))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the receiving server said: its code and text (RFC 5321 section 4.2)."""

    code: int
    text: str

    def __str__(self) -> str:
        return self.text if self.code == CONNECTION_LOST else f"{self.code} {self.text}"

    @property
    def is_success(self) -> bool:
        """A 2xx."""
        return 200 <= self.code < 300

    @property
    def is_temporary(self) -> bool:
        """A 4xx, or a server that closed without a word (code below 0)."""
        return self.code < 500

    @property
    def reaction(self) -> Reaction | None:
        """What it says about us rather than about the recipient."""
        return limits.reaction(self.code, self.text)


def is_address_gone(reply: Reply) -> bool:
    """Whether a refusal says that the mailbox does not exist (RFC 3463), so that nobody should write to it again."""
    words = reply.text.split(maxsplit=1)
    return reply.code >= 500 and bool(words) and words[0] in ADDRESS_IS_GONE


def state_after(reply: Reply, attempts: int) -> MessageState:
    """What becomes of a message that was answered thus at this attempt; a mailing may rest, so age says nothing."""
    if reply.is_success:
        return MessageState.SENT
    if (reply.is_temporary or reply.reaction is Reaction.PAUSE) and attempts < MOST_ATTEMPTS:
        return MessageState.DEFERRED
    return MessageState.FAILED


_MAILBOX = re.compile(r"[^\s<>()\[\],;:\"']+@")
LONGEST_REASON = 300


def without_mailboxes(reason: str) -> str:
    """What a server said, in one line of bounded length, without the person's part of each address."""
    return _MAILBOX.sub("…@", " ".join(reason.split()))[:LONGEST_REASON]


def why_lost(reply: Reply) -> TroubleKind:
    """What kept a connection from going on that ended with this reply."""
    timed_out = reply.code == CONNECTION_LOST and "timed out" in reply.text
    return TroubleKind.TOO_SLOW if timed_out else TroubleKind.HUNG_UP


BOUNCES_IN_A_ROW = 5
SHORTEST_SPREAD = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail that was handed over, when (aware), and what kind of bounce came back, if any."""

    at: datetime
    bounce: BounceKind | None


def keeps_bouncing(latest: Sequence[Delivery]) -> bool:
    """Whether an address's latest deliveries, newest first, all came back, over long enough a time to be sure.

    What was refused for policy or reputation says nothing about the address: the fault is ours.
    """
    row = latest[:BOUNCES_IN_A_ROW]
    return (
        len(row) == BOUNCES_IN_A_ROW
        and all(delivery.bounce not in (None, BounceKind.POLICY) for delivery in row)
        and row[0].at - row[-1].at >= SHORTEST_SPREAD
    )


def verdict(share: float, threshold: Threshold, accepted: float) -> Verdict | None:
    """What the share that came back means, beyond what a person has accepted by resuming the mailing."""
    grown = share - accepted
    if grown >= threshold.pause:
        return Verdict.PAUSE
    return Verdict.ALARM if grown >= threshold.alarm else None


TAIL = 0.05


def is_tail(waiting: int, untried: int, sent: int) -> bool:
    """Whether what waits is but the rest of a mailing that went out: mailboxes that are full, and the like.

    They are tried again for three days, and that is no sign that the mailing as a whole could not go out.
    """
    return untried == 0 and waiting <= sent * TAIL
