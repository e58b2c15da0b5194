"""The report of a mailing: each person's message and what became of it, a part at a time.

A part is a range of an index for each state, reached from the message that the one before ended with: at a
million messages as fast as at ten.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.identifiers import MailingId, MessageId, PublicId
from consent_service.domain.kinds import LeftOut
from consent_service.domain.paging import Direction, Place
from consent_service.mailing.models import Message
from consent_service.mailing.outcomes import STATES, Outcome, outcome_of, queue_id
from consent_service.mailing.queries import CameBack, came_back
from consent_service.mailing.rules import MessageState
from consent_service.mailing.service import LEASED, is_at_rest, is_leased
from consent_service.subjects.models import Subject

LINES_PER_PAGE = 50
LINES_READ_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one person's message; times are aware, in UTC. Address and name are gone with the person."""

    public_id: PublicId
    person: PublicId
    address: str | None
    name: str | None
    state: MessageState
    not_before: datetime
    handed_over_at: datetime | None
    reply: str | None
    left_out: LeftOut | None
    returned: CameBack | None

    @property
    def outcome(self) -> Outcome:
        """What its state counts as."""
        return outcome_of(self.state)

    @property
    def queue_id(self) -> str | None:
        """The number under which the server has queued it, where its answer names one."""
        return queue_id(self.reply) if self.reply else None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the report, and whether there is more on either side."""

    lines: Sequence[Line]
    has_more_before: bool
    has_more_after: bool


def page(
    session: Session, mailing: MailingId, outcome: Outcome | None, place: Place | None, size: int = LINES_PER_PAGE
) -> Page:
    """The messages with this outcome (None: all), in the order in which they were put into the outbox.

    A place whose message is not of this mailing is the report's beginning.
    """
    anchor = _anchor(session, mailing, place)
    backwards = place is not None and anchor is not None and place.direction is Direction.BEFORE
    ids = session.execute(_ids(mailing, outcome, anchor, backwards, size + 1)).scalars().all()
    is_cut, ids = len(ids) > size, ids[:size]
    return Page(
        lines=_lines(session, ids),
        has_more_before=is_cut if backwards else anchor is not None,
        has_more_after=True if backwards else is_cut,
    )


def _anchor(session: Session, mailing: MailingId, place: Place | None) -> MessageId | None:
    if place is None:
        return None
    return session.execute(
        sa.select(Message.id).where(Message.public_id == place.entry, Message.mailing_id == mailing)
    ).scalar_one_or_none()


def _ids(
    mailing: MailingId, outcome: Outcome | None, anchor: MessageId | None, backwards: bool, most: int
) -> sa.Select[MessageId]:
    """The ids of the next messages: each state's next, and of these together the next."""
    states = STATES[outcome] if outcome else tuple(MessageState)

    def next_of(found: sa.FromClause | type[Message], column: Any, *which: sa.ColumnElement[bool]) -> sa.Subquery:
        ids = sa.select(column.label("id")).select_from(found).where(*which)
        if anchor is not None:
            ids = ids.where(column < anchor if backwards else column > anchor)
        return ids.order_by(column.desc() if backwards else column.asc()).limit(most).subquery()

    its = Message.mailing_id == mailing
    ranges = [next_of(Message, Message.id, its, is_at_rest(state)) for state in states if state not in LEASED]
    if set(LEASED) & set(states):  # they are in the same outcome, and looked for first: SQLite would go by the ids
        leased = sa.select(Message.id).where(is_leased(sa.literal(mailing))).cte().prefix_with("MATERIALIZED")
        ranges.append(next_of(leased, leased.c.id))
    together = sa.union_all(*(sa.select(one.c.id) for one in ranges)).subquery()
    return sa.select(together.c.id).order_by(together.c.id.desc() if backwards else together.c.id).limit(most)


def _lines(session: Session, ids: Sequence[MessageId]) -> Sequence[Line]:
    rows = session.execute(
        sa.select(
            Message.id,
            Message.public_id,
            Subject.public_id.label("person"),
            Subject.address,
            Subject.name,
            Message.state,
            Message.not_before,
            Message.handed_over_at,
            Message.reply,
            Message.left_out,
        )
        .join(Subject, Subject.id == Message.subject_id)
        .where(Message.id.in_(ids))
        .order_by(Message.id)
    ).all()
    returned = came_back(session, {row.id: row.public_id for row in rows})
    return [
        Line(
            row.public_id,
            row.person,
            row.address,
            row.name,
            row.state,
            row.not_before,
            row.handed_over_at,
            row.reply,
            row.left_out,
            returned.get(row.id),
        )
        for row in rows
    ]


def every_line(session: Session, mailing: MailingId, outcome: Outcome | None) -> Generator[Sequence[Line], None, None]:
    """All messages with this outcome (None: all), a chunk at a time: in constant memory."""
    last = None
    while ids := session.execute(_ids(mailing, outcome, last, False, LINES_READ_AT_ONCE)).scalars().all():
        yield _lines(session, ids)
        last = ids[-1]
