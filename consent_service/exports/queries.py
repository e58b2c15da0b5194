"""Reads for exports: the rows of one, how many they would be, and the record of past ones."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import ColumnElement, FunctionElement

from consent_service.domain.identifiers import PublicId, PurposeId, PurposeVersionId, SubjectId
from consent_service.exports.models import Export
from consent_service.exports.rules import ExportFormat
from consent_service.ledger import queries as ledger
from consent_service.notice.models import Purpose
from consent_service.subjects.models import Subject

ROWS_READ_AT_ONCE = 1000
LISTED = 100

Cells = tuple[str | int | None, ...]
"""One row, in the order of `rules.COLUMNS`."""


class _IsoText(FunctionElement[str]):
    """SQL: a moment as ISO 8601 text in UTC, to the second; a million need no Python objects."""

    type = sa.String()
    inherit_cache = True
    name = "iso_text"


@compiles(_IsoText, "sqlite")
def _iso_text_sqlite(element: _IsoText, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    return f"substr({column}, 1, 10) || 'T' || substr({column}, 12, 8) || 'Z'"


@compiles(_IsoText, "postgresql")
def _iso_text_postgresql(element: _IsoText, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


@dataclass(frozen=True, slots=True)
class Among:
    """A narrower choice of people, and what it is called in the record."""

    label: str
    people: sa.Select[SubjectId]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whose consents: for a purpose, to certain wordings only, and among certain people only."""

    purpose_id: PurposeId
    versions: Sequence[PurposeVersionId] | None = None
    among: Among | None = None


def statement(chosen: Chosen) -> sa.Select[*tuple[Any, ...]]:
    """The rows of an export as plain texts and numbers, in the order of `rules.COLUMNS`."""
    consents = ledger.active_consents(chosen.purpose_id, chosen.versions)
    if chosen.among is not None:
        consents = consents.where(Subject.id.in_(chosen.among.people))
    column = consents.selected_columns
    return consents.with_only_columns(
        column.address,
        column.name,
        _plain(column.language),
        _plain(column.basis),
        _IsoText(column.requested_at),
        _IsoText(column.since),
        column.wording_version,
        column.notice_version,
        column.evidence_id,
    )


def _plain(column: ColumnElement[Any]) -> ColumnElement[str]:
    return sa.type_coerce(column, sa.String())


def rows(session: Session, chosen: Chosen) -> Generator[Sequence[Cells], None, None]:
    """Who may be written to now, a chunk at a time as the database finds them: in constant memory."""
    result = session.connection().execute(statement(chosen), execution_options={"yield_per": ROWS_READ_AT_ONCE})
    with closing(result):
        yield from result.partitions()


def count(session: Session, chosen: Chosen) -> int:
    """How many rows an export would have now."""
    people = statement(chosen).subquery()
    return session.execute(sa.select(sa.func.count()).select_from(people)).scalar_one()


@dataclass(frozen=True, slots=True)
class PastExport:
    """The record of an export; times are aware, in UTC. Without `finished_at` it was never whole."""

    public_id: PublicId
    purpose_code: str | None
    about: str | None
    format: ExportFormat
    third_party: str | None
    reason: str
    requested_by: str
    started_at: datetime
    finished_at: datetime | None
    rows: int | None
    sha256: str | None


def newest(session: Session, most: int = LISTED) -> Sequence[PastExport]:
    """The latest exports, newest first."""
    found = session.execute(
        sa.select(Export, Purpose.code)
        .outerjoin(Purpose, Purpose.id == Export.purpose_id)
        .order_by(Export.id.desc())
        .limit(most)
    )
    return [
        PastExport(
            row.public_id,
            code,
            row.about,
            row.format,
            row.third_party,
            row.reason,
            row.requested_by,
            row.started_at,
            row.finished_at,
            row.rows,
            row.sha256,
        )
        for row, code in found
    ]
