"""The confirmation: from a registration to consent events with their evidence, in one transaction."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from consent_service import links
from consent_service.domain.identifiers import PublicId, PurposeVersionId, SubjectId
from consent_service.domain.kinds import Channel, EventKind, LegalBasis
from consent_service.evidence import service as evidence_service
from consent_service.evidence.service import Evidence
from consent_service.ledger import service as ledger
from consent_service.mailing import composition, rendering
from consent_service.mailing import queries as mails
from consent_service.mailing import service as mailing
from consent_service.mailing.rules import MailKind
from consent_service.notice import queries as notice
from consent_service.notice.queries import Wording
from consent_service.registrations import queries, rules
from consent_service.registrations.models import Registration
from consent_service.registrations.rules import LinkOutcome, RegistrationState
from consent_service.subjects import service as subjects
from consent_service.subjects.models import Subject


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A registration that has just been, or was before, confirmed; leads to the person's settings."""

    outcome: LinkOutcome
    subject_public_id: PublicId | None


def confirm(session: Session, public_id: PublicId, click: Evidence, now: datetime) -> Confirmed:
    """Confirms a registration once: consent counts from here (design I2).

    `click` is the evidence of pressing the button; `now` is aware. Whatever the outcome but CAN_CONFIRM,
    nothing was changed.
    """
    registration = _locked(session, public_id)
    if registration is None:
        return Confirmed(LinkOutcome.EXPIRED, None)
    outcome = rules.link_outcome(registration.state, registration.expires_at, now)
    if outcome is not LinkOutcome.CAN_CONFIRM:
        return Confirmed(outcome, None)
    person = subjects.find_or_add(
        session, registration.address, language=registration.language, name=registration.name, at=now
    )
    subjects.name_if_nameless(session, person, registration.name)
    wordings = notice.wordings(session, queries.versions(session, registration.id))
    confirmed = {wording.purpose_id for wording in wordings.values()}
    subjects.lift_by_opt_in(session, person, confirmed, notice.purpose_ids(session), now)
    _record(session, registration, person, wordings, click, now)
    registration.state, registration.ended_at = RegistrationState.CONFIRMED, now
    subject_public_id = _welcome(session, registration, person, now)
    return Confirmed(outcome, subject_public_id)


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


def _welcome(session: Session, registration: Registration, person: SubjectId, now: datetime) -> PublicId:
    subject_public_id = session.execute(sa.select(Subject.public_id).where(Subject.id == person)).scalar_one()
    address = registration.address
    text = rendering.render(
        "mail/welcome",
        registration.language,
        _("Your registration is complete"),
        url=links.marketing_settings(subject_public_id, registration.language),
    )
    mailing.enqueue(
        session,
        MailKind.WELCOME,
        address,
        lambda message_id: composition.single(mailing.sender(), address, text, message_id, now),
        now,
        person,
    )
    return PublicId(subject_public_id)
