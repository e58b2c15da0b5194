"""The checks that were asked for and made, and the test mails of which a copy is to come back."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base
from consent_service.domain.identifiers import PublicId


class DeliverabilityCheck(Base):
    """A check: asked for, begun by a worker, and finished with its findings."""

    __tablename__ = "deliverability_checks"

    id: Mapped[int] = mapped_column(primary_key=True)
    requested_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
    findings: Mapped[list[dict[str, Any]] | None] = mapped_column(sa.JSON)


class SeedMail(Base):
    """A test mail to a mailbox of our own, and its copy as `inbound` got it (encrypted)."""

    __tablename__ = "seed_mails"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)
    sent_at: Mapped[datetime]
    arrived_at: Mapped[datetime | None]
    copy: Mapped[bytes | None]
