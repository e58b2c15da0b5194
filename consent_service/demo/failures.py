"""The failures that the catcher can be switched to, and what it did last."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from threading import Lock

from consent_service.demo.answers import Reaction

MOST_EVENTS = 20


class Failure(StrEnum):
    """What happens to the next mails."""

    NONE = "none"
    GONE = "gone"
    GONE_AT_ONCE = "gone-at-once"
    FULL = "full"
    FULL_AT_ONCE = "full-at-once"
    POLICY = "policy"
    COMPLAINT = "complaint"
    AWAY = "away"
    SLOW = "slow"
    DOWN = "down"


CLOSING = "421 4.3.2 The server is down, try again later"
REFUSALS = {
    Failure.GONE_AT_ONCE: "550 5.1.1 There is no mailbox of this name",
    Failure.FULL_AT_ONCE: "452 4.2.2 The mailbox is full, try again later",
    Failure.POLICY: "550 5.7.1 Refused: this sender has a poor reputation",
    Failure.DOWN: CLOSING,
}
"""What RCPT is answered with (RFC 5321, RFC 3463)."""

REACTIONS = {
    Failure.GONE: Reaction.GONE,
    Failure.FULL: Reaction.FULL,
    Failure.COMPLAINT: Reaction.COMPLAINT,
    Failure.AWAY: Reaction.AWAY,
}
"""What comes back about a mail that was taken."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A failure, and the one address that it is for; without one it is for all."""

    failure: Failure = Failure.NONE
    only: str = ""

    @property
    def is_down(self) -> bool:
        """Whether the whole server is down, not only for one recipient."""
        return self.failure is Failure.DOWN and not self.only

    def of(self, recipient: str) -> Failure:
        """What happens to a mail to this address."""
        return self.failure if self.only.casefold() in ("", recipient.casefold()) else Failure.NONE


class Switch:
    """Holds the choice: the page turns it, the catcher looks at it. It begins, at each start, with no failure."""

    def __init__(self) -> None:
        self.choice = Choice()


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that the catcher did; the time is aware, in UTC."""

    at: datetime
    recipient: str
    words: str


@dataclass
class Journal:
    """What the catcher did last, for the page; written and read in several threads."""

    _events: deque[Event] = field(default_factory=lambda: deque(maxlen=MOST_EVENTS))
    _lock: Lock = field(default_factory=Lock)

    def note(self, event: Event) -> None:
        """Adds what has happened."""
        with self._lock:
            self._events.appendleft(event)

    def latest(self) -> list[Event]:
        """What has happened, newest first."""
        with self._lock:
            return list(self._events)
