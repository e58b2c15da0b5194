"""One reminder to those who registered and have not taken part. That they have is known in both modes."""

from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from consent_service import links
from consent_service.domain.kinds import Language
from consent_service.mailing import composition, rendering
from consent_service.mailing import service as mailing
from consent_service.mailing.rules import MailKind
from consent_service.subjects.models import Subject
from consent_service.surveys import queries
from consent_service.surveys.models import Survey, SurveyParticipant, SurveyTakingPart
from consent_service.surveys.queries import Details
from consent_service.surveys.rules import State

AT_ONCE = 50


def remind_next(session: Session, now: datetime) -> bool:
    """Mails some of those who are still to be reminded, each once; whether anybody was. `now` is aware."""
    survey = session.execute(
        sa.select(Survey)
        .where(Survey.reminded_at.is_not(None), Survey.is_reminder_done.is_(False))
        .order_by(Survey.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).scalar_one_or_none()
    if survey is None:
        return False
    details = queries.details(session, survey, now)
    people = _absent(session, survey) if details.state is State.OPEN else []
    for participant, subject in people:
        participant.is_reminded = True
        _mail(session, details, participant, subject, now)
    survey.is_reminder_done = not people
    return bool(people)


def _absent(session: Session, survey: Survey) -> list[tuple[SurveyParticipant, Subject]]:
    """Registered before the reminder was asked for, not reminded yet, not erased, and not taken part."""
    took_part = sa.exists().where(
        SurveyTakingPart.survey_id == survey.id, SurveyTakingPart.subject_id == SurveyParticipant.subject_id
    )
    rows = session.execute(
        sa.select(SurveyParticipant, Subject)
        .join(Subject, Subject.id == SurveyParticipant.subject_id)
        .where(
            SurveyParticipant.survey_id == survey.id,
            SurveyParticipant.is_reminded.is_(False),
            SurveyParticipant.registered_at < survey.reminded_at,
            Subject.address.is_not(None),
            ~took_part,
        )
        .order_by(SurveyParticipant.id)
        .limit(AT_ONCE)
        .with_for_update(of=Subject, read=True)
    ).all()
    return [(row.SurveyParticipant, row.Subject) for row in rows]


def _mail(session: Session, survey: Details, participant: SurveyParticipant, subject: Subject, now: datetime) -> None:
    address, language = str(subject.address), Language(subject.language)
    text = rendering.render(
        "mail/survey_reminder",
        language,
        _("You have not answered the survey yet"),
        survey=survey.text(language),
        is_anonymous=survey.is_anonymous,
        until=survey.times.closes_at,
        url=links.survey(participant.public_id, language),
    )
    mailing.enqueue(
        session,
        MailKind.SURVEY_REMINDER,
        address,
        lambda message_id: composition.single(mailing.sender(), address, text, message_id, now),
        now,
        subject.id,
    )
