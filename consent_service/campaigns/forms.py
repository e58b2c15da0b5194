"""The forms of campaigns."""

from collections.abc import Sequence

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import validators

from consent_service.campaigns import rules
from consent_service.campaigns.blocks import Offered
from consent_service.campaigns.rules import PLACEHOLDERS, Words
from consent_service.campaigns.service import Draft
from consent_service.domain.kinds import Language
from consent_service.notice.queries import Wording
from consent_service.public_forms import Deliverable

_SUBJECT_LENGTH = validators.Length(
    max=rules.LONGEST_SUBJECT, message=_l("Shorten the subject to at most %(max)d characters")
)
_BODY_LENGTH = validators.Length(max=rules.LONGEST_BODY, message=_l("Shorten the text to at most %(max)d characters"))


class _KnownPlaceholders:
    """A validator: only placeholders that exist, and none in a link's address; blocks where they may stand."""

    def __init__(self, with_blocks: bool = False) -> None:
        self.with_blocks = with_blocks

    def __call__(self, form: FlaskForm, field: wtforms.StringField) -> None:
        text = field.data or ""
        unknown = rules.unknown_placeholders(text, self.with_blocks)
        if unknown:
            raise wtforms.ValidationError(
                _(
                    "%(unknown)s is not a placeholder. You can use %(known)s",
                    unknown=", ".join(unknown),
                    known=_(" and ").join(PLACEHOLDERS),
                )
            )
        if rules.has_placeholder_in_link(text):
            raise wtforms.ValidationError(_("Take the placeholder out of the link’s address"))


class CampaignForm(FlaskForm):  # type: ignore[misc]
    """Purpose, and subject and text per language; German must be there, English may be."""

    purpose = wtforms.RadioField(_l("What is it for?"), [validators.InputRequired(message=_l("Choose a purpose"))])
    subject_de = wtforms.StringField(
        _l("Subject in German"),
        [validators.InputRequired(message=_l("Enter the German subject")), _SUBJECT_LENGTH, _KnownPlaceholders()],
    )
    body_de = wtforms.TextAreaField(
        _l("Text in German"),
        [
            validators.InputRequired(message=_l("Enter the German text")),
            _BODY_LENGTH,
            _KnownPlaceholders(with_blocks=True),
        ],
    )
    subject_en = wtforms.StringField(_l("Subject in English"), [_SUBJECT_LENGTH, _KnownPlaceholders()])
    body_en = wtforms.TextAreaField(_l("Text in English"), [_BODY_LENGTH, _KnownPlaceholders(with_blocks=True)])

    blocks: Sequence[Offered] = ()

    def offer(self, wordings: Sequence[Wording], language: Language) -> None:
        """Offers these purposes, by their titles."""
        self.purpose.choices = [(wording.code, wording.title(language)) for wording in wordings]

    def validate_subject_en(self, field: wtforms.StringField) -> None:
        if not (field.data or "").strip() and (self.body_en.data or "").strip():
            raise wtforms.ValidationError(_("Enter the English subject, or empty the English text"))

    def validate_body_en(self, field: wtforms.StringField) -> None:
        if not (field.data or "").strip() and (self.subject_en.data or "").strip():
            raise wtforms.ValidationError(_("Enter the English text, or empty the English subject"))

    @property
    def draft(self) -> Draft:
        """What was written; an empty language is left out."""
        written = {
            Language.GERMAN: Words((self.subject_de.data or "").strip(), self.body_de.data or ""),
            Language.ENGLISH: Words((self.subject_en.data or "").strip(), self.body_en.data or ""),
        }
        return Draft(
            purpose=str(self.purpose.data),
            texts={language: words for language, words in written.items() if words.subject},
        )


class TestMailForm(FlaskForm):  # type: ignore[misc]
    """Where a test mail goes."""

    address = wtforms.EmailField(_l("Send the test mail to"), [Deliverable()])
