"""Handling what was stored: one mail, one transaction, once.

What fails is marked with the kind of its error and waits for staff; it is not tried for ever. Only what the
database itself refuses for a while is tried again.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from consent_service import links
from consent_service.database import Digest, table
from consent_service.deliverability import seeds
from consent_service.domain.addresses import normalise
from consent_service.domain.errors import InvalidAddress, InvalidLink
from consent_service.domain.identifiers import MessageId, PublicId
from consent_service.extensions import settings
from consent_service.inbound import forwarding, receiving, service, summaries
from consent_service.inbound.models import InboundMessage
from consent_service.inbound.parsing import Mail
from consent_service.inbound.receiving import Stored
from consent_service.inbound.recognising import wishes
from consent_service.inbound.recognising.bounces import Action
from consent_service.inbound.recognising.recognise import Ours, Recognised, recognise
from consent_service.inbound.rules import InboundState, MailClass, Result, ReturnedKind, Way
from consent_service.inbound.service import Handled, Returned
from consent_service.inbound.webhooks import receiving as webhooks
from consent_service.mailing import returns
from consent_service.mailing import service as mailing
from consent_service.mailing.addresses import message_of_envelope_sender, message_of_message_id
from consent_service.prepared import Prepared
from consent_service.subjects import queries as subjects_queries
from consent_service.subjects import service as subjects
from consent_service.subjects.queries import Known

log = structlog.get_logger()
LONGEST_ERROR = 100
LONGEST_QUOTE = 500

_inbound = table(InboundMessage).c
_NEXT = Prepared(
    sa.select(_inbound.id, _inbound.public_id, _inbound.way, _inbound.received_at, _inbound.content)
    .where(_inbound.state == sa.literal_column(f"'{InboundState.RECEIVED.value}'"))
    .order_by(_inbound.id)
    .limit(sa.literal_column("1"))
    .with_for_update(skip_locked=True)
)
_DONE = Prepared(sa.update(table(InboundMessage)).where(_inbound.id == sa.bindparam("inbound")))
# The database was away, or ended one of two transactions that waited for each other: the mail is not to blame.
_TRY_AGAIN = (sa.exc.OperationalError, sa.exc.InterfaceError)


@dataclass(frozen=True, slots=True)
class _Author:
    """Who From says wrote it: a keyed digest of the address, and the person if we know one."""

    digest: Digest | None
    person: Known | None


@dataclass(frozen=True, slots=True)
class _Done:
    """What came of a mail, what it was, and whether that settles it; else it waits for staff."""

    handled: Handled
    mail_class: MailClass
    is_settled: bool = True
    forwarded_as: MessageId | None = None


_TEST_COPY = _Done(Handled(Result.NOTHING), MailClass.AUTOMATIC)
"""The copy of a test mail of our own, which the deliverability check waits for."""
_STRANGERS_LIST = _Done(Handled(Result.NOTHING), MailClass.AUTOMATIC)
"""A newsletter or a list's mail that answers nothing of ours and is from nobody whom we know."""


def handle_next(session: Session, now: datetime) -> bool:
    """Handles the oldest mail that was stored and not yet handled; whether there was one. `now` is aware."""
    row = _NEXT.first(session, {})
    if row is None:
        return False
    stored = Stored(*row)
    try:
        with session.begin_nested():
            values = (
                webhooks.handle(session, stored, now) if stored.way is Way.WEBHOOK else _handle(session, stored, now)
            )
            _DONE.run(session, {"inbound": stored.id, "handled_at": now, **values})
    except _TRY_AGAIN:
        raise
    except Exception as error:
        log.exception("mail that came in cannot be handled", inbound=stored.id)
        failed = {"state": InboundState.FAILED, "error": type(error).__name__[:LONGEST_ERROR], "handled_at": now}
        session.execute(sa.update(InboundMessage).where(InboundMessage.id == stored.id).values(failed))
    return True


def _handle(session: Session, row: Stored, now: datetime) -> dict[str, object]:
    """Does what a mail means; what is then known of it."""
    envelope, data = receiving.opened(row.content, row.public_id)
    mail = Mail.read(envelope, data)
    recognised = recognise(mail, ours())
    author = _author(session, mail)
    about = _message_id(session, recognised.message)
    if seeds.take(session, mail.header, data, now):
        done = _TEST_COPY
    elif recognised.may_be_newsletter and about is None and author.person is None:
        done = _STRANGERS_LIST
    else:
        done = _act(session, row, mail, recognised, author, now)
    message = done.handled.message.id if done.handled.message else about
    return {
        "state": InboundState.HANDLED if done.is_settled else InboundState.OPEN,
        "mail_class": done.mail_class,
        "result": done.handled.result,
        "summary": summaries.closed(mail, row.public_id),
        "forwarded_as": done.forwarded_as,
        "bounce": recognised.report.kind if recognised.report else None,
        "status": recognised.report.status if recognised.report else None,
        "sender": author.digest,
        "subject_id": done.handled.subject_id or (author.person.id if author.person else None),
        "message_id": message,
    }


def ours() -> Ours:
    """What tells our own from what others write."""
    return Ours(
        unsubscribe_mailbox=settings().unsubscribe_mailbox.lower(),
        sender=mailing.sender().address.lower(),
        message_of_envelope_sender=message_of_envelope_sender,
        message_of_message_id=message_of_message_id,
        link_of_token=_link_of_token,
    )


def _link_of_token(token: str) -> PublicId | None:
    try:
        return links.read(links.Use.UNSUBSCRIBE, token)
    except InvalidLink:
        return None


def _author(session: Session, mail: Mail) -> _Author:
    try:
        address = normalise(mail.author[1])
    except InvalidAddress:
        return _Author(None, None)
    return _Author(subjects.suppression_digest(address), subjects_queries.known(session, address))


def _message_id(session: Session, public_id: PublicId | None) -> MessageId | None:
    message = returns.find(session, public_id) if public_id is not None else None
    return message.id if message is not None else None


def _act(session: Session, row: Stored, mail: Mail, recognised: Recognised, author: _Author, now: datetime) -> _Done:
    match recognised.mail_class:
        case MailClass.BOUNCE:
            return _bounce(session, row, recognised, now)
        case MailClass.COMPLAINT | MailClass.UNSUBSCRIBE as mail_class:
            returned = _returned(row, mail, recognised, ReturnedKind(mail_class.value))
            return _settled_if_matched(service.handle(session, returned, now), mail_class)
        case MailClass.AUTOMATIC:
            return _Done(Handled(Result.NOTHING), MailClass.AUTOMATIC)
        case MailClass.REPLY if settings().inbound.forward_to is not None:
            copy = forwarding.forward(session, row.content, row.public_id, now)
            return _Done(Handled(Result.FORWARDED), MailClass.REPLY, forwarded_as=copy)
        case MailClass.UNCLEAR if recognised.may_be_wish and _is_clear_wish(mail, author):
            wish = Returned(
                kind=ReturnedKind.UNSUBSCRIBE,
                at=row.received_at,
                address=mail.author[1],
                is_address_enough=True,
                evidence=_evidence(row, mail),
            )
            return _settled_if_matched(service.handle(session, wish, now), MailClass.UNSUBSCRIBE)
    return _Done(Handled(Result.NOTHING), recognised.mail_class, is_settled=False)


def _settled_if_matched(handled: Handled, mail_class: MailClass) -> _Done:
    return _Done(handled, mail_class, is_settled=handled.result is not Result.UNMATCHED)


def _bounce(session: Session, row: Stored, recognised: Recognised, now: datetime) -> _Done:
    report = recognised.report
    if report is None or report.action is not Action.FAILED:
        return _Done(Handled(Result.NOTHING), MailClass.BOUNCE)
    returned = Returned(
        kind=ReturnedKind.BOUNCE,
        at=row.received_at,
        message=recognised.message,
        classification=report.kind,
        status=report.status,
        text=report.text,
    )
    return _settled_if_matched(service.handle(session, returned, now), MailClass.BOUNCE)


def _returned(row: Stored, mail: Mail, recognised: Recognised, kind: ReturnedKind) -> Returned:
    return Returned(
        kind=kind,
        at=row.received_at,
        message=recognised.message,
        link=recognised.link,
        text=mail.text[:LONGEST_QUOTE],
        evidence=_evidence(row, mail),
    )


def _evidence(row: Stored, mail: Mail) -> dict[str, str]:
    """What a mail shows of a person's wish; kept, encrypted, as long as the consent's own evidence."""
    name, address = mail.author
    return {
        "mail": row.public_id,
        "from": f"{name} <{address}>" if name else address,
        "subject": mail.subject[:LONGEST_QUOTE],
        "message_id": mail.header("Message-ID")[:LONGEST_QUOTE],
        "note": wishes.own_words(mail.text)[:LONGEST_QUOTE],
    }


def _is_clear_wish(mail: Mail, author: _Author) -> bool:
    """A clear wish of somebody whom we know by the address."""
    return author.person is not None and wishes.is_clear_wish(mail, author.person.name, ours().addresses)
