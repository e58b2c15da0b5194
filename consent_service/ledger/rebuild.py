"""Rebuilding the projection: what states and counts should be by the events, and mending what differs.

Works in chunks of people, so that memory stays constant and nobody's lock is held for long.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.database import alone, insert
from consent_service.domain import consent
from consent_service.domain.consent import Event, State
from consent_service.domain.identifiers import PurposeId, SubjectId, new_public_id
from consent_service.domain.kinds import ConsentStatus
from consent_service.ledger.models import (
    ConsentEvent,
    ConsentState,
    StateCount,
    StateCountDifference,
    UnsubscribeLink,
)
from consent_service.ledger.service import state_columns
from consent_service.subjects import service as subjects
from consent_service.subjects.models import Subject

PEOPLE_AT_ONCE = 500

Key = tuple[SubjectId, PurposeId]


@dataclass(frozen=True, slots=True)
class Chunk:
    """People from the first to the last id, both included."""

    first: SubjectId
    last: SubjectId


@dataclass(frozen=True, slots=True)
class WrongState:
    """A state that is not what the events amount to; None: there is none."""

    subject_id: SubjectId
    purpose_id: PurposeId
    stored: State | None
    folded: State | None


@dataclass(frozen=True, slots=True)
class WrongCount:
    """A number of people that is not the number of states."""

    purpose_id: PurposeId
    status: ConsentStatus
    counted: int
    states: int


def at_one_moment(session: Session) -> None:
    """Has all statements of a reading session see the same moment, as SQLite does anyway; call it first."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def next_chunk(session: Session, after: SubjectId, size: int = PEOPLE_AT_ONCE) -> Chunk | None:
    """The next people behind `after`, in the order of their ids; None at the end."""
    ids = sa.select(Subject.id).where(Subject.id > after).order_by(Subject.id).limit(size).subquery()
    first, last = session.execute(sa.select(sa.func.min(ids.c.id), sa.func.max(ids.c.id))).one()
    return Chunk(first, last) if first is not None else None


def wrong_states(session: Session, chunk: Chunk) -> list[WrongState]:
    """The states of these people that differ from the fold of their events."""
    folded, stored = _folded(session, chunk), _stored(session, chunk)
    return [
        WrongState(*key, stored.get(key), folded.get(key))
        for key in sorted(folded.keys() | stored.keys())
        if stored.get(key) != folded.get(key)
    ]


def _folded(session: Session, chunk: Chunk) -> Mapping[Key, State]:
    rows = session.execute(
        sa.select(
            ConsentEvent.subject_id,
            ConsentEvent.id,
            ConsentEvent.purpose_id,
            ConsentEvent.purpose_version_id,
            ConsentEvent.kind,
            ConsentEvent.basis,
            ConsentEvent.at,
        )
        .where(ConsentEvent.subject_id.between(chunk.first, chunk.last))
        .order_by(ConsentEvent.id)
    )
    states: dict[Key, State] = {}
    for row in rows:
        event = Event(row.id, row.purpose_id, row.purpose_version_id, row.kind, row.basis, row.at)
        key = (row.subject_id, row.purpose_id)
        after = consent.apply(states.get(key), event)
        if after is not None:
            states[key] = after
    return states


def _stored(session: Session, chunk: Chunk) -> Mapping[Key, State]:
    rows = session.execute(
        sa.select(
            ConsentState.subject_id,
            ConsentState.purpose_id,
            ConsentState.status,
            ConsentState.basis,
            ConsentState.purpose_version_id,
            ConsentState.since,
            ConsentState.event_id,
        ).where(ConsentState.subject_id.between(chunk.first, chunk.last))
    )
    return {
        (row.subject_id, row.purpose_id): State(row.status, row.basis, row.purpose_version_id, row.since, row.event_id)
        for row in rows
    }


def wrong_counts(session: Session) -> list[WrongCount]:
    """The counts that differ from the states; one statement sees both at the same moment."""
    zero = sa.literal(0)
    both = sa.union_all(
        sa.select(
            ConsentState.purpose_id,
            ConsentState.status,
            zero.label("counted"),
            sa.func.count().label("states"),
        ).group_by(ConsentState.purpose_id, ConsentState.status),
        sa.select(StateCount.purpose_id, StateCount.status, StateCount.people, zero),
        sa.select(StateCountDifference.purpose_id, StateCountDifference.status, StateCountDifference.difference, zero),
    ).subquery()
    counted, states = sa.func.sum(both.c.counted), sa.func.sum(both.c.states)
    rows = session.execute(
        sa.select(both.c.purpose_id, both.c.status, counted, states)
        .group_by(both.c.purpose_id, both.c.status)
        .having(counted != states)
        .order_by(both.c.purpose_id, both.c.status)
    )
    return [WrongCount(purpose_id, status, int(counted), int(states)) for purpose_id, status, counted, states in rows]


def mend_states(session: Session, chunk: Chunk) -> list[WrongState]:
    """Locks these people and writes the states that their events amount to; what was wrong."""
    subjects.lock_range(session, chunk.first, chunk.last)
    found = wrong_states(session, chunk)
    for wrong in found:
        _mend(session, wrong)
    return found


def _mend(session: Session, wrong: WrongState) -> None:
    person = {"subject_id": wrong.subject_id, "purpose_id": wrong.purpose_id}
    session.execute(sa.delete(ConsentState).filter_by(**person))
    if wrong.folded is None:
        return
    session.execute(sa.insert(ConsentState).values(**person, **state_columns(wrong.folded)))
    session.execute(
        insert(session, UnsubscribeLink)
        .values(**person, public_id=new_public_id())
        .on_conflict_do_nothing(index_elements=["subject_id", "purpose_id"])
    )


def mend_counts(session: Session) -> list[WrongCount]:
    """Brings the counts to the number of states by further differences; what was wrong."""
    alone(session, "mend counts")
    found = wrong_counts(session)
    if found:
        session.execute(
            sa.insert(StateCountDifference),
            [
                {"purpose_id": one.purpose_id, "status": one.status, "difference": one.states - one.counted}
                for one in found
            ],
        )
    return found
