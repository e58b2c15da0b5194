"""Double opt-ins under way. Deletable: what was never confirmed leaves no trace after its time."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base
from consent_service.domain.addresses import NormalisedAddress
from consent_service.domain.identifiers import (
    DataKeyId,
    MessageId,
    NoticeId,
    PublicId,
    PurposeVersionId,
    RegistrationId,
)
from consent_service.domain.kinds import Language
from consent_service.registrations.rules import RegistrationKind, RegistrationState


class Registration(Base):
    """One request at the public side, whoever made it; every kind of request is a row of this one kind."""

    __tablename__ = "registrations"
    __table_args__ = (
        sa.Index("ix_registrations_normalised_address_requested_at", "normalised_address", "requested_at"),
        sa.Index(
            "ix_registrations_undecided",
            "id",
            sqlite_where=sa.text("state = 'requested'"),
            postgresql_where=sa.text("state = 'requested'"),
        ),
    )

    id: Mapped[RegistrationId] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)
    kind: Mapped[RegistrationKind]
    state: Mapped[RegistrationState]
    address: Mapped[str] = mapped_column(sa.String(254))
    normalised_address: Mapped[NormalisedAddress]
    name: Mapped[str | None] = mapped_column(sa.String(200))
    language: Mapped[Language]
    notice_id: Mapped[NoticeId] = mapped_column(sa.ForeignKey("notices.id"))
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]  # confirmed, cancelled or expired
    message_id: Mapped[MessageId | None]  # the mail that answered it
    data_key_id: Mapped[DataKeyId]
    evidence: Mapped[bytes] = mapped_column(sa.LargeBinary)


class RegistrationPurpose(Base):
    """A box that was ticked: consent to this version of this purpose is asked for."""

    __tablename__ = "registration_purposes"
    __table_args__ = ({"sqlite_with_rowid": False},)  # the key is the row: one page to write in place of two

    registration_id: Mapped[RegistrationId] = mapped_column(
        sa.ForeignKey("registrations.id", ondelete="CASCADE"), primary_key=True
    )
    purpose_version_id: Mapped[PurposeVersionId] = mapped_column(sa.ForeignKey("purpose_versions.id"), primary_key=True)
