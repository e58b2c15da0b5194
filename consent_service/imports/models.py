"""Staged imports and their rows; the rows are deleted once they are applied or discarded."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base
from consent_service.domain.addresses import NormalisedAddress
from consent_service.domain.identifiers import PublicId, PurposeId
from consent_service.domain.kinds import Language
from consent_service.imports.rules import ImportKind, ImportState, RowResult


class Import(Base):
    """One file that was brought in."""

    __tablename__ = "imports"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)
    kind: Mapped[ImportKind]
    state: Mapped[ImportState]
    purpose_id: Mapped[PurposeId | None] = mapped_column(sa.ForeignKey("purposes.id"))  # customers: for what
    file_name: Mapped[str] = mapped_column(sa.String(200))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    staged_at: Mapped[datetime]
    staged_by: Mapped[str] = mapped_column(sa.String(254))
    finished_at: Mapped[datetime | None]
    applied_to: Mapped[int]  # the last line that was applied: resuming goes on behind it
    counts: Mapped[dict[str, int]] = mapped_column(sa.JSON)  # rows by result, kept when the rows are gone


class ImportRow(Base):
    """A line of the file, staged."""

    __tablename__ = "import_rows"

    import_id: Mapped[int] = mapped_column(sa.ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    result: Mapped[RowResult]
    problem: Mapped[str | None] = mapped_column(sa.String(200))
    address: Mapped[str | None] = mapped_column(sa.String(254))
    normalised_address: Mapped[NormalisedAddress | None]
    name: Mapped[str | None] = mapped_column(sa.String(200))
    language: Mapped[Language | None]
    customer_since: Mapped[str | None] = mapped_column(sa.String(10))  # ISO date
    source: Mapped[str | None] = mapped_column(sa.String(200))
