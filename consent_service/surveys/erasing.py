"""What erasing a person means for surveys (GDPR Art. 17).

Answers with a name go. Anonymous ones stay: nobody can tell which they are, so they are nobody's (recital 26).
"""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service import clock
from consent_service.domain.identifiers import PublicId, SubjectId
from consent_service.surveys import queries, taking_part
from consent_service.surveys.models import SurveyParticipant, SurveyRequest


def count_of(session: Session, subject_id: SubjectId) -> int:
    """How many surveys a person has registered for."""
    return session.execute(
        sa.select(sa.func.count()).select_from(SurveyParticipant).where(SurveyParticipant.subject_id == subject_id)
    ).scalar_one()


def forget(session: Session, subject_id: SubjectId) -> None:
    """Deletes registrations, that the person took part, and answers with their name; the caller holds the lock."""
    for one in queries.participations(session, subject_id, clock.now()):
        taking_part.forget_response(session, one.survey, subject_id)
    session.execute(sa.delete(SurveyParticipant).where(SurveyParticipant.subject_id == subject_id))


def forget_requests(session: Session, registrations: Collection[PublicId]) -> None:
    """Deletes which surveys these registrations were for."""
    session.execute(sa.delete(SurveyRequest).where(SurveyRequest.registration.in_(registrations)))
