"""Staging an import, saying yes or no to it, and clearing away what nobody said yes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.audit import service as audit
from consent_service.audit.service import Action
from consent_service.domain.addresses import NormalisedAddress
from consent_service.domain.errors import NotFound, Refused
from consent_service.domain.identifiers import PublicId, PurposeId, new_public_id
from consent_service.domain.kinds import LegalBasis
from consent_service.imports import queries, rules, standing
from consent_service.imports.models import Import, ImportFile, ImportPiece, ImportRow
from consent_service.imports.rules import ImportKind, ImportState, Row, RowResult, Verdict
from consent_service.notice import queries as notice

ROWS_DELETED_AT_ONCE = 5000
LONGEST_FILE_NAME = 200
SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Staging:
    """An import that is being staged."""

    id: int
    public_id: PublicId
    kind: ImportKind
    purpose_id: PurposeId | None


def open_staging(
    session: Session, kind: ImportKind, purpose_code: str, file_name: str, actor: str, at: datetime
) -> Staging:
    """Begins an import. Raises NotFound for an unknown purpose, Refused for one that wants consent.

    Consent cannot be imported: there is no confirmation to show for it. `purpose_code` counts for customers.
    """
    purpose_id = _purpose(session, purpose_code, at) if kind is ImportKind.CUSTOMERS else None
    row = Import(
        public_id=new_public_id(),
        kind=kind,
        state=ImportState.STAGING,
        purpose_id=purpose_id,
        file_name=file_name[-LONGEST_FILE_NAME:],
        sha256="",
        staged_at=at,
        staged_by=actor,
        applied_to=0,
        counts={},
        applied_counts={},
    )
    session.add(row)
    session.flush()
    return Staging(row.id, row.public_id, kind, purpose_id)


def _purpose(session: Session, code: str, at: datetime) -> PurposeId:
    wording = notice.purpose(session, code, at)
    if wording.basis is not LegalBasis.LEGITIMATE_INTEREST:
        raise Refused(f"{code} does not rest on legitimate interest: nobody can be imported for it")
    return wording.purpose_id


def foresee(session: Session, staging: Staging, rows: Sequence[Row]) -> list[Verdict]:
    """What applying would do with each of these rows; changes nothing."""
    addresses = {row.normalised_address for row in rows if row.normalised_address is not None}
    seen = queries.staged_among(session, staging.id, addresses)
    now = standing.look(session, staging.kind, staging.purpose_id, addresses)
    verdicts = []
    for row in rows:
        address = row.normalised_address
        if address is None:
            verdicts.append(Verdict(RowResult.BAD, row.reason))
        else:
            verdicts.append(Verdict(RowResult.DUPLICATE) if address in seen else now.verdict(address))
            seen.add(address)
    return verdicts


def stage(session: Session, staging: Staging, rows: Sequence[Row], verdicts: Sequence[Verdict]) -> None:
    """Writes rows and what was foreseen for them into the staging table."""
    if not rows:
        return
    session.execute(
        sa.insert(ImportRow),
        [
            {
                "import_id": staging.id,
                "line": row.line,
                "result": verdict.result,
                "reason": verdict.reason,
                "address": row.address,
                "normalised_address": row.normalised_address,
                "name": row.name,
                "language": row.language,
                "customer_since": row.customer_since.isoformat() if row.customer_since else None,
                "source": row.source,
            }
            for row, verdict in zip(rows, verdicts, strict=True)
        ],
    )


def finish_staging(session: Session, staging: Staging, sha256: str, counts: dict[str, int], at: datetime) -> None:
    """The dry run is done: the import waits for a yes."""
    row = locked(session, staging.public_id)
    row.state, row.sha256, row.counts = ImportState.STAGED, sha256, counts
    note(session, row, row.staged_by, at)


def apply(session: Session, public_id: PublicId, actor: str, at: datetime) -> None:
    """Says yes to a staged import: its batches are applied from now on. Idempotent while they are.

    Raises NotFound, Refused for one that is finished or not yet staged.
    """
    row = locked(session, public_id)
    if row.state is ImportState.APPLYING:
        return
    _require_staged(row)
    row.state, row.applied_by = ImportState.APPLYING, actor
    note(session, row, actor, at)


def discard(session: Session, public_id: PublicId, actor: str, at: datetime) -> None:
    """Says no to a staged import. Raises NotFound, Refused where it is not (any more) waiting for that."""
    row = locked(session, public_id)
    _require_staged(row)
    _discard(session, row, actor, at)


def _require_staged(row: Import) -> None:
    if row.state is not ImportState.STAGED:
        raise Refused(f"import {row.public_id} is {row.state.value}, not staged")


def _discard(session: Session, row: Import, actor: str, at: datetime) -> None:
    row.state, row.finished_at = ImportState.DISCARDED, at
    note(session, row, actor, at)


def give_up_staging(session: Session, staging: Staging, at: datetime) -> None:
    """Discards what was staged of a file that turned out to be unreadable further down."""
    row = locked(session, staging.public_id)
    _discard(session, row, row.staged_by, at)


def discard_abandoned(session: Session, now: datetime) -> int:
    """Discards what nobody has said yes to for rules.STAGED_FOR, or whose staging broke off; how many."""
    abandoned = session.execute(
        sa.select(Import)
        .where(Import.state.in_((ImportState.STAGING, ImportState.STAGED)), Import.staged_at < now - rules.STAGED_FOR)
        .with_for_update()
    ).scalars()
    discarded = list(abandoned)
    for row in discarded:
        _discard(session, row, SYSTEM, now)
    return len(discarded)


def delete_discarded_rows(session: Session) -> int:
    """Deletes a few thousand staged rows of discarded imports, and uploads: they hold personal data. How many."""
    discarded = sa.select(Import.id).where(Import.state == ImportState.DISCARDED)
    for table in (ImportPiece, ImportFile):
        session.execute(sa.delete(table).where(table.import_id.in_(discarded)))
    some = (
        sa.select(ImportRow.import_id, ImportRow.line)
        .join(Import, Import.id == ImportRow.import_id)
        .where(Import.state == ImportState.DISCARDED)
        .limit(ROWS_DELETED_AT_ONCE)
    )
    deleted = session.execute(
        sa.delete(ImportRow)
        .where(sa.tuple_(ImportRow.import_id, ImportRow.line).in_(some))
        .returning(ImportRow.line)
        .execution_options(synchronize_session=False)
    )
    return len(deleted.all())


def locked(session: Session, public_id: PublicId) -> Import:
    """An import's row, locked. Raises NotFound."""
    row = session.execute(sa.select(Import).where(Import.public_id == public_id).with_for_update()).scalar_one_or_none()
    if row is None:
        raise NotFound(f"there is no import {public_id}")
    return row


def note(session: Session, row: Import, actor: str, at: datetime) -> None:
    """Writes an import's new state into the audit log."""
    audit.record(
        session,
        at=at,
        actor=actor,
        action=Action.IMPORTED,
        target=row.public_id,
        details={
            "state": row.state.value,
            "kind": row.kind.value,
            "sha256": row.sha256,
            "counts": row.applied_counts if row.state is ImportState.APPLIED else row.counts,
        },
    )


def count_rows_of(session: Session, address: NormalisedAddress) -> int:
    """How many staged rows hold this address."""
    return session.execute(
        sa.select(sa.func.count()).select_from(ImportRow).where(ImportRow.normalised_address == address)
    ).scalar_one()


def delete_rows_of(session: Session, address: NormalisedAddress) -> None:
    """Deletes the staged rows that hold this address: its owner was erased."""
    session.execute(sa.delete(ImportRow).where(ImportRow.normalised_address == address))
