"""The decisions about seminars: what state one is in, who gets a place, who moves up, when to remind.

All moments are aware. A seminar has at least one date.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

LONGEST_TITLE = 200
LONGEST_DESCRIPTION = 20_000
LONGEST_LINE = 200
LONGEST_ADDRESS = 500
LONGEST_ANSWER = 2_000
MOST_DATES = 30
MOST_QUESTIONS = 20
MOST_PLACES = 1_000_000
CUT_OFF_HOURS = 12


class SeminarState(StrEnum):
    """What staff have decided about a seminar; `Standing` adds what time and numbers make of it."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


class Venue(StrEnum):
    """Where a seminar takes place."""

    ON_SITE = "on_site"
    ONLINE = "online"
    BOTH = "both"


class Standing(StrEnum):
    """Where a seminar stands now, as people are told."""

    DRAFT = "draft"
    NOT_YET_OPEN = "not_yet_open"
    OPEN = "open"
    WAITING_LIST = "waiting_list"
    FULL = "full"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    PAST = "past"


class SeatState(StrEnum):
    """What a confirmed person has: a place, a place on the waiting list, or neither any more."""

    PLACE = "place"
    WAITING = "waiting"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What a confirmation came to."""

    PLACE = "place"
    WAITING = "waiting"
    FULL = "full"
    CLOSED = "closed"
    ALREADY = "already"


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides about a seminar's places. Without a capacity there is room for all."""

    state: SeminarState
    capacity: int | None
    waiting_capacity: int
    opens_at: datetime | None
    closes_at: datetime | None
    starts_at: datetime
    ends_at: datetime
    cut_off: timedelta

    @property
    def takes_until(self) -> datetime:
        """When the last registration can be made: where nothing else is said, at the start."""
        return self.closes_at or self.starts_at

    @property
    def promotes_until(self) -> datetime:
        """Until when a place that becomes free goes to the next who waits; afterwards staff decide."""
        return self.starts_at - self.cut_off


@dataclass(frozen=True, slots=True)
class Taken:
    """How many have a place, and how many wait."""

    places: int
    waiting: int


def free_places(plan: Plan, taken: Taken) -> int | None:
    """How many places nobody has; None where there is room for all. More people than places leave none."""
    return None if plan.capacity is None else max(plan.capacity - taken.places, 0)


def has_room(plan: Plan, taken: Taken) -> bool:
    """Whether whoever comes next gets a place: one is free, and nobody has waited longer."""
    return free_places(plan, taken) != 0 and taken.waiting == 0


def standing(plan: Plan, taken: Taken, now: datetime) -> Standing:
    """Where the seminar stands."""
    if plan.state is not SeminarState.PUBLISHED:
        return Standing(plan.state.value)
    if now >= plan.ends_at:
        return Standing.PAST
    if now >= plan.takes_until:
        return Standing.CLOSED
    if plan.opens_at is not None and now < plan.opens_at:
        return Standing.NOT_YET_OPEN
    if has_room(plan, taken):
        return Standing.OPEN
    return Standing.WAITING_LIST if taken.waiting < plan.waiting_capacity else Standing.FULL


TAKES_REGISTRATIONS = frozenset({Standing.OPEN, Standing.WAITING_LIST})


def assign(plan: Plan, taken: Taken, now: datetime) -> Outcome:
    """What somebody who confirms now gets.

    Who registered in time may confirm until the seminar begins, also when registration has closed meanwhile.
    """
    if plan.state is not SeminarState.PUBLISHED or now >= max(plan.takes_until, plan.starts_at):
        return Outcome.CLOSED
    if has_room(plan, taken):
        return Outcome.PLACE
    return Outcome.WAITING if taken.waiting < plan.waiting_capacity else Outcome.FULL


def promotions(plan: Plan, taken: Taken, now: datetime) -> int:
    """How many of those who wait move up by themselves now, those first who have waited longest."""
    if plan.state is not SeminarState.PUBLISHED or now >= plan.promotes_until:
        return 0
    free = free_places(plan, taken)
    return taken.waiting if free is None else min(free, taken.waiting)


class Lead(StrEnum):
    """How long before a date its reminder goes out."""

    WEEK = "7d"
    TWO_DAYS = "2d"
    DAY = "1d"
    THREE_HOURS = "3h"
    HOUR = "1h"


def due_at(starts_at: datetime, lead: Lead, zone: ZoneInfo) -> datetime:
    """When the reminder of a date is due, in UTC.

    Days are those of the calendar in the seminar's zone: a day before nine o'clock is at nine o'clock, also
    where the clocks are changed in between. A time that the change leaves out is the one that the clocks show
    then; of a time that it brings twice, the first counts. Hours are hours.
    """
    number, unit = int(lead.value[:-1]), lead.value[-1]
    if unit == "h":
        return starts_at.astimezone(UTC) - timedelta(hours=number)
    wall = starts_at.astimezone(zone).replace(tzinfo=None) - timedelta(days=number)
    return wall.replace(tzinfo=zone).astimezone(UTC)


def is_due(starts_at: datetime, lead: Lead, zone: ZoneInfo, now: datetime) -> bool:
    """Whether a date is to be reminded of now: late rather than never, but never once it has begun."""
    return due_at(starts_at, lead, zone) <= now < starts_at


def moment(wall: datetime, zone: ZoneInfo) -> datetime | None:
    """The moment, in UTC, at which clocks in the zone show this (naive) time; None where they leave it out."""
    found = wall.replace(tzinfo=zone).astimezone(UTC)
    return found if found.astimezone(zone).replace(tzinfo=None) == wall else None


class QuestionKind(StrEnum):
    """How an extra question is answered."""

    TEXT = "text"
    CHOICE = "choice"
    YES_NO = "yes_no"


YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class QuestionWords:
    """A question in one language: what is asked, what the answer is needed for, and the choices."""

    label: str
    reason: str
    choices: tuple[str, ...] = ()


Answers = Mapping[str, str]
"""A question's key to what was answered; a choice by its German words."""


def kept_answers(answers: Answers, keys: Collection[str]) -> dict[str, str]:
    """The answers that are given, to questions that there still are."""
    return {key: value for key, value in answers.items() if key in keys and value}


def contains(words: Sequence[str | None], term: str) -> bool:
    """Whether a search term is in any of the words, whatever their case."""
    return any(term.casefold() in word.casefold() for word in words if word)
