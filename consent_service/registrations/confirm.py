"""The confirmation: from a registration to consent events with their evidence, in one transaction."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.identifiers import PublicId, PurposeVersionId, SubjectId
from consent_service.domain.kinds import Channel, EventKind, LegalBasis
from consent_service.evidence import service as evidence_service
from consent_service.evidence.service import Evidence
from consent_service.ledger import service as ledger
from consent_service.mailing import queries as mails
from consent_service.notice import queries as notice
from consent_service.notice.queries import Wording
from consent_service.registrations import kinds, queries, rules
from consent_service.registrations.kinds import Confirmed, Following
from consent_service.registrations.models import Registration
from consent_service.registrations.rules import LinkOutcome, RegistrationState
from consent_service.subjects import service as subjects


@dataclass(frozen=True, slots=True)
class Pressed:
    """What pressing the button came to, and what follows where it has just confirmed."""

    outcome: LinkOutcome
    following: Following | None


def confirm(session: Session, public_id: PublicId, click: Evidence, now: datetime) -> Pressed:
    """Confirms a registration once: consent counts from here (design I2).

    `click` is the evidence of pressing the button; `now` is aware. Whatever the outcome but CAN_CONFIRM,
    nothing was changed.
    """
    registration = _locked(session, public_id)
    if registration is None:
        return Pressed(LinkOutcome.EXPIRED, None)
    outcome = rules.link_outcome(registration.state, registration.expires_at, now)
    if outcome is not LinkOutcome.CAN_CONFIRM:
        return Pressed(outcome, None)
    person = subjects.find_or_add(
        session, registration.address, language=registration.language, name=registration.name, at=now
    )
    subjects.name_if_nameless(session, person, registration.name)
    wordings = notice.wordings(session, queries.versions(session, registration.id))
    if wordings:
        consented = {wording.purpose_id for wording in wordings.values()}
        subjects.lift_by_opt_in(session, person, consented, notice.purpose_ids(session), now)
        _record(session, registration, person, wordings, click, now)
    registration.state, registration.ended_at = RegistrationState.CONFIRMED, now
    confirmed = Confirmed(
        registration=registration.public_id,
        subject_id=person,
        address=registration.address,
        language=registration.language,
        requested_at=registration.requested_at,
        versions=tuple(wordings),
        click=click,
        at=now,
    )
    return Pressed(outcome, kinds.handler(registration.kind).on_confirmed(session, confirmed))


def _locked(session: Session, public_id: PublicId) -> Registration | None:
    """The registration, locked after its person, as whoever leaves locks them: neither waits for the other for ever."""
    address = session.execute(
        sa.select(Registration.normalised_address).where(Registration.public_id == public_id)
    ).scalar_one_or_none()
    if address is None:
        return None
    person = subjects.find(session, address)
    if person is not None:
        subjects.lock(session, person.id)
    return session.execute(
        sa.select(Registration).where(Registration.public_id == public_id).with_for_update()
    ).scalar_one_or_none()


def _record(
    session: Session,
    registration: Registration,
    person: SubjectId,
    wordings: Mapping[PurposeVersionId, Wording],
    click: Evidence,
    now: datetime,
) -> None:
    key = evidence_service.bind_to_person(session, registration.data_key_id, person)
    evidence = {
        "request": evidence_service.open_box(key.key, registration.evidence, registration.public_id),
        "confirmation_mail": _mail(session, registration),
        "confirmation": {**click, "at": now.isoformat()},
    }
    for wording in wordings.values():
        given = ledger.Consent(
            subject_id=person,
            purpose_id=wording.purpose_id,
            purpose_version_id=wording.version_id,
            kind=EventKind.CONFIRMED,
            basis=LegalBasis.CONSENT,
            at=now,
            channel=Channel.LINK,
            requested_at=registration.requested_at,
            notice_id=registration.notice_id,
            registration=registration.public_id,
        )
        ledger.begin(session, given, evidence, key)


def _mail(session: Session, registration: Registration) -> Evidence | None:
    """The confirmation mail itself, when it was handed over, and what the server said (design I3)."""
    if registration.message_id is None:
        return None
    mail = mails.delivered(session, registration.message_id)
    return {
        "message_id": mail.message_id,
        "handed_over_at": mail.handed_over_at.isoformat() if mail.handed_over_at else None,
        "server_reply": mail.reply,
        "bytes_base64": base64.b64encode(mail.content).decode("ascii"),
    }
