"""What becomes of a message when something comes back about it.

The person is locked before the message is touched, as hand-over does it (design I6).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from consent_service.database import UtcDateTime, inserts, literal, table
from consent_service.domain.identifiers import MessageId, PublicId, PurposeId, SubjectId
from consent_service.domain.kinds import SuppressionReason
from consent_service.evidence.service import keyring
from consent_service.limits import service as limits
from consent_service.limits.models import Provider
from consent_service.mailing import diagnosis
from consent_service.mailing.models import Mailing, Message, MessageReturn
from consent_service.mailing.rules import (
    ADDRESS_IS_GONE,
    BOUNCES_IN_A_ROW,
    BounceKind,
    Delivery,
    MessageState,
    Reply,
    ReturnKind,
    is_address_gone,
    keeps_bouncing,
)
from consent_service.mailing.sorting import domain_of
from consent_service.prepared import Prepared
from consent_service.subjects import service as subjects
from consent_service.subjects.models import Subject
from consent_service.subjects.service import Locked

log = structlog.get_logger()

RECIPIENTS_THAT_PAUSE = 2
REPORTS_TOGETHER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that something came back about: whose, and for which purpose (None: a single mail)."""

    id: MessageId
    public_id: PublicId
    subject_id: SubjectId | None
    recipient: str | None
    purpose_id: PurposeId | None


@dataclass(frozen=True, slots=True)
class Bounce:
    """Why a mail came back: our classification, the status (RFC 3463) if there was one, and the server's words."""

    kind: BounceKind
    status: str | None
    text: str


_FIND = Prepared(
    sa.select(Message.state, Message.id, Message.public_id, Message.subject_id, Message.recipient, Mailing.purpose_id)
    .outerjoin(Mailing, Mailing.id == Message.mailing_id)
    .where(Message.public_id == sa.bindparam("public_id"))
)
# One that was never in a server's hands cannot come back: a report about it is not believed.
_HANDED_OVER = (
    MessageState.SENT,
    MessageState.HANDING,
    MessageState.IN_DOUBT,
    MessageState.DEFERRED,
    MessageState.BOUNCED,
    MessageState.COMPLAINED,
)
_MAY_BECOME = {
    MessageState.BOUNCED: (MessageState.SENT, MessageState.HANDING, MessageState.IN_DOUBT),
    MessageState.COMPLAINED: (
        MessageState.SENT,
        MessageState.HANDING,
        MessageState.IN_DOUBT,
        MessageState.BOUNCED,
    ),
}


_messages = table(Message).c
_BECOMES = {
    state: Prepared(
        sa.update(table(Message))
        .where(_messages.id == sa.bindparam("message"), sa.or_(*(_messages.state == before for before in befores)))
        .values(
            state=state,
            handed_over_at=sa.func.coalesce(_messages.handed_over_at, sa.bindparam("at", type_=UtcDateTime())),
            lease_token=sa.null(),
            lease_until=sa.null(),
        )
    )
    for state, befores in _MAY_BECOME.items()
}
_RECORD = {name: Prepared(statement.on_conflict_do_nothing()) for name, statement in inserts(MessageReturn).items()}


def find(session: Session, public_id: PublicId) -> Sent | None:
    """The message with this id that was handed over; None where there is none."""
    row = _FIND.first(session, {"public_id": public_id})
    return Sent(*row[1:]) if row is not None and row[0] in _HANDED_OVER else None


def latest(session: Session, person: SubjectId, purpose: PurposeId) -> Sent | None:
    """The person's latest message of mailings for a purpose that was handed over; None where there is none."""
    row = session.execute(
        sa.select(Message.id, Message.public_id, Message.subject_id, Message.recipient, Mailing.purpose_id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .where(Message.subject_id == person, Mailing.purpose_id == purpose, Message.state.in_(_HANDED_OVER))
        .order_by(Message.id.desc())
        .limit(1)
    ).first()
    return Sent(*row) if row is not None else None


def bounced(session: Session, message: Sent, bounce: Bounce, at: datetime) -> bool:
    """Records that a message came back, and suppresses an address that is gone or keeps bouncing.

    Whether it suppressed; `at` is aware. A policy refusal never does: it is shown to staff as an alarm.
    """
    person = subjects.lock(session, message.subject_id) if message.subject_id is not None else None
    _becomes(session, message, MessageState.BOUNCED, at)
    _record(session, message, ReturnKind.BOUNCE, _kept(bounce.text, message, person), at, bounce)
    if bounce.kind is BounceKind.POLICY:
        log.warning("mail came back for policy", message=message.id, status=bounce.status)
        _tell_provider(session, message, bounce, at)
    if message.subject_id is None or person is None or person.digest is None:
        return False
    if not _is_lost(session, message.subject_id, bounce):
        return False
    subjects.suppress(session, person.digest, None, SuppressionReason.BOUNCED, at)
    return True


def _tell_provider(session: Session, message: Sent, bounce: Bounce, at: datetime) -> None:
    """The fault is ours: the recipient's provider gets nothing more of mailings until somebody has seen to it.

    Anybody can write a report about the mail that they got, so it takes a second recipient's; and it takes mail that
    was sent since a pause was last lifted.
    """
    address = session.execute(
        sa.select(_ADDRESS)
        .select_from(Message)
        .outerjoin(Subject, Subject.id == Message.subject_id)
        .where(Message.id == message.id)
    ).scalar_one()
    if address and bounce.status is not None and limits.is_about_us(bounce.status):
        provider = limits.of_domain(session, domain_of(address))
        if provider.paused_at is None and _refused_recipients(session, provider, at) >= RECIPIENTS_THAT_PAUSE:
            limits.came_back(session, provider, bounce.status, at)


_ADDRESS = sa.func.coalesce(Subject.normalised_address, sa.func.lower(Message.recipient))


def _refused_recipients(session: Session, provider: Provider, at: datetime) -> int:
    """How many recipients at this provider reports of the last hour say 5.7.x about."""
    statement = (
        sa.select(_ADDRESS)
        .select_from(MessageReturn)
        .join(Message, Message.id == MessageReturn.message_id)
        .outerjoin(Subject, Subject.id == Message.subject_id)
        .where(
            MessageReturn.classification == BounceKind.POLICY,
            MessageReturn.at >= at - REPORTS_TOGETHER,
            MessageReturn.status.startswith("5.7."),
            _ADDRESS.is_not(None),
        )
        .distinct()
    )
    if provider.lifted_at is not None:
        statement = statement.where(Message.handed_over_at > provider.lifted_at)
    # Compared here: a provider may have thousands of domains, more than fit into a statement.
    here = set(limits.domains(session, provider))
    return sum(domain_of(address) in here for address in session.execute(statement).scalars())


def refused_for_good(session: Session, person: SubjectId, reply: Reply, at: datetime) -> None:
    """Suppresses the address of a person whose message was just given up, where it is gone or keeps refusing.

    To be called before that is written down: the person is locked first. `at` is aware.
    """
    subjects.lock(session, person)
    kind = diagnosis.of_answer(str(reply))
    if is_address_gone(reply) or keeps_bouncing([Delivery(at, kind), *_latest(session, person)]):
        subjects.suppress_subject(session, person, SuppressionReason.BOUNCED, at)


def _is_lost(session: Session, person: SubjectId, bounce: Bounce) -> bool:
    return is_gone(bounce) or (bounce.kind is not BounceKind.POLICY and keeps_bouncing(_latest(session, person)))


def is_gone(bounce: Bounce) -> bool:
    """Whether a server has said in a status that nobody has this address, so that one word is enough."""
    return bounce.status in ADDRESS_IS_GONE


def _latest(session: Session, person: SubjectId) -> list[Delivery]:
    """The person's latest deliveries, newest first, since a bounce was last lifted."""
    at = sa.func.coalesce(Message.handed_over_at, Message.not_before)
    is_failed = Message.state == literal(MessageState.FAILED)
    statement = (
        sa.select(at.label("at"), Message.state, Message.reply, MessageReturn.classification)
        .outerjoin(
            MessageReturn,
            sa.and_(MessageReturn.message_id == Message.id, MessageReturn.kind == ReturnKind.BOUNCE),
        )
        .where(Message.subject_id == person, sa.or_(Message.handed_over_at.is_not(None), is_failed))
        .order_by(Message.id.desc())
        .limit(BOUNCES_IN_A_ROW)
    )
    lifted = subjects.last_lifted(session, person, SuppressionReason.BOUNCED)
    if lifted is not None:
        statement = statement.where(at > lifted)
    return [
        Delivery(row.at, diagnosis.of_answer(row.reply) if row.state is MessageState.FAILED else row.classification)
        for row in session.execute(statement)
    ]


def complained(session: Session, message: Sent, text: str, at: datetime) -> None:
    """Records that the recipient took a message for unwanted; `at` is aware."""
    person = subjects.lock(session, message.subject_id) if message.subject_id is not None else None
    _becomes(session, message, MessageState.COMPLAINED, at)
    _record(session, message, ReturnKind.COMPLAINT, _kept(text, message, person), at)


def _kept(text: str, message: Sent, person: Locked | None) -> str:
    """A report's words as far as they may be kept: they mostly name the address, also of who was erased since."""
    is_erased = person.digest is None if person is not None else message.recipient is None
    return "" if is_erased else text


def _becomes(session: Session, message: Sent, state: MessageState, at: datetime) -> None:
    """What was in hand is no longer its worker's to record: without the token its late word counts no more."""
    _BECOMES[state].run(session, {"message": message.id, "at": at})


def _record(
    session: Session, message: Sent, kind: ReturnKind, text: str, at: datetime, bounce: Bounce | None = None
) -> None:
    """One line per message and kind, however often it is reported."""
    columns = {
        "message_id": message.id,
        "kind": kind,
        "classification": bounce.kind if bounce else None,
        "status": bounce.status if bounce else None,
        "at": at,
        "text": keyring().close(text.encode(), message.public_id) if text else None,
    }
    _RECORD[session.get_bind().dialect.name].run(session, columns)
