"""Which language a page is in: German, unless the switch or the browser says English."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, has_request_context, request, url_for
from flask_babel import format_date, format_datetime, get_locale

from consent_service.domain.kinds import Language
from consent_service.extensions import babel, settings

_NAMES = {Language.GERMAN: "Deutsch", Language.ENGLISH: "English"}


@dataclass(frozen=True, slots=True)
class LanguageChoice:
    """One entry of the language switch."""

    code: str
    name: str
    url: str
    current: bool


def current_language() -> Language:
    """The language of the page or mail that is being made."""
    locale = get_locale()
    return Language(locale.language) if locale is not None else Language.GERMAN


def _select() -> str:
    chosen = request.values.get("lang", "")
    if chosen in list(Language):
        return chosen
    return request.accept_languages.best_match([language.value for language in Language], Language.GERMAN.value)


def _switch() -> list[LanguageChoice]:
    if request.endpoint is None or request.method != "GET":
        return []
    arguments = {**(request.view_args or {}), **request.args.to_dict()}
    return [
        LanguageChoice(
            language.value,
            _NAMES[language],
            url_for(request.endpoint, **{**arguments, "lang": language.value}),
            language is current_language(),
        )
        for language in Language
    ]


def _template_globals() -> dict[str, Any]:
    common: dict[str, Any] = {"organisation": settings().organisation, "language": current_language().value}
    return {**common, "language_switch": _switch()} if has_request_context() else common


def moment(value: datetime) -> str:
    """A moment in the organisation's time zone, as people read it: 3 May 2026, 14:02."""
    return str(
        format_datetime(value, "d. MMMM y, HH:mm" if current_language() is Language.GERMAN else "d MMMM y, HH:mm")
    )


def day(value: datetime) -> str:
    """The day of a moment in the organisation's time zone."""
    return str(format_date(value, "long"))


def init_app(app: Flask) -> None:
    """Gives the application its languages and the filters `moment` and `day`."""
    babel.init_app(app, locale_selector=_select)
    app.context_processor(_template_globals)
    app.template_filter("moment")(moment)
    app.template_filter("day")(day)
