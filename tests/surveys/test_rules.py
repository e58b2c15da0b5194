"""The rules of surveys, as properties: what is an answer, and which question comes next."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent_service.domain.kinds import Language
from consent_service.surveys import rules, validation
from consent_service.surveys.rules import (
    Code,
    Flaw,
    Kind,
    Option,
    Question,
    State,
    Times,
    Value,
)
from consent_service.surveys.validation import Mistake, Problem
from tests.surveys.driving import question

NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)
on_a_busy_machine = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
_words = st.fixed_dictionaries({Language.GERMAN: st.text(max_size=5)}, optional={Language.ENGLISH: st.text(max_size=5)})


def _options(letter: str) -> st.SearchStrategy[tuple[Option, ...]]:
    return st.lists(_words, min_size=1, max_size=3).map(
        lambda all_words: tuple(Option(f"{letter}{n}", words) for n, words in enumerate(all_words, 1))
    )


@st.composite
def surveys(draw: st.DrawFn) -> list[Question]:
    """Questions of all kinds, some of which are shown only after certain answers to earlier ones."""
    found: list[Question] = []
    for number in range(draw(st.integers(1, 5))):
        deciding = [one for one in found if one.kind in rules.CAN_DECIDE]
        show_if = {}
        if deciding and draw(st.booleans()):
            on = draw(st.sampled_from(deciding))
            show_if = {on.code: frozenset(draw(st.sets(st.sampled_from(on.choices), min_size=1)))}
        found.append(
            Question(
                code=Code(f"q{number + 1}"),
                kind=draw(st.sampled_from(Kind)),
                label=draw(_words),
                is_required=draw(st.booleans()),
                begins_page=draw(st.booleans()),
                options=draw(_options("o")),
                rows=draw(_options("r")),
                lowest=1,
                highest=draw(st.integers(2, 10)),
                show_if=show_if,
            )
        )
    return found


def values(one: Question) -> st.SearchStrategy[Value]:
    """What somebody may answer to this question."""
    match one.kind:
        case Kind.SEVERAL_OF:
            return st.lists(st.sampled_from(one.choices), min_size=1, unique=True)
        case Kind.MATRIX:
            rows = st.sampled_from([row.value for row in one.rows])
            return st.dictionaries(rows, st.sampled_from(one.choices), min_size=1)
        case Kind.NUMBER:
            return st.integers(one.lowest or 0, one.highest or 9).map(str)
        case Kind.DATE:
            return st.dates().map(lambda day: day.isoformat())
        case Kind.SHORT_TEXT | Kind.LONG_TEXT:
            return st.text(min_size=1, max_size=50).filter(validation.clean)
        case _:
            return st.sampled_from(one.choices)


@st.composite
def answered(draw: st.DrawFn) -> tuple[list[Question], dict[Code, Value]]:
    """A survey, and what somebody typed: to questions that are hidden, too."""
    questions = draw(surveys())
    return questions, {one.code: draw(values(one)) for one in questions if draw(st.booleans())}


@on_a_busy_machine
@given(surveys())
def test_a_question_comes_back_from_json_as_it_was(questions: list[Question]) -> None:
    assert [rules.from_json(json.loads(json.dumps(rules.to_json(one)))) for one in questions] == questions


@on_a_busy_machine
@given(answered())
def test_only_answers_to_what_is_shown_are_kept_and_keeping_is_final(
    given_: tuple[list[Question], dict[Code, Value]],
) -> None:
    questions, answers = given_
    kept = rules.kept(questions, answers)
    assert rules.kept(questions, kept) == kept
    assert kept.items() <= answers.items()
    for one in questions:
        assert (one.code in kept) == (one.code in answers and rules.is_shown(one, kept))


@on_a_busy_machine
@given(answered())
def test_going_on_and_back_visits_the_same_pages_and_only_those_with_questions(
    given_: tuple[list[Question], dict[Code, Value]],
) -> None:
    questions, answers = given_
    kept = rules.kept(questions, answers)
    shown = rules.shown_pages(questions, kept)
    numbers = [page.number for page in shown]
    assert numbers == sorted(set(numbers))
    assert all(page.questions for page in shown)
    forward = [rules.page_after(questions, kept, number) for number in numbers]
    backward = [rules.page_before(questions, kept, number) for number in numbers]
    assert forward == [*numbers[1:], None][: len(numbers)]
    assert backward == [None, *numbers[:-1]][: len(numbers)]
    assert [one for page in rules.pages(questions) for one in page] == questions


@on_a_busy_machine
@given(answered())
def test_incomplete_is_exactly_where_something_required_is_missing(
    given_: tuple[list[Question], dict[Code, Value]],
) -> None:
    questions, answers = given_
    kept = rules.kept(questions, answers)
    missing = [
        page.number
        for page in rules.shown_pages(questions, kept)
        for one in page.questions
        if one.is_required and one.code not in kept
    ]
    assert rules.incomplete_page(questions, kept) == (missing[0] if missing else None)


@on_a_busy_machine
@given(st.data(), surveys())
def test_what_was_read_reads_the_same_again(data: st.DataObject, questions: list[Question]) -> None:
    for one in questions:
        typed = data.draw(values(one))
        if one.kind is Kind.MATRIX and one.is_required and len(typed) < len(one.rows):
            with pytest.raises(Mistake):
                validation.read(one, typed)
            continue
        value = validation.read(one, typed)
        assert value is not None
        assert validation.read(one, value) == value


@given(st.sampled_from(Kind), st.text(max_size=40))
def test_nonsense_is_an_answer_or_a_mistake_and_never_anything_else(kind: Kind, typed: str) -> None:
    one = question(kind)
    try:
        value = validation.read(one, typed)
    except Mistake:
        return
    if one.choices and value is not None:
        assert value in one.choices


@given(st.decimals(min_value=-(10**11), max_value=10**11, places=4))
def test_numbers_are_read_with_comma_and_point_in_one_form(number: Decimal) -> None:
    one = question(Kind.NUMBER)
    with_point = f"{number:f}"
    read = validation.read(one, with_point)
    assert isinstance(read, str)
    assert Decimal(read) == number
    assert validation.read(one, with_point.replace(".", ",")) == read


@pytest.mark.parametrize("typed", ["1.234,5", "1e999", "NaN", "Infinity", "zwölf", "1,2,3", "0.00001", "9" * 13])
def test_what_is_no_number_or_could_be_read_in_two_ways(typed: str) -> None:
    with pytest.raises(Mistake) as caught:
        validation.read(question(Kind.NUMBER), typed)
    assert caught.value.problem is Problem.NOT_A_NUMBER


@pytest.mark.parametrize(("typed", "problem"), [("1", Problem.TOO_SMALL), ("11", Problem.TOO_LARGE), ("5", None)])
def test_bounds(typed: str, problem: Problem | None) -> None:
    one = question(Kind.NUMBER, lowest=2, highest=10)
    if problem is None:
        assert validation.read(one, typed) == typed
        return
    with pytest.raises(Mistake) as caught:
        validation.read(one, typed)
    assert caught.value.problem is problem


@given(st.dates())
def test_dates_in_both_ways_of_writing(day: date) -> None:
    one = question(Kind.DATE)
    assert validation.read(one, day.isoformat()) == day.isoformat()
    assert validation.read(one, f"{day.day}.{day.month}.{day.year}") == day.isoformat()


@pytest.mark.parametrize("typed", ["31.02.2026", "2026-13-01", "gestern", "1.2", "..."])
def test_what_is_no_date(typed: str) -> None:
    with pytest.raises(Mistake):
        validation.read(question(Kind.DATE), typed)


@given(st.text(max_size=200))
def test_texts_keep_their_lines_and_lose_control_characters(text: str) -> None:
    cleaned = validation.clean(text)
    assert validation.clean(cleaned) == cleaned
    assert not any(ord(c) < 32 and c not in "\n\t" for c in cleaned)


def test_texts_have_a_longest() -> None:
    for kind, longest in ((Kind.SHORT_TEXT, 300), (Kind.LONG_TEXT, 10_000)):
        assert validation.read(question(kind), "ä" * longest) == "ä" * longest
        with pytest.raises(Mistake):
            validation.read(question(kind), "ä" * (longest + 1))


def coded(questions: Sequence[Question]) -> list[Question]:
    return [replace(one, code=Code(f"q{number}")) for number, one in enumerate(questions, 1)]


def test_a_condition_must_name_an_answer_to_a_question_on_an_earlier_page() -> None:
    first, second = coded(
        [question(Kind.ONE_OF), question(Kind.LONG_TEXT, show_if={Code("q1"): frozenset({"o1"})}, begins_page=True)]
    )
    assert rules.flaws([first, second]) == []
    same_page = replace(second, begins_page=False)
    assert [finding.flaw for finding in rules.flaws([first, same_page])] == [Flaw.CONDITION_NOT_BEFORE]
    assert [finding.flaw for finding in rules.flaws([same_page, first])] == [Flaw.CONDITION_NOT_BEFORE]
    gone = replace(second, show_if={Code("q1"): frozenset({"o9"})})
    assert [finding.flaw for finding in rules.flaws([first, gone])] == [Flaw.CONDITION_WITHOUT_CHOICE]
    assert [finding.flaw for finding in rules.flaws([])] == [Flaw.NO_QUESTION]
    many = coded([question(Kind.LONG_TEXT)] * 11)
    assert [finding.flaw for finding in rules.flaws(many)] == [Flaw.TOO_MUCH_TEXT]


_moments = st.none() | st.integers(-5, 5).map(lambda days: NOW + timedelta(days=days))


@given(_moments, _moments, _moments, _moments)
def test_the_state(
    published: datetime | None, opens: datetime | None, closes: datetime | None, closed: datetime | None
) -> None:
    found = rules.state(Times(published, opens, closes, closed), NOW)
    assert (found is State.DRAFT) == (published is None)
    if found is State.OPEN:
        assert closed is None
        assert opens is None or opens <= NOW
        assert closes is None or closes > NOW
    if found is State.SCHEDULED:
        assert opens is not None
        assert opens > NOW
