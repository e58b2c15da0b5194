"""Erasing a person (GDPR Art. 17).

What says who it was is emptied and the keys of the evidence are destroyed; the ledger's lines stay as they
are, and so does the digest that stops an import from bringing the address back.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from consent_service.audit import service as audit
from consent_service.audit.service import Action
from consent_service.domain.addresses import NormalisedAddress, normalise
from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import PublicId, SubjectId
from consent_service.domain.kinds import Channel, ConsentStatus, SuppressionReason
from consent_service.evidence import service as evidence_service
from consent_service.imports import service as imports
from consent_service.inbound import forgetting
from consent_service.inbound.forgetting import Whose
from consent_service.ledger import queries as ledger_queries
from consent_service.ledger import service as ledger
from consent_service.mailing import service as mailing
from consent_service.mailing.service import Traces
from consent_service.registrations import queries as registration_queries
from consent_service.registrations import service as registrations
from consent_service.seminars import seating
from consent_service.subjects import service as subjects
from consent_service.surveys import erasing as surveys


@dataclass(frozen=True, slots=True)
class Erasure:
    """What erasing an address means, or meant: numbers, and no address."""

    person: SubjectId | None
    public_id: PublicId | None
    active_purposes: int
    events_kept: int
    registrations: int
    messages: int
    import_rows: int
    inbound_mails: int
    seminar_registrations: int
    surveys: int
    traces: Traces


def foresee(session: Session, address: str) -> Erasure:
    """What erasing this address would do. Raises InvalidAddress, and NotFound where nothing is known of it."""
    normalised = normalise(address)
    person = subjects.find(session, normalised)
    standings = ledger_queries.standings(session, person.id) if person else {}
    requests = registrations.traces(session, normalised)
    spellings = {address.strip(), normalised, *requests.spellings, *([person.address] if person else [])}
    traces = Traces(
        subject_id=person.id if person else None,
        recipients=frozenset(spelling for spelling in spellings if spelling),
        messages=requests.messages,
    )
    found = Erasure(
        person=person.id if person else None,
        public_id=person.public_id if person else None,
        active_purposes=sum(standing.status is ConsentStatus.ACTIVE for standing in standings.values()),
        events_kept=len(ledger_queries.history(session, person.id)) if person else 0,
        registrations=requests.number,
        messages=mailing.count_traces(session, traces),
        import_rows=imports.count_rows_of(session, normalised),
        inbound_mails=forgetting.count(session, Whose(traces, subjects.suppression_digest(normalised))),
        seminar_registrations=seating.count_of(session, person.id) if person else 0,
        surveys=surveys.count_of(session, person.id) if person else 0,
        traces=traces,
    )
    if person is None and not (found.registrations or found.messages or found.import_rows or found.inbound_mails):
        raise NotFound("nothing is known of this address")
    return found


def erase(session: Session, address: str, actor: str, at: datetime) -> Erasure:
    """Erases an address and whoever has it; `at` is aware. Raises InvalidAddress and NotFound.

    The caller waits for mails in hand after the commit, empties once more what they left (`empty_messages`),
    and has the database forget (`database.forget_deleted`).
    """
    normalised = normalise(address)
    known = subjects.find(session, normalised)
    if known is not None:
        subjects.lock(session, known.id)
    found = foresee(session, address)
    if found.person is not None:
        _end_consents(session, found.person, at)
    subjects.suppress(session, subjects.suppression_digest(normalised), None, SuppressionReason.ERASED, at)
    _forget(session, normalised, found, at)
    audit.record(
        session,
        at=at,
        actor=actor,
        action=Action.PERSON_ERASED,
        target=found.public_id,
        details={"registrations": found.registrations, "messages": found.messages, "import_rows": found.import_rows},
    )
    return found


def _end_consents(session: Session, person: SubjectId, at: datetime) -> None:
    for purpose_id in ledger_queries.standings(session, person):
        ledger.leave(session, person, purpose_id, at, Channel.SYSTEM, {"reason": "erasure", "at": at.isoformat()})


def _forget(session: Session, address: NormalisedAddress, found: Erasure, at: datetime) -> None:
    if found.person is not None:
        seating.forget(session, found.person, at)  # before the mails: until then somebody may still write one
        surveys.forget(session, found.person)
    surveys.forget_requests(session, [one.public_id for one in registration_queries.of_address(session, address)])
    registrations.erase(session, address)
    forgetting.erase(session, Whose(found.traces, subjects.suppression_digest(address)))
    mailing.empty(session, found.traces)
    imports.delete_rows_of(session, address)
    if found.person is not None:
        subjects.erase(session, found.person, at)
        evidence_service.destroy_person(session, found.person)


def empty_messages(session: Session, found: Erasure) -> None:
    """Empties what a mail that was still in hand during the erasure has written since."""
    mailing.empty(session, found.traces)
