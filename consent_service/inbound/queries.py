"""Reads of what came in, for staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import PublicId, SubjectId
from consent_service.encryption import CannotDecrypt
from consent_service.inbound import summaries
from consent_service.inbound.models import InboundMessage
from consent_service.inbound.rules import InboundState, MailClass, Result
from consent_service.inbound.summaries import Summary
from consent_service.mailing.rules import BounceKind

PER_PAGE = 50
WAITING = (InboundState.OPEN, InboundState.FAILED)


class Show(StrEnum):
    """Which mails a list shows."""

    WAITING = "waiting"
    HANDLED = "handled"
    EVERYTHING = "everything"


_STATES = {
    Show.WAITING: WAITING,
    Show.HANDLED: (InboundState.HANDLED,),
    Show.EVERYTHING: tuple(InboundState),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to."""

    show: Show = Show.WAITING
    mail_class: MailClass | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a mail for good; times are aware, in UTC."""

    public_id: PublicId
    received_at: datetime
    handled_at: datetime | None
    size: int
    is_cut: bool
    state: InboundState
    mail_class: MailClass | None
    result: Result | None
    bounce: BounceKind | None
    status: str | None
    error: str | None
    subject_id: SubjectId | None
    has_content: bool
    summary: Summary | None

    @property
    def is_waiting(self) -> bool:
        """Whether staff have to decide."""
        return self.state in WAITING


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the list, newest first, and whether there is more on either side."""

    mails: Sequence[Facts]
    has_newer: bool
    has_older: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: at what came before or after this mail."""

    public_id: PublicId
    is_older: bool


def page(session: Session, wanted: Filter, place: Place | None) -> Page:
    """The mails of a filter; a place that is not there (any more) is the beginning."""
    anchor = _anchor(session, place)
    newer = anchor is not None and place is not None and not place.is_older
    statement = sa.select(InboundMessage).where(InboundMessage.state.in_(_STATES[wanted.show]))
    if wanted.mail_class is not None:
        statement = statement.where(InboundMessage.mail_class == wanted.mail_class)
    if anchor is not None:
        statement = statement.where(InboundMessage.id > anchor if newer else InboundMessage.id < anchor)
    order = InboundMessage.id.asc() if newer else InboundMessage.id.desc()
    deferred = statement.options(sa.orm.defer(InboundMessage.content)).order_by(order).limit(PER_PAGE + 1)
    rows = list(session.execute(deferred.add_columns(InboundMessage.content.is_not(None))))
    is_cut, rows = len(rows) > PER_PAGE, rows[:PER_PAGE]
    if newer:
        rows.reverse()
    return Page(
        mails=[_facts(row, has_content) for row, has_content in rows],
        has_newer=is_cut if newer else anchor is not None,
        has_older=True if newer else is_cut,
    )


def _anchor(session: Session, place: Place | None) -> int | None:
    if place is None:
        return None
    return session.execute(
        sa.select(InboundMessage.id).where(InboundMessage.public_id == place.public_id)
    ).scalar_one_or_none()


def facts(session: Session, public_id: PublicId) -> Facts:
    """One mail, without what it says. Raises NotFound."""
    return _facts(row(session, public_id), has_content=None)


def row(session: Session, public_id: PublicId) -> InboundMessage:
    """One mail's row. Raises NotFound."""
    found = session.execute(sa.select(InboundMessage).where(InboundMessage.public_id == public_id)).scalar_one_or_none()
    if found is None:
        raise NotFound("there is no such mail")
    return found


def _facts(found: InboundMessage, has_content: bool | None) -> Facts:
    return Facts(
        public_id=found.public_id,
        received_at=found.received_at,
        handled_at=found.handled_at,
        size=found.size,
        is_cut=found.is_cut,
        state=found.state,
        mail_class=found.mail_class,
        result=found.result,
        bounce=found.bounce,
        status=found.status,
        error=found.error,
        subject_id=found.subject_id,
        has_content=has_content if has_content is not None else found.content is not None,
        summary=_summary(found),
    )


def _summary(found: InboundMessage) -> Summary | None:
    if found.summary is None:
        return None
    try:
        return summaries.opened(found.summary, found.public_id)
    except CannotDecrypt:  # the key is not in the settings (any more); the list must show the others
        return None


def count_waiting(session: Session, most: int) -> int:
    """How many mails wait for staff, counted only so far."""
    found = sa.select(sa.literal(1)).where(InboundMessage.state.in_(WAITING)).limit(most + 1).subquery()
    return session.execute(sa.select(sa.func.count()).select_from(found)).scalar_one()
