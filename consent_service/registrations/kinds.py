"""What each kind of registration adds to the double opt-in that all of them share.

Registrations stand below the features in the layers: a feature registers its handler when the application is
made, and is called with plain values. One that asks for nothing but consent is `sign_up.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from flask_babel import LazyString
from sqlalchemy.orm import Session

from consent_service.domain.identifiers import PublicId, PurposeVersionId, SubjectId
from consent_service.domain.kinds import Language
from consent_service.evidence.service import Evidence
from consent_service.registrations.rules import RegistrationKind


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A registration at the moment of its confirmation; times are aware, in UTC.

    `versions` are the wordings whose boxes were ticked: their consents are in the ledger already. `click` is the
    evidence of pressing the button.
    """

    registration: PublicId
    subject_id: SubjectId
    address: str
    language: Language
    requested_at: datetime
    versions: Sequence[PurposeVersionId]
    click: Evidence
    at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """A page that tells at once what the confirmation has led to."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The address to which the confirmation leads on."""

    url: str


Following = Shown | Elsewhere


class Handler(Protocol):
    """One kind of registration: its words, and what follows from a confirmation."""

    @property
    def folder(self) -> str:
        """Where templates are looked for first: `can_confirm.html` and the other outcomes of a link."""

    @property
    def mail_template(self) -> str:
        """The confirmation mail, without its ending. It repeats nothing that was typed and advertises nothing."""

    @property
    def mail_subject(self) -> LazyString:
        """The subject of the confirmation mail."""

    def about(self, session: Session, registration: PublicId, language: Language) -> Any:
        """What the page behind the link shows besides the ticked boxes, for its template; None where it is gone."""

    def on_confirmed(self, session: Session, confirmed: Confirmed) -> Following:
        """What a confirmation leads to, in its transaction, with the mail that stands in for the welcome mail.

        The person's lock is held, then the registration's; whatever else is to be locked comes after them.
        """

    def on_ended(self, session: Session, registrations: Sequence[PublicId], at: datetime) -> None:
        """Forgets what the feature kept for registrations that ended without a confirmation."""


_handlers: dict[RegistrationKind, Handler] = {}


def register(kind: RegistrationKind, handler: Handler) -> None:
    """Says who handles a kind; to be called when an application is made."""
    _handlers[kind] = handler


def handler(kind: RegistrationKind) -> Handler:
    """Who handles this kind. Raises KeyError where no feature has registered for it."""
    return _handlers[kind]
