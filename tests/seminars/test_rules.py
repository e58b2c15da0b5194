"""The decisions about places, states and reminders, as properties."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_service.seminars.rules import (
    TAKES_REGISTRATIONS,
    Lead,
    Outcome,
    Plan,
    SeminarState,
    Standing,
    Taken,
    assign,
    due_at,
    free_places,
    is_due,
    moment,
    promotions,
    standing,
)

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 6, 1, 9, tzinfo=UTC)
_hours = st.integers(-100, 100).map(lambda hours: START + timedelta(hours=hours))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    return Plan(
        state=draw(st.sampled_from(SeminarState)),
        capacity=draw(st.none() | st.integers(1, 20)),
        waiting_capacity=draw(st.integers(0, 10)),
        opens_at=draw(st.none() | _hours),
        closes_at=draw(st.none() | _hours),
        starts_at=START,
        ends_at=START + timedelta(hours=draw(st.integers(1, 50))),
        cut_off=timedelta(hours=draw(st.integers(0, 48))),
    )


_taken = st.builds(Taken, st.integers(0, 30), st.integers(0, 12))
_open = plans().map(lambda plan: Plan(SeminarState.PUBLISHED, plan.capacity, plan.waiting_capacity, None, None,
                                      START, START + timedelta(hours=2), plan.cut_off))  # fmt: skip
BEFORE = START - timedelta(days=10)


@given(_open, st.lists(st.sampled_from(["confirm", "cancel place", "cancel wait"]), max_size=80))
def test_no_sequence_gives_more_places_than_there_are_or_leaves_one_empty_while_somebody_waits(
    plan: Plan, steps: list[str]
) -> None:
    taken = Taken(0, 0)
    for step in steps:
        if step == "confirm":
            outcome = assign(plan, taken, BEFORE)
            taken = Taken(taken.places + (outcome is Outcome.PLACE), taken.waiting + (outcome is Outcome.WAITING))
        elif step == "cancel place" and taken.places:
            taken = Taken(taken.places - 1, taken.waiting)
        elif step == "cancel wait" and taken.waiting:
            taken = Taken(taken.places, taken.waiting - 1)
        up = promotions(plan, taken, BEFORE)
        taken = Taken(taken.places + up, taken.waiting - up)
        assert plan.capacity is None or taken.places <= plan.capacity
        assert taken.waiting <= plan.waiting_capacity
        assert taken.waiting == 0 or free_places(plan, taken) == 0


@given(plans(), _taken, _hours)
def test_whoever_may_register_gets_something_and_nobody_overtakes(plan: Plan, taken: Taken, now: datetime) -> None:
    where, outcome = standing(plan, taken, now), assign(plan, taken, now)
    if where in TAKES_REGISTRATIONS:
        assert outcome in (Outcome.PLACE, Outcome.WAITING)
        assert (outcome is Outcome.PLACE) == (where is Standing.OPEN)
    if outcome is Outcome.PLACE:
        assert taken.waiting == 0
        assert plan.capacity is None or taken.places < plan.capacity
    if plan.state is not SeminarState.PUBLISHED:
        assert outcome is Outcome.CLOSED
        assert where.value == plan.state.value


@given(plans(), _taken, _hours)
def test_nobody_moves_up_after_the_cut_off_or_beyond_the_places(plan: Plan, taken: Taken, now: datetime) -> None:
    up = promotions(plan, taken, now)
    assert 0 <= up <= taken.waiting
    if up:
        assert plan.state is SeminarState.PUBLISHED
        assert now < plan.starts_at - plan.cut_off
        assert plan.capacity is None or taken.places + up <= plan.capacity


@given(plans(), _taken)
def test_fewer_places_throw_nobody_out(plan: Plan, taken: Taken) -> None:
    free = free_places(plan, taken)
    assert free is None or free >= 0
    assert promotions(plan, taken, BEFORE) >= 0


@pytest.mark.parametrize(
    ("starts", "lead", "due"),
    [
        # clocks go forward on 29 March 2026 at 02:00, back on 25 October 2026 at 03:00
        ("2026-03-29T09:00", Lead.DAY, "2026-03-28T09:00+01:00"),
        ("2026-03-30T02:30", Lead.DAY, "2026-03-29T03:30+02:00"),  # 02:30 is left out
        ("2026-04-01T09:00", Lead.WEEK, "2026-03-25T09:00+01:00"),
        ("2026-03-29T03:30", Lead.THREE_HOURS, "2026-03-28T23:30+01:00"),
        ("2026-10-25T09:00", Lead.DAY, "2026-10-24T09:00+02:00"),
        ("2026-10-26T02:30", Lead.DAY, "2026-10-25T02:30+02:00"),  # 02:30 comes twice: the first
        ("2026-10-25T03:30", Lead.THREE_HOURS, "2026-10-25T01:30+02:00"),
        ("2026-10-27T09:00", Lead.TWO_DAYS, "2026-10-25T09:00+01:00"),
    ],
)
def test_reminders_over_the_change_to_and_from_summer_time(starts: str, lead: Lead, due: str) -> None:
    begins = datetime.fromisoformat(starts).replace(tzinfo=BERLIN).astimezone(UTC)
    assert due_at(begins, lead, BERLIN) == datetime.fromisoformat(due)


_any_start = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda value: value.replace(tzinfo=UTC))
_zones = st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]).map(
    ZoneInfo
)


@given(_any_start, st.sampled_from(Lead), _zones)
def test_a_reminder_comes_before_the_start_and_by_days_at_the_same_time_of_the_clock(
    starts: datetime, lead: Lead, zone: ZoneInfo
) -> None:
    due = due_at(starts, lead, zone)
    assert due < starts
    assert is_due(starts, lead, zone, due)
    assert not is_due(starts, lead, zone, due - timedelta(microseconds=1))
    assert not is_due(starts, lead, zone, starts)
    if lead.value.endswith("d"):
        there, then = starts.astimezone(zone), due.astimezone(zone)
        shift = abs((then.replace(tzinfo=None) - there.replace(tzinfo=None)) % timedelta(days=1))
        assert shift in (timedelta(0), timedelta(minutes=30), timedelta(hours=1))
        assert (
            shift == timedelta(0)
            or due.astimezone(zone).utcoffset() != (due - timedelta(hours=2)).astimezone(zone).utcoffset()
        )


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)), _zones)
def test_a_moment_is_what_the_clock_shows_or_none(wall: datetime, zone: ZoneInfo) -> None:
    found = moment(wall, zone)
    if found is not None:
        assert found.astimezone(zone).replace(tzinfo=None) == wall
    else:
        assert zone.key != "UTC"


def test_a_time_that_the_clocks_leave_out_is_none() -> None:
    assert moment(datetime(2026, 3, 29, 2, 30), BERLIN) is None
    assert moment(datetime(2026, 3, 29, 3, 30), BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
