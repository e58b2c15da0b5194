"""What a survey is made of, which question comes next, and when a survey is open."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from consent_service.domain.kinds import Language

Code = NewType("Code", str)
"""What a question is known by inside its survey, such as q3: it stays when questions are moved."""

Value = str | list[str] | dict[str, str]
"""An answer: a text, a number, a date (ISO 8601) or an option; several options; an option for each row."""

Answers = Mapping[Code, Value]
Words = Mapping[Language, str]

LONGEST_TITLE = 200
LONGEST_INTRO = 5_000
LONGEST_LABEL = 500
LONGEST_OPTION = 200
LONGEST_SHORT_TEXT = 300
LONGEST_LONG_TEXT = 10_000
MOST_QUESTIONS = 100
MOST_LONG_TEXTS = 10
MOST_OPTIONS = 50
MOST_DIGITS, MOST_DECIMALS = 12, 4
RECOMMENDATIONS = range(11)


class Mode(StrEnum):
    """Whether answers belong to a person, or nobody can tell whose they are."""

    NAMED = "named"
    ANONYMOUS = "anonymous"


class Kind(StrEnum):
    """What a question asks for."""

    ONE_OF = "one_of"
    SEVERAL_OF = "several_of"
    SHORT_TEXT = "short_text"
    LONG_TEXT = "long_text"
    NUMBER = "number"
    SCALE = "scale"
    RECOMMENDATION = "recommendation"
    DATE = "date"
    MATRIX = "matrix"


TEXTS = frozenset({Kind.SHORT_TEXT, Kind.LONG_TEXT})
CAN_DECIDE = frozenset({Kind.ONE_OF, Kind.SEVERAL_OF, Kind.SCALE, Kind.RECOMMENDATION})
"""The kinds whose answers another question's "show if" can name."""


def said(words: Words, language: Language) -> str:
    """The words in this language; German where there are none."""
    return words.get(language) or words.get(Language.GERMAN, "")


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose, or a row of a matrix, or the name of a scale's end."""

    value: str
    words: Words


@dataclass(frozen=True, slots=True)
class Question:
    """One question. A scale's `options` name its two ends; a matrix has its columns there."""

    code: Code
    kind: Kind
    label: Words
    hint: Words = field(default_factory=dict)
    is_required: bool = False
    begins_page: bool = False
    options: tuple[Option, ...] = ()
    rows: tuple[Option, ...] = ()
    lowest: int | None = None
    highest: int | None = None
    show_if: Mapping[Code, frozenset[str]] = field(default_factory=dict)

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of which one, or some, are an answer; none where anything may be typed."""
        match self.kind:
            case Kind.SCALE:
                return tuple(str(number) for number in range(self.lowest or 0, (self.highest or 0) + 1))
            case Kind.RECOMMENDATION:
                return tuple(str(number) for number in RECOMMENDATIONS)
            case Kind.ONE_OF | Kind.SEVERAL_OF | Kind.MATRIX:
                return tuple(option.value for option in self.options)
            case _:
                return ()

    def choice_words(self, value: str, language: Language) -> str:
        """How people read one of the choices."""
        for option in self.options:
            if option.value == value:
                words = said(option.words, language)
                return f"{value} – {words}" if self.kind is Kind.SCALE and words else words or value
        return value


def to_json(question: Question) -> dict[str, Any]:
    """The question as plain values, for a column."""

    def words(of: Words) -> dict[str, str]:
        return {language.value: text for language, text in of.items()}

    def listed(options: Iterable[Option]) -> list[dict[str, Any]]:
        return [{"value": option.value, "words": words(option.words)} for option in options]

    return {
        "code": question.code,
        "kind": question.kind.value,
        "label": words(question.label),
        "hint": words(question.hint),
        "is_required": question.is_required,
        "begins_page": question.begins_page,
        "options": listed(question.options),
        "rows": listed(question.rows),
        "lowest": question.lowest,
        "highest": question.highest,
        "show_if": {code: sorted(values) for code, values in question.show_if.items()},
    }


def from_json(content: Mapping[str, Any]) -> Question:
    """The question that `to_json` was given."""

    def words(of: Mapping[str, str]) -> Words:
        return {Language(language): text for language, text in of.items()}

    def listed(options: Iterable[Mapping[str, Any]]) -> tuple[Option, ...]:
        return tuple(Option(option["value"], words(option["words"])) for option in options)

    return Question(
        code=Code(content["code"]),
        kind=Kind(content["kind"]),
        label=words(content["label"]),
        hint=words(content["hint"]),
        is_required=content["is_required"],
        begins_page=content["begins_page"],
        options=listed(content["options"]),
        rows=listed(content["rows"]),
        lowest=content["lowest"],
        highest=content["highest"],
        show_if={Code(code): frozenset(values) for code, values in content["show_if"].items()},
    )


def next_code(taken: Collection[Code]) -> Code:
    """A code that no question of the survey has."""
    return Code(f"q{max((int(code[1:]) for code in taken), default=0) + 1}")


# --- Which question comes when -------------------------------------------------------------------------------------


def pages(questions: Sequence[Question]) -> list[tuple[Question, ...]]:
    """The questions page by page."""
    found: list[tuple[Question, ...]] = []
    for question in questions:
        if question.begins_page or not found:
            found.append(())
        found[-1] += (question,)
    return found


def is_shown(question: Question, answers: Answers) -> bool:
    """Whether the answers so far ask for this question: each question that it depends on has one of the values."""
    return all(not values.isdisjoint(_chosen(answers.get(code))) for code, values in question.show_if.items())


def _chosen(value: Value | None) -> Collection[str]:
    if isinstance(value, str):
        return (value,)
    return value if isinstance(value, list) else ()


def kept(questions: Sequence[Question], answers: Answers) -> dict[Code, Value]:
    """The answers to questions that are shown; what a changed answer has hidden is forgotten, and what hung on it."""
    found: dict[Code, Value] = {}
    for question in questions:
        if question.code in answers and is_shown(question, found):
            found[question.code] = answers[question.code]
    return found


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is shown: its number among all pages, from 0, and the questions on it that are shown."""

    number: int
    questions: tuple[Question, ...]


def shown_pages(questions: Sequence[Question], answers: Answers) -> list[Page]:
    """The pages that these answers lead over; one whose questions are all hidden is left out."""
    found = []
    for number, page in enumerate(pages(questions)):
        shown = tuple(question for question in page if is_shown(question, answers))
        if shown:
            found.append(Page(number, shown))
    return found


def page_after(questions: Sequence[Question], answers: Answers, number: int) -> int | None:
    """The next page that is shown; None behind the last."""
    return next((page.number for page in shown_pages(questions, answers) if page.number > number), None)


def page_before(questions: Sequence[Question], answers: Answers, number: int) -> int | None:
    """The page shown before this one; None before the first."""
    return max((page.number for page in shown_pages(questions, answers) if page.number < number), default=None)


def incomplete_page(questions: Sequence[Question], answers: Answers) -> int | None:
    """The first page on which a required question that is shown has no answer; None where nothing is missing."""
    return next(
        (
            page.number
            for page in shown_pages(questions, answers)
            if any(question.is_required and question.code not in answers for question in page.questions)
        ),
        None,
    )


def in_words(question: Question, value: Value, language: Language) -> list[str]:
    """An answer as people read it, a line for each part of it."""
    if isinstance(value, dict):
        rows = {row.value: said(row.words, language) for row in question.rows}
        return [f"{rows.get(row, row)}: {question.choice_words(column, language)}" for row, column in value.items()]
    return [question.choice_words(one, language) for one in (value if isinstance(value, list) else [value])]


# --- When a survey can be built, published and answered -------------------------------------------------------------


class Flaw(StrEnum):
    """Why a survey cannot be published yet."""

    NO_QUESTION = "no_question"
    CONDITION_NOT_BEFORE = "condition_not_before"
    CONDITION_WITHOUT_CHOICE = "condition_without_choice"
    TOO_MUCH_TEXT = "too_much_text"


@dataclass(frozen=True, slots=True)
class Finding:
    """A flaw, and the question that has it, if it is one's."""

    flaw: Flaw
    question: Code | None = None


def flaws(questions: Sequence[Question]) -> list[Finding]:
    """What must be mended first: a "show if" works page by page, so what it names stands on an earlier page."""
    if not questions:
        return [Finding(Flaw.NO_QUESTION)]
    found, before = [], dict[Code, Question]()
    if sum(question.kind is Kind.LONG_TEXT for question in questions) > MOST_LONG_TEXTS:
        found.append(Finding(Flaw.TOO_MUCH_TEXT))
    for page in pages(questions):
        for question in page:
            for code, values in question.show_if.items():
                if code not in before:
                    found.append(Finding(Flaw.CONDITION_NOT_BEFORE, question.code))
                elif not values or not values <= set(before[code].choices):
                    found.append(Finding(Flaw.CONDITION_WITHOUT_CHOICE, question.code))
        before |= {question.code: question for question in page}
    return found


def before(questions: Sequence[Question], code: Code | None) -> list[Question]:
    """The questions that come before the one with this code; for None, a new one at the end, all of them."""
    codes = [question.code for question in questions]
    return list(questions[: codes.index(code)] if code in codes else questions)


def can_decide(questions: Sequence[Question], code: Code | None) -> list[Question]:
    """The questions before this one whose answers may decide whether it is shown."""
    return [question for question in before(questions, code) if question.kind in CAN_DECIDE]


def same_page(questions: Sequence[Question], code: Code | None) -> set[Code]:
    """The questions before this one that it shares its page with, unless it begins one: these cannot decide yet."""
    earlier = pages(before(questions, code))
    return {question.code for question in earlier[-1]} if earlier else set()


class State(StrEnum):
    """Where a survey stands."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Times:
    """When a survey was published, opens, closes, and was closed by hand; aware, in UTC."""

    published_at: datetime | None
    opens_at: datetime | None
    closes_at: datetime | None
    closed_at: datetime | None


def state(times: Times, now: datetime) -> State:
    """Where the survey stands at `now` (aware)."""
    if times.published_at is None:
        return State.DRAFT
    if times.closed_at is not None or (times.closes_at is not None and now >= times.closes_at):
        return State.CLOSED
    if times.opens_at is not None and now < times.opens_at:
        return State.SCHEDULED
    return State.OPEN
