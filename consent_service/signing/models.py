"""The keys that sign, and those that did: a selector is never given out twice."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base
from consent_service.signing.rules import Algorithm, KeyState


class DkimKey(Base):
    """One key of a sending domain. Its private half is encrypted, and destroyed when the key is retired."""

    __tablename__ = "dkim_keys"
    __table_args__ = (
        sa.UniqueConstraint("domain", "selector"),
        sa.Index(
            "uq_dkim_keys_signing",
            "domain",
            "algorithm",
            unique=True,
            sqlite_where=sa.text("state = 'signing'"),
            postgresql_where=sa.text("state = 'signing'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    domain: Mapped[str] = mapped_column(sa.String(253))
    selector: Mapped[str] = mapped_column(sa.String(63))
    algorithm: Mapped[Algorithm]
    state: Mapped[KeyState]
    state_since: Mapped[datetime]
    public_key: Mapped[str] = mapped_column(sa.Text)  # base64, as the record shows it
    private_key: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
