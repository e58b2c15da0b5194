"""How many of a mailing's messages stand where: counted now and then by the worker, and read by pages.

A count of a million messages takes some 0.2 s, and a number kept for each message would slow the delivery down.
So a mailing on its way is counted each second, a large one less often, and once more when it has ended. From
then on only those states are counted anew in which few messages are; the rest of all was sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import MailingId
from consent_service.domain.kinds import LeftOut
from consent_service.mailing.models import Mailing, MailingCount, Message
from consent_service.mailing.outcomes import STATES, Outcome
from consent_service.mailing.rules import MailingState, MessageState, pause_before_count
from consent_service.mailing.service import LEASED, is_at_rest, is_leased

_STAY = (MessageState.SUPPRESSED, MessageState.FAILED)
"""Once a mailing has ended, no message gets into these states, and none leaves them."""
_FEW = tuple(state for state in MessageState if state not in (MessageState.SENT, *_STAY, *LEASED))


@dataclass(frozen=True, slots=True)
class Progress:
    """How a mailing goes: its state, and how many messages stand where, as last counted.

    `left_out` says why of the suppressed ones; `unconcerned` are people without a message, for they stood nowhere for
    the purpose at the start (None: that was not counted then).
    """

    state: MailingState
    is_filled: bool
    started_at: datetime
    finished_at: datetime | None
    by_state: Mapping[MessageState, int]
    left_out: Mapping[LeftOut, int]
    unconcerned: Mapping[LeftOut, int] | None

    def number(self, outcome: Outcome) -> int:
        """How many had this outcome so far."""
        return sum(self.by_state.get(state, 0) for state in STATES[outcome])

    @property
    def total(self) -> int:
        """All people looked at so far, also those who are left out."""
        return sum(self.by_state.values())

    @property
    def to_go(self) -> int:
        """All messages that were to go out, whatever became of them."""
        return self.total - self.number(Outcome.LEFT_OUT)

    @property
    def done(self) -> int:
        """Those of them that are not waiting any more."""
        return self.to_go - self.number(Outcome.WAITING)


def progress(session: Session, mailing: MailingId) -> Progress:
    """How one mailing goes."""
    row = session.execute(
        sa.select(Mailing, MailingCount)
        .join(MailingCount, MailingCount.mailing_id == Mailing.id)
        .where(Mailing.id == mailing)
    ).one()
    counted: MailingCount = row.MailingCount
    by_state = {MessageState(state): number for state, number in counted.messages.items()}
    if counted.count_again_at is None:
        by_state = _as_of_now(session, mailing, by_state)
    return Progress(
        row.Mailing.state,
        row.Mailing.is_filled,
        row.Mailing.started_at,
        row.Mailing.finished_at,
        by_state,
        _reasons(counted.left_out),
        _reasons(counted.unconcerned) if counted.unconcerned is not None else None,
    )


def _reasons(stored: Mapping[str, int]) -> dict[LeftOut, int]:
    return {reason: stored[reason] for reason in LeftOut if stored.get(reason)}


def _as_of_now(session: Session, mailing: MailingId, at_the_end: Mapping[MessageState, int]) -> dict[MessageState, int]:
    stayed = {state: at_the_end[state] for state in _STAY if state in at_the_end}
    found = stayed | _by_state(session, mailing, *_FEW)
    return found | {MessageState.SENT: sum(at_the_end.values()) - sum(found.values())}


def _by_state(session: Session, mailing: MailingId, *at_rest: MessageState) -> dict[MessageState, int]:
    """How many are in hand, and how many at rest are in each of these states (none given: in any)."""
    numbers = sa.select(Message.state, sa.func.count()).group_by(Message.state)
    leased = numbers.where(is_leased(sa.literal(mailing)))
    others = numbers.where(Message.mailing_id == mailing, is_at_rest(*at_rest))
    return dict(session.execute(sa.union_all(leased, others)).all())


def count_due() -> None:
    """Counts the messages of the mailings that are due for it.

    Reads without keeping writers waiting, and then writes the numbers down.
    """
    now = clock.now()
    with reading() as session:
        due = session.execute(
            sa.select(Mailing.id, Mailing.state)
            .join(MailingCount, MailingCount.mailing_id == Mailing.id)
            .where(sa.or_(MailingCount.count_again_at <= now, MailingCount.state != Mailing.state))
        ).all()
    for mailing_id, state in due:
        with reading() as session:
            values = _counted(session, mailing_id, state, now)
        with transaction() as session:
            session.execute(sa.update(MailingCount).where(MailingCount.mailing_id == mailing_id).values(values))


def _counted(session: Session, mailing: MailingId, state: MailingState, now: datetime) -> dict[str, object]:
    by_state = _by_state(session, mailing)
    return {
        "state": state,
        "messages": {one.value: number for one, number in by_state.items()},
        "left_out": _left_out(session, mailing),
        "count_again_at": None if _has_ended(state, by_state) else now + pause_before_count(sum(by_state.values())),
    }


def _left_out(session: Session, mailing: MailingId) -> dict[str, int]:
    rows = session.execute(
        sa.select(Message.left_out, sa.func.count())
        .where(Message.mailing_id == mailing, is_at_rest(MessageState.SUPPRESSED), Message.left_out.is_not(None))
        .group_by(Message.left_out)
    )
    return {reason.value: number for reason, number in rows if reason is not None}


def _has_ended(state: MailingState, by_state: Mapping[MessageState, int]) -> bool:
    """Of a cancelled mailing the last messages in hand end a moment later."""
    waiting = sum(by_state.get(one, 0) for one in STATES[Outcome.WAITING])
    return state is MailingState.DONE or (state is MailingState.CANCELLED and not waiting)
