"""Writing the ledger. Every function here wants the person's lock held (`subjects.service.lock`)."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.database import insert, table
from consent_service.domain import consent
from consent_service.domain.identifiers import (
    ConsentEventId,
    DataKeyId,
    NoticeId,
    PublicId,
    PurposeId,
    PurposeVersionId,
    SubjectId,
    new_public_id,
)
from consent_service.domain.kinds import Channel, ConsentStatus, EventKind, LegalBasis
from consent_service.evidence import service as evidence_service
from consent_service.evidence.service import Evidence, NamedKey
from consent_service.ledger.models import (
    ConsentEvent,
    ConsentState,
    StateCount,
    StateCountDifference,
    UnsealedEvent,
    UnsubscribeLink,
)
from consent_service.prepared import Prepared

_WHOSE = (ConsentState.subject_id == sa.bindparam("subject"), ConsentState.purpose_id == sa.bindparam("purpose"))
_INSERT_EVENT = Prepared(sa.insert(table(ConsentEvent)).returning(ConsentEvent.id))
_INSERT_UNSEALED = Prepared(sa.insert(table(UnsealedEvent)))
_INSERT_STATE = Prepared(sa.insert(table(ConsentState)))
_INSERT_LINK = Prepared(sa.insert(table(UnsubscribeLink)))
_INSERT_DIFFERENCE = Prepared(sa.insert(table(StateCountDifference)))
_UPDATE_STATE = Prepared(sa.update(table(ConsentState)).where(*_WHOSE))
_SELECT_STANDING = Prepared(
    sa.select(
        ConsentState.status,
        ConsentState.basis,
        ConsentState.purpose_version_id,
        ConsentState.since,
        ConsentState.event_id,
        ConsentEvent.data_key_id,
        ConsentEvent.notice_id,
    )
    .join(ConsentEvent, ConsentEvent.id == ConsentState.event_id)
    .where(*_WHOSE)
)


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person said yes to, or why they may be written to without; times are aware."""

    subject_id: SubjectId
    purpose_id: PurposeId
    purpose_version_id: PurposeVersionId
    kind: EventKind
    basis: LegalBasis
    at: datetime
    channel: Channel
    requested_at: datetime | None = None
    notice_id: NoticeId | None = None
    registration: PublicId | None = None


def begin(session: Session, given: Consent, evidence: Evidence, key: NamedKey) -> ConsentEventId | None:
    """Records a confirmation or an import, with its evidence. None where it means nothing (consent.is_allowed)."""
    standing = _standing(session, given.subject_id, given.purpose_id)
    state = standing.state if standing else None
    if not consent.is_allowed(state, given.kind):
        return None
    return _append(session, given, state, evidence, key, ends=None)


def leave(
    session: Session,
    subject_id: SubjectId,
    purpose_id: PurposeId,
    at: datetime,
    channel: Channel,
    evidence: Evidence,
) -> ConsentEventId | None:
    """Records a withdrawal or, where the basis was not consent, an objection. None where there was nothing to leave.

    The evidence goes under the data key of what it ends: both are wanted for as long.
    """
    standing = _standing(session, subject_id, purpose_id)
    if standing is None or not consent.is_allowed(standing.state, consent.way_out(standing.state.basis)):
        return None
    state = standing.state
    key = evidence_service.data_key(session, standing.data_key_id)
    named = (
        NamedKey(standing.data_key_id, key)
        if key is not None
        else evidence_service.new_data_key(session, subject_id, at)
    )
    given = Consent(
        subject_id=subject_id,
        purpose_id=purpose_id,
        purpose_version_id=state.purpose_version_id,
        kind=consent.way_out(state.basis),
        basis=state.basis,
        at=at,
        channel=channel,
        notice_id=standing.notice_id,
    )
    return _append(session, given, state, evidence, named, ends=state.event_id)


def _append(
    session: Session,
    given: Consent,
    state: consent.State | None,
    evidence: Evidence,
    key: NamedKey,
    ends: ConsentEventId | None,
) -> ConsentEventId:
    event_id = _INSERT_EVENT.one(session, event_columns(given, evidence, key, ends))[0]
    _INSERT_UNSEALED.run(session, {"event_id": event_id})
    _project(session, given.subject_id, given.purpose_id, state, consent.apply(state, event_of(event_id, given)))
    return event_id


def event_columns(
    given: Consent, evidence: Evidence, key: NamedKey, ends: ConsentEventId | None = None
) -> dict[str, object]:
    """The columns of a new line of the ledger, its evidence closed under a fresh public id."""
    public_id = new_public_id()
    return {
        "public_id": public_id,
        "subject_id": given.subject_id,
        "purpose_id": given.purpose_id,
        "purpose_version_id": given.purpose_version_id,
        "kind": given.kind,
        "basis": given.basis,
        "at": given.at,
        "requested_at": given.requested_at,
        "channel": given.channel,
        "notice_id": given.notice_id,
        "registration": given.registration,
        "ends_event_id": ends,
        "data_key_id": key.id,
        "evidence": evidence_service.close(key.key, evidence, public_id),
    }


def event_of(event_id: ConsentEventId, given: Consent) -> consent.Event:
    """A line of the ledger as the fold sees it."""
    return consent.Event(event_id, given.purpose_id, given.purpose_version_id, given.kind, given.basis, given.at)


def state_columns(state: consent.State) -> dict[str, object]:
    """The columns of a person's standing for a purpose."""
    return {
        "status": state.status,
        "basis": state.basis,
        "purpose_version_id": state.purpose_version_id,
        "since": state.since,
        "event_id": state.event_id,
    }


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a person stands for a purpose, and what the event that led there rests on."""

    state: consent.State
    data_key_id: DataKeyId
    notice_id: NoticeId | None


def _standing(session: Session, subject_id: SubjectId, purpose_id: PurposeId) -> _Standing | None:
    row = _SELECT_STANDING.first(session, {"subject": subject_id, "purpose": purpose_id})
    return _Standing(consent.State(*row[:5]), *row[5:]) if row else None


def _project(
    session: Session,
    subject_id: SubjectId,
    purpose_id: PurposeId,
    before: consent.State | None,
    after: consent.State | None,
) -> None:
    """Writes the state that the new event led to, and what it changes in the counts."""
    if after is None or after == before:
        return
    columns = state_columns(after)
    if before is None:
        whose = {"subject_id": subject_id, "purpose_id": purpose_id}
        _INSERT_STATE.run(session, {**whose, **columns})
        _INSERT_LINK.run(session, {**whose, "public_id": new_public_id()})
    else:
        _UPDATE_STATE.run(session, {"subject": subject_id, "purpose": purpose_id, **columns})
    _count(session, purpose_id, before.status if before else None, after.status)


def _count(session: Session, purpose_id: PurposeId, before: ConsentStatus | None, after: ConsentStatus) -> None:
    if before is after:
        return
    differences: list[dict[str, object]] = [{"purpose_id": purpose_id, "status": after, "difference": 1}]
    if before is not None:
        differences.append({"purpose_id": purpose_id, "status": before, "difference": -1})
    _INSERT_DIFFERENCE.run_each(session, differences)


def fold_counts(session: Session, most: int = 10_000) -> int:
    """Adds up to `most` differences into the counts; the worker's job. How many rows were folded."""
    rows = session.execute(
        sa.select(StateCountDifference).order_by(StateCountDifference.id).limit(most).with_for_update(skip_locked=True)
    ).scalars()
    sums: dict[tuple[PurposeId, ConsentStatus], int] = {}
    folded = []
    for row in rows:
        sums[row.purpose_id, row.status] = sums.get((row.purpose_id, row.status), 0) + row.difference
        folded.append(row.id)
    for (purpose_id, status), difference in sorted(sums.items()):
        statement = insert(session, StateCount).values(purpose_id=purpose_id, status=status, people=difference)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["purpose_id", "status"],
                set_={"people": StateCount.people + statement.excluded.people},
            )
        )
    if folded:
        session.execute(sa.delete(StateCountDifference).where(StateCountDifference.id.in_(folded)))
    return len(folded)
