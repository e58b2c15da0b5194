"""Leaving: by one click or on the settings page. Asking for the way back goes through registrations."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.errors import InvalidLink, NotFound, Refused
from consent_service.domain.identifiers import PublicId, PurposeId, SubjectId
from consent_service.domain.kinds import Channel, Language, SuppressionReason
from consent_service.evidence.service import Evidence
from consent_service.ledger import queries as ledger_queries
from consent_service.ledger import service as ledger
from consent_service.ledger.queries import LinkTarget
from consent_service.mailing import service as mailing
from consent_service.notice import queries as notice
from consent_service.preferences.models import LeavingReason
from consent_service.preferences.rules import ReasonForLeaving
from consent_service.registrations import service as registrations
from consent_service.registrations.rules import RegistrationKind
from consent_service.subjects import service as subjects
from consent_service.subjects.models import Subject


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """Who has left; the caller waits for what is in hand to them before it answers (design I6)."""

    subject_id: SubjectId
    is_mail_in_hand: bool


def unsubscribe(session: Session, link: PublicId, channel: Channel, evidence: Evidence, at: datetime) -> Unsubscribed:
    """Unsubscribes the person and purpose that a link names; doing it again changes nothing (RFC 8058).

    Raises InvalidLink.
    """
    target = _target(session, link)
    leave(session, target.subject_id, [target.purpose_id], channel, evidence, at)
    return Unsubscribed(target.subject_id, mailing.is_in_hand(session, target.subject_id))


def leave(
    session: Session,
    subject_id: SubjectId,
    purposes: Collection[PurposeId],
    channel: Channel,
    evidence: Evidence,
    at: datetime,
) -> None:
    """Ends these purposes for a person: withdrawal or objection, suppression, and the end of open requests."""
    person = subjects.lock(session, subject_id)
    for purpose_id in purposes:
        ledger.leave(session, subject_id, purpose_id, at, channel, evidence)
        if person.digest is not None:
            subjects.suppress(session, person.digest, purpose_id, SuppressionReason.UNSUBSCRIBED, at)
    if person.address is not None:
        registrations.cancel_open(session, person.address, purposes, at)


def _target(session: Session, link: PublicId) -> LinkTarget:
    target = ledger_queries.unsubscribe_target(session, link)
    if target is None:
        raise InvalidLink("no such unsubscribe link")
    return target


def leave_everything(
    session: Session, subject_id: SubjectId, channel: Channel, evidence: Evidence, at: datetime
) -> None:
    """Ends every purpose that there is, those included that the person was never asked about."""
    leave(session, subject_id, notice.purpose_ids(session), channel, evidence, at)


def ask_again(
    session: Session, subject_id: SubjectId, codes: Collection[str], evidence: Evidence, at: datetime
) -> None:
    """Starts a double opt-in for purposes that a known person wants (again).

    Raises NotFound for a person who was erased, Refused where the purpose is neither on offer nor was theirs.
    """
    person = session.execute(sa.select(Subject).where(Subject.id == subject_id)).scalar_one()
    if person.address is None:
        raise NotFound("the person was erased")
    known = ledger_queries.standings(session, subject_id)
    wanted = [
        wording
        for wording in notice.current_wordings(session, at)
        if wording.code in codes and (wording.offered or wording.purpose_id in known)
    ]
    if not wanted:
        raise Refused("no purpose was chosen")
    edition = notice.current_notice(session, at)
    asked = registrations.Request(
        kind=RegistrationKind.SIGN_UP,
        address=person.address,
        name=person.name,
        language=person.language,
        versions=[wording.version_id for wording in wanted],
        notice_id=edition.id,
        evidence={
            **evidence,
            "at": at.isoformat(),
            "wordings": {wording.reference: wording.digest.hex() for wording in wanted},
            "notice": edition.number,
        },
    )
    registrations.request(session, asked, at)


def ask_again_by_link(session: Session, link: PublicId, evidence: Evidence, at: datetime) -> bool:
    """Starts a double opt-in for what a one-click link has ended. Raises InvalidLink.

    False where the person was erased: there is no address any more to send it to.
    """
    target = _target(session, link)
    erased_at = session.execute(sa.select(Subject.erased_at).where(Subject.id == target.subject_id)).scalar_one()
    if erased_at is not None:
        return False
    code = notice.all_wordings(session, target.purpose_id)[-1].code
    ask_again(session, target.subject_id, [code], evidence, at)
    return True


def rename(session: Session, subject_id: SubjectId, name: str | None) -> None:
    """Changes a person's name, or takes it away."""
    subjects.lock(session, subject_id)
    subjects.rename(session, subject_id, name)


def ask_for_link(session: Session, address: str, language: Language, evidence: Evidence, at: datetime) -> None:
    """Writes down that somebody asked for an address's settings link; the worker decides. Raises InvalidAddress."""
    asked = registrations.Request(
        kind=RegistrationKind.SETTINGS_LINK,
        address=address,
        name=None,
        language=language,
        versions=(),
        notice_id=notice.current_notice(session, at).id,
        evidence={**evidence, "at": at.isoformat()},
    )
    registrations.request(session, asked, at)


def give_reason(session: Session, link: PublicId, reason: ReasonForLeaving, at: datetime) -> None:
    """Counts a reason for leaving, without whose it is. Raises InvalidLink."""
    target = _target(session, link)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    session.add(LeavingReason(purpose_id=target.purpose_id, day=day, reason=reason))
