"""Carrying the outbox out: one loop per lane and connection."""

import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType

import sqlalchemy as sa
import structlog

from consent_service import clock
from consent_service.database import Writer
from consent_service.domain.identifiers import MailingId, ProviderId, PublicId
from consent_service.limits import service as limits
from consent_service.mailing import claiming, copies, handover, troubles, watching
from consent_service.mailing.claiming import Claim
from consent_service.mailing.copies import Copy, Envelope, SingleMail
from consent_service.mailing.handover import NotNow, Outcome
from consent_service.mailing.rules import Lane, pause_before_reconnect, why_lost
from consent_service.mailing.smtp import Answer, CannotConnect, Connection

log = structlog.get_logger()

BATCH = {Lane.SINGLE: 10, Lane.BULK: 100}
IDLE_SECONDS = {Lane.SINGLE: 0.1, Lane.BULK: 0.5}
LONGEST_MARK_SECONDS = 2.0
NOTED_EVERY = timedelta(minutes=1)
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _InHand:
    """A message that is marked as being handed over, and the moment before that was committed."""

    claim: Claim
    marked: float

    @property
    def is_old(self) -> bool:
        """Whether an unsubscribe may have stopped waiting for us."""
        return time.monotonic() - self.marked > LONGEST_MARK_SECONDS


@dataclass
class Carrier:
    """Carries one lane over one connection until told to stop, finishing what is in hand."""

    lane: Lane
    stop: threading.Event
    connection: Connection = field(default_factory=Connection)
    writer: Writer = field(default_factory=Writer)
    failures: int = 0  # how often in a row the server was not there or hung up
    done: list[Outcome] = field(default_factory=list)  # what the server said and is not yet written down
    in_hand: dict[PublicId, _InHand] = field(default_factory=dict)
    # Whether a provider wants less of us, or nothing, or the mailing rests: what is claimed is chosen anew.
    is_held_up: bool = False
    not_begun: list[Claim] = field(default_factory=list)  # of a mailing that rests, or of which the server got nothing
    succeeded: set[ProviderId] = field(default_factory=set)  # of those kept apart
    moving: dict[MailingId, datetime] = field(default_factory=dict)  # mailings that get out, and when that was noted
    server: troubles.MailServer = field(init=False)

    def __post_init__(self) -> None:
        self.server = troubles.MailServer(self.writer)

    def __enter__(self) -> "Carrier":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.in_hand.clear()
        self.connection.close()
        self.writer.close()

    def run(self) -> None:
        """Works until `stop` is set; needs an application context. May be run again after it has raised."""
        with self:
            try:
                while not self.stop.is_set():
                    if not self.carry_batch():
                        self.connection.close_if_idle()
                        self.stop.wait(IDLE_SECONDS[self.lane])
            finally:
                self._finish()

    def carry_batch(self) -> bool:
        """Claims a batch and hands it over; whether there was anything to do."""
        self._write_down()
        claims = self._claim()
        if not claims:
            return False
        left = self._carry(claims)
        self._finish()
        self._settle(left + self.not_begun)
        if self.failures:
            self.stop.wait(pause_before_reconnect(self.failures, random.random()).total_seconds())
        return True

    def _claim(self) -> list[Claim]:
        if self.lane is Lane.SINGLE:  # which looks often, and mostly for nothing
            with self.writer.reading() as session:
                if not claiming.is_single_due(session):
                    return []
        with self.writer.transaction() as session:
            return claiming.claim(session, self.lane, BATCH[self.lane])

    def _carry(self, claims: list[Claim]) -> list[Claim]:
        """Hands over one after the other; what was not begun when we had to stop or the server hung up."""
        for position, claim in enumerate(claims):
            if self.stop.is_set() or not self._connected():
                return claims[position:]
            self._hand_over(claim)
            if not self.connection.is_open or self.is_held_up:
                return claims[position + 1 :]
        return []

    def _settle(self, left: list[Claim]) -> None:
        """Puts back what was not begun, and lets providers grow that have taken something again."""
        self.is_held_up = False
        if left:
            with self.writer.transaction() as session:
                claiming.release(session, left)
        self.not_begun = []
        if self.succeeded:
            with self.writer.transaction() as session:
                limits.succeeded(session, self.succeeded, clock.now())
            self.succeeded = set()
        self._note_moving()

    def _note_moving(self) -> None:
        """Notes now and then which mailings get out, so that one that does not is seen."""
        now = clock.now()
        unnoted = [mailing for mailing, noted in self.moving.items() if now - noted >= NOTED_EVERY]
        if unnoted:
            with self.writer.transaction() as session:
                watching.moved(session, unnoted, now)
            self.moving.update(dict.fromkeys(unnoted, now))

    def _connected(self) -> bool:
        try:
            self.connection.open()
        except CannotConnect as error:
            self.failures += 1
            log.warning("mail server not reached", reason=str(error), failures=self.failures)
            self.server.failed(error.kind, str(error))
            return False
        return True

    def _hand_over(self, claim: Claim) -> None:
        """Decides and hands over; a success is written down together with a later decision."""
        mail = self._decide(claim)
        envelope = self._compose(claim, mail) if mail is not None else None
        self._renew_old_marks()
        if envelope is None or envelope.public_id not in self.in_hand:
            return
        if self.connection.is_open:
            self._take(self.connection.hand_over(envelope))
        else:  # given up together with a mail that waited
            self._take([Answer(envelope.public_id, None)])

    def _decide(self, claim: Claim) -> Copy | SingleMail | None:
        """Decides and marks, and writes down what is done."""
        with self.writer.quick_transaction() as session:
            mail = handover.step(session, self.done, claim, clock.now())
            marked = time.monotonic()
        self.done = []
        if mail is NotNow.PAUSED:
            self.not_begun.append(claim)
            self.is_held_up = True
            return None
        if mail is not None:
            self.in_hand[mail.public_id] = _InHand(claim, marked)
        return mail

    def _compose(self, claim: Claim, mail: Copy | SingleMail) -> Envelope | None:
        try:
            return copies.envelope(mail, clock.now())
        except sa.exc.SQLAlchemyError:
            raise
        except Exception as error:  # what composing raises now, it would raise for ever, and hold up the lane
            kind = type(error).__name__
            log.error("mail cannot be composed", message=claim.message_id, error=kind)
            with self.writer.transaction() as session:
                handover.give_up(session, claim, kind)
            del self.in_hand[mail.public_id]
            return None

    def _renew_old_marks(self) -> None:
        """Decides anew on what is in hand for so long that an unsubscribe no longer waits for it (design I6)."""
        while old := next((held for held in self.in_hand.items() if held[1].is_old), None):
            public_id, held = old
            if self._decide(held.claim) is None:
                del self.in_hand[public_id]
                if self.connection.waiting == public_id:
                    self.connection.forsake()
                self._put_back(held.claim)  # unless it was left out, or is no longer ours

    def _take(self, answers: list[Answer]) -> None:
        """Keeps what the server said until it is written down; at once where it is not a success."""
        for answer in answers:
            claim = self.in_hand.pop(answer.public_id).claim
            if answer.reply is None:
                self._put_back(claim)
                self.not_begun.append(claim)  # what it was allowed is given back with the others'
                continue
            self.done.append(Outcome(claim, answer.reply, clock.now()))
            if answer.reply.is_success:
                self._count_success(claim)
            else:
                self.is_held_up |= answer.reply.reaction is not None
                log.info("mail refused", message=claim.message_id, reply_code=answer.reply.code)
                self._write_down()
            if answer.reply.is_success or self.connection.is_open:
                self.failures = 0
                self.server.works()
            else:
                self.failures += 1
                self.server.failed(why_lost(answer.reply), str(answer.reply))

    def _put_back(self, claim: Claim) -> None:
        with self.writer.transaction() as session:
            handover.put_back(session, claim)

    def _count_success(self, claim: Claim) -> None:
        if claim.provider != limits.NO_PROVIDER:
            self.succeeded.add(claim.provider)
        if claim.mailing_id is not None:
            self.moving.setdefault(claim.mailing_id, LONG_AGO)

    def _finish(self) -> None:
        """Hands over what waits, and writes down what is done: first what is, or a crash would leave two in doubt."""
        self._write_down()
        try:
            self._renew_old_marks()
            self._take(self.connection.finish())
        finally:
            # Whatever went wrong: an outcome that is never written down means a second mail.
            self._write_down()

    def _write_down(self) -> None:
        if self.done:
            with self.writer.transaction() as session:
                for outcome in self.done:
                    handover.record(session, outcome)
            self.done = []
