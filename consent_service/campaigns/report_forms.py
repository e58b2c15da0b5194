"""The forms of a report: the list to take out, and which failed messages go again."""

from collections.abc import Mapping

import wtforms
from flask_babel import format_decimal
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import validators
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from consent_service.campaigns.report import Asked
from consent_service.exports.forms import format_field, reason_field
from consent_service.exports.rules import ExportFormat
from consent_service.mailing import words
from consent_service.mailing.outcomes import MAY_GO_AGAIN, FailureKind, Outcome


class ReportListForm(FlaskForm):  # type: ignore[misc]
    """The messages as a file."""

    outcome = wtforms.SelectField(_l("Which messages?"))
    format = format_field()
    reason = reason_field()

    def __init__(self, outcome: Outcome | None = None) -> None:
        super().__init__(data={"outcome": outcome.value if outcome else ""})
        self.outcome.choices = [
            SelectChoice("", _l("All")),
            *(SelectChoice(one.value, words.OUTCOME[one]) for one in Outcome),
        ]

    @property
    def asked(self) -> Asked:
        """What is asked for, once the form is valid."""
        outcome = Outcome(self.outcome.data) if self.outcome.data else None
        return Asked(outcome, ExportFormat(self.format.data), self.reason.data or "")


class RetryForm(FlaskForm):  # type: ignore[misc]
    """Which failed messages go again, by the reason."""

    kinds = wtforms.SelectMultipleField(
        _l("Which ones shall go again?"),
        [validators.InputRequired(_l("Choose which ones shall go again"))],
        option_widget=wtforms.widgets.CheckboxInput(),
    )

    def __init__(self, failed: Mapping[FailureKind, int]) -> None:
        offered = [kind for kind in MAY_GO_AGAIN if kind in failed]
        super().__init__(data={"kinds": [kind.value for kind in offered]})
        self.kinds.choices = [
            SelectChoice(kind.value, f"{words.FAILURE[kind]}: {format_decimal(failed[kind])}") for kind in offered
        ]

    @property
    def chosen(self) -> list[FailureKind]:
        """What is chosen, once the form is valid."""
        return [FailureKind(kind) for kind in self.kinds.data or ()]
