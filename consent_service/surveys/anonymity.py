"""What keeps an anonymous answer apart from whoever gave it; docs/anonymity.md says against whom.

Answers wait encrypted, all of the same length, until BATCH of one language are there or the survey closes.
They are then rewritten in random order. What is shown grows by at least FEWEST_SHOWN answers at a time:
so many of the newest are held back, and join the rest at the close.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import Any

from consent_service.domain.kinds import Language
from consent_service.surveys.rules import Answers, Code, Kind, Question
from consent_service.surveys.statistics import ANSWERED, EVERYBODY, Counts
from consent_service.surveys.validation import longest

BATCH = 10
FEWEST_SHOWN = 5

_BYTES_A_CHARACTER = 4
_OVERHEAD_A_QUESTION = 64
_OVERHEAD_A_CHOICE = 16


def box_bytes(questions: Sequence[Question]) -> int:
    """The length of every waiting answer to these questions, whatever was answered: lengths would tell them apart."""
    return sum(_longest_answer(question) for question in questions) + _OVERHEAD_A_QUESTION


def _longest_answer(question: Question) -> int:
    match question.kind:
        case Kind.SHORT_TEXT | Kind.LONG_TEXT:
            return _OVERHEAD_A_QUESTION + _BYTES_A_CHARACTER * longest(question)
        case _:
            pairs = max(len(question.rows), 1) + len(question.options)
            return _OVERHEAD_A_QUESTION + _OVERHEAD_A_CHOICE * pairs


def padded(answers: Answers, length: int) -> bytes:
    """The answers as bytes of exactly this length."""
    plain = json.dumps(answers, ensure_ascii=False, separators=(",", ":")).encode()
    if len(plain) > length:
        raise ValueError("longer than any answer to these questions can be")
    return plain.ljust(length, b" ")


def unpadded(plain: bytes) -> dict[Code, Any]:
    """The answers that `padded` was given."""
    found: dict[Code, Any] = json.loads(plain)
    return found


def is_due(waiting: int, is_closed: bool) -> bool:
    """Whether the waiting answers of one language are to be rewritten now."""
    return waiting >= BATCH or (is_closed and waiting > 0)


def held_back(pool: Collection[str], random: Random) -> set[str]:
    """Which of the answers that are not shown yet stay so while the survey is open."""
    return set(random.sample(sorted(pool), min(FEWEST_SHOWN, len(pool))))


def is_worth_keeping(answers: int) -> bool:
    """Whether a survey that is over has enough answers for any of them to be shown to anybody."""
    return answers >= FEWEST_SHOWN


def languages_to_keep(numbers: Mapping[Language | None, int]) -> bool:
    """Whether a closed survey's answers may still say their language: not where one has so few that it tells who."""
    return all(number == 0 or number >= FEWEST_SHOWN for number in numbers.values())


ByLanguage = Mapping[str, Counts]
"""Counts of the answers in each language; under an empty name those that say none."""


def languages_to_filter_by(counts: ByLanguage) -> list[str]:
    """The languages by which results may be filtered: all or none, since the rest is what a filter leaves over."""
    numbers = {language: of.get((EVERYBODY, ANSWERED), 0) for language, of in counts.items()}
    if not all(number == 0 or number >= FEWEST_SHOWN for number in numbers.values()):
        return []
    return [language for language, number in sorted(numbers.items()) if language and number]


def is_question_shown(code: Code, counts: ByLanguage, is_filtered: bool) -> bool:
    """Whether a question has enough answers to be shown.

    Under a filter it must have enough, or none, in every language: what one filter hides, the other and the
    sum would tell.
    """
    numbers = [of.get((code, ANSWERED), 0) for of in counts.values()]
    if is_filtered:
        return all(number == 0 or number >= FEWEST_SHOWN for number in numbers)
    return sum(numbers) == 0 or sum(numbers) >= FEWEST_SHOWN
