"""Registering for a seminar: the request at the public form, and what its confirmation leads to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from consent_service import clock, links
from consent_service.database import table
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import PublicId, SeminarId
from consent_service.domain.kinds import Channel, Language
from consent_service.evidence.service import Evidence
from consent_service.localisation import current_language
from consent_service.notice.queries import PrivacyNotice, Wording
from consent_service.registrations import service as registrations
from consent_service.registrations.kinds import Confirmed, Shown
from consent_service.registrations.rules import RegistrationKind
from consent_service.registrations.sign_up import welcome
from consent_service.seminars import mails, queries, seat_queries, seating
from consent_service.seminars.mails import Mail, More
from consent_service.seminars.models import SeminarRequest
from consent_service.seminars.queries import Details
from consent_service.seminars.rules import Outcome, SeatState
from consent_service.subjects.models import Subject

_INSERT_REQUEST = sa.insert(table(SeminarRequest))


@dataclass(frozen=True, slots=True)
class Wish:
    """What the form brought, and the wordings and notice that it showed."""

    seminar: Details
    address: str
    name: str | None
    mail_language: Language
    shown_language: Language
    answers: dict[str, str]
    ticked: Collection[str]  # references of wordings
    shown: Sequence[Wording]
    notice: PrivacyNotice
    form_url: str


def register(session: Session, wish: Wish, source: Evidence, at: datetime) -> PublicId:
    """Writes down the request, whoever it is from; `at` is aware. Raises InvalidAddress, Refused where it is closed."""
    if not wish.seminar.takes_registrations:
        raise Refused("the seminar does not take registrations now")
    ticked = [wording for wording in wish.shown if wording.reference in wish.ticked]
    asked = registrations.Request(
        kind=RegistrationKind.SEMINAR,
        address=wish.address,
        name=wish.name,
        language=wish.mail_language,
        versions=[wording.version_id for wording in ticked],
        notice_id=wish.notice.id,
        evidence={
            **source,
            "at": at.isoformat(),
            "form": wish.form_url,
            "language": wish.shown_language.value,
            "wordings": {wording.reference: wording.digest.hex() for wording in ticked},
            "notice": wish.notice.number,
        },
    )
    registration = registrations.request(session, asked, at)
    columns = {"registration": registration, "seminar_id": wish.seminar.id, "answers": wish.answers}
    session.execute(_INSERT_REQUEST, columns)
    return registration


class SeminarKind:
    """What the double opt-in does for seminars: a confirmation takes a place, or one on the waiting list."""

    folder = "seminars"
    mail_template = "mail/seminar/confirmation"

    @property
    def mail_subject(self) -> LazyString:
        """The subject of the confirmation mail; it does not name the seminar, for titles can advertise."""
        return _l("Please confirm your registration for a seminar")

    def about(self, session: Session, registration: PublicId, language: Language) -> Details | None:
        """The seminar."""
        return queries.of_request(session, registration, clock.now())

    def on_confirmed(self, session: Session, confirmed: Confirmed) -> Shown:
        """Assigns the place and says so, at once and by mail. Who gets none leaves nothing here."""
        asked = session.execute(
            sa.delete(SeminarRequest)
            .where(SeminarRequest.registration == confirmed.registration)
            .returning(SeminarRequest.seminar_id, SeminarRequest.answers)
        ).one_or_none()
        if asked is None:
            raise Refused("the seminar of this registration is gone")
        return _seat(session, confirmed, asked.seminar_id, asked.answers)

    def on_ended(self, session: Session, ended: Sequence[PublicId], at: datetime) -> None:
        """Deletes what was answered."""
        session.execute(sa.delete(SeminarRequest).where(SeminarRequest.registration.in_(ended)))


SEMINAR = SeminarKind()
_STATES = {Outcome.PLACE: SeatState.PLACE, Outcome.WAITING: SeatState.WAITING}
_MAILS = {Outcome.PLACE: Mail.PLACE, Outcome.WAITING: Mail.WAITING}


def _seat(session: Session, confirmed: Confirmed, seminar_id: SeminarId, answers: dict[str, str]) -> Shown:
    seminar = seating.lock(session, seminar_id)
    outcome = seating.assign(session, seminar, confirmed.subject_id, confirmed.at)
    if outcome in _STATES:
        seat = seating.take(
            session,
            seminar,
            confirmed.subject_id,
            _STATES[outcome],
            confirmed.at,
            language=confirmed.language,
            channel=Channel.LINK,
            registration=confirmed.registration,
            answers=answers,
        )
    elif confirmed.versions:
        welcome(session, confirmed)
    about = queries.details(session, seminar, confirmed.at)
    values = {
        "seminar": about,
        "outcome": outcome,
        "has_consented": bool(confirmed.versions),
        "language_of": current_language(),
    }
    if outcome not in _STATES:
        return Shown("seminars/told.html", values)
    has = seat_queries.seat_details(session, seat)
    more = More(settings_url=_settings_url(session, confirmed) if confirmed.versions else None)
    mails.send(session, _MAILS[outcome], about, has, confirmed.at, more)
    url = links.seminar_registration(has.public_id, confirmed.language)
    return Shown("seminars/told.html", {**values, "seat": has, "url": url})


def _settings_url(session: Session, confirmed: Confirmed) -> str:
    subject = session.execute(sa.select(Subject.public_id).where(Subject.id == confirmed.subject_id)).scalar_one()
    return links.marketing_settings(subject, confirmed.language)
