"""The forms for limits; fields that stay empty are no limit."""

from decimal import Decimal
from typing import Any

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import validators

from consent_service.limits.models import LONGEST_NAME
from consent_service.limits.rules import Limits

MOST_PER_SECOND = 100_000
MOST = 100_000_000
MOST_CONNECTIONS = 1000


class PositiveNumber:
    """From more than nothing to a given most. An empty field passes."""

    def __init__(self, most: int, message: str) -> None:
        self.most, self.message = most, message

    def __call__(self, form: wtforms.Form, field: wtforms.Field) -> None:
        if field.raw_data and str(field.raw_data[0]).strip() and field.data is None:
            raise validators.StopValidation(str(self.message))
        if field.data is not None and not 0 < field.data <= self.most:
            raise validators.StopValidation(str(self.message))


class Number(wtforms.StringField):
    """A number, with a comma or a point; it is `data`, and None where there is none."""

    is_whole = True

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data: Any = _number(str(valuelist[0]) if valuelist else "", self.is_whole)

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else f"{self.data:g}"


class Rate(Number):
    """As a number, with a fraction if need be."""

    is_whole = False


def _number(text: str, is_whole: bool) -> int | float | None:
    try:
        value = Decimal(text.strip().replace(",", "."))
    except ArithmeticError:
        return None
    if not value.is_finite() or (is_whole and value != value.to_integral_value()):
        return None
    return int(value) if is_whole else float(value)


class LimitsForm(FlaskForm):  # type: ignore[misc]
    """What may go out; nothing is no limit."""

    per_second = Rate(
        _l("E-mails per second"),
        [PositiveNumber(MOST_PER_SECOND, _l("Enter the e-mails per second as a number above 0, such as 5 or 0.5"))],
    )
    per_hour = Number(
        _l("E-mails per hour"),
        [PositiveNumber(MOST, _l("Enter the e-mails per hour as a whole number above 0"))],
    )
    connections = Number(
        _l("Connections at once"),
        [PositiveNumber(MOST_CONNECTIONS, _l("Enter the connections as a whole number above 0"))],
    )

    @property
    def limits(self) -> Limits:
        """What was entered."""
        return Limits(self.per_second.data, self.per_hour.data, self.connections.data)


class NewLimitForm(LimitsForm):
    """The same, and for whom."""

    name = wtforms.StringField(
        _l("Domain or provider"),
        [
            validators.InputRequired(_l("Enter a domain such as example.org")),
            validators.Length(max=LONGEST_NAME, message=_l("Shorten the domain")),
        ],
        filters=[lambda value: value.strip() if value else value],
    )


class WarmUpForm(FlaskForm):  # type: ignore[misc]
    """A warm-up plan."""

    first = Number(
        _l("E-mails on the first day"),
        [
            validators.InputRequired(_l("Enter how many e-mails may go out on the first day")),
            PositiveNumber(MOST, _l("Enter the e-mails on the first day as a whole number above 0")),
        ],
    )
    until = Number(
        _l("Done when a day would have"),
        [
            validators.InputRequired(_l("Enter at how many e-mails a day the plan is done")),
            PositiveNumber(MOST, _l("Enter the number at which the plan is done as a whole number above 0")),
        ],
    )

    def validate_until(self, field: wtforms.Field) -> None:
        """The plan must grow."""
        if self.first.data is not None and field.data is not None and field.data <= self.first.data:
            raise validators.ValidationError(_("Enter more e-mails than on the first day"))
