"""What may leave how fast: for each receiving provider, and for each domain that we send from."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base
from consent_service.domain.identifiers import ProviderId
from consent_service.limits.rules import LONGEST_REPLY, Limits, Pace

LONGEST_NAME = 253


class Provider(Base):
    """Who receives mail for one or more domains: its limits, and how fast it lets us send at the moment."""

    __tablename__ = "providers"

    id: Mapped[ProviderId] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(LONGEST_NAME), unique=True)
    per_second: Mapped[float | None]
    per_hour: Mapped[int | None]
    connections: Mapped[int | None]
    slowed_to: Mapped[float | None]  # messages per second, by the provider's refusals
    slowed_at: Mapped[datetime | None]  # when that last changed, for better or worse
    paused_at: Mapped[datetime | None]
    lifted_at: Mapped[datetime | None]
    said: Mapped[str | None] = mapped_column(sa.String(LONGEST_REPLY))  # the last such refusal, without its words
    is_apart: Mapped[bool] = mapped_column(index=True)  # waiting messages may be marked as this provider's
    second_left: Mapped[float | None]
    hour_left: Mapped[float | None]
    filled_at: Mapped[datetime | None]

    @property
    def limits(self) -> Limits:
        """What somebody has set."""
        return Limits(self.per_second, self.per_hour, self.connections)

    @property
    def pace(self) -> Pace | None:
        """What its refusals have made of that."""
        if self.slowed_to is None or self.slowed_at is None:
            return None
        return Pace(self.slowed_to, self.slowed_at)


class ProviderDomain(Base):
    """A recipient domain, and the provider that it counts with. A domain without a row counts for itself."""

    __tablename__ = "provider_domains"

    domain: Mapped[str] = mapped_column(sa.String(LONGEST_NAME), primary_key=True)
    provider_id: Mapped[ProviderId] = mapped_column(sa.ForeignKey("providers.id"), index=True)


class ProviderExchanger(Base):
    """The domain of a provider's mail exchangers: whoever's MX is in it counts with the provider."""

    __tablename__ = "provider_exchangers"

    domain: Mapped[str] = mapped_column(sa.String(LONGEST_NAME), primary_key=True)
    provider_id: Mapped[ProviderId] = mapped_column(sa.ForeignKey("providers.id"), index=True)


class SendingDomain(Base):
    """A domain that we send from: its limits, and its warm-up plan while there is one."""

    __tablename__ = "sending_domains"

    domain: Mapped[str] = mapped_column(sa.String(LONGEST_NAME), primary_key=True)
    per_second: Mapped[float | None]
    per_hour: Mapped[int | None]
    connections: Mapped[int | None]
    second_left: Mapped[float | None]
    hour_left: Mapped[float | None]
    filled_at: Mapped[datetime | None]
    warm_up_first: Mapped[int | None]
    warm_up_until: Mapped[int | None]
    warm_up_stage: Mapped[int | None]
    warm_up_day_began: Mapped[datetime | None]
    warm_up_used: Mapped[int | None]
