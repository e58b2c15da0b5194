"""Test mails whose copy comes back through `inbound`: sent, recognised, and kept to be verified.

A copy is recognised by the 128 random bits that stand in its Message-ID and, since some relays write a
Message-ID of their own, in its Subject; only its mailbox has seen them.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
from flask import url_for
from markupsafe import Markup
from sqlalchemy.orm import Session

from consent_service import links
from consent_service.audit import service as audit
from consent_service.audit.service import OPERATOR, Action
from consent_service.deliverability.models import SeedMail
from consent_service.domain.addresses import mailbox, normalise
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.evidence.service import keyring
from consent_service.extensions import settings
from consent_service.mailing import composition, copies, rendering
from consent_service.mailing import service as mailing
from consent_service.mailing.composition import MailingText, Person, Slot, Template, placeholder
from consent_service.mailing.rules import MailKind

KEPT_FOR = timedelta(days=30)
SUBJECT = "Deliverability check"
_BODY = "This mail tests whether our mail arrives as it should. A copy of it is looked at by the service itself."
_REASON = "You get this e-mail because an operator of the service sent a test to this mailbox."
_MARKS = {"Message-ID": re.compile(r"<([0-9a-f]{32})@"), "Subject": re.compile(rf"{SUBJECT} ([0-9a-f]{{32}})")}


def send(session: Session, recipient: str, at: datetime) -> PublicId:
    """Puts a test mail with all that a campaign's has into the outbox; returns what its copy is known by.

    `at` is aware. Forgets the test mails of long ago. Raises InvalidAddress.
    """
    address = mailbox(recipient, normalise(recipient))
    message_ids: list[str] = []
    mailing.enqueue(session, MailKind.TEST, address, partial(_compose, address, at, message_ids), at)
    public_id = _public_id(message_ids[0])
    session.execute(sa.delete(SeedMail).where(SeedMail.sent_at < at - KEPT_FOR))
    session.add(SeedMail(public_id=public_id, sent_at=at))
    audit.record(session, at=at, actor=OPERATOR, action=Action.TEST_MAIL_SENT, target=public_id)
    return public_id


def _compose(address: str, at: datetime, message_ids: list[str], message_id: str) -> bytes:
    message_ids.append(message_id)
    text = _text(f"{SUBJECT} {_public_id(message_id)}")
    person = Person(
        address=address,
        name=None,
        greeting=copies.greeting(Language.ENGLISH, None),
        settings_url=settings().base_url + url_for("preferences.ask", _external=False),
        way_out=copies.way_out(links.TEST_MAIL),
        message_id=message_id,
    )
    return Template.parse(text.text.subject, composition.template(text)).fill(person, at)


def _public_id(message_id: str) -> PublicId:
    return PublicId(message_id.removeprefix("<").partition("@")[0])


def _text(subject: str) -> MailingText:
    text = rendering.render(
        "mail/campaign",
        Language.ENGLISH,
        subject,
        body_html=Markup("<p>{}</p>").format(_BODY),
        body_text=_BODY,
        reason=_REASON,
        unsubscribe=placeholder(Slot.UNSUBSCRIBE),
        settings=placeholder(Slot.SETTINGS),
    )
    sender = mailing.sender()
    return MailingText(
        sender=sender,
        list_title=SUBJECT,
        list_identifier=f"deliverability.{settings().host}",
        feedback_id=composition.feedback_id("test", "deliverability", sender),
        text=text,
        complaints_to=settings().complaints_to,
    )


def take(session: Session, header: Callable[[str], str], raw: bytes | memoryview, at: datetime) -> bool:
    """Keeps a mail that came in, if it is the first copy of a test mail; False for every other mail.

    `header` gives the mail's header of a name, empty where there is none; what the copy is worth is found out
    later. `at` is aware.
    """
    found = [mark.search(header(name)) for name, mark in _MARKS.items()]
    return any(mark is not None and _keep(session, PublicId(mark[1]), bytes(raw), at) for mark in found)


def _keep(session: Session, public_id: PublicId, raw: bytes, at: datetime) -> bool:
    kept = session.execute(
        sa.update(SeedMail)
        .where(SeedMail.public_id == public_id, SeedMail.arrived_at.is_(None))
        .values(arrived_at=at, copy=keyring().close(raw, public_id))
        .returning(SeedMail.id)
    ).scalar_one_or_none()
    return kept is not None


def copy_of(session: Session, public_id: PublicId) -> bytes | None:
    """The copy of a test mail as it came in; None until it has."""
    kept = session.execute(sa.select(SeedMail.copy).where(SeedMail.public_id == public_id)).scalar_one_or_none()
    return keyring().open(kept, public_id) if kept is not None else None
