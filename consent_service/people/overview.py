"""All that a person's page shows, read in one go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from consent_service.domain.addresses import NormalisedAddress
from consent_service.domain.identifiers import PurposeId
from consent_service.domain.kinds import ConsentStatus, Language, LeftOut
from consent_service.inbound import queries as inbound
from consent_service.inbound.queries import Facts
from consent_service.ledger import queries as ledger
from consent_service.ledger.queries import Standing
from consent_service.notice import queries as notice
from consent_service.people import mails
from consent_service.people.mails import Shown
from consent_service.people.queries import Person
from consent_service.preferences import queries as preferences
from consent_service.preferences.queries import Happening
from consent_service.registrations import queries as registrations
from consent_service.registrations.queries import Request
from consent_service.seminars import seat_queries as seminars
from consent_service.seminars.seat_queries import RegistrationDetails
from consent_service.subjects import queries as subjects
from consent_service.subjects.queries import Lifted, Suppressed
from consent_service.surveys import queries as surveys
from consent_service.surveys.queries import Participation


@dataclass(frozen=True, slots=True)
class PurposeOfPerson:
    """One purpose, where the person stands (None: nowhere yet), and why they are not written to, if they are not."""

    code: str
    title: str
    standing: Standing | None
    wording_version: int | None
    left_out: LeftOut | None

    @property
    def can_leave(self) -> bool:
        """Whether there is something to end."""
        return self.standing is not None and self.standing.status is ConsentStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class Overview:
    """A person's page."""

    person: Person
    purposes: Sequence[PurposeOfPerson]
    suppressions: Sequence[Suppressed]
    lifted: Sequence[Lifted]
    titles: dict[PurposeId, str]
    history: Sequence[Happening]
    requests: Sequence[Request]
    mails: Sequence[Shown]
    came_in: Sequence[Facts]
    seminars: Sequence[RegistrationDetails]
    surveys: Sequence[Participation]


def overview(session: Session, person: Person, language: Language, at: datetime) -> Overview:
    """Everything about one person, with titles in a language; `at` is aware."""
    address = person.normalised_address
    return Overview(
        person=person,
        purposes=purposes_of(session, person, language, at),
        suppressions=subjects.suppressions(session, person.id),
        lifted=subjects.lifted(session, person.id),
        titles=titles(session, language, at),
        history=preferences.happenings(session, person.id, language),
        requests=registrations.of_address(session, NormalisedAddress(address)) if address else [],
        mails=mails.latest(session, person.id, language),
        came_in=inbound.of_person(session, person.id),
        seminars=seminars.registrations_of(session, person.id, at),
        surveys=surveys.participations(session, person.id, at),
    )


def titles(session: Session, language: Language, at: datetime) -> dict[PurposeId, str]:
    """The name of each purpose."""
    return {wording.purpose_id: wording.title(language) for wording in notice.current_wordings(session, at)}


def purposes_of(session: Session, person: Person, language: Language, at: datetime) -> Sequence[PurposeOfPerson]:
    """Where a person stands for each purpose."""
    standings = ledger.standings(session, person.id)
    versions = notice.wordings(session, [standing.purpose_version_id for standing in standings.values()])
    found = []
    for wording in notice.current_wordings(session, at):
        standing = standings.get(wording.purpose_id)
        found.append(
            PurposeOfPerson(
                code=wording.code,
                title=wording.title(language),
                standing=standing,
                wording_version=versions[standing.purpose_version_id].number if standing else None,
                left_out=ledger.reason_left_out(session, person.id, wording.purpose_id),
            )
        )
    return found
