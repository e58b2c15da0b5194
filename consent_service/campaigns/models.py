"""Campaigns as marketing writes them; sending one starts a mailing."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from consent_service.database import Base
from consent_service.domain.identifiers import CampaignId, MailingId, PublicId, PurposeId
from consent_service.domain.kinds import Language
from consent_service.mailing.audiences import LONGEST_AUDIENCE, Audience


class Campaign(Base):
    """A mailing in the making, or made: without a mailing it is a draft."""

    __tablename__ = "campaigns"

    id: Mapped[CampaignId] = mapped_column(primary_key=True)
    public_id: Mapped[PublicId] = mapped_column(unique=True)
    purpose_id: Mapped[PurposeId] = mapped_column(sa.ForeignKey("purposes.id"))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(sa.String(254))
    changed_at: Mapped[datetime]
    audience: Mapped[Audience | None] = mapped_column(sa.String(LONGEST_AUDIENCE), index=True, unique=True)
    mailing_id: Mapped[MailingId | None] = mapped_column(sa.ForeignKey("mailings.id"), unique=True)


class CampaignText(Base):
    """What a campaign says in one language: a subject, and a body in Markdown with placeholders."""

    __tablename__ = "campaign_texts"

    campaign_id: Mapped[CampaignId] = mapped_column(sa.ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[Language] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(sa.String(200))
    body: Mapped[str] = mapped_column(sa.Text)
