"""Rendering the words of our own mails, in the recipient's language, from templates/."""

from typing import Any

import css_inline
from flask import render_template
from flask_babel import LazyString, force_locale

from consent_service.domain.kinds import Language
from consent_service.extensions import settings
from consent_service.mailing.composition import Text

_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)  # @media: the dark colours


def render(template: str, language: Language, subject: LazyString | str, **context: Any) -> Text:
    """The mail of templates/`template`.txt and .html, with its styles put inline, in this language."""
    with force_locale(language.value):
        values = {
            "organisation": settings().organisation,
            "language": language.value,
            "subject": str(subject),
            **context,
        }
        return Text(
            subject=str(subject),
            plain=render_template(f"{template}.txt", **values),
            html=_inliner.inline(render_template(f"{template}.html", **values)),
        )
