"""Failed messages that go out again: chunk by chunk, each once, only those and only of that mailing."""

from collections.abc import Collection
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import MailingId
from consent_service.mailing import retrying
from consent_service.mailing import service as mailing
from consent_service.mailing.models import Mailing, MailingCount, MailingRetry, Message
from consent_service.mailing.outcomes import FailureKind
from consent_service.mailing.rules import MailingState, MessageState
from tests.driving import add_people
from tests.mailing.campaigning import messages, start_mailing

REFUSALS = ["554 5.6.0 content", "550 5.1.1 gone", "554 5.3.4 too big", "554 5.6.0 content", "550 5.2.0 no", "554 no"]
REFUSED = [FailureKind.REFUSED]


@pytest.fixture
def failed(app: Flask) -> MailingId:
    """A mailing that has ended, of which every message failed long after it was made; and another such one."""
    add_people(None, len(REFUSALS))
    first, _other = start_mailing(), start_mailing()
    later = clock.now() + timedelta(days=1)
    with transaction() as session:
        for row in session.execute(sa.select(Message.id).order_by(Message.id)).all():
            values = {"reply": REFUSALS[(row.id - 1) % len(REFUSALS)], "attempts": 20, "not_before": later}
            session.execute(sa.update(Message).where(Message.id == row.id).values(state=MessageState.FAILED, **values))
        mailing.finish(session, clock.now())
    assert state(first) is MailingState.DONE
    return first


def state(which: MailingId) -> MailingState:
    with reading() as session:
        return session.execute(sa.select(Mailing.state).where(Mailing.id == which)).scalar_one()


def ask(which: MailingId, kinds: Collection[FailureKind] = REFUSED) -> None:
    with transaction() as session:
        retrying.ask(session, which, kinds, clock.now())


def take(chunk: int = 2) -> int:
    with transaction() as session:
        return retrying.retry_next(session, clock.now(), chunk)


def waiting(which: MailingId) -> list[int]:
    """Which of the mailing's messages are to go out, by their places in it, from 0."""
    rows = [row for row in messages(Message.mailing_id, Message.state) if row.mailing_id == which]
    return [place for place, row in enumerate(rows) if row.state is MessageState.QUEUED]


def test_each_chosen_one_is_taken_once_chunk_by_chunk(failed: MailingId) -> None:
    ask(failed)
    assert waiting(failed) == []
    assert take() == 2
    assert waiting(failed) == [0]
    with transaction() as session:  # it fails once more
        session.execute(sa.update(Message).where(Message.attempts == 0).values(state=MessageState.FAILED))
    assert [take() for _ in range(4)] == [2, 2, 0, 0]
    assert waiting(failed) == [2, 3, 4, 5]
    with reading() as session:
        assert session.execute(sa.select(MailingRetry.is_done)).scalars().all() == [True]
    rows = messages(Message.mailing_id, Message.state, Message.attempts, Message.not_before)
    again = [row for row in rows if row.state is MessageState.QUEUED]
    assert {(row.mailing_id, row.attempts) for row in again} == {(failed, 0)}
    assert max(row.not_before for row in again) <= clock.now()


def test_the_mailing_goes_on_and_is_counted_again(failed: MailingId) -> None:
    with transaction() as session:
        session.execute(sa.update(Mailing).values(moved_at=clock.now() - timedelta(days=2)))
    before = clock.now()
    ask(failed)
    assert state(failed) is MailingState.RUNNING
    with transaction() as session:  # before the first one is taken up
        mailing.finish(session, clock.now())
    assert state(failed) is MailingState.DONE
    take()
    with reading() as session:
        row = session.execute(sa.select(Mailing).where(Mailing.id == failed)).scalar_one()
        assert (row.state, row.finished_at) == (MailingState.RUNNING, None)
        assert row.moved_at is not None
        assert row.moved_at >= before
        due = sa.select(MailingCount.count_again_at).where(MailingCount.mailing_id == failed)
        assert session.execute(due).scalar_one() >= before


def test_a_paused_one_stays_so(failed: MailingId) -> None:
    with transaction() as session:
        session.execute(sa.update(Mailing).values(state=MailingState.PAUSED))
    ask(failed)
    take()
    assert state(failed) is MailingState.PAUSED


def test_failures_of_one_mailing_are_counted_by_their_kind(failed: MailingId) -> None:
    with reading() as session:
        assert retrying.failures(session, failed) == {FailureKind.GONE: 1, FailureKind.REFUSED: 5}


@pytest.mark.parametrize("kinds", [[], [FailureKind.GONE], [FailureKind.REFUSED, FailureKind.ERASED]])
def test_what_no_other_try_can_mend_does_not_go_again(failed: MailingId, kinds: list[FailureKind]) -> None:
    with pytest.raises(Refused, match="say which"):
        ask(failed, kinds)


def test_a_cancelled_one_and_one_without_failures_are_refused(failed: MailingId) -> None:
    with transaction() as session:
        session.execute(sa.update(Message).where(Message.mailing_id == failed).values(state=MessageState.SENT))
    with pytest.raises(Refused, match="no message failed"):
        ask(failed)
    with transaction() as session:
        session.execute(sa.update(Mailing).values(state=MailingState.CANCELLED))
    with pytest.raises(Refused, match="cancelled"):
        ask(failed)
