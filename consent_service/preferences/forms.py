"""Forms of the settings page."""

import wtforms
from flask_babel import lazy_gettext as _l
from wtforms import validators

from consent_service.domain.names import LONGEST_NAME
from consent_service.public_forms import Deliverable, PublicForm, without_margins


class AskForLinkForm(PublicForm):
    """Where to mail the link to."""

    email = wtforms.EmailField(_l("E-mail address"), [Deliverable()], filters=[without_margins])


class NameForm(wtforms.Form):
    """The person's name; the signed link stands in for a form token."""

    name = wtforms.StringField(
        _l("Name"),
        [validators.Length(max=LONGEST_NAME, message=_l("Shorten the name to at most %(max)d characters"))],
    )
