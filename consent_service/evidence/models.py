"""Keys. In tables of their own, so that backups can leave them out or keep them briefly."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base
from consent_service.domain.identifiers import DataKeyId, SubjectId


class PersonKey(Base):
    """A person's key, wrapped by the service's; destroying it makes all of the person's evidence unreadable."""

    __tablename__ = "person_keys"

    subject_id: Mapped[SubjectId] = mapped_column(sa.ForeignKey("subjects.id"), primary_key=True)
    wrapped: Mapped[bytes]


class DataKey(Base):
    """The key of one registration's or import's evidence.

    Wrapped by the person's key; by the service's own while the request is unconfirmed and there is no person.
    """

    __tablename__ = "data_keys"
    # The ledger keeps the ids of destroyed keys: SQLite must not give one to a new key.
    __table_args__ = (
        sa.Index(
            "ix_data_keys_subject_id",
            "subject_id",
            sqlite_where=sa.text("subject_id IS NOT NULL"),
            postgresql_where=sa.text("subject_id IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[DataKeyId] = mapped_column(primary_key=True)
    subject_id: Mapped[SubjectId | None] = mapped_column(sa.ForeignKey("subjects.id"))
    wrapped: Mapped[bytes] = mapped_column(sa.LargeBinary)
    created_at: Mapped[datetime]
