"""Verifying the ledger: what can be checked of it before it is sealed. Reads only, in constant memory."""

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.identifiers import ConsentEventId, DataKeyId, PublicId
from consent_service.encryption import CannotDecrypt
from consent_service.evidence import service as evidence
from consent_service.evidence.service import ClosedKey
from consent_service.ledger import rebuild
from consent_service.ledger.models import ConsentEvent, UnsealedEvent
from consent_service.ledger.rebuild import Chunk
from consent_service.subjects import service as subjects

EVENTS_AT_ONCE = 500
GUARDED_TABLES = ("consent_events", "audit_entries")
TRIGGERS: Mapping[str, Sequence[str]] = {
    "sqlite": ("no_update", "no_delete", "no_replace"),
    "postgresql": ("no_change", "no_truncate"),
}


def events(session: Session) -> int:
    """How many lines the ledger has."""
    return session.execute(sa.select(sa.func.count()).select_from(ConsentEvent)).scalar_one()


def check_database(session: Session) -> list[str]:
    """What is wrong with the ledger as a whole: its guards, its counts, and the suppression key."""
    problems = [
        f"the trigger {name} that keeps the table append-only is missing" for name in _missing_triggers(session)
    ]
    problems += [
        f"counted are {one.counted} people who stand as {one.status.value} for purpose {one.purpose_id},"
        f" and there are {one.states}"
        for one in rebuild.wrong_counts(session)
    ]
    if subjects.is_suppression_key_wrong(session):
        problems.append("CONSENT_SUPPRESSION_KEY is not the key that the suppressions were made with")
    return problems


def _missing_triggers(session: Session) -> Sequence[str]:
    dialect = session.get_bind().dialect.name
    catalogue = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A') AND NOT tgisinternal",
    }[dialect]
    present = set(session.execute(sa.text(catalogue)).scalars())
    wanted = (f"{table}_{name}" for table in GUARDED_TABLES for name in TRIGGERS[dialect])
    return [name for name in wanted if name not in present]


def check_people(session: Session, chunk: Chunk) -> Iterator[str]:
    """What is wrong with the events and states of these people; names them by numbers only."""
    for wrong in rebuild.wrong_states(session, chunk):
        yield f"the state of person {wrong.subject_id} for purpose {wrong.purpose_id} is not what the events amount to"
    rows = session.execute(
        sa.select(
            ConsentEvent.public_id,
            ConsentEvent.data_key_id,
            ConsentEvent.evidence,
            UnsealedEvent.event_id.label("unsealed"),
        )
        .outerjoin(UnsealedEvent, UnsealedEvent.event_id == ConsentEvent.id)
        .where(ConsentEvent.subject_id.between(chunk.first, chunk.last))
        .order_by(ConsentEvent.id),
    )
    for events_of_chunk in rows.partitions(EVENTS_AT_ONCE):
        keys = evidence.closed_keys(session, {event.data_key_id for event in events_of_chunk})
        for event in events_of_chunk:
            yield from _of_event(event, keys.get(event.data_key_id))


def _of_event(event: sa.Row[PublicId, DataKeyId, bytes, ConsentEventId], key: ClosedKey | None) -> Iterator[str]:
    if event.unsealed is None:
        yield f"event {event.public_id} does not wait to be sealed"
    try:
        if key is not None:
            evidence.open_box(key.open(), event.evidence, event.public_id)
    except CannotDecrypt:
        yield f"the evidence of event {event.public_id} does not open: it, its row or its key was changed"
