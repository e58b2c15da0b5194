"""The sign-up form."""

from typing import Any

import wtforms
from flask_babel import lazy_gettext as _l
from wtforms import validators
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from consent_service.domain.kinds import Language
from consent_service.domain.names import LONGEST_NAME
from consent_service.notice.queries import InForce
from consent_service.public_forms import Deliverable, PublicForm, without_margins


class SignUpForm(PublicForm):
    """One purpose per box, no box ticked in advance; each value names the very wording that was shown."""

    email = wtforms.EmailField(_l("E-mail address"), [Deliverable()], filters=[without_margins])
    name = wtforms.StringField(
        _l("Name"),
        [validators.Length(max=LONGEST_NAME, message=_l("Shorten the name to at most %(max)d characters"))],
    )
    language = wtforms.SelectField(  # type: ignore[call-arg]
        _l("Language of the e-mails"),
        choices=[
            SelectChoice(Language.GERMAN.value, "Deutsch"),
            SelectChoice(Language.ENGLISH.value, "English"),
        ],
        invalid_choice_message=_l("Choose one of the languages"),
    )
    purposes = wtforms.SelectMultipleField(  # type: ignore[call-arg]
        _l("What may we write to you about?"),
        [validators.InputRequired(_l("Choose at least one topic"))],
        invalid_choice_message=_l("The wording has changed. Please read it and choose again."),
    )

    notice = wtforms.HiddenField()

    def __init__(self, shown: InForce, language: Language, formdata: Any = None) -> None:
        super().__init__(formdata, language=language.value)
        self.purposes.choices = [SelectChoice(wording.reference, wording.title(language)) for wording in shown.offered]
        self.shown_notice = self.notice.data
        self.notice.data = str(shown.notice.number)

    def validate_notice(self, field: wtforms.HiddenField) -> None:
        """The evidence names the notice that was shown; a form that names none links to the one in force."""
        if self.shown_notice and self.shown_notice != field.data:
            raise wtforms.ValidationError(_l("The privacy notice has changed. Please send the form once more."))
