"""The ledger's tables. Only `consent_service.ledger` may import this module (import-linter checks)."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base
from consent_service.domain.identifiers import (
    ConsentEventId,
    DataKeyId,
    NoticeId,
    PublicId,
    PurposeId,
    PurposeVersionId,
    SubjectId,
)
from consent_service.domain.kinds import Channel, ConsentStatus, EventKind, LegalBasis


class ConsentEvent(Base):
    """One line of the ledger: never updated, never deleted, names nobody in plain columns."""

    __tablename__ = "consent_events"
    __table_args__ = (sa.UniqueConstraint("registration", "purpose_id"),)

    id: Mapped[ConsentEventId] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)
    subject_id: Mapped[SubjectId] = mapped_column(sa.ForeignKey("subjects.id"), index=True)
    purpose_id: Mapped[PurposeId] = mapped_column(sa.ForeignKey("purposes.id"))
    purpose_version_id: Mapped[PurposeVersionId] = mapped_column(sa.ForeignKey("purpose_versions.id"))
    kind: Mapped[EventKind]
    basis: Mapped[LegalBasis]
    at: Mapped[datetime]
    requested_at: Mapped[datetime | None]
    channel: Mapped[Channel]
    notice_id: Mapped[NoticeId | None] = mapped_column(sa.ForeignKey("notices.id"))
    registration: Mapped[PublicId | None]  # by its public id: registrations are deleted, the ledger is not
    ends_event_id: Mapped[ConsentEventId | None] = mapped_column(sa.ForeignKey("consent_events.id"), unique=True)
    data_key_id: Mapped[DataKeyId]
    evidence: Mapped[bytes] = mapped_column(sa.LargeBinary)


class UnsealedEvent(Base):
    """An event that the sealer has not yet given its place in the tree."""

    __tablename__ = "unsealed_events"

    event_id: Mapped[ConsentEventId] = mapped_column(sa.ForeignKey("consent_events.id"), primary_key=True)


class ConsentState(Base):
    """What a person's events for a purpose amount to; a projection that can be rebuilt."""

    __tablename__ = "consent_states"
    __table_args__ = (sa.Index("ix_consent_states_purpose_id_status_subject_id", "purpose_id", "status", "subject_id"),)

    subject_id: Mapped[SubjectId] = mapped_column(sa.ForeignKey("subjects.id"), primary_key=True)
    purpose_id: Mapped[PurposeId] = mapped_column(sa.ForeignKey("purposes.id"), primary_key=True)
    status: Mapped[ConsentStatus]
    basis: Mapped[LegalBasis]
    purpose_version_id: Mapped[PurposeVersionId] = mapped_column(sa.ForeignKey("purpose_versions.id"))
    since: Mapped[datetime]
    event_id: Mapped[ConsentEventId] = mapped_column(sa.ForeignKey("consent_events.id"))


class UnsubscribeLink(Base):
    """The random id that one person's one-click link for one purpose names; outlives messages and erasure."""

    __tablename__ = "unsubscribe_links"
    __table_args__ = (sa.UniqueConstraint("subject_id", "purpose_id"),)

    public_id: Mapped[PublicId] = mapped_column(primary_key=True)
    subject_id: Mapped[SubjectId] = mapped_column(sa.ForeignKey("subjects.id"))
    purpose_id: Mapped[PurposeId] = mapped_column(sa.ForeignKey("purposes.id"))


class StateCount(Base):
    """How many people stand where, as last folded."""

    __tablename__ = "state_counts"

    purpose_id: Mapped[PurposeId] = mapped_column(sa.ForeignKey("purposes.id"), primary_key=True)
    status: Mapped[ConsentStatus] = mapped_column(primary_key=True)
    people: Mapped[int]


class StateCountDifference(Base):
    """A change of a count, written beside its event and folded in by the worker: no row is hot."""

    __tablename__ = "state_count_differences"

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose_id: Mapped[PurposeId] = mapped_column(sa.ForeignKey("purposes.id"))
    status: Mapped[ConsentStatus]
    difference: Mapped[int]
