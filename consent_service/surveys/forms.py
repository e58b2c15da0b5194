"""Forms of surveys: the one at which visitors register, and those with which staff build."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import wtforms
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import validators
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from consent_service.domain.kinds import Language
from consent_service.exports.forms import MarketingForm, format_field, reason_field
from consent_service.exports.rules import ExportFormat
from consent_service.extensions import settings
from consent_service.notice.queries import InForce
from consent_service.public_forms import Deliverable, PublicForm, without_margins
from consent_service.surveys import rules, validation
from consent_service.surveys.exporting import Whom
from consent_service.surveys.queries import Details, Text
from consent_service.surveys.rules import Code, Kind, Mode, Option, Question, said
from consent_service.surveys.service import Draft


class RegisterForm(PublicForm):
    """The address, and consents besides: none is needed to take part (GDPR Art. 7(4))."""

    email = wtforms.EmailField(_l("E-mail address"), [Deliverable()], filters=[without_margins])
    purposes = wtforms.SelectMultipleField(  # type: ignore[call-arg]
        _l("May we write to you about more?"),
        invalid_choice_message=_l("The wording has changed. Please read it and choose again."),
    )
    notice = wtforms.HiddenField()

    def __init__(self, shown: InForce, language: Language, formdata: Any) -> None:
        super().__init__(formdata)
        self.purposes.choices = [SelectChoice(wording.reference, wording.title(language)) for wording in shown.offered]
        self.shown_notice = self.notice.data
        self.notice.data = str(shown.notice.number)

    def validate_notice(self, field: wtforms.HiddenField) -> None:
        """The evidence names the notice that was shown; a form that names none links to the one in force."""
        if self.shown_notice and self.shown_notice != field.data:
            raise wtforms.ValidationError(_l("The privacy notice has changed. Please send the form once more."))


def _at_most(longest: int) -> validators.Length:
    return validators.Length(max=longest, message=_l("Shorten this to at most %(max)d characters"))


_NOT_A_MOMENT = _l("Enter a day and a time, or leave it blank")


class _Moment(wtforms.DateTimeLocalField):
    """A moment in the organisation's time zone, or none."""

    def __init__(self, label: LazyString, checks: list[Any], **options: Any) -> None:
        super().__init__(label, checks, format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], **options)

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist if any(valuelist) else [])
        except ValueError as error:
            raise ValueError(str(_NOT_A_MOMENT)) from error

    @property
    def aware(self) -> datetime | None:
        """The moment with its zone."""
        return self.data.replace(tzinfo=settings().time_zone) if self.data else None


class SurveyForm(FlaskForm):  # type: ignore[misc]
    """What a survey is called and says, its mode, and its times. German must be there, English may be."""

    title_de = wtforms.StringField(
        _l("Title in German"),
        [validators.InputRequired(message=_l("Enter the German title")), _at_most(rules.LONGEST_TITLE)],
        filters=[without_margins],
    )
    intro_de = wtforms.TextAreaField(_l("Introduction in German"), [_at_most(rules.LONGEST_INTRO)])
    closing_de = wtforms.TextAreaField(_l("Closing words in German"), [_at_most(rules.LONGEST_INTRO)])
    title_en = wtforms.StringField(_l("Title in English"), [_at_most(rules.LONGEST_TITLE)], filters=[without_margins])
    intro_en = wtforms.TextAreaField(_l("Introduction in English"), [_at_most(rules.LONGEST_INTRO)])
    closing_en = wtforms.TextAreaField(_l("Closing words in English"), [_at_most(rules.LONGEST_INTRO)])
    mode = wtforms.RadioField(
        _l("Whose answers are they?"),
        [validators.InputRequired(message=_l("Choose whether answers have names"))],
        choices=[
            SelectChoice(Mode.NAMED.value, _l("With names")),
            SelectChoice(Mode.ANONYMOUS.value, _l("Anonymous")),
        ],
    )
    opens_at = _Moment(_l("Open from"), [validators.Optional()])
    closes_at = _Moment(_l("Open until"), [validators.Optional()])

    def validate_title_en(self, field: wtforms.StringField) -> None:
        if not (field.data or "").strip() and ((self.intro_en.data or "") + (self.closing_en.data or "")).strip():
            raise wtforms.ValidationError(_("Enter the English title, or empty the other English texts"))

    def validate_closes_at(self, field: _Moment) -> None:
        if field.data and self.opens_at.data and field.data <= self.opens_at.data:
            raise wtforms.ValidationError(_("Choose an end that comes after the beginning"))

    @property
    def draft(self) -> Draft:
        """What was written; a language without a title is left out."""
        texts = {
            language: Text(
                title=(self[f"title_{language.value}"].data or "").strip(),
                intro=validation.clean(self[f"intro_{language.value}"].data or ""),
                closing=validation.clean(self[f"closing_{language.value}"].data or ""),
            )
            for language in Language
        }
        return Draft(
            mode=Mode(self.mode.data),
            opens_at=self.opens_at.aware,
            closes_at=self.closes_at.aware,
            texts={language: text for language, text in texts.items() if text.title},
        )


def survey_form(survey: Details | None) -> SurveyForm:
    """The form as sent, or as the survey is."""
    if survey is None:
        return SurveyForm()
    zone = settings().time_zone
    values: dict[str, Any] = {"mode": survey.mode.value}
    for name, moment in (("opens_at", survey.times.opens_at), ("closes_at", survey.times.closes_at)):
        values[name] = moment.astimezone(zone).replace(tzinfo=None) if moment else None
    for language, text in survey.texts.items():
        for part in ("title", "intro", "closing"):
            values[f"{part}_{language.value}"] = getattr(text, part)
    return SurveyForm(data=values)


def _lines(text: str | None) -> list[str]:
    """Each line that is not blank."""
    return [line for line in (validation.clean(line) for line in (text or "").splitlines()) if line]


class _Options:
    """A validator: a list of different options, one a line, and in English as many or none."""

    def __init__(self, german: str, fewest: int) -> None:
        self.german, self.fewest = german, fewest

    def __call__(self, form: wtforms.Form, field: wtforms.StringField) -> None:
        lines = _lines(field.data)
        if field.short_name != self.german:
            if lines and len(lines) != len(_lines(form[self.german].data)):
                raise wtforms.ValidationError(_("Write as many lines as in German, in the same order, or none"))
        elif len(lines) < self.fewest:
            raise wtforms.ValidationError(_("Write at least %(number)d lines", number=self.fewest))
        if len(lines) > rules.MOST_OPTIONS:
            raise wtforms.ValidationError(_("Write at most %(number)d lines", number=rules.MOST_OPTIONS))
        if len({line.casefold() for line in lines}) < len(lines):
            raise wtforms.ValidationError(_("Write each line only once"))
        if any(len(line) > rules.LONGEST_OPTION for line in lines):
            raise wtforms.ValidationError(
                _("Shorten each line to at most %(number)d characters", number=rules.LONGEST_OPTION)
            )


_WITH_OPTIONS = frozenset({Kind.ONE_OF, Kind.SEVERAL_OF, Kind.MATRIX})
_WITH_BOUNDS = frozenset({Kind.NUMBER, Kind.SCALE})
LOWEST_OF_SCALE, HIGHEST_OF_SCALE = (0, 1), range(3, 11)


class QuestionForm(FlaskForm):  # type: ignore[misc]
    """One question; it has only the fields that its kind needs."""

    label_de = wtforms.StringField(
        _l("Question in German"),
        [validators.InputRequired(message=_l("Enter the German question")), _at_most(rules.LONGEST_LABEL)],
        filters=[without_margins],
    )
    label_en = wtforms.StringField(
        _l("Question in English"), [_at_most(rules.LONGEST_LABEL)], filters=[without_margins]
    )
    hint_de = wtforms.StringField(_l("Hint in German"), [_at_most(rules.LONGEST_LABEL)], filters=[without_margins])
    hint_en = wtforms.StringField(_l("Hint in English"), [_at_most(rules.LONGEST_LABEL)], filters=[without_margins])
    rows_de = wtforms.TextAreaField(_l("Lines of the table in German"), [_Options("rows_de", 1)])
    rows_en = wtforms.TextAreaField(_l("Lines of the table in English"), [_Options("rows_de", 1)])
    options_de = wtforms.TextAreaField(_l("Answers to choose from in German"), [_Options("options_de", 2)])
    options_en = wtforms.TextAreaField(_l("Answers to choose from in English"), [_Options("options_de", 2)])
    lowest = wtforms.IntegerField(_l("Smallest number"), [validators.Optional()])
    highest = wtforms.IntegerField(_l("Largest number"), [validators.Optional()])
    low_de = wtforms.StringField(_l("What the smallest number means, in German"), [_at_most(rules.LONGEST_OPTION)])
    low_en = wtforms.StringField(_l("What the smallest number means, in English"), [_at_most(rules.LONGEST_OPTION)])
    high_de = wtforms.StringField(_l("What the largest number means, in German"), [_at_most(rules.LONGEST_OPTION)])
    high_en = wtforms.StringField(_l("What the largest number means, in English"), [_at_most(rules.LONGEST_OPTION)])
    is_required = wtforms.BooleanField(_l("An answer is required"))
    begins_page = wtforms.BooleanField(_l("Begins a new page"))
    show_if = wtforms.SelectMultipleField(  # type: ignore[call-arg]
        _l("Show only if"),
        option_widget=wtforms.widgets.CheckboxInput(),
        invalid_choice_message=_l("Choose among the answers to questions on earlier pages"),
    )

    def __init__(
        self, kind: Kind, deciding: Sequence[Question], same_page: set[Code], language: Language, **values: Any
    ) -> None:
        super().__init__(**values)
        self.kind = kind
        self.same_page = same_page
        self.show_if.choices = [
            SelectChoice(
                f"{question.code}={value}",
                _(
                    "“%(question)s”: %(answer)s",
                    question=said(question.label, language),
                    answer=question.choice_words(value, language),
                ),
            )
            for question in deciding
            for value in question.choices
        ]
        unneeded = {
            ("options_de", "options_en"): kind not in _WITH_OPTIONS,
            ("rows_de", "rows_en"): kind is not Kind.MATRIX,
            ("lowest", "highest"): kind not in _WITH_BOUNDS,
            ("low_de", "low_en", "high_de", "high_en"): kind is not Kind.SCALE,
            ("show_if",): not deciding,
        }
        for names, is_so in unneeded.items():
            for name in names if is_so else ():
                delattr(self, name)

    def validate_show_if(self, field: wtforms.SelectMultipleField) -> None:
        if not self.begins_page.data and not self.same_page.isdisjoint(self._conditions()):
            raise wtforms.ValidationError(
                _("Tick “Begins a new page” as well: what decides must be answered on an earlier page")
            )

    def validate_lowest(self, field: wtforms.IntegerField) -> None:
        if self.kind is Kind.SCALE and field.data not in LOWEST_OF_SCALE:
            raise wtforms.ValidationError(_("A scale begins with 0 or 1"))

    def validate_highest(self, field: wtforms.IntegerField) -> None:
        if self.kind is Kind.SCALE and field.data not in HIGHEST_OF_SCALE:
            raise wtforms.ValidationError(_("A scale ends with a number from 3 to 10"))
        if field.data is not None and self.lowest.data is not None and field.data <= self.lowest.data:
            raise wtforms.ValidationError(_("Enter a number above the smallest one"))

    def question(self, code: Code) -> Question:
        """The question as it was written."""
        return Question(
            code=code,
            kind=self.kind,
            label=self._words("label"),
            hint=self._words("hint"),
            is_required=bool(self.is_required.data),
            begins_page=bool(self.begins_page.data),
            options=self._ends() if self.kind is Kind.SCALE else self._options("options", "o"),
            rows=self._options("rows", "r"),
            lowest=self.lowest.data if self.kind in _WITH_BOUNDS else None,
            highest=self.highest.data if self.kind in _WITH_BOUNDS else None,
            show_if=self._conditions(),
        )

    def _words(self, name: str) -> dict[Language, str]:
        found = {language: validation.clean(self[f"{name}_{language.value}"].data or "") for language in Language}
        return {language: text for language, text in found.items() if text}

    def _options(self, name: str, letter: str) -> tuple[Option, ...]:
        if f"{name}_de" not in self:
            return ()
        german, english = _lines(self[f"{name}_de"].data), _lines(self[f"{name}_en"].data)
        return tuple(
            Option(
                f"{letter}{number + 1}",
                {Language.GERMAN: text, **({Language.ENGLISH: english[number]} if english else {})},
            )
            for number, text in enumerate(german)
        )

    def _ends(self) -> tuple[Option, ...]:
        return (
            Option(str(self.lowest.data), self._words("low")),
            Option(str(self.highest.data), self._words("high")),
        )

    def _conditions(self) -> dict[Code, frozenset[str]]:
        found: dict[Code, set[str]] = {}
        for chosen in (self.show_if.data or ()) if "show_if" in self else ():
            code, _equals, value = chosen.partition("=")
            found.setdefault(Code(code), set()).add(value)
        return {code: frozenset(values) for code, values in found.items()}


def question_form(survey: Details, kind: Kind, question: Question | None, language: Language) -> QuestionForm:
    """The form as sent, or as the question is."""
    code = question.code if question else None
    deciding, same_page = rules.can_decide(survey.questions, code), rules.same_page(survey.questions, code)
    bounds = {"lowest": 1, "highest": 5} if kind is Kind.SCALE else {}
    return QuestionForm(kind, deciding, same_page, language, data=_as_written(question) if question else bounds)


def _as_written(question: Question) -> dict[str, Any]:
    values: dict[str, Any] = {
        "is_required": question.is_required,
        "begins_page": question.begins_page,
        "lowest": question.lowest,
        "highest": question.highest,
        "show_if": [f"{code}={value}" for code, values in question.show_if.items() for value in sorted(values)],
    }
    for language in Language:
        suffix = language.value
        values[f"label_{suffix}"] = question.label.get(language)
        values[f"hint_{suffix}"] = question.hint.get(language)
        values[f"rows_{suffix}"] = _joined(question.rows, language)
        if question.kind is Kind.SCALE:
            low, high = (option.words.get(language) for option in question.options)
            values[f"low_{suffix}"], values[f"high_{suffix}"] = low, high
        else:
            values[f"options_{suffix}"] = _joined(question.options, language)
    return values


def _joined(options: Sequence[Option], language: Language) -> str:
    return "\n".join(option.words[language] for option in options if language in option.words)


class FilterForm(wtforms.Form):
    """Which answers the results are of."""

    language = wtforms.SelectField(_l("Language"), validate_choice=False)
    first = wtforms.DateField(_l("Answered from"), [validators.Optional()])
    last = wtforms.DateField(_l("Answered until"), [validators.Optional()])

    def offer(self, languages: Sequence[str]) -> None:
        """Offers all languages together, and each of these."""
        names = {Language.GERMAN.value: _("German"), Language.ENGLISH.value: _("English")}
        self.language.choices = [
            SelectChoice("", _("All languages")),
            *(SelectChoice(code, names[code]) for code in languages),
        ]


class ExportForm(FlaskForm):  # type: ignore[misc]
    """As what answers are taken out, and why."""

    format = format_field()
    reason = reason_field()

    @property
    def chosen_format(self) -> ExportFormat:
        """The format, once the form is valid."""
        return ExportFormat(self.format.data)


class SurveyMarketingForm(MarketingForm):
    """Those of a survey who may be written to."""

    whom = wtforms.RadioField(
        _l("Who?"),
        choices=[
            SelectChoice(Whom.REGISTERED.value, _l("All who have registered")),
            SelectChoice(Whom.TOOK_PART.value, _l("Those who have taken part")),
        ],
        default=Whom.TOOK_PART.value,
    )
