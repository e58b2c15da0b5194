"""Reads for the settings page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.errors import NotFound
from consent_service.domain.identifiers import PublicId, PurposeId, SubjectId
from consent_service.domain.kinds import Channel, ConsentStatus, EventKind, Language
from consent_service.ledger import queries as ledger
from consent_service.notice import queries as notice
from consent_service.subjects.models import Subject


@dataclass(frozen=True, slots=True)
class Choice:
    """One purpose and where the person stands; `since` is aware, in UTC."""

    code: str
    title: str
    wording: str
    status: ConsentStatus | None
    since: datetime | None

    @property
    def is_active(self) -> bool:
        """Whether the person is written to for this."""
        return self.status is ConsentStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the person's own history, with the wording it was about."""

    kind: EventKind
    at: datetime
    channel: Channel
    title: str
    wording: str
    version: int


@dataclass(frozen=True, slots=True)
class Person:
    """Whose settings a link opens."""

    id: SubjectId
    name: str | None
    address: str


def person(session: Session, public_id: PublicId) -> Person:
    """The person that a settings link names. Raises NotFound, also for one who was erased."""
    row = session.execute(sa.select(Subject).where(Subject.public_id == public_id)).scalar_one_or_none()
    if row is None or row.address is None:
        raise NotFound("no such person")
    return Person(row.id, row.name, row.address)


def choices(session: Session, subject_id: SubjectId, language: Language, at: datetime) -> Sequence[Choice]:
    """Every purpose that is offered or that the person has to do with, in the order of the form."""
    standings = ledger.standings(session, subject_id)
    return [
        Choice(
            wording.code,
            wording.words[language].title,
            wording.words[language].wording,
            standings[wording.purpose_id].status if wording.purpose_id in standings else None,
            standings[wording.purpose_id].since if wording.purpose_id in standings else None,
        )
        for wording in notice.current_wordings(session, at)
        if wording.offered or wording.purpose_id in standings
    ]


def happenings(session: Session, subject_id: SubjectId, language: Language) -> Sequence[Happening]:
    """The person's own consent history, newest first, each with the very wording."""
    entries = ledger.history(session, subject_id)
    wordings = notice.wordings(session, [entry.purpose_version_id for entry in entries])
    return [
        Happening(
            entry.kind,
            entry.at,
            entry.channel,
            wordings[entry.purpose_version_id].words[language].title,
            wordings[entry.purpose_version_id].words[language].wording,
            wordings[entry.purpose_version_id].number,
        )
        for entry in reversed(entries)
    ]


def purpose_id(session: Session, code: str, at: datetime) -> PurposeId:
    """The purpose with this code. Raises NotFound."""
    return notice.purpose(session, code, at).purpose_id


def title_of_link(session: Session, link: PublicId, language: Language) -> str:
    """The name of the purpose that a one-click link ends. Raises NotFound."""
    target = ledger.unsubscribe_target(session, link)
    if target is None:
        raise NotFound("no such unsubscribe link")
    return notice.all_wordings(session, target.purpose_id)[-1].title(language)
