"""The form that asks for an export."""

from collections.abc import Sequence

import wtforms
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import validators
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from consent_service.exports.rules import LONGEST_REASON, ExportFormat
from consent_service.exports.service import Criteria, Request
from consent_service.localisation import current_language
from consent_service.notice.queries import Wording
from consent_service.public_forms import without_margins


def format_field() -> wtforms.RadioField:
    """As what a list is taken out."""
    return wtforms.RadioField(
        _l("Format"),
        choices=[
            SelectChoice(ExportFormat.CSV.value, "CSV"),
            SelectChoice(ExportFormat.XLSX.value, "Excel (XLSX)"),
            SelectChoice(ExportFormat.JSON_LINES.value, "JSON Lines"),
        ],
        default=ExportFormat.CSV.value,
    )


def reason_field() -> wtforms.StringField:
    """What a list is for, as it stands in the record."""
    return wtforms.StringField(
        _l("Reason"),
        [
            validators.DataRequired(_l("Say what the list is for")),
            validators.Length(max=LONGEST_REASON, message=_l("Shorten the reason to at most %(max)d characters")),
        ],
        filters=[without_margins],
        description=_l("What the list is for. It is kept with the record; name no people in it."),
    )


class ExportForm(FlaskForm):  # type: ignore[misc]
    """Which list, as what, for whom and why."""

    purpose = wtforms.SelectField(_l("Purpose"))
    recipient = wtforms.SelectField(
        _l("Who gets the list?"),
        description=_l("Another company gets only the people whose consent names it."),
    )
    format = format_field()
    reason = reason_field()

    def __init__(self, purposes: Sequence[Wording], own_organisation: str, third_parties: Sequence[str]) -> None:
        super().__init__()
        self.purpose.choices = [SelectChoice(one.code, one.title(current_language())) for one in purposes]
        self.recipient.choices = [
            SelectChoice("", own_organisation),
            *(SelectChoice(name, name) for name in third_parties),
        ]

    def request(self) -> Request:
        """What is asked for, once the form is valid."""
        criteria = Criteria(self.purpose.data, self.recipient.data or None)
        return Request(criteria, ExportFormat(self.format.data), self.reason.data or "")


class MarketingForm(FlaskForm):  # type: ignore[misc]
    """Those of a feature's people who may be written to; the feature adds `whom`, a choice among its people."""

    purpose = wtforms.SelectField(_l("And consent to be written to for"))
    format = format_field()
    reason = reason_field()

    def __init__(self, purposes: Sequence[Wording]) -> None:
        super().__init__()
        self.purpose.choices = [SelectChoice(one.code, one.title(current_language())) for one in purposes]
