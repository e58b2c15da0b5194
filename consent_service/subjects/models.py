"""People and suppressions."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base, Digest, SortableText
from consent_service.domain.addresses import NormalisedAddress
from consent_service.domain.identifiers import PublicId, PurposeId, SubjectId
from consent_service.domain.kinds import Language, SuppressionReason


class Subject(Base):
    """A data subject. Erasure empties every column that says who it was and keeps the row."""

    __tablename__ = "subjects"
    __table_args__ = (
        sa.Index("ix_subjects_sortable_name_id", "sortable_name", "id"),
        sa.Index(
            "ix_subjects_erased",
            "id",
            sqlite_where=sa.text("erased_at IS NOT NULL"),
            postgresql_where=sa.text("erased_at IS NOT NULL"),
        ),
    )

    id: Mapped[SubjectId] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)
    address: Mapped[str | None] = mapped_column(sa.String(254))  # as the person wrote it: mail goes there
    normalised_address: Mapped[NormalisedAddress | None] = mapped_column(unique=True)
    suppression_digest: Mapped[Digest | None] = mapped_column(unique=True)
    name: Mapped[str | None] = mapped_column(sa.String(200))
    sortable_name: Mapped[str | None] = mapped_column(SortableText)  # case folded, for the search
    language: Mapped[Language]
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


OWN_OPT_IN = "own double opt-in"
"""Why a suppression was lifted, where nobody of the staff did it."""


class Suppression(Base):
    """An address that is not written to, for one purpose or (without one) at all; outlives erasure."""

    __tablename__ = "suppressions"
    __table_args__ = (
        sa.Index(
            "uq_suppressions_in_force",
            "digest",
            sa.text("coalesce(purpose_id, 0)"),
            "reason",
            unique=True,
            sqlite_where=sa.text("lifted_at IS NULL"),
            postgresql_where=sa.text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[Digest]
    purpose_id: Mapped[PurposeId | None] = mapped_column(sa.ForeignKey("purposes.id"))
    reason: Mapped[SuppressionReason]
    created_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_because: Mapped[str | None] = mapped_column(sa.String(200))


class SuppressionCanary(Base):
    """The digest of a known text: finds a wrong suppression key at start, before it does harm."""

    __tablename__ = "suppression_canary"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[Digest]
