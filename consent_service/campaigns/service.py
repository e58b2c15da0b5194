"""Use cases of campaigns: write, try, send, and steer what is under way. Each is in the audit log by who did it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.audit import service as audit
from consent_service.audit.service import Action
from consent_service.campaigns import blocks, composing, queries, rules
from consent_service.campaigns.models import Campaign, CampaignText
from consent_service.campaigns.rules import PLACEHOLDERS, Act, Problem, Words
from consent_service.domain.addresses import mailbox, normalise
from consent_service.domain.errors import NotFound, Refused
from consent_service.domain.identifiers import PublicId, PurposeId, new_public_id
from consent_service.domain.kinds import Language
from consent_service.mailing import retrying, watching
from consent_service.mailing import service as mailing
from consent_service.mailing.audiences import Audience
from consent_service.mailing.composition import MailingText
from consent_service.mailing.outcomes import FailureKind
from consent_service.mailing.rules import MailingState, MailKind
from consent_service.notice import queries as notice

_SAID = {
    Problem.NO_SUBJECT: "the subject is missing",
    Problem.NO_BODY: "the text is missing",
    Problem.TOO_LONG: f"a subject has at most {rules.LONGEST_SUBJECT} characters, a text {rules.LONGEST_BODY}",
    Problem.PLACEHOLDER_IN_LINK: "a placeholder cannot stand in the address of a link",
}


class ChangedSinceCheck(Refused):
    """The campaign, or the wording of its purpose, is not any more what was checked."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wrote: the purpose's code, and the words per language."""

    purpose: str
    texts: Mapping[Language, Words]


def check_draft(session: Session, draft: Draft, at: datetime) -> PurposeId:
    """The draft's purpose. Raises Refused that says what is wrong with the words, NotFound for an unknown purpose."""
    if not rules.is_complete(draft.texts):
        raise Refused("a campaign needs at least a German subject and text")
    for language, words in draft.texts.items():
        unknown = rules.unknown_placeholders(words.subject) + rules.unknown_placeholders(words.body, with_blocks=True)
        allowed = " and ".join(PLACEHOLDERS)
        said = {**_SAID, Problem.UNKNOWN_PLACEHOLDER: f"{', '.join(unknown)} is no placeholder; there are {allowed}"}
        for problem in rules.problems(words):
            raise Refused(f"{language.value}: {said[problem]}")
    return notice.purpose(session, draft.purpose, at).purpose_id


def create(session: Session, draft: Draft, actor: str, at: datetime, audience: Audience | None = None) -> PublicId:
    """Keeps a new draft; `at` is aware. With an audience it goes to nobody else, and is the only one to it.

    Raises Refused for what cannot be sent, NotFound for an unknown purpose.
    """
    campaign = Campaign(
        public_id=new_public_id(),
        purpose_id=check_draft(session, draft, at),
        created_at=at,
        created_by=actor,
        changed_at=at,
        audience=audience,
    )
    session.add(campaign)
    session.flush()
    _keep_texts(session, campaign, draft)
    _record(session, campaign, actor, at, "created")
    return campaign.public_id


def change(session: Session, public_id: PublicId, draft: Draft, actor: str, at: datetime) -> None:
    """Replaces a draft's purpose and words. Raises as `create`, and Refused once the campaign was sent."""
    campaign = _draft(session, public_id)
    campaign.purpose_id = check_draft(session, draft, at)
    campaign.changed_at = at
    session.execute(sa.delete(CampaignText).where(CampaignText.campaign_id == campaign.id))
    _keep_texts(session, campaign, draft)
    _record(session, campaign, actor, at, "changed")


def delete(session: Session, public_id: PublicId, actor: str, at: datetime) -> None:
    """Throws a draft away. Raises NotFound, and Refused once the campaign was sent."""
    campaign = _draft(session, public_id)
    session.execute(sa.delete(CampaignText).where(CampaignText.campaign_id == campaign.id))
    session.delete(campaign)
    _record(session, campaign, actor, at, "deleted")


def send_test(session: Session, public_id: PublicId, recipient: str, actor: str, at: datetime) -> int:
    """Mails the campaign to one address, once in each of its languages; how many mails. Raises InvalidAddress."""
    details = queries.campaign(session, public_id, at)
    address = mailbox(recipient, normalise(recipient))
    for language, words in blocks.filled(session, details.texts, at).items():
        text = composing.mailing_text(public_id, details.wording, language, words)
        compose = partial(_test_mail, text, language, address, at)
        mailing.enqueue(session, MailKind.TEST, address, compose, at)
    audit.record(session, at=at, actor=actor, action=Action.TEST_MAIL_SENT, target=public_id)
    return len(details.texts)


def _test_mail(text: MailingText, language: Language, address: str, at: datetime, message_id: str) -> bytes:
    return composing.test_mail(text, language, address, message_id, at)


def send(session: Session, public_id: PublicId, checked: str, actor: str, at: datetime) -> None:
    """Starts the mailing to all who may be written to; the worker carries it out.

    `checked` is the digest of what was checked (`Details.digest`). Raises NotFound, Refused, and ChangedSinceCheck
    where something else would be sent.
    """
    campaign = _draft(session, public_id)
    details = queries.campaign(session, public_id, at)
    if not details.is_complete:
        raise Refused("a campaign needs at least a German subject and text")
    if details.digest != checked:
        raise ChangedSinceCheck("the campaign, or its purpose's wording, has changed since it was checked")
    filled = blocks.filled(session, details.texts, at)
    if blocks.is_unfilled(filled):
        raise Refused("a block names something that is not announced")
    texts = {
        language: composing.mailing_text(public_id, details.wording, language, words)
        for language, words in filled.items()
    }
    campaign.mailing_id = mailing.start(session, campaign.purpose_id, texts, at, campaign.audience)
    _record(session, campaign, actor, at, "sent")


_BECOMES = {
    Act.PAUSE: MailingState.PAUSED,
    Act.RESUME: MailingState.RUNNING,
    Act.CANCEL: MailingState.CANCELLED,
}


def steer(session: Session, public_id: PublicId, act: Act, actor: str, at: datetime) -> None:
    """Pauses, resumes or cancels what is under way. Raises NotFound, and Refused where it is past that."""
    campaign = _locked(session, public_id)
    if campaign.mailing_id is None:
        raise Refused("the campaign was not sent yet")
    mailing.change(session, campaign.mailing_id, _BECOMES[act], at)
    if act is not Act.PAUSE:
        watching.settle(session, campaign.mailing_id, at)
    _record(session, campaign, actor, at, _BECOMES[act].value)


def send_failed_again(
    session: Session, public_id: PublicId, kinds: Collection[FailureKind], actor: str, at: datetime
) -> None:
    """Has those messages go out again that failed for these reasons; the worker carries it out, `at` is aware.

    Raises NotFound, and Refused for a draft, a cancelled campaign, and where no message failed or may go again.
    """
    campaign = _locked(session, public_id)
    if campaign.mailing_id is None:
        raise Refused("the campaign was not sent yet")
    retrying.ask(session, campaign.mailing_id, kinds, at)
    _record(session, campaign, actor, at, f"failed sent again: {', '.join(sorted(kinds))}")


def _locked(session: Session, public_id: PublicId) -> Campaign:
    """The campaign, for us alone until the transaction ends: nobody sends it twice or changes it meanwhile."""
    campaign = session.execute(
        sa.select(Campaign).where(Campaign.public_id == public_id).with_for_update()
    ).scalar_one_or_none()
    if campaign is None:
        raise NotFound(f"there is no campaign {public_id!r}")
    return campaign


def _draft(session: Session, public_id: PublicId) -> Campaign:
    campaign = _locked(session, public_id)
    if campaign.mailing_id is not None:
        raise Refused("the campaign was sent already")
    return campaign


def _keep_texts(session: Session, campaign: Campaign, draft: Draft) -> None:
    session.add_all(
        CampaignText(campaign_id=campaign.id, language=language, subject=words.subject, body=words.body)
        for language, words in draft.texts.items()
    )
    session.flush()


def _record(session: Session, campaign: Campaign, actor: str, at: datetime, what: str) -> None:
    audit.record(
        session,
        at=at,
        actor=actor,
        action=Action.CAMPAIGN_CHANGED,
        target=campaign.public_id,
        details={"what": what},
    )
