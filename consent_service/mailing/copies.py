"""From a message that may go out to the envelope that is handed over: a copy of a mailing, or a single mail."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa
from flask_babel import force_locale, gettext

from consent_service import links
from consent_service.database import reading
from consent_service.domain.identifiers import MailingId, PublicId
from consent_service.domain.kinds import Language
from consent_service.evidence.service import keyring
from consent_service.extensions import settings
from consent_service.mailing import provider_headers
from consent_service.mailing.addresses import envelope_sender, message_id
from consent_service.mailing.composition import Person, Slot, Template, WayOut, has_way_out
from consent_service.mailing.models import MailingTemplate
from consent_service.signing import service as signing


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is handed to the server: both addresses, and the mail as seven-bit bytes; and which message it is."""

    public_id: PublicId
    sender: str
    recipient: str
    data: bytes
    has_first_dots: bool = True  # whether a line may begin with one

    def __post_init__(self) -> None:
        if not self.recipient.isascii():
            raise ValueError("an address beyond ASCII needs SMTPUTF8 (RFC 6531), which few servers take")


@dataclass(frozen=True, slots=True)
class SingleMail:
    """A whole mail, encrypted, to an address."""

    public_id: PublicId
    recipient: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Copy:
    """One person's copy of a mailing."""

    public_id: PublicId
    mailing_id: MailingId
    address: str
    name: str | None
    language: Language
    subject_public_id: PublicId
    unsubscribe_public_id: PublicId


class NoWayOut(Exception):
    """A mailing's copy lacks its unsubscribe headers or link: it is never handed over (design I4)."""


def envelope(mail: SingleMail | Copy, now: datetime) -> Envelope:
    """What is handed over; `now` is aware. Raises NoWayOut, and whatever a mail that cannot be composed raises."""
    if isinstance(mail, SingleMail):
        recipient, data, has_first_dots = mail.recipient, keyring().open(mail.content, mail.public_id), True
    else:
        language, template = _template(mail.mailing_id, mail.language)
        recipient, data, has_first_dots = mail.address, _filled(mail, language, template, now), template.has_first_dots
    whole = signing.signed(provider_headers.head(mail.public_id) + data, now)
    return Envelope(mail.public_id, envelope_sender(mail.public_id), recipient, whole, has_first_dots)


_SHOWN = {(Slot.UNSUBSCRIBE, False), (Slot.UNSUBSCRIBE, True)}  # in the text and in the HTML


def _filled(copy: Copy, language: Language, template: Template, now: datetime) -> bytes:
    person = Person(
        address=copy.address,
        name=copy.name,
        greeting=greeting(language, copy.name),
        settings_url=links.marketing_settings(copy.subject_public_id, language),
        way_out=way_out(copy.unsubscribe_public_id),
        message_id=message_id(copy.public_id),
    )
    data = template.fill(person, now)
    if not (has_way_out(data) and _SHOWN.issubset(template.slots)):
        raise NoWayOut(copy.public_id)
    return data


def way_out(unsubscribe_public_id: PublicId) -> WayOut:
    """How one person leaves one purpose: the one-click address, and a mailto that names the same token."""
    token = links.sign(links.Use.UNSUBSCRIBE, unsubscribe_public_id)
    return WayOut(
        links.one_click(token),
        f"mailto:{settings().unsubscribe_mailbox}?subject=unsubscribe%20{token}",
    )


def greeting(language: Language, name: str | None) -> str:
    """The words that `{{greeting}}` stands for."""
    hello = _hello(language)
    return f"{hello} {name}" if name else hello


@lru_cache(maxsize=len(Language))
def _hello(language: Language) -> str:
    with force_locale(language.value):
        return str(gettext("Hello"))


_templates: dict[tuple[str, MailingId], dict[Language, Template]] = {}


def _template(mailing_id: MailingId, language: Language) -> tuple[Language, Template]:
    """The mailing's template in the person's language, or else in the one that there is; it never changes."""
    key = (settings().database_url, mailing_id)
    if key not in _templates:
        with reading() as session:
            rows = session.execute(sa.select(MailingTemplate).where(MailingTemplate.mailing_id == mailing_id)).scalars()
            _templates[key] = {row.language: Template.parse(row.subject, row.mime) for row in rows}
    found = _templates[key]
    chosen = language if language in found else next(iter(found))
    return chosen, found[chosen]
