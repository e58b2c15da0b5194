"""Reads for the settings page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.domain.errors import InvalidLink
from consent_service.domain.identifiers import PublicId, PurposeId, SubjectId
from consent_service.domain.kinds import Channel, EventKind, Language
from consent_service.ledger import queries as ledger
from consent_service.ledger.queries import Standing
from consent_service.notice import queries as notice
from consent_service.notice.queries import Wording
from consent_service.preferences.rules import Place, place
from consent_service.subjects import queries as subjects
from consent_service.subjects.models import Subject
from consent_service.subjects.queries import Suppressed


@dataclass(frozen=True, slots=True)
class Choice:
    """One purpose and where the person stands; `since` is aware, in UTC."""

    code: str
    title: str
    wording: str
    place: Place
    since: datetime | None

    @property
    def can_leave(self) -> bool:
        """Whether there is something to unsubscribe from."""
        return self.place in (Place.REGISTERED, Place.STOPPED)


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the person's own history, with the wording and the privacy notice it was about; aware, in UTC."""

    kind: EventKind
    at: datetime
    requested_at: datetime | None
    channel: Channel
    notice_number: int | None
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
    """The person that a settings link names. Raises InvalidLink, also for one who was erased."""
    row = session.execute(sa.select(Subject).where(Subject.public_id == public_id)).scalar_one_or_none()
    if row is None or row.address is None:
        raise InvalidLink("no such person any more")
    return Person(row.id, row.name, row.address)


def choices(session: Session, subject_id: SubjectId, language: Language, at: datetime) -> Sequence[Choice]:
    """Every purpose that is offered or that the person has to do with, in the order of the form."""
    standings = ledger.standings(session, subject_id)
    suppressions = subjects.suppressions(session, subject_id)
    return [
        _choice(wording, language, standings.get(wording.purpose_id), suppressions)
        for wording in notice.current_wordings(session, at)
        if wording.offered or wording.purpose_id in standings
    ]


def _choice(
    wording: Wording, language: Language, standing: Standing | None, suppressions: Sequence[Suppressed]
) -> Choice:
    against = [s.since for s in suppressions if s.purpose_id in (None, wording.purpose_id)]
    where = place(standing.status if standing else None, bool(against))
    is_by_suppression = where is Place.STOPPED or standing is None
    return Choice(
        code=wording.code,
        title=wording.title(language),
        wording=wording.words[language].wording,
        place=where,
        since=min(against, default=None) if is_by_suppression else standing.since if standing else None,
    )


def happenings(session: Session, subject_id: SubjectId, language: Language) -> Sequence[Happening]:
    """The person's own consent history, newest first, each with the very wording."""
    entries = ledger.history(session, subject_id)
    wordings = notice.wordings(session, [entry.purpose_version_id for entry in entries])
    editions = notice.notice_numbers(session)
    return [
        Happening(
            kind=entry.kind,
            at=entry.at,
            requested_at=entry.requested_at,
            channel=entry.channel,
            notice_number=editions[entry.notice_id] if entry.notice_id is not None else None,
            title=wordings[entry.purpose_version_id].title(language),
            wording=wordings[entry.purpose_version_id].words[language].wording,
            version=wordings[entry.purpose_version_id].number,
        )
        for entry in reversed(entries)
    ]


def purpose_id(session: Session, code: str, at: datetime) -> PurposeId:
    """The purpose with this code. Raises NotFound."""
    return notice.purpose(session, code, at).purpose_id


def title_of_link(session: Session, link: PublicId, language: Language) -> str:
    """The name of the purpose that a one-click link ends. Raises InvalidLink where it names nothing here."""
    target = ledger.unsubscribe_target(session, link)
    if target is None:
        raise InvalidLink("no such unsubscribe link")
    return notice.all_wordings(session, target.purpose_id)[-1].title(language)
