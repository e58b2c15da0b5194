"""The example organisation: its texts, a staff account, and people as the public forms and imports leave them."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from consent_service.demo import seminars, surveys
from consent_service.domain.identifiers import SubjectId
from consent_service.domain.kinds import Channel, EventKind, Language, LegalBasis
from consent_service.evidence import service as evidence
from consent_service.ledger import service as ledger
from consent_service.notice import queries as notice
from consent_service.notice import service as texts
from consent_service.preferences import service as preferences
from consent_service.staff import service as staff
from consent_service.subjects import service as subjects

STAFF_ADDRESS = "marketing@beispiel.example"
TEXTS = Path(__file__).with_name("texts.toml")
AGE = timedelta(days=180)
CONFIRMED, CUSTOMERS, EVERY_NTH_LEAVES = 30, 12, 6
FIRST_NAMES = ("Anna", "Bernd", "Clara", "Deniz", "Emil", "Frieda", "Goran", "Hanna", "Ilse", "Jonas")
LAST_NAMES = ("Beispiel", "Muster", "Probst", "Exempel")
OFFERED = ("newsletter", "seminar_information", "survey_invitation")


def seed(session: Session, password_hash: str, now: datetime) -> None:
    """Fills an empty database as if the organisation had used it for half a year; the hash is the staff account's."""
    began = now - AGE
    texts.publish(session, texts.read(TEXTS.read_text(encoding="utf-8")), began)
    staff.add(session, STAFF_ADDRESS, password_hash, began)
    people = [
        _add_person(session, number, began + (AGE - timedelta(days=2)) * number / (CONFIRMED + CUSTOMERS))
        for number in range(CONFIRMED + CUSTOMERS)
    ]
    surveys.seed(session, people[:CONFIRMED], now)
    seminars.seed(session, STAFF_ADDRESS, now)


def _add_person(session: Session, number: int, at: datetime) -> SubjectId:
    first, last = FIRST_NAMES[number % len(FIRST_NAMES)], LAST_NAMES[number // len(FIRST_NAMES) % len(LAST_NAMES)]
    person = subjects.find_or_add(
        session,
        f"{first}.{last}{number + 1}@example.org".lower(),
        language=Language.ENGLISH if number % 5 == 0 else Language.GERMAN,
        name=f"{first} {last}",
        at=at,
    )
    if number < CONFIRMED:
        for code in OFFERED[: 1 + number % len(OFFERED)]:
            _begin(session, person, code, at)
    else:
        _begin(session, person, "customer_information", at)
    if number % EVERY_NTH_LEAVES == EVERY_NTH_LEAVES - 1:
        left = at + timedelta(days=1)
        preferences.leave_everything(session, person, Channel.LINK, {"at": left.isoformat(), "source": "demo"}, left)
    return person


def _begin(session: Session, person: SubjectId, code: str, at: datetime) -> None:
    wording = notice.purpose(session, code, at)
    by_consent = wording.basis is LegalBasis.CONSENT
    given = ledger.Consent(
        subject_id=person,
        purpose_id=wording.purpose_id,
        purpose_version_id=wording.version_id,
        kind=EventKind.CONFIRMED if by_consent else EventKind.IMPORTED,
        basis=wording.basis,
        at=at,
        channel=Channel.LINK if by_consent else Channel.IMPORT,
        requested_at=at - timedelta(minutes=5) if by_consent else None,
        notice_id=notice.current_notice(session, at).id,
    )
    ledger.begin(session, given, {"source": "demo", "at": at.isoformat()}, evidence.new_data_key(session, person, at))
