"""Reads of imports and their staged rows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.addresses import NormalisedAddress
from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import PublicId, PurposeId
from consent_service.imports.models import Import, ImportFile, ImportRow
from consent_service.imports.rules import ImportKind, ImportState, RowReason, RowResult
from consent_service.notice.models import Purpose

MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class Overview:
    """An import: what it is, how far it is, and its rows by result; times are aware, in UTC."""

    id: int
    public_id: PublicId
    kind: ImportKind
    state: ImportState
    purpose_id: PurposeId | None
    purpose_code: str | None
    file_name: str
    sha256: str
    staged_at: datetime
    staged_by: str
    applied_by: str | None
    finished_at: datetime | None
    counts: dict[RowResult, int]
    applied_counts: dict[RowResult, int]
    percent_read: int | None  # while the worker stages an upload

    @property
    def rows(self) -> int:
        """How many rows the file has."""
        return sum(self.counts.values())

    @property
    def rows_applied(self) -> int:
        """How many of them applying has dealt with."""
        return sum(self.applied_counts.values())


def overview(session: Session, public_id: PublicId) -> Overview:
    """One import. Raises NotFound."""
    row = session.execute(_imports().where(Import.public_id == public_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no import {public_id}")
    return _overview(*row)


def newest(session: Session) -> Sequence[Overview]:
    """The newest imports first, at most MOST_LISTED."""
    rows = session.execute(_imports().order_by(Import.id.desc()).limit(MOST_LISTED))
    return [_overview(*row) for row in rows]


def _imports() -> sa.Select[Import, str | None, int | None]:
    return (
        sa.select(Import, Purpose.code, 100 * ImportFile.byte // ImportFile.size)
        .outerjoin(Purpose, Purpose.id == Import.purpose_id)
        .outerjoin(ImportFile, ImportFile.import_id == Import.id)
    )


def _overview(row: Import, purpose_code: str | None, percent_read: int | None) -> Overview:
    return Overview(
        id=row.id,
        public_id=row.public_id,
        kind=row.kind,
        state=row.state,
        purpose_id=row.purpose_id,
        purpose_code=purpose_code,
        file_name=row.file_name,
        sha256=row.sha256,
        staged_at=row.staged_at,
        staged_by=row.staged_by,
        applied_by=row.applied_by,
        finished_at=row.finished_at,
        counts=_counts(row.counts),
        applied_counts=_counts(row.applied_counts),
        percent_read=percent_read,
    )


def _counts(stored: dict[str, int]) -> dict[RowResult, int]:
    return {result: stored.get(result.value, 0) for result in RowResult}


@dataclass(frozen=True, slots=True)
class StagedRow:
    """A row as the dry run left it."""

    line: int
    result: RowResult
    reason: RowReason | None
    address: str | None
    name: str | None


def staged_rows(
    session: Session, import_id: int, result: RowResult, *, after: int = 0, skip: int = 0, most: int
) -> Sequence[StagedRow]:
    """Rows of one result in the order of the file: behind a line, and then so many further down."""
    rows = session.execute(
        sa.select(ImportRow.line, ImportRow.result, ImportRow.reason, ImportRow.address, ImportRow.name)
        .where(ImportRow.import_id == import_id, ImportRow.result == result, ImportRow.line > after)
        .order_by(ImportRow.line)
        .offset(skip)
        .limit(most)
    )
    return [StagedRow(*row) for row in rows]


def staged_among(session: Session, import_id: int, addresses: Collection[NormalisedAddress]) -> set[NormalisedAddress]:
    """Those of these addresses that an import has staged already."""
    found = session.execute(
        sa.select(ImportRow.normalised_address).where(
            ImportRow.import_id == import_id, ImportRow.normalised_address.in_(addresses)
        )
    ).scalars()
    return {address for address in found if address is not None}
