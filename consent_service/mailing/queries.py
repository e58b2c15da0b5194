"""Reads of the outbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.identifiers import MailingId, MessageId, PublicId, SubjectId
from consent_service.domain.kinds import LeftOut
from consent_service.encryption import CannotDecrypt
from consent_service.evidence.service import keyring
from consent_service.limits import queries as providers
from consent_service.limits import service as limits
from consent_service.limits.models import Provider
from consent_service.limits.queries import PausedProvider
from consent_service.mailing.addresses import message_id
from consent_service.mailing.models import Mailing, Message, MessageReturn
from consent_service.mailing.rules import BounceKind, MailingState, MailKind, MessageState, ReturnKind
from consent_service.mailing.service import LEASED, WAITING, content, is_at_rest, is_one_of


@dataclass(frozen=True, slots=True)
class Delivered:
    """A single mail as it was handed over; the time is aware, in UTC."""

    message_id: str
    handed_over_at: datetime | None
    reply: str | None
    content: bytes


def delivered(session: Session, message: MessageId) -> Delivered:
    """One single mail with its bytes."""
    row = session.execute(sa.select(Message).where(Message.id == message)).scalar_one()
    return Delivered(message_id(row.public_id), row.handed_over_at, row.reply, content(row))


def mailing_of(session: Session, message: MessageId) -> MailingId | None:
    """The mailing that a message belongs to; None for a single mail."""
    return session.execute(sa.select(Message.mailing_id).where(Message.id == message)).scalar_one_or_none()


def paused_providers(session: Session, mailing: MailingId) -> Sequence[PausedProvider]:
    """The paused providers that some of a mailing's messages wait for, the latest first."""
    waits = sa.exists().where(Message.mailing_id == mailing, Message.provider_id == Provider.id, is_one_of(*WAITING))
    return providers.paused(session, waits)


def is_in_hand(session: Session, message: MessageId) -> bool:
    """Whether this very mail is being handed over right now."""
    state = session.execute(sa.select(Message.state).where(Message.id == message)).scalar_one_or_none()
    return state is MessageState.HANDING


def got(mailings: sa.Select[MailingId | None]) -> sa.Select[SubjectId | None]:
    """Those to whom one of these mailings went, unless it came back or was reported as unwanted."""
    return sa.select(Message.subject_id).where(
        Message.mailing_id.in_(mailings), is_at_rest(MessageState.SENT), Message.subject_id.is_not(None)
    )


@dataclass(frozen=True, slots=True)
class CameBack:
    """What came back about a mail, when (aware, in UTC), and in the reporting server's words."""

    kind: ReturnKind
    classification: BounceKind | None
    status: str | None
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to a person, as staff see it."""

    kind: MailKind
    state: MessageState
    created_at: datetime
    handed_over_at: datetime | None
    reply: str | None
    left_out: LeftOut | None
    mailing_id: MailingId | None
    not_before: datetime
    returned: CameBack | None


def of_person(session: Session, subject_id: SubjectId, most: int = 100) -> Sequence[Mail]:
    """The latest mails to a person, newest first."""
    rows = session.execute(
        sa.select(Message).where(Message.subject_id == subject_id).order_by(Message.id.desc()).limit(most)
    ).scalars()
    messages = list(rows)
    returned = came_back(session, {message.id: message.public_id for message in messages})
    return [
        Mail(
            row.kind,
            row.state,
            row.created_at,
            row.handed_over_at,
            row.reply,
            row.left_out,
            row.mailing_id,
            row.not_before,
            returned.get(row.id),
        )
        for row in messages
    ]


def came_back(session: Session, public_ids: Mapping[MessageId, PublicId]) -> dict[MessageId, CameBack]:
    """The latest that came back about each of these messages."""
    rows = session.execute(
        sa.select(MessageReturn).where(MessageReturn.message_id.in_(public_ids)).order_by(MessageReturn.id)
    ).scalars()
    return {
        row.message_id: CameBack(row.kind, row.classification, row.status, row.at, _words(row, public_ids))
        for row in rows
    }


def _words(row: MessageReturn, public_ids: Mapping[MessageId, PublicId]) -> str:
    if row.text is None:
        return ""
    try:
        return keyring().open(row.text, public_ids[row.message_id]).decode()
    except CannotDecrypt:  # the key is not in the settings (any more); the page must show the rest
        return ""


def refused_for_policy(session: Session, since: datetime, most: int) -> int:
    """How many mails came back for policy or reputation since then (aware), counted only so far."""
    found = (
        sa.select(sa.literal(1))
        .where(MessageReturn.classification == BounceKind.POLICY, MessageReturn.at >= since)
        .limit(most + 1)
        .subquery()
    )
    return session.execute(sa.select(sa.func.count()).select_from(found)).scalar_one()


def outbox(session: Session) -> dict[MessageState, int]:
    """How many messages wait or are in hand, by state; what is finished is not counted."""
    numbers = sa.select(Message.state, sa.func.count()).group_by(Message.state)
    rows = session.execute(sa.union_all(*(numbers.where(is_one_of(*states)) for states in (WAITING, LEASED))))
    return dict(rows.all())


@dataclass(frozen=True, slots=True)
class Glance:
    """The outbox at a glance. Numbers end at a given most: beyond, only that there are more is known."""

    waiting: int
    failed: int
    is_stuck: bool


def glance(session: Session, now: datetime, late: timedelta, most: int) -> Glance:
    """How much waits and failed, and whether what was due for longer than `late` finds no worker; `now` is aware."""
    return Glance(
        waiting=_at_most(session, is_one_of(*WAITING), [Message.provider_id], most),
        failed=_at_most(session, _is_failed(), [], most),
        is_stuck=_is_stuck(session, now, late),
    )


def _is_failed() -> sa.ColumnElement[bool]:
    return Message.state == sa.bindparam("failed", MessageState.FAILED, literal_execute=True)


def _at_most(session: Session, condition: sa.ColumnElement[bool], apart: list[Any], most: int) -> int:
    # Only the partial index of just these states has this order; SQLite would rather read one of all messages.
    order = (Message.mailing_id, *apart, Message.not_before, Message.id)
    found = sa.select(sa.literal(1)).select_from(Message).where(condition).order_by(*order).limit(most + 1).subquery()
    return session.execute(sa.select(sa.func.count()).select_from(found)).scalar_one()


def _is_stuck(session: Session, now: datetime, late: timedelta) -> bool:
    """Single mails never wait long; a mailing's do, while a worker has some of them in its hands, and for a provider
    or a domain of ours at its limit."""
    allowance = limits.allowance(session, now - late, to_spend=False)
    providers = allowance.providers if allowance.sending.messages != 0 else ()
    due = sa.and_(is_one_of(*WAITING), Message.provider_id.in_(providers), Message.not_before < now - late)
    single = sa.exists().where(Message.mailing_id.is_(None), due)
    running = sa.select(Mailing.id).where(Mailing.state == MailingState.RUNNING)
    bulk = sa.exists().where(Message.mailing_id.in_(running), due)
    at_work = sa.exists().where(is_one_of(*LEASED), Message.lease_until > now)
    return bool(session.execute(sa.select(sa.or_(single, sa.and_(bulk, ~at_work)))).scalar_one())
