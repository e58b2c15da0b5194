"""The decisions about limits: buckets, back-off, and warm-up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consent_service.limits.rules import (
    DAY,
    FREE_AGAIN,
    GROWS_EVERY,
    SLOWEST,
    SLOWS_AT_MOST_EVERY,
    Bucket,
    Limits,
    Pace,
    Reaction,
    WarmUp,
    allowed_per_second,
    grown,
    reaction,
    refilled,
    said,
    slowed,
    turned,
)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
RATES = st.floats(min_value=0.01, max_value=1000)


class TestReaction:
    @pytest.mark.parametrize(
        ("code", "text", "means"),
        [
            (421, "4.7.0 [TSS04] later", Reaction.SLOW_DOWN),
            (421, "Too many connections", Reaction.SLOW_DOWN),
            (450, "4.7.28 unusual rate", Reaction.SLOW_DOWN),
            (451, "4.7.500 server busy", Reaction.SLOW_DOWN),
            (550, "5.7.1 blocked", Reaction.PAUSE),
            (554, "5.7.511 banned", Reaction.PAUSE),
            (450, "4.2.2 mailbox full", None),
            (550, "5.1.1 no such user", None),
            (550, "we speak of 5.7.1 without meaning it", None),
            (250, "2.0.0 taken", None),
            (-1, "connection lost", None),
        ],
    )
    def test_of_an_answer(self, code: int, text: str, means: Reaction | None) -> None:
        assert reaction(code, text) is means

    def test_keeps_no_words(self) -> None:
        assert said(550, "5.7.1 <anna@example.org> does not want you") == "550 5.7.1"
        assert said(421, "anna@example.org") == "421"


class TestBucket:
    def test_without_limits_is_bottomless(self) -> None:
        assert refilled(Bucket(), None, None, NOW).messages is None

    def test_begins_full_and_keeps_a_second(self) -> None:
        full = refilled(Bucket(), 5, None, NOW)
        assert full.messages == 5
        empty = full.without(5)
        assert [refilled(empty, 5, None, NOW + timedelta(seconds=s)).messages for s in (0.1, 0.2, 0.6, 9)] == [
            0,
            1,
            3,
            5,
        ]

    def test_of_less_than_one_a_second_lets_one_go_when_its_time_has_come(self) -> None:
        empty = refilled(Bucket(), 0.1, None, NOW).without(1)
        assert [refilled(empty, 0.1, None, NOW + timedelta(seconds=s)).messages for s in (9, 10)] == [0, 1]

    @given(
        rate=st.none() | RATES,
        hourly=st.none() | st.integers(1, 100_000),
        pauses=st.lists(st.floats(min_value=-1, max_value=500), max_size=30),
    )
    @example(rate=100.0, hourly=None, pauses=[0, 1, -1] * 10)
    def test_never_lets_more_go_than_the_limits_and_what_is_kept(
        self, rate: float | None, hourly: int | None, pauses: list[float]
    ) -> None:
        """Also where one looks at the clock and another comes before it."""
        bucket, gone, now, latest = Bucket(), 0, NOW, NOW
        for pause in pauses:
            now = max(now, latest - timedelta(seconds=1)) + timedelta(seconds=pause)
            latest = max(now, latest)
            bucket = refilled(bucket, rate, hourly, now)
            if bucket.messages is not None:
                gone += bucket.messages
                bucket = bucket.without(bucket.messages)
        seconds = (latest - NOW).total_seconds()
        if rate is not None:
            assert gone <= seconds * rate + max(rate, 1) + 1e-3
        if hourly is not None:
            assert gone <= (seconds + 60) * hourly / 3600 + 1 + 1e-3

    @given(rate=RATES, seconds=st.floats(min_value=0, max_value=1e6))
    def test_going_back_in_time_fills_nothing(self, rate: float, seconds: float) -> None:
        empty = Bucket(0.0, None, NOW)
        assert refilled(empty, rate, None, NOW - timedelta(seconds=seconds)).messages == 0

    def test_of_a_clock_that_was_set_back_fills_from_then_on(self) -> None:
        back = NOW - timedelta(days=1)
        empty = refilled(Bucket(0.0, None, NOW), 5, None, back)
        assert refilled(empty, 5, None, back + timedelta(seconds=1)).messages == 5


class TestBackOff:
    def test_halves_what_was_set(self) -> None:
        pace = slowed(Limits(per_second=8), None, NOW)
        assert pace == Pace(4, NOW)
        assert allowed_per_second(Limits(per_second=8), pace) == 4

    def test_halves_a_rate_per_hour(self) -> None:
        assert slowed(Limits(per_hour=7200), None, NOW).per_second == 1

    def test_refusals_that_come_together_count_once(self) -> None:
        pace = slowed(Limits(), None, NOW)
        assert slowed(Limits(), pace, NOW + SLOWS_AT_MOST_EVERY / 2) == pace
        assert slowed(Limits(), pace, NOW + SLOWS_AT_MOST_EVERY).per_second == pace.per_second / 2

    @given(limit=st.none() | RATES, refusals=st.integers(1, 40))
    def test_never_stops_and_recovers_in_full(self, limit: float | None, refusals: int) -> None:
        limits, pace, now = Limits(per_second=limit), None, NOW
        for _ in range(refusals):
            before = allowed_per_second(limits, pace)
            pace = slowed(limits, pace, now)
            assert pace.per_second >= SLOWEST
            assert before is None or pace.per_second <= max(before, SLOWEST)
            now += SLOWS_AT_MOST_EVERY
        steps = 0
        while pace is not None:
            before, now = pace, now + GROWS_EVERY
            pace = grown(limits, before, now)
            assert pace is None or before.per_second < pace.per_second < (limit or FREE_AGAIN)
            steps += 1
        assert steps < 60

    def test_grows_once_a_minute(self) -> None:
        pace = Pace(1, NOW)
        assert grown(Limits(), pace, NOW + GROWS_EVERY / 2) == pace


class TestWarmUp:
    PLAN = WarmUp(first=50, until=400, stage=0, day_began=NOW, used=0)

    def test_doubles_each_day_until_it_is_done(self) -> None:
        plan, days = self.PLAN, []
        for day in range(1, 5):
            days.append((plan.today, plan.is_done))
            plan = turned(WarmUp(50, 400, plan.stage, plan.day_began, plan.today), NOW + day * DAY)
        assert days == [(50, False), (100, False), (200, False), (400, True)]
        assert self.PLAN.days == 3

    def test_a_day_on_which_nothing_went_out_does_not_count(self) -> None:
        later = turned(self.PLAN, NOW + 5 * DAY + timedelta(hours=1))
        assert (later.stage, later.left, later.day_began) == (0, 50, NOW + 5 * DAY)

    @given(used=st.integers(0, 400), hours=st.floats(min_value=0, max_value=23.9))
    def test_lets_no_more_go_on_one_day(self, used: int, hours: float) -> None:
        plan = turned(WarmUp(50, 400, 2, NOW, used), NOW + timedelta(hours=hours))
        assert plan.left == max(200 - used, 0)
