"""Signed links. They carry opaque identifiers only, each use has a salt of its own, and keys rotate.

Several spellings of one signature verify, so a link for one use is recorded on its row, never by its text.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any

from flask import url_for
from itsdangerous import BadData, SignatureExpired

from consent_service import tokens
from consent_service.domain.errors import ExpiredLink, InvalidLink
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.extensions import settings
from consent_service.tokens import Serializer, TimedSerializer, serializer, timed_serializer

FRESH_LIFETIME = timedelta(hours=1)
LONGEST_TOKEN = 300
TEST_MAIL = PublicId("0" * 32)
"""What the unsubscribe link of a test mail names: no person and no purpose."""


class Use(StrEnum):
    """What a link is for; a link for one use is refused in another."""

    CONFIRMATION = "confirmation"
    SETTINGS = "settings"
    FRESH_SETTINGS = "fresh-settings"
    UNSUBSCRIBE = "unsubscribe"
    SEMINAR = "seminar"
    SURVEY = "survey"
    FRESH_SURVEY = "fresh-survey"


_TIMED = (Use.FRESH_SETTINGS, Use.FRESH_SURVEY)


def _keys(use: Use) -> tuple[str, ...]:
    return settings().unsubscribe_keys if use is Use.UNSUBSCRIBE else settings().secret_keys


def sign(use: Use, identifier: PublicId) -> str:
    """The token of a link for this use that names this row."""
    if use in _TIMED:
        return str(_timed(use).dumps(identifier))
    return tokens.lasting(_keys(use), use.value, identifier)


@dataclass(frozen=True, slots=True)
class PersonalLink:
    """What a person's link opens, and whether it was mailed within the last hour on request."""

    identifier: PublicId
    is_fresh: bool


def read(use: Use, token: str) -> PublicId:
    """The identifier in a token for this use. Raises InvalidLink."""
    return _identifier(use, token, _serializer(use).loads)


def read_settings(token: str) -> PersonalLink:
    """Whose settings a link of either kind opens. Raises InvalidLink."""
    return _read_either(Use.FRESH_SETTINGS, Use.SETTINGS, token)


def read_survey(token: str) -> PersonalLink:
    """Which participation in a survey a link of either kind opens. Raises InvalidLink."""
    return _read_either(Use.FRESH_SURVEY, Use.SURVEY, token)


def _read_either(fresh: Use, old: Use, token: str) -> PersonalLink:
    """A fresh link that is past its hour opens as an old one does."""
    try:
        lifetime = int(FRESH_LIFETIME.total_seconds())
        found = _identifier(fresh, token, partial(_timed(fresh).loads, max_age=lifetime))
        return PersonalLink(found, is_fresh=True)
    except ExpiredLink:
        return PersonalLink(read(fresh, token), is_fresh=False)
    except InvalidLink:
        return PersonalLink(read(old, token), is_fresh=False)


def _timed(use: Use) -> TimedSerializer:
    return timed_serializer(_keys(use), use.value)


def _serializer(use: Use) -> Serializer | TimedSerializer:
    return _timed(use) if use in _TIMED else serializer(_keys(use), use.value)


def _identifier(use: Use, token: str, loads: Callable[[str], Any]) -> PublicId:
    if len(token) > LONGEST_TOKEN:
        raise InvalidLink("too long")
    try:
        value = loads(token)
    except SignatureExpired as error:
        raise ExpiredLink(use.value) from error
    except BadData as error:
        raise InvalidLink(use.value) from error
    if not isinstance(value, str):
        raise InvalidLink(use.value)
    return PublicId(value)


def confirmation(identifier: PublicId, language: Language) -> str:
    """The address of the page that confirms a registration, in the language of the mail that it stands in."""
    return _external("registrations.confirm", sign(Use.CONFIRMATION, identifier), language)


def marketing_settings(identifier: PublicId, language: Language) -> str:
    """The address of a person's settings for mails: with it one can only withdraw."""
    return _external("preferences.settings", sign(Use.SETTINGS, identifier), language)


def fresh_marketing_settings(identifier: PublicId, language: Language) -> str:
    """The address of a person's settings that lives for an hour: with it one can read, change and give."""
    return _external("preferences.settings", sign(Use.FRESH_SETTINGS, identifier), language)


def seminar_registration(identifier: PublicId, language: Language) -> str:
    """The address of a person's registration for a seminar, for mails: with it one can look and cancel."""
    return _external("seminars.registration", sign(Use.SEMINAR, identifier), language)


def survey(identifier: PublicId, language: Language) -> str:
    """The address at which a participant answers a survey, for mails: with it one can only go on answering."""
    return _external("survey.start", sign(Use.SURVEY, identifier), language)


def fresh_survey(identifier: PublicId, language: Language) -> str:
    """The same for an hour: with it a participant can also see, change and delete what they have answered."""
    return _external("survey.start", sign(Use.FRESH_SURVEY, identifier), language)


def unsubscribe(identifier: PublicId) -> str:
    """The one-click address of one person and purpose (RFC 8058)."""
    return one_click(sign(Use.UNSUBSCRIBE, identifier))


def one_click(token: str) -> str:
    """The one-click address with this token."""
    return _external("one_click.unsubscribe", token, None)


def _external(endpoint: str, token: str, language: Language | None) -> str:
    before, after = _frame(settings().base_url, endpoint, language)
    return before + token + after


_PLACE = "TOKEN"


@lru_cache
def _frame(base_url: str, endpoint: str, language: Language | None) -> tuple[str, str]:
    """What stands before and after the token in the address of such a page: millions of mails have the same."""
    values = {} if language is None else {"lang": language.value}
    before, place, after = url_for(endpoint, token=_PLACE, _external=False, **values).rpartition(_PLACE)
    assert place, endpoint
    return base_url + before, after
