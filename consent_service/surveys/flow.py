"""From page to page without keeping anything: the answers so far travel in the form itself.

So an anonymous answer is nowhere until it is sent, and a preview leaves no trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from consent_service.domain.kinds import Language
from consent_service.surveys import rules
from consent_service.surveys.answer_forms import AnswerForm, answer_form, carried
from consent_service.surveys.rules import Answers, Question

PAGE, GO = "page", "go"
NEXT, BACK, SEND = "next", "back", "send"


@dataclass(frozen=True, slots=True)
class Asked:
    """A page to be answered, and the answers on all others."""

    number: int
    form: AnswerForm
    others: Answers


@dataclass(frozen=True, slots=True)
class Review:
    """All questions are answered; they can be looked at once more before they are sent."""

    answers: Answers


@dataclass(frozen=True, slots=True)
class Sent:
    """The answers, as they were sent."""

    answers: Answers


Step = Asked | Review | Sent


def first(questions: Sequence[Question], language: Language) -> Step:
    """The first page."""
    return _asked(questions, language, rules.shown_pages(questions, {})[0].number, {})


def step(questions: Sequence[Question], language: Language, typed: MultiDict[str, str]) -> Step:
    """What follows from a form that was sent: the next page, or the same one with what is wrong on it."""
    answers = rules.kept(questions, carried(questions, typed))
    number, go = typed.get(PAGE, type=int), typed.get(GO, NEXT)
    shown = {page.number: page for page in rules.shown_pages(questions, answers)}
    if number is None or number not in shown:
        return _from_review(questions, language, answers, go)
    form = answer_form(shown[number].questions, language, typed=typed)
    given = form.read()
    if form.errors and go != BACK:
        return Asked(number, form, _without(answers, shown[number].questions))
    answers = rules.kept(questions, {**_without(answers, shown[number].questions), **given})
    if go == BACK:
        before = rules.page_before(questions, answers, number)
        return _asked(questions, language, number if before is None else before, answers)
    return _onward(questions, language, answers, rules.page_after(questions, answers, number))


def _from_review(questions: Sequence[Question], language: Language, answers: Answers, go: str) -> Step:
    shown = rules.shown_pages(questions, answers)
    wanted = go.removeprefix(f"{PAGE}-")
    if wanted in {str(page.number) for page in shown}:
        return _asked(questions, language, int(wanted), answers)
    if go == BACK:
        return _asked(questions, language, shown[-1].number, answers)
    missing = rules.incomplete_page(questions, answers)
    if missing is not None:
        return _asked(questions, language, missing, answers)
    return Sent(answers) if go == SEND else Review(answers)


def _onward(questions: Sequence[Question], language: Language, answers: Answers, number: int | None) -> Step:
    if number is None:
        number = rules.incomplete_page(questions, answers)
    return Review(answers) if number is None else _asked(questions, language, number, answers)


def _asked(questions: Sequence[Question], language: Language, number: int, answers: Answers) -> Asked:
    page = next(page for page in rules.shown_pages(questions, answers) if page.number == number)
    form = answer_form(page.questions, language, answers)
    return Asked(number, form, _without(answers, page.questions))


def _without(answers: Answers, questions: Sequence[Question]) -> Answers:
    codes = {question.code for question in questions}
    return {code: value for code, value in answers.items() if code not in codes}
