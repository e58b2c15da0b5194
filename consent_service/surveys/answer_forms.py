"""The form of a page of questions, and what was typed into it as answers."""

from collections.abc import Iterable, Sequence
from typing import Any

import wtforms
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from werkzeug.datastructures import MultiDict
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from consent_service.domain.kinds import Language
from consent_service.surveys import validation
from consent_service.surveys.rules import Answers, Code, Kind, Option, Question, Value, said
from consent_service.surveys.validation import Mistake, Problem

_MESSAGES: dict[Problem, LazyString] = {
    Problem.MISSING: _l("Answer “%(question)s”"),
    Problem.NOT_A_CHOICE: _l("Choose one of the answers"),
    Problem.TOO_LONG: _l("Shorten the text to at most %(max)d characters; it has %(length)d"),
    Problem.NOT_A_NUMBER: _l("Enter a number, for example 12 or 12.5"),
    Problem.TOO_SMALL: _l("Enter a number from %(lowest)s"),
    Problem.TOO_LARGE: _l("Enter a number up to %(highest)s"),
    Problem.NOT_A_DATE: _l("Enter a date, for example 2026-05-31"),
    Problem.ROWS_MISSING: _l("Choose an answer for “%(row)s”"),
}


class AnswerForm(wtforms.Form):
    """The questions of a page, one field each; a matrix has one for each of its rows."""

    def __init__(
        self, questions: Sequence[Question], language: Language, answers: Answers, typed: MultiDict[str, str] | None
    ) -> None:
        self.questions = questions
        self.language = language
        super().__init__(typed, data=_data(questions, answers))

    def read(self) -> dict[Code, Value]:
        """The answers; fields whose answer is none get an error, and `errors` then says so."""
        found: dict[Code, Value] = {}
        for question in self.questions:
            try:
                value = validation.read(question, self.typed(question))
            except Mistake as mistake:
                self._blame(question, mistake.problem)
                continue
            if value is not None:
                found[question.code] = value
        return found

    def typed(self, question: Question) -> Value | None:
        """What stands in the question's fields."""
        if question.kind is Kind.MATRIX:
            return {row.value: self[_of_row(question, row)].data or "" for row in question.rows}
        data: Value | None = self[question.code].data
        return data

    def _blame(self, question: Question, problem: Problem) -> None:
        typed = self.typed(question)
        first = next((field for field in self.fields_of(question) if not field.data), self.fields_of(question)[0])
        message = str(_MESSAGES[problem]) % {
            "max": validation.longest(question),
            "length": len(typed) if isinstance(typed, str) else 0,
            "lowest": question.lowest,
            "highest": question.highest,
            "question": said(question.label, self.language),
            "row": first.label.text,
        }
        first.errors = [message]

    def fields_of(self, question: Question) -> list[wtforms.Field]:
        """The question's fields, a matrix's in the order of its rows."""
        if question.kind is Kind.MATRIX:
            return [self[_of_row(question, row)] for row in question.rows]
        return [self[question.code]]


def answer_form(
    questions: Sequence[Question],
    language: Language,
    answers: Answers | None = None,
    typed: MultiDict[str, str] | None = None,
) -> AnswerForm:
    """The form for these questions, with what was typed, or else with the answers so far."""
    fields = {name: field for question in questions for name, field in _fields(question, language)}
    made: type[AnswerForm] = type("PageForm", (AnswerForm,), fields)
    return made(questions, language, answers or {}, typed)


def _of_row(question: Question, row: Option) -> str:
    return f"{question.code}-{row.value}"


def _fields(question: Question, language: Language) -> Iterable[tuple[str, Any]]:
    label, hint = said(question.label, language), said(question.hint, language)
    choices = [SelectChoice(value, question.choice_words(value, language)) for value in question.choices]
    match question.kind:
        case Kind.SEVERAL_OF:
            yield (
                question.code,
                wtforms.SelectMultipleField(
                    label, description=hint, choices=choices, option_widget=wtforms.widgets.CheckboxInput()
                ),
            )
        case Kind.MATRIX:
            for row in question.rows:
                yield _of_row(question, row), wtforms.RadioField(said(row.words, language), choices=choices)
        case Kind.SHORT_TEXT | Kind.NUMBER:
            yield question.code, wtforms.StringField(label, description=hint)
        case Kind.DATE:
            widget = wtforms.widgets.DateInput()
            yield question.code, wtforms.StringField(label, description=hint, widget=widget)
        case Kind.LONG_TEXT:
            yield question.code, wtforms.TextAreaField(label, description=hint)
        case _:
            yield question.code, wtforms.RadioField(label, description=hint, choices=choices)


def _data(questions: Sequence[Question], answers: Answers) -> dict[str, Any]:
    return {
        name: value
        for question in questions
        if question.code in answers
        for name, value in _values(question, answers[question.code])
    }


def _values(question: Question, value: Value) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(f"{question.code}-{row}", column) for row, column in value.items()]
    return [(question.code, value)]


def hidden_fields(questions: Sequence[Question], answers: Answers) -> list[tuple[str, str]]:
    """Answers as the names and values of hidden fields, which carry them from page to page."""
    found = []
    for question in questions:
        for name, value in _values(question, answers[question.code]) if question.code in answers else ():
            found += [(name, one) for one in (value if isinstance(value, list) else [value])]
    return found


def carried(questions: Sequence[Question], typed: MultiDict[str, str]) -> dict[Code, Value]:
    """The answers in hidden fields; what is none is left out, as if it was never answered."""
    form = answer_form(questions, Language.GERMAN, typed=typed)
    return form.read()
