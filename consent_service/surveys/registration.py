"""Registering for a survey: the double opt-in that all registrations share, and what its confirmation leads to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask_babel import LazyString
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from consent_service import links
from consent_service.database import insert
from consent_service.domain.errors import NotFound, Refused
from consent_service.domain.identifiers import PublicId, SurveyId, new_public_id
from consent_service.domain.kinds import Language
from consent_service.evidence.service import Evidence
from consent_service.mailing import composition, rendering
from consent_service.mailing import service as mailing
from consent_service.mailing.rules import MailKind
from consent_service.notice import queries as notice
from consent_service.notice.queries import PrivacyNotice, Wording
from consent_service.registrations import service as registrations
from consent_service.registrations import sign_up
from consent_service.registrations.kinds import Confirmed, Elsewhere, Following
from consent_service.registrations.rules import RegistrationKind
from consent_service.subjects.models import Subject
from consent_service.surveys import inviting, queries
from consent_service.surveys.models import Survey, SurveyParticipant, SurveyRequest
from consent_service.surveys.queries import Details
from consent_service.surveys.rules import State


@dataclass(frozen=True, slots=True)
class Wish:
    """What the form of a survey brought, and the wordings and notice that it showed."""

    survey: Details
    address: str
    language: Language
    ticked: Collection[str]  # references of wordings
    shown: Sequence[Wording]
    notice: PrivacyNotice
    form_url: str


def register(session: Session, wish: Wish, source: Evidence, at: datetime) -> None:
    """Writes the request, with the evidence of what was shown. Raises InvalidAddress, Refused for a closed survey."""
    if wish.survey.state is not State.OPEN:
        raise Refused("the survey is not open")
    ticked = [wording for wording in wish.shown if wording.reference in wish.ticked]
    evidence: Evidence = {
        **source,
        "at": at.isoformat(),
        "form": wish.form_url,
        "language": wish.language.value,
        "wordings": {wording.reference: wording.digest.hex() for wording in ticked},
        "notice": wish.notice.number,
    }
    asked = registrations.Request(
        kind=RegistrationKind.SURVEY,
        address=wish.address,
        name=None,
        language=wish.language,
        versions=[wording.version_id for wording in ticked],
        notice_id=wish.notice.id,
        evidence=evidence,
    )
    _request(session, wish.survey.id, asked, at)


def ask_for_fresh_link(
    session: Session, public_id: PublicId, language: Language, source: Evidence, at: datetime
) -> None:
    """Has a fresh link mailed to a participant, as for a registration: whoever holds the old one learns nothing.

    Raises InvalidLink.
    """
    who = queries.participation(session, public_id, at)
    address = session.execute(sa.select(Subject.address).where(Subject.id == who.subject_id)).scalar_one()
    if address is None:
        raise NotFound("the person was erased")
    asked = registrations.Request(
        kind=RegistrationKind.SURVEY,
        address=address,
        name=None,
        language=language,
        versions=(),
        notice_id=notice.current_notice(session, at).id,
        evidence={**source, "at": at.isoformat()},
    )
    _request(session, who.survey.id, asked, at)


def _request(session: Session, survey: SurveyId, asked: registrations.Request, at: datetime) -> None:
    registration = registrations.request(session, asked, at)
    session.add(SurveyRequest(registration=registration, survey_id=survey))


class SurveyRegistration:
    """What the shared double opt-in asks of surveys."""

    folder = "surveys/registration"
    mail_template = "mail/survey_confirmation"

    @property
    def mail_subject(self) -> LazyString:
        """The subject of the confirmation mail."""
        return _("Your way to the survey")

    def about(self, session: Session, registration: PublicId, language: Language) -> dict[str, object] | None:
        """The survey's title and mode, for the page with the button."""
        survey = session.execute(
            sa.select(Survey)
            .join(SurveyRequest, SurveyRequest.survey_id == Survey.id)
            .where(SurveyRequest.registration == registration)
        ).scalar_one_or_none()
        if survey is None:
            return None
        title = queries.title(session, survey.id, language)
        return {"title": title, "public_id": survey.public_id, "mode": survey.mode.value}

    def on_confirmed(self, session: Session, confirmed: Confirmed) -> Following:
        """Notes the participant; mails the personal link to a new one, and no reminder; leads on to the survey."""
        survey_id = session.execute(
            sa.select(SurveyRequest.survey_id).where(SurveyRequest.registration == confirmed.registration)
        ).scalar_one()
        public_id, is_new = _participant(session, survey_id, confirmed)
        if is_new:
            survey = _survey(session, survey_id, confirmed.at)
            mailing.leave_audience(session, inviting.audience(survey.public_id), confirmed.subject_id)
            _mail_link(session, survey, public_id, confirmed)
        if confirmed.versions:
            sign_up.welcome(session, confirmed)
        return Elsewhere(links.fresh_survey(public_id, confirmed.language))

    def on_ended(self, session: Session, registrations: Sequence[PublicId], at: datetime) -> None:
        """Forgets which survey the requests were for."""
        session.execute(sa.delete(SurveyRequest).where(SurveyRequest.registration.in_(registrations)))


SURVEY_REGISTRATION = SurveyRegistration()


def _participant(session: Session, survey_id: SurveyId, confirmed: Confirmed) -> tuple[PublicId, bool]:
    """The participant, and whether it is a new one."""
    statement = insert(session, SurveyParticipant).values(
        public_id=new_public_id(),
        survey_id=survey_id,
        subject_id=confirmed.subject_id,
        registered_at=confirmed.at,
        is_reminded=False,
    )
    added = session.execute(
        statement.on_conflict_do_nothing(index_elements=["survey_id", "subject_id"]).returning(
            SurveyParticipant.public_id
        )
    ).scalar_one_or_none()
    if added is not None:
        return added, True
    known = session.execute(
        sa.select(SurveyParticipant.public_id).where(
            SurveyParticipant.survey_id == survey_id, SurveyParticipant.subject_id == confirmed.subject_id
        )
    ).scalar_one()
    return known, False


def _survey(session: Session, survey_id: SurveyId, at: datetime) -> Details:
    survey = session.execute(sa.select(Survey).where(Survey.id == survey_id)).scalar_one()
    return queries.details(session, survey, at)


def _mail_link(session: Session, survey: Details, public_id: PublicId, confirmed: Confirmed) -> None:
    text = rendering.render(
        "mail/survey_link",
        confirmed.language,
        _("Your link to the survey"),
        survey=survey.text(confirmed.language),
        is_anonymous=survey.is_anonymous,
        until=survey.times.closes_at,
        url=links.survey(public_id, confirmed.language),
    )
    mailing.enqueue(
        session,
        MailKind.SURVEY_LINK,
        confirmed.address,
        lambda message_id: composition.single(mailing.sender(), confirmed.address, text, message_id, confirmed.at),
        confirmed.at,
        confirmed.subject_id,
    )
