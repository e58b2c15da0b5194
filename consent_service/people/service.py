"""What staff do with a person: look, search, prove, and end what the person wants ended. All of it is recorded."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from consent_service.audit import service as audit
from consent_service.audit.service import Action
from consent_service.domain.addresses import normalise
from consent_service.domain.identifiers import PublicId, SubjectId
from consent_service.domain.kinds import Channel
from consent_service.notice import queries as notice
from consent_service.people import queries
from consent_service.people.proof import Proof, prove
from consent_service.people.queries import Person
from consent_service.people.rules import Reported, SearchBy
from consent_service.preferences import service as preferences
from consent_service.subjects import service as subjects


def note_search(session: Session, by: SearchBy, actor: str, at: datetime) -> None:
    """Records that somebody searched, without what for."""
    audit.record(session, at=at, actor=actor, action=Action.PEOPLE_SEARCHED, details={"by": by.value})


def look_at(session: Session, public_id: PublicId, actor: str, at: datetime) -> Person:
    """Records that somebody looks at a person, and returns who it is. Raises NotFound."""
    person = queries.person(session, public_id)
    audit.record(session, at=at, actor=actor, action=Action.PERSON_VIEWED, target=public_id)
    return person


def prove_by_id(session: Session, public_id: PublicId, actor: str, at: datetime) -> Proof:
    """Makes and records the proof about a person. Raises NotFound."""
    return _prove(session, queries.person(session, public_id), actor, at)


def prove_by_address(session: Session, address: str, actor: str, at: datetime) -> Proof:
    """Makes and records the proof about whoever has this address. Raises InvalidAddress and NotFound."""
    return _prove(session, queries.person_by_address(session, normalise(address)), actor, at)


def _prove(session: Session, person: Person, actor: str, at: datetime) -> Proof:
    audit.record(session, at=at, actor=actor, action=Action.PROOF_MADE, target=person.public_id)
    return prove(session, person, at)


@dataclass(frozen=True, slots=True)
class LeavingRequest:
    """What a person told us to end: codes of purposes, how they told us, and what staff noted about it."""

    codes: Collection[str]
    reported: Reported
    note: str
    actor: str


def withdraw(session: Session, public_id: PublicId, asked: LeavingRequest, at: datetime) -> SubjectId:
    """Ends purposes on the person's request; `at` is aware. Raises NotFound.

    Returns the person, whose mails in hand the caller waits for before it answers.
    """
    person = queries.person(session, public_id)
    ended = [wording.purpose_id for wording in notice.current_wordings(session, at) if wording.code in asked.codes]
    evidence = {"reported": asked.reported.value, "note": asked.note, "staff": asked.actor, "at": at.isoformat()}
    preferences.leave(session, person.id, ended, Channel.STAFF, evidence, at)
    audit.record(
        session,
        at=at,
        actor=asked.actor,
        action=Action.PERSON_WITHDRAWN,
        target=public_id,
        details={"purposes": sorted(asked.codes), "reported": asked.reported.value},
    )
    return person.id


def lift_bounce(session: Session, public_id: PublicId, reason: str, actor: str, at: datetime) -> bool:
    """Lets mail go again to an address that it came back from; whether something stood in the way. Raises NotFound.

    Nothing else is lifted: who unsubscribed or complained comes back by their own double opt-in alone.
    """
    person = queries.person(session, public_id)
    subjects.lock(session, person.id)
    if not subjects.lift_bounce(session, person.id, reason, at):
        return False
    # The reason may name the person; it stands with the suppression, not in the log.
    audit.record(session, at=at, actor=actor, action=Action.BOUNCE_LIFTED, target=public_id)
    return True
