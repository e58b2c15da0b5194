"""The proof of a person's consents: everything that design I3 asks for, as plain values that JSON can hold.

Times are ISO 8601 in UTC. Complete at any time (GDPR Art. 7(1); BGH, I ZR 164/09), except for evidence
that was destroyed when its time was over or the person was erased; that is then said.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from consent_service.domain.identifiers import NoticeId
from consent_service.evidence import service as evidence_service
from consent_service.extensions import settings
from consent_service.ledger import queries as ledger
from consent_service.ledger.queries import Entry
from consent_service.notice import queries as notice
from consent_service.notice.queries import Wording
from consent_service.people.queries import Person
from consent_service.subjects import queries as subjects
from consent_service.surveys import queries as surveys

FORMAT = "consent-service proof 1"
Proof = dict[str, Any]


def prove(session: Session, person: Person, at: datetime) -> Proof:
    """The whole proof about one person, made at `at` (aware)."""
    entries = ledger.history(session, person.id)
    wordings = notice.wordings(session, [entry.purpose_version_id for entry in entries])
    editions = notice.notice_numbers(session)
    organisation = settings().organisation
    return {
        "format": FORMAT,
        "made_at": at.isoformat(),
        "controller": {
            "name": organisation.name,
            "postal_address": organisation.postal_address,
            "email": organisation.email,
        },
        "person": {
            "id": person.public_id,
            "address": person.address,
            "name": person.name,
            "language": person.language.value,
            "known_since": person.created_at.isoformat(),
            "erased_at": _iso(person.erased_at),
        },
        "suppressions": _suppressions(session, person, at),
        "events": [_event(session, entry, wordings[entry.purpose_version_id], editions) for entry in entries],
        "surveys": _surveys(session, person, at),
        "privacy_notices": _notices(
            session, {editions[entry.notice_id] for entry in entries if entry.notice_id is not None}
        ),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _suppressions(session: Session, person: Person, at: datetime) -> list[dict[str, Any]]:
    codes = {wording.purpose_id: wording.code for wording in notice.current_wordings(session, at)}
    return [
        {
            "purpose": codes[standing.purpose_id] if standing.purpose_id is not None else None,
            "reason": standing.reason.value,
            "since": standing.since.isoformat(),
        }
        for standing in subjects.suppressions(session, person.id)
    ]


def _surveys(session: Session, person: Person, at: datetime) -> list[dict[str, Any]]:
    """Registrations for surveys, and what was answered with a name; of anonymous answers nobody can say whose."""
    return [
        {
            "id": one.survey.public_id,
            "title": one.survey.text(person.language).title,
            "mode": one.survey.mode.value,
            "registered_at": one.registered_at.isoformat(),
            "took_part_on": one.took_part_on.isoformat() if one.took_part_on else None,
            "answers": [{"question": question, "answer": lines} for question, lines in one.answered(person.language)],
        }
        for one in surveys.participations(session, person.id, at)
    ]


def _event(session: Session, entry: Entry, wording: Wording, editions: Mapping[NoticeId, int]) -> dict[str, Any]:
    key = evidence_service.data_key(session, entry.data_key_id)
    return {
        "id": entry.public_id,
        "kind": entry.kind.value,
        "purpose": wording.code,
        "legal_basis": entry.basis.value,
        "at": entry.at.isoformat(),
        "requested_at": _iso(entry.requested_at),
        "channel": entry.channel.value,
        "registration": entry.registration,
        "wording": {
            "version": wording.number,
            "valid_from": wording.valid_from.isoformat(),
            "sha256": wording.digest.hex(),
            "third_parties": list(wording.third_parties),
            "texts": {
                language.value: {"title": words.title, "wording": words.wording}
                for language, words in wording.words.items()
            },
        },
        "privacy_notice": editions[entry.notice_id] if entry.notice_id is not None else None,
        "evidence_destroyed": key is None,
        "evidence": evidence_service.open_box(key, entry.box, entry.public_id) if key is not None else None,
    }


def _notices(session: Session, numbers: Collection[int]) -> list[dict[str, Any]]:
    editions = [notice.notice(session, number) for number in sorted(numbers)]
    return [
        {
            "number": edition.number,
            "valid_from": edition.valid_from.isoformat(),
            "sha256": edition.digest.hex(),
            "texts": {language.value: body for language, body in edition.bodies.items()},
        }
        for edition in editions
    ]
