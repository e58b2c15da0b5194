"""What the first page shows. Nothing here counts people, and no count goes on for ever: as fast at ten million."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from consent_service.campaigns import alarms
from consent_service.campaigns import queries as campaigns
from consent_service.campaigns.alarms import CampaignAlarm
from consent_service.campaigns.queries import Details
from consent_service.domain.kinds import ConsentStatus, Language, LegalBasis
from consent_service.inbound import queries as inbound
from consent_service.ledger import queries as ledger
from consent_service.limits import queries as limits
from consent_service.limits.queries import PausedProvider
from consent_service.mailing import queries as mailing
from consent_service.mailing import troubles
from consent_service.mailing.queries import Glance
from consent_service.mailing.troubles import Trouble
from consent_service.notice import queries as notice
from consent_service.notice.queries import Wording
from consent_service.registrations import queries as registrations

LATE = timedelta(minutes=2)
ALARM_LASTS = timedelta(days=1)
COUNTED_AT_MOST = 10_000
CAMPAIGNS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class PurposeNumbers:
    """How many people stand where for one purpose."""

    title: str
    is_by_consent: bool
    active: int
    ended: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The service at a glance. Of what waits, only up to `COUNTED_AT_MOST` is counted."""

    purposes: Sequence[PurposeNumbers]
    waiting_for_confirmation: int
    outbox: Glance
    troubles: Sequence[Trouble]
    is_worker_missing: bool
    campaigns: Sequence[Details]
    inbox: int
    refused_for_policy: int
    alarms: Sequence[CampaignAlarm]
    paused_providers: Sequence[PausedProvider]

    @property
    def is_empty(self) -> bool:
        """Whether nothing has happened here yet."""
        has_people = any(numbers.active or numbers.ended for numbers in self.purposes)
        return not (has_people or self.waiting_for_confirmation or self.campaigns)


def overview(session: Session, language: Language, now: datetime) -> Overview:
    """All numbers at `now` (aware), with titles in a language."""
    counts = ledger.counts(session)
    outbox = mailing.glance(session, now, LATE, COUNTED_AT_MOST)
    return Overview(
        purposes=[
            _numbers(wording, counts.get(wording.purpose_id, {}), language)
            for wording in notice.current_wordings(session, now)
        ],
        waiting_for_confirmation=registrations.waiting_for_confirmation(session, now, COUNTED_AT_MOST),
        outbox=outbox,
        troubles=troubles.lasting(session, now) if outbox.waiting else (),
        is_worker_missing=outbox.is_stuck or registrations.is_undecided_since(session, now - LATE),
        campaigns=campaigns.page(session, 1, now).campaigns[:CAMPAIGNS_SHOWN],
        inbox=inbound.count_waiting(session, COUNTED_AT_MOST),
        refused_for_policy=mailing.refused_for_policy(session, now - ALARM_LASTS, COUNTED_AT_MOST),
        alarms=alarms.since(session, now - ALARM_LASTS),
        paused_providers=limits.paused(session),
    )


def _numbers(wording: Wording, by_status: Mapping[ConsentStatus, int], language: Language) -> PurposeNumbers:
    active = by_status.get(ConsentStatus.ACTIVE, 0)
    return PurposeNumbers(
        title=wording.title(language),
        is_by_consent=wording.basis is LegalBasis.CONSENT,
        active=active,
        ended=sum(by_status.values()) - active,
    )
