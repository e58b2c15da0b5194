"""The public form: who registers, the seminar's own questions, and consents as boxes besides."""

from collections.abc import Sequence
from typing import Any

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import validators
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from consent_service.domain.kinds import Language
from consent_service.domain.names import LONGEST_NAME
from consent_service.newsletter.forms import SignUpForm
from consent_service.notice.queries import InForce
from consent_service.public_forms import without_margins
from consent_service.seminars.queries import Details, Question
from consent_service.seminars.rules import LONGEST_ANSWER, NO, YES, QuestionKind

PREFIX = "answer_"


class RegistrationForm(SignUpForm):
    """As the sign-up form, but the name is wanted and no box need be ticked."""

    name = wtforms.StringField(
        _l("Name"),
        [
            validators.InputRequired(_l("Enter your name")),
            validators.Length(max=LONGEST_NAME, message=_l("Shorten the name to at most %(max)d characters")),
        ],
        filters=[without_margins],
    )
    purposes = wtforms.SelectMultipleField(  # type: ignore[call-arg]
        _l("May we also write to you about this?"),
        invalid_choice_message=_l("The wording has changed. Please read it and choose again."),
    )


def registration_form(seminar: Details, shown: InForce, language: Language, formdata: Any = None) -> RegistrationForm:
    """The form of one seminar, with its questions."""
    fields = {PREFIX + question.key: answer_field(question, language) for question in seminar.questions}
    form: type[RegistrationForm] = type("SeminarForm", (RegistrationForm,), fields)
    return form(shown, language, formdata)


class AnswersForm(wtforms.Form):
    """The answers alone, to change them; a signed link stands in for a form token."""


def answers_form(
    questions: Sequence[Question], language: Language, answers: dict[str, str] | None = None, formdata: Any = None
) -> wtforms.Form:
    """The form of these questions, as answered so far."""
    fields = {PREFIX + question.key: answer_field(question, language) for question in questions}
    form: type[wtforms.Form] = type("SeminarAnswers", (AnswersForm,), fields)
    return form(formdata, data={PREFIX + key: value for key, value in (answers or {}).items()})


def answers_in(form: wtforms.Form, questions: Sequence[Question]) -> dict[str, str]:
    """What was answered, by the question's key; what was left blank is left out."""
    given = {question.key: (form[PREFIX + question.key].data or "").strip() for question in questions}
    return {key: value for key, value in given.items() if value}


def answer_field(question: Question, language: Language) -> Any:
    """The field of a question; what it is for is its hint."""
    words = question.in_language(language)
    wanted = (
        [validators.InputRequired(message=_("Answer the question “%(label)s”", label=words.label))]
        if question.required
        else []
    )
    if question.kind is QuestionKind.TEXT:
        longest = validators.Length(max=LONGEST_ANSWER, message=_l("Shorten the answer to at most %(max)d characters"))
        return wtforms.TextAreaField(words.label, [*wanted, longest], description=words.reason)
    if question.kind is QuestionKind.YES_NO:
        choices = [SelectChoice(YES, _("Yes")), SelectChoice(NO, _("No"))]
    else:
        german = question.words[Language.GERMAN].choices
        choices = [SelectChoice(value, question.shown(value, language)) for value in german]
    if question.required:
        return wtforms.RadioField(words.label, wanted, choices=choices, description=words.reason)
    none = SelectChoice("", _("No answer"))
    return wtforms.RadioField(words.label, choices=[none, *choices], default="", description=words.reason)
