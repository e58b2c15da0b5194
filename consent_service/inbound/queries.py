"""Reads of what came in, for staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import MessageId, PublicId, SubjectId
from consent_service.encryption import CannotDecrypt
from consent_service.inbound import summaries
from consent_service.inbound.models import InboundMessage
from consent_service.inbound.rules import InboundState, MailClass, Result
from consent_service.inbound.summaries import Summary
from consent_service.mailing.rules import BounceKind
from consent_service.subjects.models import Subject

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
class About:
    """The person whom a mail is from, or about; address and name are gone once they were erased."""

    public_id: PublicId
    address: str | None
    name: str | None


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
    message_id: MessageId | None
    about: About | None
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
    statement = _SEEN.where(InboundMessage.state.in_(_STATES[wanted.show]))
    if wanted.mail_class is not None:
        statement = statement.where(InboundMessage.mail_class == wanted.mail_class)
    if anchor is not None:
        statement = statement.where(InboundMessage.id > anchor if newer else InboundMessage.id < anchor)
    order = InboundMessage.id.asc() if newer else InboundMessage.id.desc()
    rows = list(session.execute(statement.order_by(order).limit(PER_PAGE + 1)))
    is_cut, rows = len(rows) > PER_PAGE, rows[:PER_PAGE]
    if newer:
        rows.reverse()
    return Page(
        mails=[_facts(*row) for row in rows],
        has_newer=is_cut if newer else anchor is not None,
        has_older=True if newer else is_cut,
    )


_SEEN = (
    sa.select(InboundMessage, InboundMessage.content.is_not(None), Subject)
    .outerjoin(Subject, Subject.id == InboundMessage.subject_id)
    .options(sa.orm.defer(InboundMessage.content))
)
"""Each mail, whether it still has a content, and the person; the content itself is not read."""


def of_person(session: Session, subject_id: SubjectId, most: int = 50) -> Sequence[Facts]:
    """The latest mails from or about a person, newest first."""
    statement = _SEEN.where(InboundMessage.subject_id == subject_id).order_by(InboundMessage.id.desc()).limit(most)
    return [_facts(*row) for row in session.execute(statement)]


def _anchor(session: Session, place: Place | None) -> int | None:
    if place is None:
        return None
    return session.execute(
        sa.select(InboundMessage.id).where(InboundMessage.public_id == place.public_id)
    ).scalar_one_or_none()


def facts(session: Session, public_id: PublicId) -> Facts:
    """One mail, without what it says. Raises NotFound."""
    found = session.execute(_SEEN.where(InboundMessage.public_id == public_id)).one_or_none()
    if found is None:
        raise NotFound("there is no such mail")
    return _facts(*found)


def row(session: Session, public_id: PublicId) -> InboundMessage:
    """One mail's row. Raises NotFound."""
    found = session.execute(sa.select(InboundMessage).where(InboundMessage.public_id == public_id)).scalar_one_or_none()
    if found is None:
        raise NotFound("there is no such mail")
    return found


def _facts(found: InboundMessage, has_content: bool, person: Subject | None) -> Facts:
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
        message_id=found.message_id,
        about=About(person.public_id, person.address, person.name) if person is not None else None,
        has_content=has_content,
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
