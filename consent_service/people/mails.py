"""The latest mails to a person, each with the campaign that it belongs to and why it did not arrive."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from consent_service.campaigns import queries as campaigns
from consent_service.campaigns.queries import Named
from consent_service.domain.identifiers import SubjectId
from consent_service.domain.kinds import Language
from consent_service.mailing import queries as mailing
from consent_service.mailing.diagnosis import classify, status_in
from consent_service.mailing.queries import Mail
from consent_service.mailing.rules import BounceKind, MessageState

_WAITING = (MessageState.QUEUED, MessageState.CLAIMED, MessageState.HANDING, MessageState.DEFERRED)
_REFUSED = (*_WAITING, MessageState.FAILED, MessageState.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Shown:
    """A mail as the person's page shows it; campaign is None for a single mail."""

    mail: Mail
    campaign: Named | None

    @property
    def is_waiting(self) -> bool:
        """Whether it has still to go."""
        return self.mail.state in _WAITING

    @property
    def refusal(self) -> str | None:
        """What the server said the last time, where it did not take the mail."""
        return self.mail.reply if self.mail.state in _REFUSED else None

    @property
    def status(self) -> str | None:
        """Why the mail came back or was not taken, as a status (RFC 3463); None where the server gave none."""
        if self.mail.returned is not None:
            return self.mail.returned.status
        return status_in(self.refusal) if self.refusal else None

    @property
    def why(self) -> BounceKind | None:
        """The same as a kind."""
        if self.mail.returned is not None:
            return self.mail.returned.classification
        return classify(self.status, self.refusal) if self.refusal else None


def latest(session: Session, subject_id: SubjectId, language: Language) -> Sequence[Shown]:
    """The latest mails to a person, newest first, with campaigns named in a language."""
    mails = mailing.of_person(session, subject_id)
    named = campaigns.named(session, {mail.mailing_id for mail in mails if mail.mailing_id is not None}, language)
    return [Shown(mail, named.get(mail.mailing_id) if mail.mailing_id is not None else None) for mail in mails]
