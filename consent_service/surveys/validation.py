"""What counts as an answer to a question: what was typed or ticked, in its one form, or why it is none."""

import unicodedata
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from consent_service.surveys.rules import (
    LONGEST_LONG_TEXT,
    LONGEST_SHORT_TEXT,
    MOST_DECIMALS,
    MOST_DIGITS,
    Kind,
    Question,
    Value,
)


class Problem(StrEnum):
    """Why something is not an answer."""

    MISSING = "missing"
    NOT_A_CHOICE = "not_a_choice"
    TOO_LONG = "too_long"
    NOT_A_NUMBER = "not_a_number"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    NOT_A_DATE = "not_a_date"
    ROWS_MISSING = "rows_missing"


class Mistake(ValueError):
    """What was typed is not an answer to the question."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


def read(question: Question, typed: Value | None) -> Value | None:
    """What was typed or ticked as an answer in its one form; None where it was left blank. Raises Mistake."""
    value = _read(question, typed)
    if value is None and question.is_required:
        raise Mistake(Problem.MISSING)
    return value


def _read(question: Question, typed: Value | None) -> Value | None:
    match question.kind:
        case Kind.SEVERAL_OF:
            return _some(question, typed if isinstance(typed, list) else [])
        case Kind.MATRIX:
            return _each_row(question, typed if isinstance(typed, dict) else {})
        case _:
            text = clean(typed) if isinstance(typed, str) else ""
            return _single(question, text) if text else None


def _single(question: Question, text: str) -> str:
    match question.kind:
        case Kind.NUMBER:
            return _number(question, text)
        case Kind.DATE:
            return _date(text)
        case Kind.SHORT_TEXT | Kind.LONG_TEXT:
            if len(text) > longest(question):
                raise Mistake(Problem.TOO_LONG)
            return text
        case _:
            if text not in question.choices:
                raise Mistake(Problem.NOT_A_CHOICE)
            return text


def _some(question: Question, ticked: list[str]) -> list[str] | None:
    if not set(ticked) <= set(question.choices):
        raise Mistake(Problem.NOT_A_CHOICE)
    return [value for value in question.choices if value in ticked] or None


def _each_row(question: Question, chosen: dict[str, str]) -> dict[str, str] | None:
    given = {row.value: chosen[row.value] for row in question.rows if chosen.get(row.value)}
    if not set(given.values()) <= set(question.choices):
        raise Mistake(Problem.NOT_A_CHOICE)
    if given and question.is_required and len(given) < len(question.rows):
        raise Mistake(Problem.ROWS_MISSING)
    return given or None


def longest(question: Question) -> int:
    """How many characters a text may have."""
    return LONGEST_SHORT_TEXT if question.kind is Kind.SHORT_TEXT else LONGEST_LONG_TEXT


def clean(text: str) -> str:
    """The text in NFC, without control characters other than line breaks, and without blanks around it."""
    lines = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs")).strip()


def _number(question: Question, text: str) -> str:
    """A number with a decimal comma or point; anything that could be read in two ways is none."""
    try:
        number = Decimal(text.replace("−", "-").replace(",", "."))
    except InvalidOperation as error:
        raise Mistake(Problem.NOT_A_NUMBER) from error
    if not number.is_finite() or not _is_short(number):
        raise Mistake(Problem.NOT_A_NUMBER)
    if question.lowest is not None and number < question.lowest:
        raise Mistake(Problem.TOO_SMALL)
    if question.highest is not None and number > question.highest:
        raise Mistake(Problem.TOO_LARGE)
    plain = f"{number:f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain


def _is_short(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -MOST_DECIMALS and abs(number) < Decimal(10) ** MOST_DIGITS


def _date(text: str) -> str:
    """An ISO date, or one as Germans write it."""
    day = text.split(".")
    written = "-".join((day[2].zfill(4), day[1].zfill(2), day[0].zfill(2))) if len(day) == 3 else text
    try:
        return date.fromisoformat(written).isoformat()
    except ValueError as error:
        raise Mistake(Problem.NOT_A_DATE) from error
