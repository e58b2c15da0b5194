"""Why people leave: a statistic that names nobody."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base
from consent_service.domain.identifiers import PurposeId
from consent_service.preferences.rules import ReasonForLeaving


class LeavingReason(Base):
    """One person's answer to why they left; not joined to the person, and of the day only."""

    __tablename__ = "leaving_reasons"

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose_id: Mapped[PurposeId] = mapped_column(sa.ForeignKey("purposes.id"))
    day: Mapped[datetime]
    reason: Mapped[ReasonForLeaving]
