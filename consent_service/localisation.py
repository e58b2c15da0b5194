"""Which language a page is in: German, unless the switch or the browser says English."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Flask, has_request_context, request, url_for
from flask_babel import format_date, format_datetime, get_locale

from consent_service.domain.kinds import Language
from consent_service.extensions import babel, settings

_NAMES = {Language.GERMAN: "Deutsch", Language.ENGLISH: "English"}
_CODES = frozenset(language.value for language in Language)


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
    chosen = request.args.get("lang", "")
    if chosen in _CODES:
        return chosen
    for wanted, quality in request.accept_languages:  # best first; en-GB is English, too
        primary = wanted.replace("_", "-").partition("-")[0].lower()
        if quality > 0 and primary in _CODES:
            return primary
    return Language.GERMAN.value


def _switch() -> list[LanguageChoice]:
    if request.endpoint is None or request.method != "GET":
        return []
    return [
        LanguageChoice(language.value, _NAMES[language], _here_in(language), language is current_language())
        for language in Language
    ]


def _here_in(language: Language) -> str:
    rest = urlencode([(name, value) for name, value in request.args.items(multi=True) if name != "lang"])
    here = url_for(request.endpoint or "", **{**(request.view_args or {}), "lang": language.value})
    return f"{here}&{rest}" if rest else here


def _keep_choice(endpoint: str, values: dict[str, Any]) -> None:
    """Carries a language that was chosen by the switch into every link: there is no cookie to keep it."""
    if has_request_context() and endpoint != "static" and request.args.get("lang") in _CODES:
        values.setdefault("lang", request.args["lang"])


def _template_globals() -> dict[str, Any]:
    common: dict[str, Any] = {"organisation": settings().organisation, "language": current_language().value}
    return {**common, "language_switch": _switch()} if has_request_context() else common


def moment(value: datetime) -> str:
    """A moment in the organisation's time zone, as people read it: 3 May 2026, 14:02."""
    return str(format_datetime(value, f"{_day_pattern()}, HH:mm"))


def day(value: datetime) -> str:
    """The day of a moment in the organisation's time zone: 3 May 2026."""
    return str(format_date(value, _day_pattern()))


def _day_pattern() -> str:
    """With no-break spaces: a day stays on one line."""
    pattern = "d. MMMM y" if current_language() is Language.GERMAN else "d MMMM y"
    return pattern.replace(" ", "\N{NO-BREAK SPACE}")


def init_app(app: Flask) -> None:
    """Gives the application its languages and the filters `moment` and `day`."""
    babel.init_app(app, locale_selector=_select)
    app.url_defaults(_keep_choice)
    app.context_processor(_template_globals)
    app.template_filter("moment")(moment)
    app.template_filter("day")(day)
