"""The forms of the day, and of lists."""

from collections.abc import Sequence

import wtforms
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import validators
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from consent_service.domain.addresses import LONGEST_ADDRESS
from consent_service.domain.kinds import Language
from consent_service.domain.names import LONGEST_NAME
from consent_service.exports.rules import LONGEST_REASON, ExportFormat
from consent_service.localisation import current_language
from consent_service.notice.queries import Wording
from consent_service.public_forms import Deliverable, without_margins
from consent_service.seminars.participants import AtTheDoor, Whom

_FORMATS = [
    SelectChoice(ExportFormat.CSV.value, "CSV"),
    SelectChoice(ExportFormat.XLSX.value, "Excel (XLSX)"),
    SelectChoice(ExportFormat.JSON_LINES.value, "JSON Lines"),
]


def _reason() -> wtforms.StringField:
    return wtforms.StringField(
        _l("Reason"),
        [
            validators.DataRequired(_l("Say what the list is for")),
            validators.Length(max=LONGEST_REASON, message=_l("Shorten the reason to at most %(max)d characters")),
        ],
        filters=[without_margins],
        description=_l("What the list is for. It is kept with the record; name no people in it."),
    )


class SearchForm(FlaskForm):  # type: ignore[misc]
    """A part of a name or address."""

    term = wtforms.SearchField(_l("Name or address"), [validators.Length(max=LONGEST_ADDRESS)])


class DoorForm(FlaskForm):  # type: ignore[misc]
    """Somebody who came without having registered."""

    name = wtforms.StringField(
        _l("Name"),
        [
            validators.InputRequired(_l("Enter the name")),
            validators.Length(max=LONGEST_NAME, message=_l("Shorten the name to at most %(max)d characters")),
        ],
        filters=[without_margins],
    )
    email = wtforms.EmailField(_l("E-mail address"), [Deliverable()], filters=[without_margins])
    language = wtforms.SelectField(
        _l("Language"),
        choices=[SelectChoice(Language.GERMAN.value, "Deutsch"), SelectChoice(Language.ENGLISH.value, "English")],
    )
    told = wtforms.BooleanField(
        _l("The person knows what these details are for"),
        [validators.InputRequired(_l("Tell the person first what the details are for, and tick this"))],
    )

    @property
    def who(self) -> AtTheDoor:
        """Whom the form describes, once it is valid."""
        return AtTheDoor(self.email.data or "", self.name.data or "", Language(self.language.data))


class ListForm(FlaskForm):  # type: ignore[misc]
    """The participant list as a file."""

    format = wtforms.RadioField(_l("Format"), choices=_FORMATS, default=ExportFormat.CSV.value)
    reason = _reason()


class MarketingForm(FlaskForm):  # type: ignore[misc]
    """Those of a seminar who may be written to."""

    whom = wtforms.RadioField(
        _l("Who?"),
        choices=[
            SelectChoice(Whom.REGISTERED.value, _l("All who have registered, also those who cancelled")),
            SelectChoice(Whom.CONFIRMED.value, _l("Those who have a place")),
            SelectChoice(Whom.ATTENDED.value, _l("Those who were there")),
        ],
        default=Whom.CONFIRMED.value,
    )
    purpose = wtforms.SelectField(_l("And consent to be written to for"))
    format = wtforms.RadioField(_l("Format"), choices=_FORMATS, default=ExportFormat.CSV.value)
    reason = _reason()

    def __init__(self, purposes: Sequence[Wording]) -> None:
        super().__init__()
        self.purpose.choices = [SelectChoice(one.code, one.title(current_language())) for one in purposes]
