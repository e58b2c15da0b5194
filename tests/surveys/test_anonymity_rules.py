"""What is shown of anonymous answers: never fewer than five, nor by what two looks differ."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from consent_service.surveys import anonymity
from consent_service.surveys.anonymity import BATCH, FEWEST_SHOWN
from consent_service.surveys.rules import Code, Kind, Option, Value, kept
from consent_service.surveys.statistics import ANSWERED, EVERYBODY
from tests.surveys.driving import every_kind, question
from tests.surveys.test_rules import coded, on_a_busy_machine, values

QUESTIONS = coded(every_kind())


@on_a_busy_machine
@given(st.fixed_dictionaries({}, optional={one.code: values(one) for one in QUESTIONS}))
def test_every_waiting_answer_has_the_same_length(answers: dict[Code, Value]) -> None:
    length = anonymity.box_bytes(QUESTIONS)
    box = anonymity.padded(answers, length)
    assert len(box) == length
    assert anonymity.unpadded(box) == answers


@given(st.sampled_from(['"', "\\", "\n", "👩", "ä", "‮"]))
def test_the_longest_answers_fit(character: str) -> None:
    longest: dict[Code, Value] = {}
    for one in QUESTIONS:
        if one.kind is Kind.SHORT_TEXT:
            longest[one.code] = character * 300
        elif one.kind is Kind.LONG_TEXT:
            longest[one.code] = character * 10_000
        elif one.kind is Kind.SEVERAL_OF:
            longest[one.code] = list(one.choices)
        elif one.kind is Kind.MATRIX:
            longest[one.code] = {row.value: one.choices[-1] for row in one.rows}
        elif one.kind is Kind.NUMBER:
            longest[one.code] = "-" + "9" * 12 + ".9999"
        else:
            longest[one.code] = "9999-12-31"
    assert len(anonymity.padded(longest, anonymity.box_bytes(QUESTIONS))) == anonymity.box_bytes(QUESTIONS)


def test_fifty_options_and_rows_fit() -> None:
    many = tuple(Option(f"o{n}", {}) for n in range(1, 51))
    rows = tuple(Option(f"r{n}", {}) for n in range(1, 51))
    questions = [
        replace(question(Kind.SEVERAL_OF), code=Code("q99"), options=many),
        replace(question(Kind.MATRIX), code=Code("q100"), options=many, rows=rows),
    ]
    answers: dict[Code, Value] = {
        Code("q99"): [option.value for option in many],
        Code("q100"): {row.value: "o50" for row in rows},
    }
    assert kept(questions, answers) == answers
    assert anonymity.padded(answers, anonymity.box_bytes(questions))


_numbers = st.dictionaries(st.sampled_from(["de", "en", ""]), st.integers(0, 20), max_size=3)


def _counts(numbers: dict[str, int], code: Code) -> anonymity.ByLanguage:
    return {language: {(code, ANSWERED): number} for language, number in numbers.items()}


@given(_numbers)
def test_no_filter_by_language_and_no_difference_of_two_leads_below_the_fewest(numbers: dict[str, int]) -> None:
    counts = _counts(numbers, EVERYBODY)
    languages = anonymity.languages_to_filter_by(counts)
    total = sum(numbers.values())
    if languages and total >= FEWEST_SHOWN:
        hidden_group = total - sum(numbers[language] for language in languages)
        assert not 0 < hidden_group < FEWEST_SHOWN
        assert not any(0 < numbers[language] < FEWEST_SHOWN for language in languages)


@given(_numbers)
def test_a_question_is_shown_under_a_filter_only_if_every_language_has_enough(numbers: dict[str, int]) -> None:
    code = Code("q1")
    counts = _counts(numbers, code)
    if anonymity.is_question_shown(code, counts, is_filtered=True):
        assert not any(0 < number < FEWEST_SHOWN for number in numbers.values())
    assert anonymity.is_question_shown(code, counts, is_filtered=False) == (
        sum(numbers.values()) == 0 or sum(numbers.values()) >= FEWEST_SHOWN
    )


@given(st.integers(0, 60), st.integers())
def test_what_is_shown_grows_by_five_or_more_at_a_time(answers: int, seed: int) -> None:
    """From the first look to the last, however many answers there are: as the worker mixes them."""
    random, waiting, pool, shown = Random(seed), 0, set[str](), [0]
    for number in range(answers):
        waiting += 1
        if anonymity.is_due(waiting, is_closed=False):
            assert waiting == BATCH
            pool |= {f"{number}-{n}" for n in range(waiting)}
            held = anonymity.held_back(pool, random)
            shown.append(shown[-1] + len(pool - held))
            pool, waiting = held, 0
    at_the_end = shown[-1] + len(pool) + waiting
    if anonymity.is_worth_keeping(at_the_end):
        shown.append(at_the_end)
    steps = [later - earlier for earlier, later in pairwise(shown)]
    assert all(step >= FEWEST_SHOWN for step in steps)


@given(st.dictionaries(st.sampled_from(["de", "en"]), st.integers(0, 30)))
def test_languages_stay_only_where_none_tells_who(numbers: dict[str, int]) -> None:
    keep = anonymity.languages_to_keep(Counter(numbers))  # type: ignore[arg-type]
    assert keep == (not any(0 < number < FEWEST_SHOWN for number in numbers.values()))
