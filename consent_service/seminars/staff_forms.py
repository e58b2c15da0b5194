"""The forms in which staff plan a seminar."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import wtforms
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import validators
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.domain.names import tidy, tidy_lines
from consent_service.public_forms import Deliverable, without_margins
from consent_service.seminars import rules, words
from consent_service.seminars.planning import Draft, DraftDate, DraftQuestion
from consent_service.seminars.queries import Details, SeminarWords
from consent_service.seminars.rules import Lead, QuestionKind, QuestionWords, Venue


class Understood:
    """A validator: what was typed is a number, day or time; says so in our words."""

    def __init__(self, message: LazyString) -> None:
        self.message = message

    def __call__(self, form: wtforms.Form, field: wtforms.Field) -> None:
        if field.process_errors:
            field.errors = []
            raise validators.StopValidation(str(self.message))


def _longest(number: int) -> validators.Length:
    return validators.Length(max=number, message=_l("Shorten this to at most %(max)d characters"))


def _whole_number(least: int) -> list[Callable[..., None]]:
    message = _l("Enter a whole number from %(min)d to %(max)d")
    return [
        validators.Optional(),
        Understood(_l("Enter a whole number")),
        validators.NumberRange(least, rules.MOST_PLACES, message=message),
    ]


_MOMENT = [validators.Optional(), Understood(_l("Enter a day and a time"))]
_LINE = [_longest(rules.LONGEST_LINE)]


class DateRow(wtforms.Form):
    """One date; one that is left blank is none."""

    public_id = wtforms.HiddenField()
    day = wtforms.DateField(_l("Day"), [validators.Optional(), Understood(_l("Enter a day, for example 31/12/2026"))])
    begins = wtforms.TimeField(_l("Begins at"), [validators.Optional(), Understood(_l("Enter a time such as 09:30"))])
    ends = wtforms.TimeField(_l("Ends at"), [validators.Optional(), Understood(_l("Enter a time such as 12:30"))])

    @property
    def is_blank(self) -> bool:
        """Whether nothing was entered."""
        return not any(field.raw_data and field.raw_data[0] for field in (self.day, self.begins, self.ends))

    def moments(self, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Beginning and end, in UTC; None where something is missing or the clocks leave one out."""
        if self.day.data is None or self.begins.data is None or self.ends.data is None:
            return None
        begins = rules.moment(datetime.combine(self.day.data, self.begins.data), zone)
        ends = rules.moment(datetime.combine(self.day.data, self.ends.data), zone)
        return (begins, ends) if begins and ends else None

    def check(self, zone: ZoneInfo) -> bool:
        """Whether the row is right; what is wrong stands beside its fields."""
        missing = {
            self.day: _("Enter the day"),
            self.begins: _("Enter when it begins"),
            self.ends: _("Enter when it ends"),
        }
        for field, message in missing.items():
            if field.data is None and not field.errors:
                field.errors = [message]
        if any(field.errors for field in missing):
            return False
        moments = self.moments(zone)
        if moments is None:
            self.begins.errors = [_("On this day the clocks leave this time out")]
        elif moments[1] <= moments[0]:
            self.ends.errors = [_("The end must come after the beginning")]
        return not (self.begins.errors or self.ends.errors)


class QuestionRow(wtforms.Form):
    """One question; one that asks nothing is none."""

    key = wtforms.HiddenField()
    kind = wtforms.SelectField(
        _l("Answered by"), choices=[SelectChoice(kind.value, words.QUESTION[kind]) for kind in QuestionKind]
    )
    label_de = wtforms.StringField(_l("Question in German"), _LINE, filters=[tidy])
    reason_de = wtforms.StringField(_l("What the answer is for, in German"), _LINE, filters=[tidy])
    choices_de = wtforms.TextAreaField(_l("Choices in German, one a line"), filters=[tidy_lines])
    label_en = wtforms.StringField(_l("Question in English"), _LINE, filters=[tidy])
    reason_en = wtforms.StringField(_l("What the answer is for, in English"), _LINE, filters=[tidy])
    choices_en = wtforms.TextAreaField(_l("Choices in English, in the same order"), filters=[tidy_lines])
    required = wtforms.BooleanField(_l("An answer is required"))

    @property
    def is_blank(self) -> bool:
        """Whether nothing is asked."""
        return not (self.label_de.data or self.label_en.data)

    def check(self) -> bool:
        """Whether the row is right; what is wrong stands beside its fields."""
        if not self.label_de.data:
            self.label_de.errors = [_("Enter the question in German, too")]
        if not self.reason_de.data:
            self.reason_de.errors = [_("Say what the answer is for")]
        german, english = _lines(self.choices_de.data), _lines(self.choices_en.data)
        if self.kind.data == QuestionKind.CHOICE:
            if len(set(german)) < 2 or len(set(german)) < len(german):
                self.choices_de.errors = [_("Enter at least two different choices")]
            if self.label_en.data and len(english) != len(german):
                self.choices_en.errors = [_("Enter as many choices as in German")]
        if any(len(line) > rules.LONGEST_LINE for line in (*german, *english)):
            self.choices_de.errors = [_("Shorten each choice to at most %(max)d characters", max=rules.LONGEST_LINE)]
        return not any(field.errors for field in self)

    def question(self) -> DraftQuestion:
        """What was written."""
        is_choice = self.kind.data == QuestionKind.CHOICE
        said = {
            Language.GERMAN: (self.label_de.data, self.reason_de.data, self.choices_de.data),
            Language.ENGLISH: (self.label_en.data, self.reason_en.data, self.choices_en.data),
        }
        return DraftQuestion(
            key=PublicId(self.key.data) if self.key.data else None,
            kind=QuestionKind(self.kind.data),
            required=bool(self.required.data),
            words={
                language: QuestionWords(label, reason or "", _lines(choices) if is_choice else ())
                for language, (label, reason, choices) in said.items()
                if label
            },
        )


def _lines(text: str | None) -> tuple[str, ...]:
    return tuple(line.strip() for line in (text or "").split("\n") if line.strip())


class Flat:
    """A form with its rows' fields among its own, for the summary of errors."""

    def __init__(self, fields: Sequence[wtforms.Field], form_errors: Sequence[str]) -> None:
        self.fields = fields
        self.form_errors = form_errors
        self.errors = [error for field in fields for error in field.errors]

    def __iter__(self) -> Iterator[wtforms.Field]:
        return iter(self.fields)


class SeminarForm(FlaskForm):  # type: ignore[misc]
    """All of a seminar. Times are those of its own time zone."""

    title_de = wtforms.StringField(
        _l("Title in German"),
        [validators.InputRequired(_l("Enter the German title")), _longest(rules.LONGEST_TITLE)],
        filters=[tidy],
    )
    description_de = wtforms.TextAreaField(
        _l("Description in German"),
        [validators.InputRequired(_l("Enter the German description")), _longest(rules.LONGEST_DESCRIPTION)],
        filters=[tidy_lines],
    )
    title_en = wtforms.StringField(_l("Title in English"), [_longest(rules.LONGEST_TITLE)], filters=[tidy])
    description_en = wtforms.TextAreaField(
        _l("Description in English"), [_longest(rules.LONGEST_DESCRIPTION)], filters=[tidy_lines]
    )
    venue = wtforms.RadioField(
        _l("Where does it take place?"),
        [validators.InputRequired(message=_l("Say where it takes place"))],
        choices=[SelectChoice(venue.value, words.VENUE[venue]) for venue in Venue],
    )
    address = wtforms.StringField(_l("Address"), [_longest(rules.LONGEST_ADDRESS)], filters=[tidy])
    join_url = wtforms.URLField(_l("Link to join"), [_longest(rules.LONGEST_ADDRESS)], filters=[without_margins])
    time_zone = wtforms.SelectField(_l("Time zone"), choices=[])
    dates = wtforms.FieldList(wtforms.FormField(DateRow), min_entries=1, max_entries=rules.MOST_DATES)
    capacity = wtforms.IntegerField(_l("Places"), _whole_number(1))
    waiting_capacity = wtforms.IntegerField(_l("Length of the waiting list"), _whole_number(0))
    cut_off_hours = wtforms.IntegerField(_l("Hours before the start until which people move up"), _whole_number(0))
    opens_at = wtforms.DateTimeLocalField(_l("Registration opens"), _MOMENT)
    closes_at = wtforms.DateTimeLocalField(_l("Registration closes"), _MOMENT)
    questions = wtforms.FieldList(wtforms.FormField(QuestionRow), max_entries=rules.MOST_QUESTIONS)
    leads = wtforms.SelectMultipleField(
        _l("Reminders"),
        choices=[SelectChoice(lead.value, words.LEAD[lead]) for lead in Lead],
        option_widget=wtforms.widgets.CheckboxInput(),
    )
    contact = wtforms.EmailField(_l("E-mail address for questions"), [Deliverable()], filters=[without_margins])
    add_date = wtforms.SubmitField(_l("Add a date"))
    add_question = wtforms.SubmitField(_l("Add a question"))

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data=data)
        self.time_zone.choices = [SelectChoice(name, name) for name in sorted(available_timezones())]

    def add_row(self) -> bool:
        """Adds the row that was asked for in place of saving; whether there was one to add."""
        for button, rows, most in (
            (self.add_date, self.dates, rules.MOST_DATES),
            (self.add_question, self.questions, rules.MOST_QUESTIONS),
        ):
            if button.data:
                if len(rows) < most:
                    rows.append_entry()
                return True
        return False

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether all is right, the rows included."""
        valid = super().validate(extra_validators)
        zone = ZoneInfo(self.time_zone.data) if self.time_zone.data in available_timezones() else None
        rows = [row.form for row in self.dates if not row.form.is_blank]
        dates_are_right = [zone is not None and row.check(zone) for row in rows]  # each says what is wrong
        if not rows:
            self.dates[0].form.day.errors = [_("Enter at least one date")]
        questions = [row.form for row in self.questions if not row.form.is_blank]
        questions_are_right = [row.check() for row in questions]
        place_is_right = self._check_place() & self._check_english()
        times_are_right = zone is not None and self._check_times(zone)
        rows_are_right = all([*dates_are_right, *questions_are_right])
        return bool(valid and rows and rows_are_right and place_is_right and times_are_right)

    def _check_place(self) -> bool:
        if self.venue.data in (Venue.ON_SITE, Venue.BOTH) and not self.address.data:
            self.address.errors = [_("Enter the address where people are to come")]
        if self.venue.data in (Venue.ONLINE, Venue.BOTH) and not (self.join_url.data or "").startswith("https://"):
            self.join_url.errors = [_("Enter the link to join; it begins with https://")]
        return not (self.address.errors or self.join_url.errors)

    def _check_english(self) -> bool:
        if bool(self.title_en.data) != bool(self.description_en.data):
            field = self.description_en if self.title_en.data else self.title_en
            field.errors = [_("Enter both in English, or neither")]
        return not (self.title_en.errors or self.description_en.errors)

    def _check_times(self, zone: ZoneInfo) -> bool:
        for field in (self.opens_at, self.closes_at):
            if field.data is not None and rules.moment(field.data, zone) is None:
                field.errors = [_("On this day the clocks leave this time out")]
        if self.opens_at.data and self.closes_at.data and self.closes_at.data <= self.opens_at.data:
            self.closes_at.errors = [_("Registration must close after it opens")]
        return not (self.opens_at.errors or self.closes_at.errors)

    @property
    def flat(self) -> Flat:
        """Every field, in the order of the page."""
        leaves: list[wtforms.Field] = []
        for field in self:
            if isinstance(field, wtforms.FieldList):
                leaves += [leaf for row in field for leaf in row.form]
            else:
                leaves.append(field)
        return Flat(leaves, self.form_errors)

    def draft(self) -> Draft:
        """What was written, once it is valid; an empty language is left out."""
        zone = ZoneInfo(self.time_zone.data)
        texts = {
            Language.GERMAN: SeminarWords(self.title_de.data or "", self.description_de.data or ""),
            Language.ENGLISH: SeminarWords(self.title_en.data or "", self.description_en.data or ""),
        }
        is_online, is_on_site = self.venue.data != Venue.ON_SITE, self.venue.data != Venue.ONLINE
        return Draft(
            texts={language: said for language, said in texts.items() if said.title},
            venue=Venue(self.venue.data),
            address=self.address.data if is_on_site else None,
            join_url=self.join_url.data if is_online else None,
            time_zone=zone.key,
            dates=self._dates(zone),
            capacity=self.capacity.data,
            waiting_capacity=self.waiting_capacity.data or 0,
            opens_at=rules.moment(self.opens_at.data, zone) if self.opens_at.data else None,
            closes_at=rules.moment(self.closes_at.data, zone) if self.closes_at.data else None,
            cut_off_hours=self.cut_off_hours.data or 0,
            leads=[Lead(lead) for lead in self.leads.data or ()],
            contact=self.contact.data or "",
            questions=[row.form.question() for row in self.questions if not row.form.is_blank],
        )

    def _dates(self, zone: ZoneInfo) -> list[DraftDate]:
        found = []
        for row in self.dates:
            moments = row.form.moments(zone)
            if moments is not None:
                known = PublicId(row.form.public_id.data) if row.form.public_id.data else None
                found.append(DraftDate(known, *moments))
        return found


def new_values(time_zone: ZoneInfo, contact: str) -> dict[str, Any]:
    """What the form of a new seminar begins with."""
    return {
        "time_zone": time_zone.key,
        "waiting_capacity": 10,
        "cut_off_hours": rules.CUT_OFF_HOURS,
        "leads": [Lead.DAY.value],
        "contact": contact,
        "venue": Venue.ON_SITE.value,
    }


def values_of(seminar: Details) -> dict[str, Any]:
    """A seminar as its form shows it."""
    plan, zone = seminar.plan, seminar.zone
    values: dict[str, Any] = {
        "venue": seminar.venue.value,
        "address": seminar.address,
        "join_url": seminar.join_url,
        "time_zone": zone.key,
        "dates": [
            {
                "public_id": date.public_id,
                "day": date.starts_at.astimezone(zone).date(),
                "begins": date.starts_at.astimezone(zone).time(),
                "ends": date.ends_at.astimezone(zone).time(),
            }
            for date in seminar.dates
        ],
        "capacity": plan.capacity,
        "waiting_capacity": plan.waiting_capacity,
        "cut_off_hours": int(plan.cut_off.total_seconds() // 3600),
        "opens_at": plan.opens_at.astimezone(zone).replace(tzinfo=None) if plan.opens_at else None,
        "closes_at": plan.closes_at.astimezone(zone).replace(tzinfo=None) if plan.closes_at else None,
        "leads": [lead.value for lead in seminar.leads],
        "contact": seminar.contact,
        "questions": [
            {"key": one.key, "kind": one.kind.value, "required": one.required, **_question_values(one.words)}
            for one in seminar.questions
        ],
    }
    for language, said in seminar.texts.items():
        values[f"title_{language.value}"] = said.title
        values[f"description_{language.value}"] = said.description
    return values


def _question_values(said: Mapping[Language, QuestionWords]) -> dict[str, str]:
    values = {}
    for language, texts in said.items():
        values[f"label_{language.value}"] = texts.label
        values[f"reason_{language.value}"] = texts.reason
        values[f"choices_{language.value}"] = "\n".join(texts.choices)
    return values


class CancelForm(FlaskForm):  # type: ignore[misc]
    """Why a seminar is called off."""

    reason = wtforms.TextAreaField(
        _l("What the e-mail says besides"), [_longest(rules.LONGEST_DESCRIPTION)], filters=[tidy_lines]
    )


class FollowUpForm(FlaskForm):  # type: ignore[misc]
    """Material for those who took part."""

    subject_de = wtforms.StringField(
        _l("Subject in German"),
        [validators.InputRequired(_l("Enter the German subject")), _longest(rules.LONGEST_TITLE)],
        filters=[tidy],
    )
    body_de = wtforms.TextAreaField(
        _l("Text in German"),
        [validators.InputRequired(_l("Enter the German text")), _longest(rules.LONGEST_DESCRIPTION)],
        filters=[tidy_lines],
    )
    subject_en = wtforms.StringField(_l("Subject in English"), [_longest(rules.LONGEST_TITLE)], filters=[tidy])
    body_en = wtforms.TextAreaField(_l("Text in English"), [_longest(rules.LONGEST_DESCRIPTION)], filters=[tidy_lines])
    attended_only = wtforms.BooleanField(_l("Only to those who were there"))

    @property
    def texts(self) -> dict[Language, tuple[str, str]]:
        """Subject and text by language; an empty language is left out."""
        written = {
            Language.GERMAN: (self.subject_de.data, self.body_de.data),
            Language.ENGLISH: (self.subject_en.data, self.body_en.data),
        }
        return {language: (subject, body) for language, (subject, body) in written.items() if subject and body}
