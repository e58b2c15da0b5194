"""Watching mailings: alarms that staff see, and pauses that wait for a person's word.

Looking is done outside of a transaction, because it counts; what is found is written down in one of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from consent_service import clock
from consent_service.config.thresholds import Threshold
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import MailingId
from consent_service.extensions import settings
from consent_service.limits import service as limits
from consent_service.limits.service import Allowance
from consent_service.mailing.models import Mailing, MailingAlarm, Message
from consent_service.mailing.rules import AlarmKind, MailingState, MessageState, Verdict, is_tail, verdict
from consent_service.mailing.service import WAITING, is_at_rest

log = structlog.get_logger()

WATCHED_AFTER_END = timedelta(days=7)
A_DAY = timedelta(days=1)
_CAME_BACK = {
    AlarmKind.BOUNCES: (MessageState.BOUNCED, MessageState.FAILED),
    AlarmKind.COMPLAINTS: (MessageState.COMPLAINED,),
}
_HANDED_OVER = (MessageState.SENT, MessageState.BOUNCED, MessageState.COMPLAINED, MessageState.FAILED)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a mailing is warned of or paused for, and the share of what was handed over that came back."""

    mailing: MailingId
    kind: AlarmKind
    verdict: Verdict
    share: float | None


def watch() -> None:
    """Looks at what is under way or was until lately, and acts."""
    now = clock.now()
    with reading() as session:
        found, tails = _returns(session, now), _stale(session, now)
    found += [one for one in tails if one.verdict is not Verdict.GO_ON]
    going_on = [one.mailing for one in tails if one.verdict is Verdict.GO_ON]
    if found or going_on:
        with transaction() as session:
            moved(session, going_on, now)
            for one in found:
                raise_alarm(session, one, now)


def stale_after(allowance: Allowance) -> timedelta:
    """How long a mailing may go without getting anything out; a warm-up's days may pass in between."""
    after = settings().thresholds.stale_after
    return after + A_DAY if allowance.sending.warm_up is not None else after


def last_moved() -> sa.ColumnElement[datetime]:
    """SQL: when something of a mailing last went out, or it was begun or resumed."""
    return sa.func.coalesce(Mailing.moved_at, Mailing.started_at, type_=Mailing.started_at.type)


def moved(session: Session, mailings: Sequence[MailingId], at: datetime) -> None:
    """Notes that something of these mailings has gone out; `at` is aware."""
    if mailings:
        session.execute(
            sa.update(Mailing)
            .where(Mailing.id.in_(mailings))
            .values(moved_at=at)
            .execution_options(synchronize_session=False)
        )


def _returns(session: Session, now: datetime) -> list[Finding]:
    lately = sa.and_(Mailing.state == MailingState.DONE, Mailing.finished_at > now - WATCHED_AFTER_END)
    watched = session.execute(
        sa.select(Mailing.id).where(sa.or_(Mailing.state == MailingState.RUNNING, lately)).order_by(Mailing.id)
    ).scalars()
    thresholds = settings().thresholds
    return [
        found
        for mailing in watched.all()
        for kind, threshold in ((AlarmKind.BOUNCES, thresholds.bounces), (AlarmKind.COMPLAINTS, thresholds.complaints))
        if (found := _judged(session, mailing, kind, threshold)) is not None
    ]


def _judged(session: Session, mailing: MailingId, kind: AlarmKind, threshold: Threshold) -> Finding | None:
    came_back = _count(session, mailing, _CAME_BACK[kind])
    # Counting ends where the share is too small for anything: most mailings are large and have few returns.
    enough = int(came_back / min(threshold.alarm, threshold.pause)) + 1
    handed_over = _count(session, mailing, _HANDED_OVER, enough) if came_back else 0
    if handed_over < threshold.least_messages or handed_over >= enough:
        return None
    share = came_back / handed_over
    found = verdict(share, threshold, _accepted(session, mailing, kind))
    return Finding(mailing, kind, found, share) if found is not None else None


def _count(session: Session, mailing: MailingId, states: tuple[MessageState, ...], most: int | None = None) -> int:
    rows = sa.select(sa.literal(1)).where(Message.mailing_id == mailing, is_at_rest(*states)).limit(most)
    return session.execute(sa.select(sa.func.count()).select_from(rows.subquery())).scalar_one()


def _accepted(session: Session, mailing: MailingId, kind: AlarmKind) -> float:
    """The share that a person has seen and resumed the mailing all the same."""
    return (
        session.execute(
            sa.select(sa.func.max(MailingAlarm.share)).where(
                MailingAlarm.mailing_id == mailing,
                MailingAlarm.kind == kind,
                MailingAlarm.is_pause,
                MailingAlarm.settled_at.is_not(None),
            )
        ).scalar_one()
        or 0.0
    )


def _stale(session: Session, now: datetime) -> list[Finding]:
    """Mailings of which nothing went out for too long, while something waits."""
    waits = sa.exists().where(Message.mailing_id == Mailing.id, is_at_rest(*WAITING))
    too_long = session.execute(
        sa.select(Mailing.id)
        .where(
            Mailing.state == MailingState.RUNNING,
            last_moved() < now - stale_after(limits.allowance(session, now, to_spend=False)),
            sa.or_(waits, Mailing.is_filled.is_(False)),
        )
        .order_by(Mailing.id)
    ).scalars()
    return [
        Finding(mailing, AlarmKind.STALE, Verdict.GO_ON if _is_tail(session, mailing) else Verdict.PAUSE, None)
        for mailing in too_long.all()
    ]


def _is_tail(session: Session, mailing: MailingId) -> bool:
    is_untried = sa.func.coalesce(sa.func.sum(sa.case((Message.attempts == 0, 1), else_=0)), 0)
    waiting, untried = session.execute(
        sa.select(sa.func.count(), is_untried).where(Message.mailing_id == mailing, is_at_rest(*WAITING))
    ).one()
    return is_tail(waiting, untried, _count(session, mailing, (MessageState.SENT,)))


def raise_alarm(session: Session, found: Finding, at: datetime) -> None:
    """Keeps an alarm, one of each kind for a mailing, and pauses it if that is the verdict; `at` is aware."""
    mailing = session.execute(
        sa.select(Mailing)
        .where(Mailing.id == found.mailing)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()
    is_pause = found.verdict is Verdict.PAUSE and mailing.state is MailingState.RUNNING
    known = session.execute(
        sa.select(MailingAlarm).where(
            MailingAlarm.mailing_id == found.mailing,
            MailingAlarm.kind == found.kind,
            MailingAlarm.settled_at.is_(None),
        )
    ).scalar_one_or_none()
    if known is None:
        known = MailingAlarm(mailing_id=found.mailing, kind=found.kind, is_pause=False, at=at)
        session.add(known)
        log.warning("alarm about a mailing", mailing=found.mailing, kind=found.kind.value, pauses=is_pause)
    known.share = found.share
    if is_pause:
        known.is_pause, known.at = True, at
        mailing.state = MailingState.PAUSED
    session.flush()


def settle(session: Session, mailing: MailingId, at: datetime) -> None:
    """A person's word: what paused the mailing is accepted, with the figures of this moment; `at` is aware."""
    alarms = session.execute(
        sa.select(MailingAlarm).where(
            MailingAlarm.mailing_id == mailing, MailingAlarm.is_pause, MailingAlarm.settled_at.is_(None)
        )
    ).scalars()
    for alarm in alarms.all():
        alarm.settled_at = at
        if alarm.kind in _CAME_BACK:
            came_back, handed_over = (
                _count(session, mailing, states) for states in (_CAME_BACK[alarm.kind], _HANDED_OVER)
            )
            alarm.share = max(alarm.share or 0.0, came_back / max(handed_over, 1))
    session.flush()
