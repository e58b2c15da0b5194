"""What an event from outside leads to: the one way for mails that came back, and for webhooks of mail providers.

A report is believed for a message that it names by something only its recipient could know (the signed
envelope sender, our Message-ID, a one-click token). An address alone counts only where whoever reported was
authenticated (`is_address_enough`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from consent_service.database import Digest
from consent_service.domain.addresses import normalise
from consent_service.domain.errors import InvalidAddress, InvalidLink
from consent_service.domain.identifiers import PublicId, PurposeId, SubjectId
from consent_service.domain.kinds import Channel, LegalBasis, SuppressionReason
from consent_service.evidence.service import Evidence
from consent_service.inbound.rules import Result, ReturnedKind
from consent_service.ledger import queries as ledger
from consent_service.links import TEST_MAIL
from consent_service.mailing import returns
from consent_service.mailing.diagnosis import classify
from consent_service.mailing.returns import Bounce, Sent
from consent_service.mailing.rules import BounceKind
from consent_service.notice import queries as notice
from consent_service.preferences import service as preferences
from consent_service.registrations import service as registrations
from consent_service.subjects import service as subjects

_MARKETING = (LegalBasis.CONSENT, LegalBasis.LEGITIMATE_INTEREST)


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back, from whichever door.

    message: the outbox message's public id (from the envelope sender or the Message-ID); link: what a genuine
    one-click token names; address: whom the report names, believed only with `is_address_enough`. status is
    RFC 3463's; classification is made from status and text where it is None. evidence says where the event
    comes from; it is kept, encrypted, with a withdrawal or objection. `at` is aware: when it happened.
    """

    kind: ReturnedKind
    at: datetime
    message: PublicId | None = None
    link: PublicId | None = None
    address: str | None = None
    is_address_enough: bool = False
    classification: BounceKind | None = None
    status: str | None = None
    text: str = ""
    channel: Channel = Channel.EMAIL
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Handled:
    """What came of an event, and the person and message it was about, where known.

    A caller that has somebody waiting for its answer waits first, after the commit, until nothing to the
    person is in hand (`mailing.service.wait_until_not_in_hand`).
    """

    result: Result
    subject_id: SubjectId | None = None
    message: Sent | None = None


@dataclass(frozen=True, slots=True)
class _About:
    """Whom and what an event is about, as far as it can be believed."""

    message: Sent | None = None
    subject_id: SubjectId | None = None
    purpose_id: PurposeId | None = None
    digest: Digest | None = None  # an address that is nobody's whom we know


def handle(session: Session, returned: Returned, at: datetime) -> Handled:
    """Does what an event means, at once and once however often it comes; `at` (aware) is now."""
    if returned.link == TEST_MAIL:
        return Handled(Result.NOTHING)
    about = _about(session, returned)
    if about is None:
        return Handled(Result.UNMATCHED)
    act = {
        ReturnedKind.BOUNCE: _bounce,
        ReturnedKind.COMPLAINT: _complaint,
        ReturnedKind.UNSUBSCRIBE: _unsubscribe,
    }[returned.kind]
    return Handled(act(session, returned, about, at), about.subject_id, about.message)


def _about(session: Session, returned: Returned) -> _About | None:
    message = returns.find(session, returned.message) if returned.message else None
    if message is not None and (message.subject_id is not None or returned.kind is ReturnedKind.BOUNCE):
        return _About(message, message.subject_id, message.purpose_id)
    target = ledger.unsubscribe_target(session, returned.link) if returned.link else None
    if target is not None:
        return _About(
            message or _complained_of(session, returned, target.subject_id, target.purpose_id),
            target.subject_id,
            target.purpose_id,
        )
    address = message.recipient if message is not None else returned.address if returned.is_address_enough else None
    found = _by_address(session, address) if address else None
    return _About(message, found.subject_id, None, found.digest) if found else None


def _complained_of(session: Session, returned: Returned, subject_id: SubjectId, purpose_id: PurposeId) -> Sent | None:
    """Providers that black out the Message-ID leave the link: it counts for the latest campaign of that purpose."""
    if returned.kind is not ReturnedKind.COMPLAINT:
        return None
    return returns.latest(session, subject_id, purpose_id)


def _by_address(session: Session, address: str) -> _About | None:
    try:
        normalised = normalise(address)
    except InvalidAddress:
        return None
    person = subjects.find(session, normalised)
    if person is not None:
        return _About(subject_id=person.id)
    return _About(digest=subjects.suppression_digest(normalised))


def _bounce(session: Session, returned: Returned, about: _About, at: datetime) -> Result:
    kind = returned.classification or classify(returned.status, returned.text)
    bounce = Bounce(kind, returned.status, returned.text)
    if about.message is not None:
        return Result.SUPPRESSED if returns.bounced(session, about.message, bounce, at) else Result.NOTED
    if about.subject_id is None or not returns.is_gone(bounce):
        return Result.NOTED
    subjects.lock(session, about.subject_id)
    subjects.suppress_subject(session, about.subject_id, SuppressionReason.BOUNCED, at)
    return Result.SUPPRESSED


def _complaint(session: Session, returned: Returned, about: _About, at: datetime) -> Result:
    """Withdraws or objects, by the purpose's basis, and suppresses the address for every purpose."""
    if about.subject_id is not None:
        _leave(session, returned, about.subject_id, about.purpose_id)
        subjects.suppress_subject(session, about.subject_id, SuppressionReason.COMPLAINED, at)
    elif about.digest is not None:
        subjects.suppress(session, about.digest, None, SuppressionReason.COMPLAINED, at)
    if about.message is not None:
        _cancel_requests(session, about.message, at)
        returns.complained(session, about.message, returned.text, at)
    return Result.COMPLAINED


def _cancel_requests(session: Session, message: Sent, at: datetime) -> None:
    """Who takes a confirmation mail for unwanted did not ask for it."""
    if message.recipient is not None:
        registrations.cancel_open(session, normalise(message.recipient), notice.purpose_ids(session), at)


def _unsubscribe(session: Session, returned: Returned, about: _About, at: datetime) -> Result:
    if returned.link is not None:
        try:
            preferences.unsubscribe(session, returned.link, returned.channel, _evidence(returned), returned.at)
        except InvalidLink:
            return Result.UNMATCHED
        return Result.UNSUBSCRIBED
    if about.subject_id is None:
        return Result.UNMATCHED
    _leave(session, returned, about.subject_id, about.purpose_id)
    return Result.UNSUBSCRIBED


def _leave(session: Session, returned: Returned, subject_id: SubjectId, purpose_id: PurposeId | None) -> None:
    """Ends the purpose that it is about; where none is named, everything that is marketing."""
    ended = marketing(session, returned.at) if purpose_id is None else [purpose_id]
    preferences.leave(session, subject_id, ended, returned.channel, _evidence(returned), returned.at)


def marketing(session: Session, at: datetime) -> Collection[PurposeId]:
    """The purposes that a person may end by a word: by consent, or by legitimate interest (Art. 21(2))."""
    return [wording.purpose_id for wording in notice.current_wordings(session, at) if wording.basis in _MARKETING]


def _evidence(returned: Returned) -> Evidence:
    return {**(returned.evidence or {}), "reported": returned.kind.value, "at": returned.at.isoformat()}
