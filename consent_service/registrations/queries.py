"""Reads of registrations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.addresses import NormalisedAddress
from consent_service.domain.identifiers import NoticeId, PublicId, PurposeVersionId, RegistrationId
from consent_service.domain.kinds import Language
from consent_service.mailing import queries as mailing
from consent_service.notice.models import Notice
from consent_service.registrations.models import Registration, RegistrationPurpose
from consent_service.registrations.rules import MAIL_WINDOW, RegistrationKind, RegistrationState


@dataclass(frozen=True, slots=True)
class AskedFor:
    """What a registration asks consent for, as the page behind its link shows it; times are aware, in UTC."""

    public_id: PublicId
    kind: RegistrationKind
    state: RegistrationState
    language: Language
    requested_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    notice_number: int
    versions: tuple[PurposeVersionId, ...]


def asked_for(session: Session, public_id: PublicId) -> AskedFor | None:
    """The registration that a link names, if it is still kept."""
    row = session.execute(
        sa.select(Registration, Notice.number)
        .join(Notice, Notice.id == Registration.notice_id)
        .where(Registration.public_id == public_id)
    ).one_or_none()
    if row is None:
        return None
    registration, notice_number = row
    return AskedFor(
        public_id=registration.public_id,
        kind=registration.kind,
        state=registration.state,
        language=registration.language,
        requested_at=registration.requested_at,
        expires_at=registration.expires_at,
        ended_at=registration.ended_at,
        notice_number=notice_number,
        versions=versions(session, registration.id),
    )


def versions(session: Session, registration: RegistrationId) -> tuple[PurposeVersionId, ...]:
    """The wordings whose boxes were ticked."""
    return tuple(
        session.execute(
            sa.select(RegistrationPurpose.purpose_version_id)
            .where(RegistrationPurpose.registration_id == registration)
            .order_by(RegistrationPurpose.purpose_version_id)
        ).scalars()
    )


def mails_in_window(session: Session, address: NormalisedAddress, kind: RegistrationKind, now: datetime) -> int:
    """How many mails this address got for requests of this kind within the last day, whoever asked."""
    return session.execute(
        sa.select(sa.func.count())
        .select_from(Registration)
        .where(
            Registration.normalised_address == address,
            Registration.requested_at > now - MAIL_WINDOW,
            Registration.kind == kind,
            Registration.message_id.is_not(None),
        )
    ).scalar_one()


def is_mail_in_hand(session: Session, public_id: PublicId) -> bool:
    """Whether the registration's mail is being handed over right now."""
    message = session.execute(
        sa.select(Registration.message_id).where(Registration.public_id == public_id)
    ).scalar_one_or_none()
    return message is not None and mailing.is_in_hand(session, message)


@dataclass(frozen=True, slots=True)
class Request:
    """A registration as staff see it on a person's page."""

    public_id: PublicId
    kind: RegistrationKind
    state: RegistrationState
    requested_at: datetime
    ended_at: datetime | None
    notice_id: NoticeId


def of_address(session: Session, address: NormalisedAddress) -> Sequence[Request]:
    """All registrations still kept for an address, newest first."""
    rows = session.execute(
        sa.select(Registration)
        .where(Registration.normalised_address == address)
        .order_by(Registration.requested_at.desc(), Registration.id.desc())
    ).scalars()
    return [Request(row.public_id, row.kind, row.state, row.requested_at, row.ended_at, row.notice_id) for row in rows]


def waiting_for_confirmation(session: Session, now: datetime, most: int) -> int:
    """How many requests somebody may still confirm; ends at `most` + 1, and looks only at links that still work."""
    found = (
        sa.select(sa.literal(1))
        .select_from(Registration)
        .where(
            Registration.expires_at > now,
            Registration.state.in_((RegistrationState.REQUESTED, RegistrationState.AWAITING)),
            Registration.kind != RegistrationKind.SETTINGS_LINK,
        )
        .limit(most + 1)
        .subquery()
    )
    return session.execute(sa.select(sa.func.count()).select_from(found)).scalar_one()


def is_undecided_since(session: Session, moment: datetime) -> bool:
    """Whether a request from before `moment` (aware) still waits for the worker."""
    undecided: sa.BindParameter[RegistrationState] = sa.bindparam(
        "requested", RegistrationState.REQUESTED, literal_execute=True
    )
    oldest = sa.select(Registration.requested_at).where(Registration.state == undecided).order_by(Registration.id)
    requested_at = session.execute(oldest.limit(1)).scalar_one_or_none()
    return requested_at is not None and requested_at < moment
