"""The registration that asks for consent and nothing else: the newsletter form, and giving anew."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from flask_babel import LazyString
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from consent_service import links
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.mailing import composition, rendering
from consent_service.mailing import service as mailing
from consent_service.mailing.rules import MailKind
from consent_service.registrations.kinds import Confirmed, Shown
from consent_service.subjects.models import Subject


class SignUp:
    """Welcomes, and shows the way to the settings."""

    folder = "registrations"
    mail_template = "mail/confirmation"

    @property
    def mail_subject(self) -> LazyString:
        """The subject of the confirmation mail."""
        return _("Please confirm your registration")

    def about(self, session: Session, registration: PublicId, language: Language) -> None:
        """Nothing: the ticked boxes say it all."""

    def on_confirmed(self, session: Session, confirmed: Confirmed) -> Shown:
        """Mails the welcome."""
        settings_url = welcome(session, confirmed)
        return Shown("registrations/confirmed.html", {"settings_url": settings_url})

    def on_ended(self, session: Session, registrations: Sequence[PublicId], at: datetime) -> None:
        """Nothing: no rows but the registration's own are kept."""


SIGN_UP = SignUp()


def welcome(session: Session, confirmed: Confirmed) -> str:
    """Mails that the consents hold, and the way to leave; returns the address of the settings."""
    subject = session.execute(sa.select(Subject.public_id).where(Subject.id == confirmed.subject_id)).scalar_one()
    url = links.marketing_settings(subject, confirmed.language)
    text = rendering.render("mail/welcome", confirmed.language, _("Your registration is complete"), url=url)
    mailing.enqueue(
        session,
        MailKind.WELCOME,
        confirmed.address,
        lambda message_id: composition.single(mailing.sender(), confirmed.address, text, message_id, confirmed.at),
        confirmed.at,
        confirmed.subject_id,
    )
    return url
