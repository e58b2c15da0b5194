"""The decisions of a double opt-in: which mail answers a request, and what its link may still do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from consent_service.domain.identifiers import PurposeId

MAILS_PER_DAY = 3
MAIL_WINDOW = timedelta(hours=24)


class RegistrationKind(StrEnum):
    """What was asked for at the public side."""

    SIGN_UP = "sign_up"
    SETTINGS_LINK = "settings_link"
    SEMINAR = "seminar"
    SURVEY = "survey"

    @property
    def is_for_consent_alone(self) -> bool:
        """Whether it is nothing without its consents. To others they are boxes besides (GDPR Art. 7(4))."""
        return self is RegistrationKind.SIGN_UP


class RegistrationState(StrEnum):
    """requested -> awaiting (its mail is queued) -> confirmed | cancelled | expired; or answered at once."""

    REQUESTED = "requested"
    AWAITING = "awaiting"
    ANSWERED = "answered"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Answer(StrEnum):
    """The mail that a request leads to."""

    CONFIRMATION = "confirmation"
    ALREADY_CONFIRMED = "already_confirmed"
    SETTINGS_LINK = "settings_link"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the worker knows of a request and of its address when it decides."""

    kind: RegistrationKind
    asked_for: frozenset[PurposeId]
    active: frozenset[PurposeId]
    is_known: bool
    mails_in_window: int


def answer(asked: Asked) -> Answer:
    """Which mail follows; nobody can have an address written to more often than MAILS_PER_DAY in MAIL_WINDOW."""
    if asked.mails_in_window >= MAILS_PER_DAY:
        return Answer.NOTHING
    if asked.kind is RegistrationKind.SETTINGS_LINK:
        return Answer.SETTINGS_LINK if asked.is_known else Answer.NOTHING
    if asked.kind.is_for_consent_alone and asked.asked_for <= asked.active:
        return Answer.ALREADY_CONFIRMED
    return Answer.CONFIRMATION


class LinkOutcome(StrEnum):
    """What a confirmation link can do now."""

    CAN_CONFIRM = "can_confirm"
    ALREADY_USED = "already_used"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


def link_outcome(state: RegistrationState, expires_at: datetime, now: datetime) -> LinkOutcome:
    """What a genuine confirmation link does at `now` (both times aware): it works once, and not for ever."""
    match state:
        case RegistrationState.CONFIRMED:
            return LinkOutcome.ALREADY_USED
        case RegistrationState.CANCELLED | RegistrationState.ANSWERED:
            return LinkOutcome.CANCELLED
        case RegistrationState.EXPIRED:
            return LinkOutcome.EXPIRED
        case RegistrationState.REQUESTED | RegistrationState.AWAITING:
            return LinkOutcome.EXPIRED if now >= expires_at else LinkOutcome.CAN_CONFIRM


def includes_any(asked_for: Iterable[PurposeId], ended: frozenset[PurposeId]) -> bool:
    """Whether an open request asks for something that the person has just left."""
    return not ended.isdisjoint(asked_for)
