"""Forwarding a person's mail to the organisation's own mailbox, as a new mail of ours with the old one attached.

It cannot go round: it says Auto-Submitted, which is never forwarded when it comes in, and it is never an
answer to whoever wrote.
"""

from datetime import datetime, timedelta
from email import policy
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from consent_service.domain.addresses import mailbox, normalise
from consent_service.domain.errors import InvalidAddress, Refused
from consent_service.domain.identifiers import MessageId, PublicId
from consent_service.domain.kinds import Language
from consent_service.extensions import settings
from consent_service.inbound import receiving
from consent_service.inbound.models import InboundMessage
from consent_service.inbound.parsing import Mail
from consent_service.inbound.rules import InboundState, Result
from consent_service.mailing import composition
from consent_service.mailing import service as mailing
from consent_service.mailing.models import Message
from consent_service.mailing.rules import MailKind, MessageState
from consent_service.mailing.service import is_one_of

_POLICY = policy.SMTP.clone(cte_type="7bit")
LONGEST_SUBJECT = 200


def forward(session: Session, content: bytes, public_id: PublicId, at: datetime) -> MessageId:
    """Puts the copy of a stored mail into the outbox; `at` is aware. Raises Refused where nobody is to get it."""
    forward_to = settings().inbound.forward_to
    if forward_to is None:
        raise Refused("CONSENT_INBOUND_FORWARD_TO is not set")
    recipient = parseaddr(forward_to)[1]
    envelope, data = receiving.opened(content, public_id)
    mail = Mail.read(envelope, data)
    return mailing.enqueue(
        session,
        MailKind.FORWARDED,
        recipient,
        lambda message_id: _compose(mail, bytes(data), recipient, message_id, at),
        at,
    )


def take_back(session: Session, now: datetime) -> int:
    """Has staff decide again on mails whose copy failed or came back; how many. `now` is aware.

    As long as their content is kept: without it nobody could.
    """
    is_lost = sa.exists().where(
        Message.id == InboundMessage.forwarded_as, is_one_of(MessageState.FAILED, MessageState.BOUNCED)
    )
    taken = session.execute(
        sa.update(InboundMessage)
        .where(
            InboundMessage.content.is_not(None),
            InboundMessage.handled_at > now - timedelta(days=settings().inbound.content_days),
            InboundMessage.result == Result.FORWARDED,
            is_lost,
        )
        .values(state=InboundState.OPEN, result=Result.NOT_FORWARDED)
        .returning(InboundMessage.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(taken)


def _compose(mail: Mail, data: bytes, recipient: str, message_id: str, at: datetime) -> bytes:
    sender = mailing.sender()
    name, address = mail.author
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(display_name=sender.name, addr_spec=sender.address)
    message["To"] = recipient
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    with force_locale(Language.GERMAN.value):
        intro = _(
            "%(who)s has written to us. The whole mail is attached.", who=f"{name} <{address}>" if name else address
        )
    message.set_content(f"{intro}\n\n{mail.text}\n", cte="quoted-printable")
    # As a file, not as message/rfc822: that may not be encoded (RFC 2046 section 5.2.1), and ours are seven-bit.
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename="original.eml")
    return _head(mail) + message.as_bytes()


def _head(mail: Mail) -> bytes:
    """The headers that hold a stranger's words. The standard library would decode these, ends of lines included."""
    subject = composition.unstructured("Subject", f"Fwd: {mail.subject}"[:LONGEST_SUBJECT])
    answer_to = _answerable(mail.author[1])
    reply_to = f"Reply-To: {answer_to}\r\n" if answer_to is not None else ""
    return f"Subject: {subject}\r\n{reply_to}".encode("ascii")


def _answerable(address: str) -> str | None:
    """The address in a form that a header can hold, if it has one."""
    try:
        found = composition.addr_spec(mailbox(address, normalise(address)))
    except (InvalidAddress, ValueError, IndexError, HeaderParseError):
        return None
    return found if found.isascii() else None
