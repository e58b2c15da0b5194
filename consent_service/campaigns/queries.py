"""Reads of campaigns: the list, one of them, and whom it would reach."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.campaigns import rules
from consent_service.campaigns.models import Campaign, CampaignText
from consent_service.campaigns.rules import Act, Reach, State, Words
from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import CampaignId, MailingId, PublicId, PurposeId
from consent_service.domain.kinds import Language
from consent_service.ledger import queries as ledger
from consent_service.mailing import queries as mailing
from consent_service.mailing import troubles
from consent_service.mailing.models import Mailing
from consent_service.mailing.queries import Progress
from consent_service.mailing.troubles import Trouble
from consent_service.notice import queries as notice
from consent_service.notice.queries import Wording

PER_PAGE = 20


@dataclass(frozen=True, slots=True)
class Details:
    """One campaign with its words, how far it is, and what keeps or kept it from going on; times are aware, in UTC."""

    public_id: PublicId
    wording: Wording
    state: State
    created_at: datetime
    created_by: str
    changed_at: datetime
    texts: dict[Language, Words]
    progress: Progress | None
    troubles: Sequence[Trouble] = ()

    @property
    def acts(self) -> frozenset[Act]:
        """What can be done with it now."""
        return rules.acts(self.state)

    @property
    def subject(self) -> str:
        """What the campaign is called: its German subject, or that of the language there is."""
        words = self.texts.get(Language.GERMAN) or next(iter(self.texts.values()), None)
        return words.subject if words else ""

    @property
    def digest(self) -> str:
        """What somebody has seen who checked the campaign as it is now: its purpose's wording, and every word."""
        return rules.digest(self.wording.version_id, self.texts)

    @property
    def is_complete(self) -> bool:
        """Whether it could be sent."""
        return rules.is_complete(self.texts)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list, newest first, and how many campaigns there are."""

    campaigns: Sequence[Details]
    total: int


def page(session: Session, number: int, at: datetime) -> Page:
    """The page of this number, from 1; `at` is aware. Progress is counted only of what is still on its way."""
    rows = session.execute(
        sa.select(Campaign, Mailing.state)
        .outerjoin(Mailing, Mailing.id == Campaign.mailing_id)
        .order_by(Campaign.id.desc())
        .limit(PER_PAGE)
        .offset((number - 1) * PER_PAGE)
    ).all()
    total = session.execute(sa.select(sa.func.count()).select_from(Campaign)).scalar_one()
    texts = _texts(session, [row.Campaign.id for row in rows])
    wordings = _wordings(session, at)
    return Page([_details(session, row, texts[row.Campaign.id], wordings, at_work_only=True) for row in rows], total)


def campaign(session: Session, public_id: PublicId, at: datetime) -> Details:
    """The campaign with this id; `at` is aware. Raises NotFound."""
    row = session.execute(
        sa.select(Campaign, Mailing.state)
        .outerjoin(Mailing, Mailing.id == Campaign.mailing_id)
        .where(Campaign.public_id == public_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no campaign {public_id!r}")
    found = _details(session, row, _texts(session, [row.Campaign.id])[row.Campaign.id], _wordings(session, at))
    if found.progress is None:
        return found
    return replace(found, troubles=_met(troubles.latest(session, at), found.progress))


def _met(latest: Sequence[Trouble], progress: Progress) -> Sequence[Trouble]:
    """Those that keep what waits from going out, or that came and went while the campaign was being sent."""
    return [
        trouble
        for trouble in latest
        if (trouble.ended_at is None and progress.waiting)
        or (
            trouble.ended_at is not None
            and trouble.ended_at >= progress.started_at
            and (progress.finished_at is None or trouble.since <= progress.finished_at)
        )
    ]


def _texts(session: Session, campaigns: Sequence[CampaignId]) -> dict[CampaignId, dict[Language, Words]]:
    found: dict[CampaignId, dict[Language, Words]] = {campaign_id: {} for campaign_id in campaigns}
    rows = session.execute(sa.select(CampaignText).where(CampaignText.campaign_id.in_(campaigns))).scalars()
    for row in sorted(rows, key=lambda row: list(Language).index(row.language)):
        found[row.campaign_id][row.language] = Words(row.subject, row.body)
    return found


def _wordings(session: Session, at: datetime) -> dict[PurposeId, Wording]:
    return {wording.purpose_id: wording for wording in notice.current_wordings(session, at)}


def _details(
    session: Session,
    row: Any,
    texts: dict[Language, Words],
    wordings: dict[PurposeId, Wording],
    at_work_only: bool = False,
) -> Details:
    found: Campaign = row.Campaign
    state = rules.state(row.state)
    is_counted = found.mailing_id is not None and (not at_work_only or state in (State.RUNNING, State.PAUSED))
    return Details(
        public_id=found.public_id,
        wording=wordings[found.purpose_id],
        state=state,
        created_at=found.created_at,
        created_by=found.created_by,
        changed_at=found.changed_at,
        texts=texts,
        progress=mailing.progress(session, MailingId(found.mailing_id)) if is_counted and found.mailing_id else None,
    )


def reach(session: Session, purpose_id: PurposeId) -> Reach:
    """How many the purpose reaches at this moment, and how many are left out and why."""
    return rules.reach(ledger.numbers_left_out(session, purpose_id))
