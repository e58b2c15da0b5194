"""From answers to counts, and from counts to numbers: nothing here ever looks at all answers at once."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from consent_service.surveys.rules import Answers, Code, Kind, Question, Value

ANSWERED = "*"
"""The cell that counts who has answered a question at all."""

EVERYBODY = Code("")
"""In place of a question: the cell ANSWERED of this one counts the answers to the survey."""

MOST_BARS = 20
PROMOTERS, DETRACTORS = range(9, 11), range(7)

Cell = tuple[Code, str]
Counts = Mapping[Cell, int]


def cells(questions: Iterable[Question], answers: Answers) -> Counter[Cell]:
    """What one person's answers add to the counts."""
    found: Counter[Cell] = Counter({(EVERYBODY, ANSWERED): 1})
    for question in questions:
        if question.code in answers:
            found[question.code, ANSWERED] += 1
            found.update((question.code, cell) for cell in _cells(question, answers[question.code]))
    return found


def _cells(question: Question, value: Value) -> list[str]:
    if isinstance(value, dict):
        return [matrix_cell(row, column) for row, column in value.items()]
    if isinstance(value, list):
        return value
    return [value] if question.kind not in (Kind.SHORT_TEXT, Kind.LONG_TEXT) else []


def matrix_cell(row: str, column: str) -> str:
    """The cell of a matrix that counts this column's choice in this row."""
    return f"{row}:{column}"


@dataclass(frozen=True, slots=True)
class Share:
    """How many chose something, and what part of those who answered that is (0 to 1)."""

    value: str
    number: int
    share: float


@dataclass(frozen=True, slots=True)
class Numbers:
    """Mean and median of numbers, and the smallest and largest."""

    mean: float
    median: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Recommendation:
    """How many would (9, 10), are undecided (7, 8) or would not (0 to 6); the score goes from -100 to 100."""

    promoters: int
    passives: int
    detractors: int
    score: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of one question."""

    question: Question
    answered: int
    shares: Sequence[Share] = ()
    rows: Mapping[str, Sequence[Share]] | None = None
    numbers: Numbers | None = None
    recommendation: Recommendation | None = None


def total(counts: Counts) -> int:
    """How many answers to the survey there are."""
    return counts.get((EVERYBODY, ANSWERED), 0)


def figures(question: Question, counts: Counts) -> Figures:
    """The numbers of one question."""
    own = {cell: number for (code, cell), number in counts.items() if code == question.code and number > 0}
    answered = own.pop(ANSWERED, 0)
    match question.kind:
        case Kind.SHORT_TEXT | Kind.LONG_TEXT:
            return Figures(question, answered)
        case Kind.MATRIX:
            rows = {row.value: _row(question, row.value, own) for row in question.rows}
            return Figures(question, answered, rows=rows)
        case Kind.NUMBER:
            return Figures(question, answered, _ranges(own, answered), numbers=_numbers(own))
        case Kind.DATE:
            return Figures(question, answered, _days(own, answered))
        case Kind.SCALE:
            return Figures(question, answered, _choices(question, own, answered), numbers=_numbers(own))
        case Kind.RECOMMENDATION:
            shares = _choices(question, own, answered)
            return Figures(question, answered, shares, numbers=_numbers(own), recommendation=_recommendation(own))
        case _:
            return Figures(question, answered, _choices(question, own, answered))


def _choices(question: Question, own: Mapping[str, int], answered: int) -> list[Share]:
    return [Share(value, own.get(value, 0), _part(own.get(value, 0), answered)) for value in question.choices]


def _part(number: int, of: int) -> float:
    return number / of if of else 0.0


def _row(question: Question, row: str, own: Mapping[str, int]) -> list[Share]:
    numbers = {column: own.get(matrix_cell(row, column), 0) for column in question.choices}
    answered = sum(numbers.values())
    return [Share(column, number, _part(number, answered)) for column, number in numbers.items()]


def _numbers(own: Mapping[str, int]) -> Numbers | None:
    """Exact: sums of fractions, not of rounded numbers."""
    if not own:
        return None
    ordered = sorted((Fraction(Decimal(value)), number) for value, number in own.items())
    people = sum(number for _, number in ordered)
    mean = sum((value * number for value, number in ordered), Fraction(0)) / people
    middle = (_nth(ordered, (people - 1) // 2) + _nth(ordered, people // 2)) / 2
    return Numbers(float(mean), float(middle), float(ordered[0][0]), float(ordered[-1][0]))


def _nth(ordered: Sequence[tuple[Fraction, int]], position: int) -> Fraction:
    """The value at this position, from 0, of all values in order."""
    for value, number in ordered:
        position -= number
        if position < 0:
            return value
    raise IndexError(position)


def _recommendation(own: Mapping[str, int]) -> Recommendation | None:
    people = sum(own.values())
    if not people:
        return None
    promoters = sum(own.get(str(number), 0) for number in PROMOTERS)
    detractors = sum(own.get(str(number), 0) for number in DETRACTORS)
    score = round(Fraction(100 * (promoters - detractors), people))
    return Recommendation(promoters, people - promoters - detractors, detractors, score)


def _ranges(own: Mapping[str, int], answered: int) -> list[Share]:
    """Each number, or where there are many, ranges of equal width."""
    numbers = sorted((Decimal(value), number) for value, number in own.items())
    if len(numbers) <= MOST_BARS:
        return [Share(f"{value:f}", number, _part(number, answered)) for value, number in numbers]
    lowest, highest = numbers[0][0], numbers[-1][0]
    width = (highest - lowest) / MOST_BARS
    found = [0] * MOST_BARS
    for value, number in numbers:
        found[min(int((value - lowest) / width), MOST_BARS - 1)] += number
    return [
        Share(f"{lowest + width * i:.6g} – {lowest + width * (i + 1):.6g}", number, _part(number, answered))
        for i, number in enumerate(found)
    ]


def _days(own: Mapping[str, int], answered: int) -> list[Share]:
    """Each day, or where there are many each month, or each year; as ISO 8601 writes them."""
    for length in (len("2026-01-31"), len("2026-01"), len("2026")):
        found: Counter[str] = Counter()
        for day, number in own.items():
            found[day[:length]] += number
        if len(found) <= MOST_BARS:
            break
    return [Share(day, number, _part(number, answered)) for day, number in sorted(found.items())]
