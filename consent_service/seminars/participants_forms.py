"""The forms of the day, and of lists."""

import wtforms
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import validators
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from consent_service.domain.addresses import LONGEST_ADDRESS
from consent_service.domain.kinds import Language
from consent_service.domain.names import LONGEST_NAME
from consent_service.exports.forms import MarketingForm, format_field, reason_field
from consent_service.public_forms import Deliverable, without_margins
from consent_service.seminars.participants import AtTheDoor, Whom


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

    format = format_field()
    reason = reason_field()


class SeminarMarketingForm(MarketingForm):
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
