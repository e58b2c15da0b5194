"""Recording what staff did."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from consent_service.audit.models import AuditEntry

NOBODY = "nobody"
"""The actor of an act before anybody has signed in."""

OPERATOR = "operator"
"""The actor of an act at the command line."""


class Action(StrEnum):
    """What can be done that must be answered for later."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    PERSON_VIEWED = "person_viewed"
    PEOPLE_SEARCHED = "people_searched"
    PROOF_MADE = "proof_made"
    PERSON_ERASED = "person_erased"
    IMPORTED = "imported"
    EXPORTED = "exported"
    CAMPAIGN_CHANGED = "campaign_changed"
    TEST_MAIL_SENT = "test_mail_sent"
    PERSON_WITHDRAWN = "person_withdrawn"
    INBOX_VIEWED = "inbox_viewed"
    INBOX_ANSWERED = "inbox_answered"
    BOUNCE_LIFTED = "bounce_lifted"
    SURVEY_CHANGED = "survey_changed"
    SEMINAR_CHANGED = "seminar_changed"
    PARTICIPANTS_VIEWED = "participants_viewed"
    PARTICIPANT_CHANGED = "participant_changed"
    STAFF_ADDED = "staff_added"
    STAFF_DEACTIVATED = "staff_deactivated"
    STAFF_ACTIVATED = "staff_activated"
    PASSWORD_SET = "password_set"  # noqa: S105 (the name of an act)
    DKIM_KEY_CHANGED = "dkim_key_changed"
    LIMITS_CHANGED = "limits_changed"


def record(
    session: Session,
    *,
    at: datetime,
    actor: str,
    action: Action,
    target: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Adds an entry. `target` is a public id; neither it nor `details` may hold personal data of a subject."""
    session.add(AuditEntry(at=at, actor=actor, action=action.value, target=target, details=details or {}))
