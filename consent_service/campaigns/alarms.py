"""What staff are warned of about campaigns, and what has paused them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.campaigns.models import Campaign, CampaignText
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.extensions import settings
from consent_service.mailing.models import Mailing, MailingAlarm
from consent_service.mailing.rules import AlarmKind, MailingState


@dataclass(frozen=True, slots=True)
class CampaignAlarm:
    """An alarm about a campaign, since when (aware, in UTC), and the share of its mails that came back.

    `stale_hours` is how long a campaign may go without getting out.
    """

    public_id: PublicId
    subject: str
    kind: AlarmKind
    at: datetime
    share: float | None
    is_pause: bool
    stale_hours: int


def of_campaign(session: Session, public_id: PublicId) -> Sequence[CampaignAlarm]:
    """What is not settled yet about one campaign."""
    return _alarms(session, Campaign.public_id == public_id)


def since(session: Session, at: datetime) -> Sequence[CampaignAlarm]:
    """What pauses campaigns now, and what staff were warned of since then (aware)."""
    is_paused = sa.and_(MailingAlarm.is_pause, Mailing.state == MailingState.PAUSED)
    return _alarms(session, sa.or_(is_paused, MailingAlarm.at >= at))


def _alarms(session: Session, which: sa.ColumnElement[bool]) -> Sequence[CampaignAlarm]:
    german_first = sa.case((CampaignText.language == Language.GERMAN, 0), else_=1)
    subject = (
        sa.select(CampaignText.subject)
        .where(CampaignText.campaign_id == Campaign.id)
        .order_by(german_first)
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(
            Campaign.public_id,
            subject.label("subject"),
            MailingAlarm.kind,
            MailingAlarm.at,
            MailingAlarm.share,
            MailingAlarm.is_pause,
        )
        .join(Mailing, Mailing.id == MailingAlarm.mailing_id)
        .join(Campaign, Campaign.mailing_id == Mailing.id)
        .where(MailingAlarm.settled_at.is_(None), which)
        .order_by(MailingAlarm.is_pause.desc(), MailingAlarm.id.desc())
    )
    stale_hours = int(settings().thresholds.stale_after.total_seconds() // 3600)
    return [
        CampaignAlarm(one.public_id, one.subject, one.kind, one.at, one.share, one.is_pause, stale_hours)
        for one in rows
    ]
