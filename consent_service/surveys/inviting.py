"""One reminder to those who were invited by a campaign and have not registered: a campaign, as the invitation was."""

from datetime import datetime

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from consent_service.campaigns import queries as campaigns
from consent_service.campaigns import service as campaigning
from consent_service.campaigns.rules import Words
from consent_service.campaigns.service import Draft
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import PublicId, SubjectId
from consent_service.domain.kinds import Language
from consent_service.mailing import audiences
from consent_service.mailing import queries as mailing
from consent_service.mailing.audiences import Audience, Kind
from consent_service.subjects.models import Subject
from consent_service.surveys import block, queries
from consent_service.surveys.models import Survey, SurveyParticipant
from consent_service.surveys.rules import State

PURPOSE = "survey_invitation"


def audience(survey: PublicId) -> Audience:
    """Those who were invited to the survey and have not registered for it."""
    return audiences.audience(block.KIND, survey)


def _people(survey: PublicId) -> sa.Select[SubjectId]:
    """Registering, not answering, takes people out: nothing is written about a person when they answer."""
    registered = (
        sa.select(SurveyParticipant.subject_id)
        .join(Survey, Survey.id == SurveyParticipant.survey_id)
        .where(Survey.public_id == survey)
    )
    return sa.select(Subject.id).where(Subject.id.in_(_invited(survey)), Subject.id.not_in(registered))


def _invited(survey: PublicId) -> sa.Select[SubjectId | None]:
    return mailing.got(campaigns.mailings_with(block.placeholder(survey)))


AUDIENCE = Kind(_people, _l("Only those who were invited to the survey by a campaign and have not registered for it"))


def is_anybody_invited(session: Session, survey: PublicId) -> bool:
    """Whether an invitation has gone to anybody."""
    return session.execute(_invited(survey).limit(1)).first() is not None


def reminder(session: Session, survey: PublicId) -> PublicId | None:
    """The campaign that reminds of this survey, also a draft; None where there is none."""
    return campaigns.to_audience(session, audience(survey))


def write_reminder(session: Session, public_id: PublicId, actor: str, at: datetime) -> PublicId:
    """Writes the campaign, as a draft to be checked and sent; there is one in a survey's life. `at` is aware.

    Raises NotFound, and Refused where the survey is not open, nobody was invited, or there is one already.
    """
    survey = queries.survey(session, public_id, at)
    if survey.state is not State.OPEN:
        raise Refused("people are reminded while the survey is open")
    if reminder(session, public_id) is not None or not is_anybody_invited(session, public_id):
        raise Refused("those who were invited are reminded once")
    draft = Draft(PURPOSE, {language: _words(public_id, language) for language in survey.texts})
    return campaigning.create(session, draft, actor, at, audience(public_id))


def _words(survey: PublicId, language: Language) -> Words:
    with force_locale(language.value):
        return Words(
            _("There is still time for our survey"),
            "\n\n".join(
                (
                    "{{greeting}},",
                    _("we have invited you to a survey and would be glad to hear from you. Taking part is voluntary."),
                    block.placeholder(survey),
                    _("If you have no time for it, you need not do anything: we remind you only this once."),
                )
            ),
        )
