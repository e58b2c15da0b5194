"""Staged imports and their rows; the rows are deleted once they are applied or discarded."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base
from consent_service.domain.addresses import NormalisedAddress
from consent_service.domain.identifiers import PublicId, PurposeId
from consent_service.domain.kinds import Language
from consent_service.imports.rules import ImportKind, ImportState, RowReason, RowResult


class Import(Base):
    """One file that was brought in. Its counts stay when its rows are gone."""

    __tablename__ = "imports"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)
    kind: Mapped[ImportKind]
    state: Mapped[ImportState] = mapped_column(index=True)
    purpose_id: Mapped[PurposeId | None] = mapped_column(sa.ForeignKey("purposes.id"))  # customers: for what
    file_name: Mapped[str] = mapped_column(sa.String(200))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    staged_at: Mapped[datetime]
    staged_by: Mapped[str] = mapped_column(sa.String(254))
    applied_by: Mapped[str | None] = mapped_column(sa.String(254))
    finished_at: Mapped[datetime | None]
    applied_to: Mapped[int]  # the last line that was applied: resuming goes on behind it
    counts: Mapped[dict[str, int]] = mapped_column(sa.JSON)  # rows by result, as the dry run foresaw
    applied_counts: Mapped[dict[str, int]] = mapped_column(sa.JSON)  # rows by result, as it came


class ImportFile(Base):
    """An uploaded file that the worker is staging: how long it is, and how far that has come."""

    __tablename__ = "import_files"

    import_id: Mapped[int] = mapped_column(sa.ForeignKey("imports.id"), primary_key=True)
    size: Mapped[int]  # in bytes
    header: Mapped[bytes] = mapped_column(sa.LargeBinary)
    byte: Mapped[int]
    line: Mapped[int]


class ImportPiece(Base):
    """A piece of an uploaded file; deleted once its rows are staged."""

    __tablename__ = "import_pieces"

    import_id: Mapped[int] = mapped_column(sa.ForeignKey("imports.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)


class ImportRow(Base):
    """A record of the file, staged."""

    __tablename__ = "import_rows"
    __table_args__ = (
        sa.Index("ix_import_rows_import_id_result_line", "import_id", "result", "line"),
        sa.Index("ix_import_rows_import_id_normalised_address", "import_id", "normalised_address"),
    )

    import_id: Mapped[int] = mapped_column(sa.ForeignKey("imports.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    result: Mapped[RowResult]
    reason: Mapped[RowReason | None]
    address: Mapped[str | None] = mapped_column(sa.String(254))
    normalised_address: Mapped[NormalisedAddress | None]
    name: Mapped[str | None] = mapped_column(sa.String(200))
    language: Mapped[Language | None]
    customer_since: Mapped[str | None] = mapped_column(sa.String(10))  # ISO date
    source: Mapped[str | None] = mapped_column(sa.String(200))
