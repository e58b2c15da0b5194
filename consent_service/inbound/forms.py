"""The filter of the inbox; it stands in the address, for it names nobody."""

import wtforms
from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from consent_service.inbound.queries import Filter, Show
from consent_service.inbound.rules import MailClass
from consent_service.inbound.words import CLASS, SHOW


class FilterForm(wtforms.Form):
    """Which mails to show."""

    show = wtforms.SelectField(_l("State"), choices=[SelectChoice(show.value, SHOW[show]) for show in Show])
    kind = wtforms.SelectField(
        _l("Kind"),
        choices=[SelectChoice("", _l("All kinds")), *(SelectChoice(kind.value, CLASS[kind]) for kind in MailClass)],
    )

    @property
    def wanted(self) -> Filter:
        """The filter that was chosen; what is not on offer counts as not chosen."""
        show = Show(self.show.data) if self.show.data in list(Show) else Show.WAITING
        return Filter(show, MailClass(self.kind.data) if self.kind.data in list(MailClass) else None)
