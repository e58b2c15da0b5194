"""Signing up at the public form."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.evidence.service import Evidence
from consent_service.notice import queries as notice
from consent_service.notice.queries import InForce, PrivacyNotice, Wording
from consent_service.registrations import service as registrations
from consent_service.registrations.rules import RegistrationKind


@dataclass(frozen=True, slots=True)
class SignUp:
    """What the form brought, and the wordings and notice that it showed."""

    address: str
    name: str | None
    mail_language: Language
    shown_language: Language
    ticked: Collection[str]  # references of wordings
    shown: Sequence[Wording]
    notice: PrivacyNotice
    form_url: str


def sign_up_if_in_force(session: Session, shown: InForce, wish: SignUp, source: Evidence, at: datetime) -> bool:
    """As `sign_up`, unless something else than what was shown is in force at `at`; whether it was in force."""
    holds = notice.in_force(session, at) == shown
    if holds:
        sign_up(session, wish, source, at)
    return holds


def sign_up(session: Session, wish: SignUp, source: Evidence, at: datetime) -> PublicId:
    """Writes the one registration row, with the evidence of what was shown and who asked (design I3)."""
    ticked = [wording for wording in wish.shown if wording.reference in wish.ticked]
    evidence: Evidence = {
        **source,
        "at": at.isoformat(),
        "form": wish.form_url,
        "language": wish.shown_language.value,
        "wordings": {wording.reference: wording.digest.hex() for wording in ticked},
        "notice": wish.notice.number,
    }
    asked = registrations.Request(
        kind=RegistrationKind.SIGN_UP,
        address=wish.address,
        name=wish.name,
        language=wish.mail_language,
        versions=[wording.version_id for wording in ticked],
        notice_id=wish.notice.id,
        evidence=evidence,
    )
    return registrations.request(session, asked, at)
