"""Reads of campaigns: the list, one of them, and whom it would reach."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import LazyString
from sqlalchemy.orm import Session

from consent_service.campaigns import rules
from consent_service.campaigns.models import Campaign, CampaignText
from consent_service.campaigns.rules import Act, Reach, State, Words
from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import CampaignId, MailingId, PublicId, PurposeId
from consent_service.domain.kinds import Language
from consent_service.ledger import queries as ledger
from consent_service.limits.queries import PausedProvider
from consent_service.mailing import audiences, counting, troubles
from consent_service.mailing import queries as mailing
from consent_service.mailing.audiences import Audience
from consent_service.mailing.counting import Progress
from consent_service.mailing.models import Mailing
from consent_service.mailing.rules import MailingState
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
    mailing_id: MailingId | None
    progress: Progress | None
    audience: Audience | None
    troubles: Sequence[Trouble] = ()
    paused_providers: Sequence[PausedProvider] = ()

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
    def limited_to(self) -> LazyString | None:
        """Whom it goes to among those who may be written to, as staff read it; None: to all of them."""
        return audiences.words(self.audience) if self.audience else None

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
    if found.progress is None or found.mailing_id is None:
        return found
    return replace(
        found,
        troubles=_met(troubles.latest(session, at), found.progress),
        paused_providers=mailing.paused_providers(session, found.mailing_id) if found.state is State.RUNNING else (),
    )


def _met(latest: Sequence[Trouble], progress: Progress) -> Sequence[Trouble]:
    """Those that keep what waits from going out, or that came and went while the campaign was being sent."""
    return [
        trouble
        for trouble in latest
        if (trouble.ended_at is None and progress.state is MailingState.RUNNING)
        or (
            trouble.ended_at is not None
            and trouble.ended_at >= progress.started_at
            and (progress.finished_at is None or trouble.since <= progress.finished_at)
        )
    ]


@dataclass(frozen=True, slots=True)
class Sent:
    """A campaign that was sent, and its mailing."""

    campaign: Details
    mailing_id: MailingId
    progress: Progress


def sent(session: Session, public_id: PublicId, at: datetime) -> Sent:
    """The campaign with this id, which was sent; `at` is aware. Raises NotFound, also for a draft."""
    found = campaign(session, public_id, at)
    if found.mailing_id is None or found.progress is None:
        raise NotFound("the campaign was not sent yet")
    return Sent(found, found.mailing_id, found.progress)


def _texts(session: Session, campaigns: Sequence[CampaignId]) -> dict[CampaignId, dict[Language, Words]]:
    found: dict[CampaignId, dict[Language, Words]] = {campaign_id: {} for campaign_id in campaigns}
    rows = session.execute(sa.select(CampaignText).where(CampaignText.campaign_id.in_(campaigns))).scalars()
    for row in sorted(rows, key=lambda row: list(Language).index(row.language)):
        found[row.campaign_id][row.language] = Words(row.subject, row.body)
    return found


@dataclass(frozen=True, slots=True)
class Named:
    """A campaign by its number and what it is called."""

    public_id: PublicId
    subject: str


def named(session: Session, mailings: Collection[MailingId], language: Language) -> dict[MailingId, Named]:
    """The campaigns that these mailings belong to, each by its subject in this language, or in another it has."""
    rows = session.execute(
        sa.select(Campaign.id, Campaign.mailing_id, Campaign.public_id).where(Campaign.mailing_id.in_(mailings))
    ).all()
    texts = _texts(session, [row.id for row in rows])
    found = {}
    for row in rows:
        words = texts[row.id].get(language) or next(iter(texts[row.id].values()))
        found[row.mailing_id] = Named(row.public_id, words.subject)
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
        mailing_id=found.mailing_id,
        progress=counting.progress(session, found.mailing_id) if is_counted and found.mailing_id else None,
        audience=found.audience,
    )


def reach(session: Session, campaign: Details) -> Reach:
    """How many it would reach at this moment, and how many of its audience are left out and why."""
    purpose_id = campaign.wording.purpose_id
    if campaign.audience is None:
        return rules.reach(ledger.numbers_left_out(session, purpose_id))
    return rules.reach(ledger.numbers_left_out_among(session, purpose_id, audiences.people(campaign.audience)))


def to_audience(session: Session, audience: Audience) -> PublicId | None:
    """The campaign that is limited to this audience, also a draft."""
    return session.execute(sa.select(Campaign.public_id).where(Campaign.audience == audience)).scalar_one_or_none()


def mailings_with(written: str) -> sa.Select[MailingId | None]:
    """The mailings of the campaigns in whose texts this is written, such as a block."""
    return (
        sa.select(Campaign.mailing_id)
        .join(CampaignText, CampaignText.campaign_id == Campaign.id)
        .where(CampaignText.body.contains(written, autoescape=True), Campaign.mailing_id.is_not(None))
    )
