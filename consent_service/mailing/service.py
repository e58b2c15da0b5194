"""Use cases of the outbox: putting mail in, starting and stopping mailings, waiting for what is in hand."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr

import sqlalchemy as sa
from sqlalchemy.orm import Session

from consent_service.database import literal, reading, shared_now, table, transaction
from consent_service.domain.errors import Refused
from consent_service.domain.identifiers import (
    MailingId,
    MessageId,
    ProviderId,
    PurposeId,
    SubjectId,
    new_public_id,
)
from consent_service.domain.kinds import Language, LeftOut
from consent_service.evidence.service import keyring
from consent_service.extensions import settings
from consent_service.ledger import queries as ledger
from consent_service.limits import service as limits
from consent_service.mailing import audiences, composition, sorting
from consent_service.mailing.addresses import message_id
from consent_service.mailing.audiences import Audience
from consent_service.mailing.composition import MailingText, Sender
from consent_service.mailing.models import Mailing, MailingCount, MailingTemplate, Message, MessageReturn
from consent_service.mailing.rules import MailingState, MailKind, MessageState
from consent_service.prepared import Prepared

LONGEST_WAIT_SECONDS = 3.0
_POLL_SECONDS = 0.01
WAITING = (MessageState.QUEUED, MessageState.DEFERRED)
LEASED = (MessageState.CLAIMED, MessageState.HANDING)


def is_one_of(*states: MessageState) -> sa.ColumnElement[bool]:
    """SQL: a message is in one of these states, as literals, so that the partial index of just these serves."""
    return Message.state.in_([literal(state) for state in states])


def is_at_rest(*states: MessageState) -> sa.ColumnElement[bool]:
    """SQL: nobody has a message in hand, and it is in one of these states (none given: in any).

    Said of a mailing's messages, this is a range of an index for each state.
    """
    at_rest = Message.state.not_in([literal(state) for state in LEASED])
    return sa.and_(at_rest, is_one_of(*states)) if states else at_rest


def is_leased(mailing: sa.SQLColumnExpression[MailingId]) -> sa.ColumnElement[bool]:
    """SQL: a message is a mailing's, and a worker has it."""
    # The sign keeps SQLite from reading all of the mailing: workers have but a few messages in all.
    return sa.and_(is_one_of(*LEASED), sa.literal_column("+messages.mailing_id", Message.mailing_id.type) == mailing)


def sender() -> Sender:
    """Who our mails are from."""
    name, address = parseaddr(settings().mail_from)
    return Sender(name or settings().organisation.name, address)


def enqueue(
    session: Session,
    kind: MailKind,
    recipient: str,
    compose: Callable[[str], bytes],
    at: datetime,
    subject_id: SubjectId | None = None,
) -> MessageId:
    """Puts a single mail into the outbox, whole and encrypted; it goes out once the transaction has committed.

    `compose` gets the Message-ID and returns the mail's bytes; `at` is aware.
    """
    public_id = new_public_id()
    content = compose(message_id(public_id))
    message = Message(
        public_id=public_id,
        kind=kind,
        state=MessageState.QUEUED,
        created_at=at,
        not_before=at,
        attempts=0,
        recipient=recipient,
        content=keyring().close(content, public_id),
        subject_id=subject_id,
    )
    session.add(message)
    session.flush()
    return message.id


def content(message: Message) -> bytes:
    """The bytes of a single mail, as they were or will be handed over."""
    if message.content is None:
        raise Refused("the mail's content was deleted")
    return keyring().open(message.content, message.public_id)


_CALLED_OFF: dict[str, object] = {
    "state": MessageState.SUPPRESSED,
    "left_out": LeftOut.CANCELLED,
    "lease_token": None,
    "lease_until": None,
}


def call_off(session: Session, message: MessageId) -> None:
    """Stops a single mail that has not gone out yet."""
    session.execute(
        sa.update(Message)
        .where(Message.id == message, Message.state.in_((*WAITING, MessageState.CLAIMED)))
        .values(**_CALLED_OFF)
    )


def leave_audience(session: Session, audience: Audience, person: SubjectId) -> None:
    """Stops what waits to go to somebody who does not belong to the audience any more."""
    session.execute(
        sa.update(Message)
        .where(
            Message.subject_id == person,
            Message.mailing_id.in_(sa.select(Mailing.id).where(Mailing.audience == audience)),
            Message.state.in_((*WAITING, MessageState.CLAIMED)),
        )
        .values(**_CALLED_OFF)
    )


def start(
    session: Session,
    purpose_id: PurposeId,
    texts: Mapping[Language, MailingText],
    at: datetime,
    audience: Audience | None = None,
) -> MailingId:
    """Starts a mailing to all who may be written to for the purpose, or to those of an audience among them.

    The worker fills and sends it. Raises Refused without a text.
    """
    if not texts:
        raise Refused("a mailing needs a text")
    mailing = Mailing(
        purpose_id=purpose_id,
        state=MailingState.RUNNING,
        audience=audience,
        filled_to=SubjectId(0),
        is_filled=False,
        started_at=at,
    )
    session.add(mailing)
    session.flush()
    session.add(
        MailingCount(
            mailing_id=mailing.id,
            state=mailing.state,
            messages={},
            left_out={},
            unconcerned=_unconcerned(session, purpose_id, audience),
            count_again_at=at,
        )
    )
    session.add_all(
        MailingTemplate(
            mailing_id=mailing.id,
            language=language,
            subject=text.text.subject,
            mime=composition.template(text),
        )
        for language, text in texts.items()
    )
    return mailing.id


def _unconcerned(session: Session, purpose_id: PurposeId, audience: Audience | None) -> dict[LeftOut | None, int]:
    if audience is None:
        return ledger.numbers_unconcerned(session, purpose_id)
    return ledger.numbers_unconcerned_among(session, purpose_id, audiences.people(audience))


_MAY_BECOME = {
    MailingState.PAUSED: (MailingState.RUNNING,),
    MailingState.RUNNING: (MailingState.PAUSED,),
    MailingState.CANCELLED: (MailingState.RUNNING, MailingState.PAUSED),
}


def change(session: Session, mailing_id: MailingId, state: MailingState, at: datetime) -> None:
    """Pauses, resumes or cancels a mailing. Raises Refused where it is past that."""
    changed = session.execute(
        sa.update(Mailing)
        .where(Mailing.id == mailing_id, Mailing.state.in_(_MAY_BECOME[state]))
        .values(state=state, finished_at=at if state is MailingState.CANCELLED else None, moved_at=at)
        .returning(Mailing.id)
    ).scalar_one_or_none()
    if changed is None:
        raise Refused(f"the mailing cannot become {state}")


CHUNK = 200  # messages written in one transaction, which keeps all others waiting on SQLite: some 3 ms

_NEXT_TO_FILL = Prepared(
    sa.select(Mailing.id, Mailing.purpose_id, Mailing.audience, Mailing.filled_to)
    .where(Mailing.state == literal(MailingState.RUNNING), Mailing.is_filled.is_(False))
    .order_by(Mailing.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_PUT_IN = Prepared(sa.insert(table(Message)).values(kind=MailKind.CAMPAIGN, attempts=0))
_FILLED = Prepared(sa.update(table(Mailing)).where(Mailing.id == sa.bindparam("mailing")))


def fill(session: Session, at: datetime, chunk: int = CHUNK) -> int:
    """Puts the next chunk of a running mailing's messages into the outbox; how many people were looked at.

    Who is left out already gets a message, too, which says why and never goes: everybody is accounted for.
    """
    mailing = _NEXT_TO_FILL.first(session, {})
    if mailing is None:
        return 0
    mailing_id, purpose_id, audience, filled_to = mailing
    among = audiences.people(audience) if audience is not None else None
    people = ledger.known_for(session, purpose_id, filled_to, chunk, among)
    if people:
        apart = sorting.providers_of(session, [person for person, _reason in people])
        copies = [_copy(person, reason, apart.get(person, limits.NO_PROVIDER)) for person, reason in people]
        _PUT_IN.run_each(session, copies, {"mailing_id": mailing_id, "created_at": at, "not_before": at})
        filled_to, _reason = people[-1]
    _FILLED.run(session, {"mailing": mailing_id, "filled_to": filled_to, "is_filled": len(people) < chunk})
    return len(people)


def _copy(person: SubjectId, reason: str | None, provider: ProviderId) -> dict[str, object]:
    return {
        "public_id": new_public_id(),
        "state": MessageState.QUEUED if reason is None else MessageState.SUPPRESSED,
        "left_out": reason and LeftOut(reason),
        "subject_id": person,
        "provider_id": provider,
    }


_CANCELLED = sa.select(Mailing.id).where(Mailing.state == literal(MailingState.CANCELLED))
_EMPTY_CANCELLED = Prepared(
    sa.update(table(Message))
    .where(
        Message.id.in_(
            sa.select(Message.id)
            .where(Message.mailing_id.in_(_CANCELLED), is_at_rest(*WAITING))
            .limit(sa.bindparam("most", type_=sa.Integer()))
        ),
        is_one_of(*WAITING),
    )
    .values(**_CALLED_OFF)
    .returning(Message.id)
)
_ITS = Message.mailing_id == Mailing.id
_NOW = sa.bindparam("now", type_=Message.lease_until.type)
_END = Prepared(
    sa.update(table(Mailing))
    .where(
        Mailing.state == literal(MailingState.RUNNING),
        Mailing.is_filled,
        ~sa.exists().where(_ITS, is_at_rest(*WAITING)),
        ~sa.exists().where(is_leased(Mailing.id)),
        ~sa.exists().where(_ITS, is_at_rest(MessageState.IN_DOUBT), Message.lease_until >= _NOW),
    )
    .values(state=MailingState.DONE, finished_at=sa.bindparam("at", type_=Mailing.finished_at.type))
)


def finish(session: Session, at: datetime, chunk: int = CHUNK) -> int:
    """Ends the mailings of which nothing waits any more, and empties the cancelled ones by a chunk.

    Returns how many messages it took out of cancelled mailings. What is in doubt is waited for until its lease
    ends: its worker may still say that it must be tried again.
    """
    emptied = _EMPTY_CANCELLED.all(session, {"most": chunk})
    _END.run(session, {"at": at, "now": shared_now(session)})
    return len(emptied)


def reunite(session: Session) -> None:
    """Once no mailing is under way, nothing can be kept apart any more for providers that are no longer limited."""
    limits.reunite(session, unless=sa.exists().where(Mailing.state.in_((MailingState.RUNNING, MailingState.PAUSED))))


_IN_HAND = Prepared(
    sa.select(Message.id)
    .where(Message.subject_id == sa.bindparam("subject"), Message.state == literal(MessageState.HANDING))
    .limit(1)
)


def is_in_hand(session: Session, subject_id: SubjectId) -> bool:
    """Whether anything to this person is being handed over.

    Under the person's exclusive lock, and in the transaction that takes eligibility away, no means that
    nothing will be: marking wants that lock, too, and looks afterwards (design I6).
    """
    return _IN_HAND.first(session, {"subject": subject_id}) is not None


def wait_until_not_in_hand(subject_id: SubjectId) -> None:
    """Waits, a few seconds at most, until nothing to this person is being handed over (design I6).

    Call it after the commit that took eligibility away and before answering. What is then still in hand is
    recorded as in doubt.
    """
    _wait(lambda session: is_in_hand(session, subject_id), Message.subject_id == subject_id)


def wait_until_none_in_hand(people: Collection[SubjectId]) -> None:
    """The same for many people at once; they share the few seconds."""
    if people:
        whose = Message.subject_id.in_(people)
        in_hand = sa.select(Message.id).where(whose, Message.state == MessageState.HANDING).limit(1)
        _wait(lambda session: session.execute(in_hand).first() is not None, whose)


def _wait(is_any_in_hand: Callable[[Session], bool], whose: sa.ColumnElement[bool]) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while time.monotonic() < deadline:
        with reading() as session:
            if not is_any_in_hand(session):
                return
        time.sleep(_POLL_SECONDS)
    with transaction() as session:
        session.execute(
            sa.update(Message).where(whose, Message.state == MessageState.HANDING).values(state=MessageState.IN_DOUBT)
        )


@dataclass(frozen=True, slots=True)
class Traces:
    """By what a person's messages are found: the person, spellings of the address, and the mails of requests."""

    subject_id: SubjectId | None
    recipients: frozenset[str]
    messages: frozenset[MessageId]

    def condition(self) -> sa.ColumnElement[bool]:
        """SQL: a message is the person's or went to the address."""
        return sa.or_(
            Message.recipient.in_(self.recipients),
            Message.id.in_(self.messages),
            *([Message.subject_id == self.subject_id] if self.subject_id is not None else []),
        )


def count_traces(session: Session, traces: Traces) -> int:
    """How many messages these are."""
    return session.execute(sa.select(sa.func.count()).select_from(Message).where(traces.condition())).scalar_one()


def empty(session: Session, traces: Traces) -> None:
    """Empties an erased person's messages of all that says who it was; what has not gone out never will."""
    messages = list(session.execute(sa.select(Message.id).where(traces.condition())).scalars())
    session.execute(
        sa.update(Message)
        .where(Message.id.in_(messages), Message.state.in_((*WAITING, MessageState.CLAIMED)))
        .values(state=MessageState.SUPPRESSED, left_out=LeftOut.ERASED)
    )
    session.execute(sa.update(Message).where(Message.id.in_(messages)).values(recipient=None, content=None, reply=None))
    session.execute(sa.update(MessageReturn).where(MessageReturn.message_id.in_(messages)).values(text=None))
