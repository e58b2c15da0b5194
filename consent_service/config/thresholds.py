"""Settings of what pauses a campaign by itself: how many complaints and bounces, and how long it could not go out."""

import math
from dataclasses import dataclass
from datetime import timedelta

from consent_service.config.reading import Reader


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which share of what was handed over staff are warned, and a campaign pauses; infinity is never.

    Below the least number of messages a share says nothing.
    """

    alarm: float
    pause: float
    least_messages: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What pauses a campaign."""

    complaints: Threshold
    bounces: Threshold
    stale_after: timedelta


def thresholds(read: Reader) -> Thresholds:
    """The settings, with the big providers' rules for bulk senders as defaults."""
    return Thresholds(
        complaints=Threshold(
            alarm=_share(read, "COMPLAINTS_ALARM_PERCENT", "0.1"),
            pause=_share(read, "COMPLAINTS_PAUSE_PERCENT", "0.3"),
            least_messages=read.number("COMPLAINTS_LEAST_MESSAGES", 1000, lowest=1),
        ),
        bounces=Threshold(
            alarm=_share(read, "BOUNCES_ALARM_PERCENT", "2"),
            pause=_share(read, "BOUNCES_PAUSE_PERCENT", "5"),
            least_messages=read.number("BOUNCES_LEAST_MESSAGES", 100, lowest=1),
        ),
        stale_after=timedelta(hours=read.number("CAMPAIGN_STALE_HOURS", 24, lowest=1)),
    )


def _share(read: Reader, name: str, default: str) -> float:
    value = read.text(name, default)
    try:
        percent = float(value)
    except ValueError:
        percent = math.nan
    if not 0 <= percent <= 100:
        read.problem(name, f"must be a percentage such as 0.3, or 0 for never, not {value!r}")
    return percent / 100 if percent else math.inf
