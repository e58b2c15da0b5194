"""What staff do with a mail that waits: look, end what the person wants ended, forward it, or put it aside.

Each is in the audit log by who did it. Looking shows the words alone; nothing of a mail's HTML is rendered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.audit import service as audit
from consent_service.audit.service import Action
from consent_service.campaigns import queries as campaigns
from consent_service.campaigns.queries import Named
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import MessageId, PublicId, SubjectId
from consent_service.domain.kinds import Channel, ConsentStatus, Language
from consent_service.encryption import CannotDecrypt
from consent_service.inbound import forwarding, queries, receiving, service
from consent_service.inbound.models import InboundMessage
from consent_service.inbound.parsing import Mail
from consent_service.inbound.queries import Facts
from consent_service.inbound.rules import InboundState, Result
from consent_service.ledger import queries as ledger
from consent_service.mailing import queries as mailing
from consent_service.notice import queries as notice
from consent_service.preferences import service as preferences
from consent_service.subjects.models import Subject

EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Person:
    """Whom we know by the mail's author or by the message that it is about, and what they could leave."""

    public_id: PublicId
    name: str | None
    address: str | None
    purposes: Sequence[tuple[str, str]]  # code and title


@dataclass(frozen=True, slots=True)
class Opened:
    """One mail as staff see it; `mail` is None where its content was deleted or cannot be decrypted.

    campaign is the one that it answers or is about, if any.
    """

    facts: Facts
    mail: Mail | None
    person: Person | None
    campaign: Named | None


def look(session: Session, public_id: PublicId, language: Language, actor: str, at: datetime) -> Opened:
    """Records that somebody reads a mail, and returns it; `at` is aware. Raises NotFound."""
    facts = queries.facts(session, public_id)
    audit.record(session, at=at, actor=actor, action=Action.INBOX_VIEWED, target=public_id)
    return Opened(
        facts,
        _mail(session, public_id),
        _person(session, facts.subject_id, language, at),
        _campaign(session, facts.message_id, language),
    )


def _mail(session: Session, public_id: PublicId) -> Mail | None:
    content = queries.row(session, public_id).content
    try:
        return Mail.read(*receiving.opened(content, public_id)) if content is not None else None
    except CannotDecrypt:
        return None


def _campaign(session: Session, message: MessageId | None, language: Language) -> Named | None:
    mailing_id = mailing.mailing_of(session, message) if message is not None else None
    return campaigns.named(session, [mailing_id], language).get(mailing_id) if mailing_id is not None else None


def _person(session: Session, subject_id: SubjectId | None, language: Language, at: datetime) -> Person | None:
    found = session.get(Subject, subject_id) if subject_id is not None else None
    if found is None:
        return None
    standings = ledger.standings(session, found.id)
    purposes = [
        (wording.code, wording.title(language))
        for wording in notice.current_wordings(session, at)
        if wording.purpose_id in standings and standings[wording.purpose_id].status is ConsentStatus.ACTIVE
    ]
    return Person(found.public_id, found.name, found.address, purposes)


def unsubscribe(session: Session, public_id: PublicId, code: str, actor: str, at: datetime) -> SubjectId:
    """Ends a purpose, or all that is marketing, for the person who wrote; `at` is aware.

    Returns the person, whose mails in hand the caller waits for. Raises NotFound, and Refused for who is unknown.
    """
    row = _locked(session, public_id)
    if row.subject_id is None:
        raise Refused("nobody is known by this mail")
    ended = service.marketing(session, at) if code == EVERYTHING else [notice.purpose(session, code, at).purpose_id]
    evidence = {"reported": "email", "mail": public_id, "staff": actor, "at": at.isoformat()}
    preferences.leave(session, row.subject_id, ended, Channel.EMAIL, evidence, at)
    _settle(session, row, Result.UNSUBSCRIBED, actor, at, {"ended": code})
    return row.subject_id


def dismiss(session: Session, public_id: PublicId, actor: str, at: datetime) -> None:
    """Puts a mail aside that means nothing to us. Raises NotFound, and Refused where it does not wait any more."""
    row = _locked(session, public_id)
    if row.state not in queries.WAITING:
        raise Refused("the mail does not wait any more")
    _settle(session, row, Result.NOTHING, actor, at)


def forward(session: Session, public_id: PublicId, actor: str, at: datetime) -> None:
    """Sends a copy to the organisation's own mailbox. Raises NotFound, and Refused without content or mailbox."""
    row = _locked(session, public_id)
    if row.content is None:
        raise Refused("the mail's content was deleted")
    copy = forwarding.forward(session, row.content, public_id, at)
    _settle(session, row, Result.FORWARDED, actor, at, forwarded_as=copy)


def retry(session: Session, public_id: PublicId, actor: str, at: datetime) -> None:
    """Has a mail handled once more whose handling failed. Raises Refused where it did not."""
    if not receiving.take_again(session, public_id):
        raise Refused("the mail's handling did not fail")
    _record(session, public_id, actor, at, {"result": "again"})


def _locked(session: Session, public_id: PublicId) -> InboundMessage:
    """The row, for us alone until the transaction ends. Raises NotFound."""
    session.execute(sa.select(InboundMessage.id).where(InboundMessage.public_id == public_id).with_for_update())
    return queries.row(session, public_id)


def _settle(
    session: Session,
    row: InboundMessage,
    result: Result,
    actor: str,
    at: datetime,
    details: dict[str, str] | None = None,
    forwarded_as: MessageId | None = None,
) -> None:
    row.state, row.result, row.handled_at = InboundState.HANDLED, result, at
    row.forwarded_as = forwarded_as or row.forwarded_as
    _record(session, row.public_id, actor, at, {"result": result.value, **(details or {})})


def _record(session: Session, public_id: PublicId, actor: str, at: datetime, details: dict[str, str]) -> None:
    audit.record(session, at=at, actor=actor, action=Action.INBOX_ANSWERED, target=public_id, details=details)
