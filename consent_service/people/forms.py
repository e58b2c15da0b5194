"""Forms of the list of people and of a person's page."""

from collections.abc import Sequence

import wtforms
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import validators
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from consent_service.domain.addresses import LONGEST_ADDRESS
from consent_service.people.overview import PurposeOfPerson
from consent_service.people.rules import Reported, SearchBy
from consent_service.people.words import REPORTED

LONGEST_NOTE = 500
LONGEST_REASON = 200


class SearchForm(FlaskForm):  # type: ignore[misc]
    """The beginning of an address or of a name."""

    term = wtforms.SearchField(_l("Begins with"), [validators.Length(max=LONGEST_ADDRESS)])
    by = wtforms.SelectField(
        _l("Search in"),
        choices=[
            SelectChoice(SearchBy.ADDRESS.value, _l("E-mail address")),
            SelectChoice(SearchBy.NAME.value, _l("Name")),
        ],
        default=SearchBy.ADDRESS.value,
    )


class LiftForm(FlaskForm):  # type: ignore[misc]
    """Why mail may go again to an address that it came back from."""

    reason = wtforms.StringField(
        _l("Reason"),
        [
            validators.InputRequired(message=_l("Say why the address can be written to again")),
            validators.Length(max=LONGEST_REASON, message=_l("Shorten the reason to at most %(max)d characters")),
        ],
    )


class WithdrawForm(FlaskForm):  # type: ignore[misc]
    """What a person told us to end, and how they told us."""

    purposes = wtforms.SelectMultipleField(
        _l("What does the person no longer want?"),
        [validators.InputRequired(message=_l("Choose at least one purpose"))],
        option_widget=wtforms.widgets.CheckboxInput(),
    )
    reported = wtforms.RadioField(
        _l("How did the person tell us?"),
        [validators.InputRequired(message=_l("Say how the person told us"))],
        choices=[SelectChoice(reported.value, REPORTED[reported]) for reported in Reported],
    )
    note = wtforms.TextAreaField(
        _l("Note"),
        [validators.Length(max=LONGEST_NOTE, message=_l("Shorten the note to at most %(max)d characters"))],
    )

    def __init__(self, purposes: Sequence[PurposeOfPerson]) -> None:
        super().__init__()
        self.purposes.choices = [SelectChoice(purpose.code, purpose.title) for purpose in purposes]
