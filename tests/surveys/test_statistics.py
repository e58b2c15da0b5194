"""Numbers from counts are those that a look at all answers would give."""

import statistics as python
from collections import Counter
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from consent_service.surveys.rules import Code, Kind, Question
from consent_service.surveys.statistics import MOST_BARS, Cell, cells, figures, total
from tests.surveys.driving import every_kind, question
from tests.surveys.test_rules import coded, on_a_busy_machine, values

QUESTIONS = coded(every_kind())
_answers = st.fixed_dictionaries({}, optional={one.code: values(one) for one in QUESTIONS})


def _counted(everybody: list[dict[Code, object]]) -> Counter[Cell]:
    counts: Counter[Cell] = Counter()
    for answers in everybody:
        counts.update(cells(QUESTIONS, answers))  # type: ignore[arg-type]
    return counts


def _of(kind: Kind) -> Question:
    return next(one for one in QUESTIONS if one.kind is kind)


@on_a_busy_machine
@given(st.lists(_answers, max_size=15))
def test_counts_and_shares(everybody: list[dict[Code, object]]) -> None:
    counts = _counted(everybody)
    assert total(counts) == len(everybody)
    for one in QUESTIONS:
        found = figures(one, counts)
        given_ = [answers[one.code] for answers in everybody if one.code in answers]
        assert found.answered == len(given_)
        for share in found.shares if one.kind in (Kind.ONE_OF, Kind.SEVERAL_OF) else ():
            chosen = sum(share.value == value or share.value in value for value in given_)  # type: ignore[operator]
            assert share.number == chosen
            assert share.share == (chosen / len(given_) if given_ else 0)
        if one.kind is Kind.MATRIX:
            for row, shares in (found.rows or {}).items():
                assert sum(share.number for share in shares) == sum(row in value for value in given_)  # type: ignore[operator]


@on_a_busy_machine
@given(st.lists(_answers, max_size=15), st.integers(0, 14))
def test_what_is_taken_away_leaves_no_trace(everybody: list[dict[Code, object]], which: int) -> None:
    if which >= len(everybody):
        return
    counts = _counted(everybody)
    counts.subtract(cells(QUESTIONS, everybody[which]))  # type: ignore[arg-type]
    rest = _counted(everybody[:which] + everybody[which + 1 :])
    assert {cell: number for cell, number in counts.items() if number} == dict(rest)


@given(st.lists(st.decimals(-1000, 1000, places=2), min_size=1, max_size=40))
def test_mean_and_median_are_exact(numbers: list[object]) -> None:
    one = _of(Kind.NUMBER)
    counts: Counter[Cell] = Counter()
    for number in numbers:
        counts.update(cells([one], {one.code: f"{number:f}"}))
    found = figures(one, counts)
    assert found.numbers is not None
    exact = [Fraction(str(number)) for number in numbers]
    assert found.numbers.mean == float(sum(exact) / len(exact))
    assert found.numbers.median == float(python.median(exact))
    assert (found.numbers.lowest, found.numbers.highest) == (float(min(exact)), float(max(exact)))
    assert len(found.shares) <= MOST_BARS
    assert sum(share.number for share in found.shares) == len(numbers)


@given(st.lists(st.integers(0, 10), min_size=1, max_size=60))
def test_the_recommendation_score(scores: list[int]) -> None:
    one = _of(Kind.RECOMMENDATION)
    counts: Counter[Cell] = Counter()
    for score in scores:
        counts.update(cells([one], {one.code: str(score)}))
    found = figures(one, counts).recommendation
    assert found is not None
    promoters, detractors = sum(score >= 9 for score in scores), sum(score <= 6 for score in scores)
    assert (found.promoters, found.detractors) == (promoters, detractors)
    assert found.promoters + found.passives + found.detractors == len(scores)
    assert found.score == round(Fraction(100 * (promoters - detractors), len(scores)))
    assert -100 <= found.score <= 100


@given(st.lists(st.dates(), min_size=1, max_size=50))
def test_days_are_gathered_into_months_or_years_where_there_are_many(days: list[object]) -> None:
    one = _of(Kind.DATE)
    counts: Counter[Cell] = Counter()
    for day in days:
        counts.update(cells([one], {one.code: str(day)}))
    shares = figures(one, counts).shares
    assert sum(share.number for share in shares) == len(days)
    assert [share.value for share in shares] == sorted(share.value for share in shares)


def test_nobody_has_answered() -> None:
    for one in QUESTIONS:
        found = figures(one, {})
        assert found.answered == 0
        assert found.numbers is None
        assert found.recommendation is None
    assert figures(question(Kind.ONE_OF), {}).shares[0].share == 0
