"""Reads: the last check, whether one is under way, and what a campaign's sender should know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.deliverability.models import DeliverabilityCheck
from consent_service.deliverability.rules import findings
from consent_service.deliverability.rules.findings import CampaignWarning, Check, Finding, Level


@dataclass(frozen=True, slots=True)
class LastCheck:
    """What the last check found, and when (aware, in UTC)."""

    finished_at: datetime
    findings: Sequence[Finding]

    @property
    def level(self) -> Level:
        """The worst of it."""
        return findings.worst(self.findings)

    @property
    def wrong(self) -> list[Check]:
        """Where something is red."""
        return [check for check, found in self.by_check().items() if findings.worst(found) is Level.RED]

    def by_check(self) -> dict[Check, list[Finding]]:
        """Its findings, by what was looked at."""
        return {check: found for check in Check if (found := [one for one in self.findings if one.check is check])}


def last(session: Session) -> LastCheck | None:
    """The last finished check; None where none was ever made."""
    row = session.execute(
        sa.select(DeliverabilityCheck)
        .where(DeliverabilityCheck.finished_at.is_not(None))
        .order_by(DeliverabilityCheck.finished_at.desc(), DeliverabilityCheck.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    if row is None or row.finished_at is None:
        return None
    return LastCheck(row.finished_at, [Finding.read(one) for one in row.findings or ()])


def under_way_since(session: Session) -> datetime | None:
    """When the check was asked for that is not finished yet; None where there is none."""
    return session.execute(
        sa.select(sa.func.min(DeliverabilityCheck.requested_at)).where(DeliverabilityCheck.finished_at.is_(None))
    ).scalar_one()


def warning(session: Session, people: int) -> CampaignWarning | None:
    """What to say before a campaign to so many people is sent."""
    made = last(session)
    return findings.warning(made.findings if made else None, people)
