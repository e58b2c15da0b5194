"""The record of every export."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base
from consent_service.domain.identifiers import PublicId, PurposeId
from consent_service.exports.rules import ExportFormat


class Export(Base):
    """Who took which list, when, for whom and why; rows and digest are known once it was whole.

    Without a purpose it is no list of people to write to, and `about` says of whom it is; with one, `about` says
    to whom it was narrowed.
    """

    __tablename__ = "exports"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)
    purpose_id: Mapped[PurposeId | None] = mapped_column(sa.ForeignKey("purposes.id"))
    about: Mapped[str | None] = mapped_column(sa.String(300))
    format: Mapped[ExportFormat]
    third_party: Mapped[str | None] = mapped_column(sa.String(200))  # None: for the organisation itself
    reason: Mapped[str] = mapped_column(sa.String(500))
    requested_by: Mapped[str] = mapped_column(sa.String(254))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    rows: Mapped[int | None]
    sha256: Mapped[str | None] = mapped_column(sa.String(64))
