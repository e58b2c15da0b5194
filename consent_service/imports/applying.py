"""Applying a staged import in batches, each a transaction that remembers how far it came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service import clock
from consent_service.database import alone, literal, reading, transaction
from consent_service.domain.addresses import NormalisedAddress
from consent_service.domain.identifiers import PublicId, SubjectId
from consent_service.domain.kinds import Channel, EventKind, LegalBasis, SuppressionReason
from consent_service.evidence import service as evidence_service
from consent_service.evidence.service import Evidence
from consent_service.imports import rules, service, standing
from consent_service.imports.models import Import, ImportRow
from consent_service.imports.rules import TO_APPLY, ImportState, RowResult
from consent_service.ledger.bulk import Beginning, begin_all
from consent_service.ledger.service import Consent
from consent_service.mailing import service as mailing
from consent_service.notice import queries as notice
from consent_service.prepared import Prepared
from consent_service.subjects import service as subjects
from consent_service.subjects.service import Newcomer

BATCH = 500
_COLUMNS = (
    ImportRow.line,
    ImportRow.result,
    ImportRow.address,
    ImportRow.normalised_address,
    ImportRow.name,
    ImportRow.language,
    ImportRow.customer_since,
    ImportRow.source,
)
Staged = sa.Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch has come to: whether there is more to do, and who is not to be written to from now on."""

    is_more: bool
    suppressed: Sequence[SubjectId] = ()


_OLDEST = Prepared(
    sa.select(Import.public_id).where(Import.state == literal(ImportState.APPLYING)).order_by(Import.id).limit(1)
)


def apply_next() -> None:
    """Applies one batch of the oldest import that is being applied, if there is one; the worker's job.

    Only one, and nothing is returned: the worker has confirmations to send in between.
    """
    with reading() as session:
        oldest = _OLDEST.first(session, {})
    if oldest is not None:
        apply_batch(oldest[0])


def apply_batch(public_id: PublicId) -> bool:
    """Applies the next rows of an import in a transaction; False when there are none any more. Raises NotFound.

    Returns once nothing is in hand to those who are suppressed now: when an import says that it is applied,
    nobody on its list is being written to (design I6).
    """
    with transaction() as session:
        batch = apply_rows(session, public_id, clock.now())
    mailing.wait_until_none_in_hand(batch.suppressed)
    return batch.is_more


def apply_rows(session: Session, public_id: PublicId, now: datetime) -> Batch:
    """Applies the next rows of an import and deletes them; the import is applied where there are none. Raises NotFound.

    How people stand is looked at again here, under their locks: much may have happened since the dry run.
    """
    alone(session, "apply imports")  # so that two of them cannot wait for each other's people
    row = service.locked(session, public_id)
    if row.state is not ImportState.APPLYING:
        return Batch(is_more=False)
    rows = list(
        session.execute(
            sa.select(*_COLUMNS)
            .where(ImportRow.import_id == row.id, ImportRow.line > row.applied_to)
            .order_by(ImportRow.line)
            .limit(BATCH)
        )
    )
    if not rows:
        row.state, row.finished_at = ImportState.APPLIED, now
        service.note(session, row, row.applied_by or service.SYSTEM, now)
        return Batch(is_more=False)
    to_apply = [staged for staged in rows if staged.result in TO_APPLY]
    suppressed: Sequence[SubjectId] = ()
    if row.purpose_id is None:
        suppressed = subjects.lock_known(session, [staged.normalised_address for staged in to_apply])
        done = _suppress(session, row, to_apply, now)
    else:
        done = _import_customers(session, row, to_apply, now)
    row.applied_counts = rules.add_counts(row.applied_counts, [done.get(staged.line, staged.result) for staged in rows])
    row.applied_to = rows[-1].line
    session.execute(
        sa.delete(ImportRow).where(ImportRow.import_id == row.id, ImportRow.line <= row.applied_to),
        execution_options={"synchronize_session": False},
    )
    return Batch(is_more=True, suppressed=suppressed)


def _import_customers(
    session: Session, row: Import, customers: Sequence[Staged], now: datetime
) -> dict[int, RowResult]:
    """Begins what has no obstacle. Nobody is added who would stay out; a known person only gets a missing name."""
    before = standing.look(session, row.kind, row.purpose_id, [staged.normalised_address for staged in customers])
    newcomers = [
        Newcomer(staged.address, staged.normalised_address, staged.name, staged.language)
        for staged in customers
        if before.verdict(staged.normalised_address).result in TO_APPLY
    ]
    people = subjects.find_or_add_all(session, newcomers, now)
    under_lock = standing.look(session, row.kind, row.purpose_id, people)
    verdicts = {
        staged.line: (under_lock if staged.normalised_address in people else before).verdict(staged.normalised_address)
        for staged in customers
    }
    _begin(session, row, [staged for staged in customers if verdicts[staged.line].result is RowResult.NEW], people, now)
    return {line: verdict.result for line, verdict in verdicts.items()}


def _begin(
    session: Session,
    row: Import,
    customers: Sequence[Staged],
    people: Mapping[NormalisedAddress, SubjectId],
    now: datetime,
) -> None:
    """One event each, with what § 7(3) no. 1 UWG wants to be shown: a customer since when, known from where."""
    wording = next(one for one in notice.current_wordings(session, now) if one.purpose_id == row.purpose_id)
    edition = notice.current_notice(session, now)
    keys = evidence_service.new_data_keys(session, [people[staged.normalised_address] for staged in customers], now)
    beginnings = [
        Beginning(
            Consent(
                subject_id=people[staged.normalised_address],
                purpose_id=wording.purpose_id,
                purpose_version_id=wording.version_id,
                kind=EventKind.IMPORTED,
                basis=LegalBasis.LEGITIMATE_INTEREST,
                at=now,
                channel=Channel.IMPORT,
                notice_id=edition.id,
            ),
            _evidence(row, staged, now),
            key,
        )
        for staged, key in zip(customers, keys, strict=True)
    ]
    begin_all(session, beginnings)


def _evidence(row: Import, staged: Staged, now: datetime) -> Evidence:
    return {
        "import": {
            "id": row.public_id,
            "file_name": row.file_name,
            "sha256": row.sha256,
            "line": staged.line,
            "address": staged.address,
            "customer_since": staged.customer_since,
            "source": staged.source,
            "imported_by": row.applied_by,
            "at": now.isoformat(),
        }
    }


def _suppress(session: Session, row: Import, addresses: Sequence[Staged], now: datetime) -> dict[int, RowResult]:
    """Suppresses for every purpose; who is a person here is locked already. Counts who was listed meanwhile."""
    normalised = [staged.normalised_address for staged in addresses]
    under_lock = standing.look(session, row.kind, None, normalised)
    verdicts = {staged.line: under_lock.verdict(staged.normalised_address).result for staged in addresses}
    subjects.suppress_all(
        session,
        [
            subjects.suppression_digest(staged.normalised_address)
            for staged in addresses
            if verdicts[staged.line] in TO_APPLY
        ],
        SuppressionReason(row.kind.value),
        now,
    )
    return verdicts
