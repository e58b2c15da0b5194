"""Double opt-in, step by step: the request, the mail that answers it, and what ends it without a confirmation.

The public side only writes a row; the worker decides what it means (design I8). `confirm.py` has the rest.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from consent_service import links
from consent_service.database import alone, literal, table
from consent_service.domain.addresses import NormalisedAddress, mailbox, normalise
from consent_service.domain.identifiers import (
    MessageId,
    NoticeId,
    PublicId,
    PurposeId,
    PurposeVersionId,
    new_public_id,
)
from consent_service.domain.kinds import ConsentStatus, Language
from consent_service.domain.names import tidy
from consent_service.evidence import service as evidence_service
from consent_service.evidence.service import Evidence
from consent_service.extensions import settings
from consent_service.ledger import queries as ledger
from consent_service.mailing import composition, rendering
from consent_service.mailing import service as mailing
from consent_service.mailing.composition import Text
from consent_service.mailing.rules import MailKind
from consent_service.notice import queries as notice
from consent_service.prepared import Prepared
from consent_service.registrations import kinds, queries, rules
from consent_service.registrations.models import Registration, RegistrationPurpose
from consent_service.registrations.rules import Answer, RegistrationKind, RegistrationState
from consent_service.subjects import service as subjects
from consent_service.subjects.models import Subject

_INSERT_REGISTRATION = Prepared(sa.insert(table(Registration)).returning(Registration.id))
_INSERT_PURPOSES = Prepared(sa.insert(table(RegistrationPurpose)))
_IS_OPEN = Registration.state.in_([literal(RegistrationState.REQUESTED), literal(RegistrationState.AWAITING)])
_SELECT_OPEN = Prepared(
    sa.select(Registration.id).where(Registration.normalised_address == sa.bindparam("address"), _IS_OPEN)
)
_OLDEST_UNDECIDED = Prepared(
    sa.select(Registration.id)
    .where(Registration.state == literal(RegistrationState.REQUESTED))
    .order_by(Registration.id)
    .limit(1)
    .with_for_update()
)


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked for at the public side, and what they were shown; `evidence` is the request's own."""

    kind: RegistrationKind
    address: str
    name: str | None
    language: Language
    versions: Sequence[PurposeVersionId]
    notice_id: NoticeId
    evidence: Evidence


def request(session: Session, asked: Request, at: datetime) -> PublicId:
    """Writes the one row of a request. Raises InvalidAddress. Whether the address is known plays no part."""
    public_id = new_public_id()
    normalised = normalise(asked.address)
    key = evidence_service.new_request_key(session, at)
    columns = {
        "public_id": public_id,
        "kind": asked.kind,
        "state": RegistrationState.REQUESTED,
        "address": mailbox(asked.address, normalised),
        "normalised_address": normalised,
        "name": tidy(asked.name),
        "language": asked.language,
        "notice_id": asked.notice_id,
        "requested_at": at,
        "expires_at": at + timedelta(days=settings().confirmation_days),
        "data_key_id": key.id,
        "evidence": evidence_service.close(key.key, asked.evidence, public_id),
    }
    (registration_id,) = _INSERT_REGISTRATION.one(session, columns)
    for version in asked.versions:
        _INSERT_PURPOSES.run(session, {"registration_id": registration_id, "purpose_version_id": version})
    return public_id


def answer_next(session: Session, now: datetime) -> bool:
    """Decides the oldest undecided request and queues the mail that it means; whether there was one."""
    alone(session, "answering requests")  # two at once could both be an address's third mail of the day
    oldest = _OLDEST_UNDECIDED.first(session, {})
    if oldest is None:
        return False
    registration = session.get_one(Registration, oldest[0])
    person = subjects.find(session, registration.normalised_address)
    answer = rules.answer(_asked(session, registration, person, now))
    if answer is Answer.NOTHING:
        _end(registration, RegistrationState.ANSWERED, now)
        _tell(session, [registration], now)
        return True
    text = _text(answer, registration, person)
    registration.message_id = mailing.enqueue(
        session,
        MailKind(answer.value),
        registration.address,
        lambda message_id: composition.single(mailing.sender(), registration.address, text, message_id, now),
        now,
        person.id if person and answer is not Answer.CONFIRMATION else None,
    )
    if answer is Answer.CONFIRMATION:
        registration.state = RegistrationState.AWAITING
    else:
        _end(registration, RegistrationState.ANSWERED, now)
    return True


def _asked(session: Session, registration: Registration, person: Subject | None, now: datetime) -> rules.Asked:
    asked_for = notice.wordings(session, queries.versions(session, registration.id)).values()
    return rules.Asked(
        kind=registration.kind,
        asked_for=frozenset(wording.purpose_id for wording in asked_for),
        active=_reachable(session, person) if person else frozenset(),
        is_known=person is not None,
        mails_in_window=queries.mails_in_window(session, registration.normalised_address, registration.kind, now),
    )


def _reachable(session: Session, person: Subject) -> frozenset[PurposeId]:
    """The purposes for which the person has consented and nothing stands in the way."""
    return frozenset(
        purpose_id
        for purpose_id, standing in ledger.standings(session, person.id).items()
        if standing.status is ConsentStatus.ACTIVE and ledger.reason_left_out(session, person.id, purpose_id) is None
    )


def _text(answer: Answer, registration: Registration, person: Subject | None) -> Text:
    if answer is Answer.CONFIRMATION or person is None:
        handler = kinds.handler(registration.kind)
        return rendering.render(
            handler.mail_template,
            registration.language,
            handler.mail_subject,
            url=links.confirmation(registration.public_id, registration.language),
            until=registration.expires_at,
        )
    if answer is Answer.ALREADY_CONFIRMED:
        return rendering.render(
            "mail/already_confirmed",
            registration.language,
            _("You are already registered"),
            url=links.fresh_marketing_settings(person.public_id, registration.language),
        )
    return rendering.render(
        "mail/settings_link",
        registration.language,
        _("Your marketing settings"),
        url=links.fresh_marketing_settings(person.public_id, registration.language),
    )


def _end(registration: Registration, state: RegistrationState, at: datetime) -> None:
    registration.state, registration.ended_at = state, at


def _tell(session: Session, ended: Sequence[Registration], at: datetime) -> None:
    """Tells those who handle registrations which of theirs have ended without a confirmation."""
    for kind in sorted({registration.kind for registration in ended} - {RegistrationKind.SETTINGS_LINK}):
        theirs = [registration.public_id for registration in ended if registration.kind is kind]
        kinds.handler(kind).on_ended(session, theirs, at)


def cancel_open(session: Session, address: NormalisedAddress, ended: Collection[PurposeId], at: datetime) -> None:
    """Cancels what the open registrations of an address ask of what it has just left (design I2).

    Where consent is all that is asked for, the registration ends. Elsewhere the box does, and the rest holds.
    """
    if _SELECT_OPEN.first(session, {"address": address}) is None:
        return
    for registration in _open(session, Registration.normalised_address == address):
        asked_for = notice.wordings(session, queries.versions(session, registration.id)).values()
        if not rules.includes_any((wording.purpose_id for wording in asked_for), frozenset(ended)):
            continue
        if registration.kind.is_for_consent_alone:
            _end(registration, RegistrationState.CANCELLED, at)
            if registration.message_id is not None:
                mailing.call_off(session, registration.message_id)
        else:
            left = [wording.version_id for wording in asked_for if wording.purpose_id in ended]
            _untick(session, registration, left)


def _untick(session: Session, registration: Registration, versions: Sequence[PurposeVersionId]) -> None:
    session.execute(
        sa.delete(RegistrationPurpose).where(
            RegistrationPurpose.registration_id == registration.id,
            RegistrationPurpose.purpose_version_id.in_(versions),
        )
    )


def expire(session: Session, now: datetime, most: int = 500) -> int:
    """Ends the open registrations whose time is over; how many."""
    over = _open(session, Registration.expires_at <= now, most)
    for registration in over:
        _end(registration, RegistrationState.EXPIRED, now)
    _tell(session, over, now)
    return len(over)


def _open(session: Session, condition: sa.ColumnElement[bool], most: int | None = None) -> Sequence[Registration]:
    return (
        session.execute(
            sa.select(Registration).where(condition, _IS_OPEN).order_by(Registration.id).limit(most).with_for_update()
        )
        .scalars()
        .all()
    )


@dataclass(frozen=True, slots=True)
class RequestTraces:
    """What an address's requests leave elsewhere: how it was spelled, and the mails that answered."""

    number: int
    spellings: frozenset[str]
    messages: frozenset[MessageId]


def traces(session: Session, address: NormalisedAddress) -> RequestTraces:
    """What must be looked for when an address is erased."""
    rows = session.execute(
        sa.select(Registration.address, Registration.message_id).where(Registration.normalised_address == address)
    ).all()
    messages = frozenset(row.message_id for row in rows if row.message_id is not None)
    return RequestTraces(len(rows), frozenset(row.address for row in rows), messages)


def erase(session: Session, address: NormalisedAddress) -> None:
    """Deletes an address's registrations, with the keys of those that nobody confirmed."""
    rows = session.execute(
        sa.select(Registration.id, Registration.data_key_id)
        .where(Registration.normalised_address == address)
        .with_for_update()
    ).all()
    session.execute(sa.delete(Registration).where(Registration.id.in_([row.id for row in rows])))
    for row in rows:
        evidence_service.destroy_data_key(session, row.data_key_id)
