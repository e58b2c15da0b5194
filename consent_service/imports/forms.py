"""The form that takes a file."""

from collections.abc import Sequence

import wtforms
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from consent_service.imports import words
from consent_service.imports.rules import ImportKind
from consent_service.localisation import current_language
from consent_service.notice.queries import Wording


class UploadForm(FlaskForm):  # type: ignore[misc]
    """A file, what it holds, and for customers the purpose."""

    kind = wtforms.RadioField(
        _l("What does the file hold?"),
        choices=[SelectChoice(kind.value, text) for kind, text in words.KIND.items()],
        default=ImportKind.CUSTOMERS.value,
    )
    purpose = wtforms.SelectField(
        _l("Purpose"), description=_l("For customers only. Lists of addresses count for every purpose.")
    )
    file = FileField(_l("CSV file"), [FileRequired(_l("Choose a file"))])

    def __init__(self, purposes: Sequence[Wording]) -> None:
        super().__init__()
        self.purpose.choices = [SelectChoice(one.code, one.title(current_language())) for one in purposes]
