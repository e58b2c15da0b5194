"""How much may leave now, how a provider's refusals slow us down, and how a new sending domain is warmed up."""

import math
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

SECONDS_PER_HOUR = 3600
SLOWED_FROM = 10.0
"""What a provider without a limit of its own is slowed down from, in messages per second."""

SLOWEST = 1 / 60
FREE_AGAIN = 100.0
"""Messages per second at which a provider without a limit of its own counts as recovered."""

GROWTH = 1.25
GROWS_EVERY = timedelta(minutes=1)
SLOWS_AT_MOST_EVERY = timedelta(seconds=30)
"""A batch's refusals come together, and are one sign."""

LONGEST_WAIT = timedelta(minutes=1)
"""Of a worker for a bucket after it has looked at the clock: what others had in between is not filled in twice."""

SERVICE_NOT_AVAILABLE = 421
LONGEST_REPLY = 20
DAY = timedelta(days=1)

_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\d)")


class Reaction(StrEnum):
    """What a refusal says about us, and not about the recipient."""

    SLOW_DOWN = "slow_down"
    PAUSE = "pause"


def reaction(code: int, text: str) -> Reaction | None:
    """What follows from a server's answer: 421 and 4.7.x (RFC 3463) slow us down, 5.7.x stops us."""
    status = _status(text)
    if code >= 500 and status.startswith("5.7."):
        return Reaction.PAUSE
    if code == SERVICE_NOT_AVAILABLE or (400 <= code < 500 and status.startswith("4.7.")):
        return Reaction.SLOW_DOWN
    return None


def said(code: int, text: str) -> str:
    """The code and status of an answer; its words may name a person."""
    return f"{code} {_status(text)}".strip()[:LONGEST_REPLY]


def _status(text: str) -> str:
    found = _STATUS.match(text)
    return found[0] if found else ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What somebody has set; None is no limit."""

    per_second: float | None = None
    per_hour: int | None = None
    connections: int | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is any."""
        return any(limit is not None for limit in (self.per_second, self.per_hour, self.connections))


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is left of the limits per second and per hour; None is all of it, as before the first message."""

    second: float | None = None
    hour: float | None = None
    at: datetime | None = None

    @property
    def messages(self) -> int | None:
        """How many may leave; None is any number."""
        least = min(math.inf if left is None else left for left in (self.second, self.hour))
        return None if least == math.inf else max(math.floor(least + 1e-9), 0)

    def without(self, spent: int) -> "Bucket":
        """After so many have left."""
        return replace(
            self,
            second=None if self.second is None else self.second - spent,
            hour=None if self.hour is None else self.hour - spent,
        )


def refilled(bucket: Bucket, per_second: float | None, per_hour: float | None, now: datetime) -> Bucket:
    """The bucket at `now` (aware). What was not used lasts for a second, and for a minute of an hour's limit."""
    passed = max((now - bucket.at).total_seconds(), 0.0) if bucket.at is not None else math.inf
    is_overtaken = bucket.at is not None and now < bucket.at <= now + LONGEST_WAIT
    by_hour = None if per_hour is None else per_hour / SECONDS_PER_HOUR
    return Bucket(
        _refilled(bucket.second, per_second, 1, passed),
        _refilled(bucket.hour, by_hour, 60, passed),
        bucket.at if is_overtaken else now,
    )


def _refilled(left: float | None, rate: float | None, seconds_kept: int, passed: float) -> float | None:
    if rate is None:
        return None
    most = max(rate * seconds_kept, 1.0)
    return most if left is None or passed == math.inf else min(left + passed * rate, most)


@dataclass(frozen=True, slots=True)
class Pace:
    """What a provider's refusals have made of its rate: messages per second, and when that last changed."""

    per_second: float
    changed_at: datetime


def allowed_per_second(limits: Limits, pace: Pace | None) -> float | None:
    """The rate in force."""
    rates = [rate for rate in (limits.per_second, pace.per_second if pace else None) if rate is not None]
    return min(rates) if rates else None


def slowed(limits: Limits, pace: Pace | None, now: datetime) -> Pace:
    """Half of what it was; once for refusals that come together."""
    if pace is not None and now - pace.changed_at < SLOWS_AT_MOST_EVERY:
        return pace
    before = allowed_per_second(limits, pace)
    if before is None:
        before = SLOWED_FROM if limits.per_hour is None else min(limits.per_hour / SECONDS_PER_HOUR, SLOWED_FROM)
    return Pace(max(before / 2, SLOWEST), now)


def grown(limits: Limits, pace: Pace, now: datetime) -> Pace | None:
    """A little faster after a success, at most every minute; None once nothing is left of the back-off."""
    if now - pace.changed_at < GROWS_EVERY:
        return pace
    faster = pace.per_second * GROWTH
    return None if faster >= (limits.per_second or FREE_AGAIN) else Pace(faster, now)


@dataclass(frozen=True, slots=True)
class WarmUp:
    """A plan for a sending domain that nobody knows yet: so many on the first day, doubling until it is done.

    `stage` counts from 0; a day on which nothing went out does not count. Times are aware.
    """

    first: int
    until: int
    stage: int
    day_began: datetime
    used: int

    @property
    def today(self) -> int:
        """How many may leave on this day."""
        doubled: int = self.first * 2 ** min(self.stage, 40)
        return min(doubled, self.until)

    @property
    def left(self) -> int:
        """How many may still leave on this day."""
        return max(self.today - self.used, 0)

    @property
    def is_done(self) -> bool:
        """Whether the day's number has come to where no limit is needed any more."""
        return self.today >= self.until

    @property
    def days(self) -> int:
        """How many days with a limit the plan has."""
        return max(math.ceil(math.log2(self.until / self.first)), 0)


def turned(plan: WarmUp, now: datetime) -> WarmUp:
    """The plan on the day that `now` is in; days are 24 hours long, from the plan's beginning on."""
    days = (now - plan.day_began) // DAY
    if days < 1:
        return plan
    return replace(plan, stage=plan.stage + (plan.used > 0), day_began=plan.day_began + days * DAY, used=0)
