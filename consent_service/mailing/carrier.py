"""Carrying the outbox out: one loop for a lane, over one connection or several."""

import math
import random
import select
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from types import TracebackType

import sqlalchemy as sa
import structlog

from consent_service import clock
from consent_service.database import Writer
from consent_service.domain.identifiers import MailingId, ProviderId, PublicId
from consent_service.extensions import settings
from consent_service.limits import service as limits
from consent_service.mailing import claiming, copies, handover, troubles, watching
from consent_service.mailing.claiming import Claim
from consent_service.mailing.copies import Copy, Envelope, SingleMail
from consent_service.mailing.handover import Decision, NotNow, Outcome
from consent_service.mailing.line import InHand, Line
from consent_service.mailing.opening import CannotConnect
from consent_service.mailing.rules import Lane, Reply, why_lost
from consent_service.mailing.smtp import Answer

log = structlog.get_logger()

BATCH = {Lane.SINGLE: 10, Lane.BULK: 100}
IDLE_SECONDS = {Lane.SINGLE: 0.1, Lane.BULK: 0.5}
ERRAND_SECONDS = 0.01
NOTED_EVERY = timedelta(minutes=1)
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Carrier:
    """Carries one lane until told to stop, finishing what is in hand.

    Each connection goes its own way, and no server is waited for while there is something to do on another. What all of
    those need that can go on now is decided and written down in one transaction (docs/speed.md).
    """

    def __init__(self, lane: Lane, stop: threading.Event, connections: int = 1) -> None:
        self.lane = lane
        self.stop = stop
        self.lines = [Line() for _ in range(connections)]
        self.writer = Writer()
        self.server = troubles.MailServer(self.writer)
        self.done: list[Outcome] = []  # what the server said and is not yet written down
        self.put_back: list[Claim] = []  # marked, but the server has certainly got nothing; not yet written down
        self.news: list[Reply | None] = []  # how connections were lost, or None for each answer over one that was not
        self.succeeded: set[ProviderId] = set()  # of those kept apart
        self.moving: dict[MailingId, datetime] = {}  # mailings that get out, and when that was noted
        self._threads = ThreadPoolExecutor(connections)  # for what waits for a server, and for signing

    def __enter__(self) -> "Carrier":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        wait([line.errand for line in self.lines if line.errand is not None])
        list(self._threads.map(lambda line: line.connection.close(), self.lines))
        for line in self.lines:
            line.forget()
        self.writer.close()

    def run(self) -> None:
        """Works until `stop` is set; needs an application context. May be run again after it has raised."""
        with self:
            try:
                while not self.stop.is_set():
                    if not self.carry_batch():
                        self.stop.wait(IDLE_SECONDS[self.lane])
            finally:
                self._finish()

    def carry_batch(self) -> bool:
        """Claims for each line that has nothing, and hands over until one of them is through.

        Where a line found nothing to claim, not much longer than until it is to look again. Returns whether there was
        anything to do.
        """
        self._write_down()
        self._claim_for_the_idle()
        self._close_the_idle()
        if not any(line.has_batch for line in self.lines):
            return False
        until = None if all(line.has_batch for line in self.lines) else time.monotonic() + IDLE_SECONDS[self.lane]
        self._go_on()
        while not self._settle_what_is_through() and (until is None or time.monotonic() < until):
            self._listen(self._patience())
            self._go_on()
        self._rest()
        return True

    def _claim_for_the_idle(self) -> None:
        for line in self.lines:
            if not line.has_batch and not line.rests:
                claims = self._claim()
                if not claims:
                    return
                line.take(claims)

    def _close_the_idle(self) -> None:
        for line in self.lines:
            if not line.has_batch and line.errand is None and line.connection.is_idle:
                line.errand = self._threads.submit(line.connection.close)

    def _claim(self) -> list[Claim]:
        if self.lane is Lane.SINGLE:  # which looks often, and mostly for nothing
            with self.writer.reading() as session:
                if not claiming.is_single_due(session):
                    return []
        with self.writer.transaction() as session:
            return claiming.claim(session, self.lane, BATCH[self.lane])

    def _go_on(self) -> None:
        """Lets every line that waits for nobody hand over its next mail, after all that is done was written down."""
        self._tell_news()
        self._end_errands()
        if self.stop.is_set():
            for line in self.lines:
                line.stop()
        for line in self.lines:
            if line.needs_opening:
                line.errand = self._threads.submit(copy_context().run, line.connection.open)
        free = [line for line in self.lines if line.can_go_on]
        ending = [line for line in free if not line.claims]
        following = [(line, line.claims.popleft()) for line in free if line.claims]
        decisions, marked = self._decide([claim for _, claim in following])
        envelopes = self._compose([decision for decision in decisions if isinstance(decision, Copy | SingleMail)])
        for (line, claim), decision in zip(following, decisions, strict=True):
            if isinstance(decision, Copy | SingleMail):
                line.in_hand[decision.public_id] = InHand(claim, marked)
                self._begin(line, decision.public_id, next(envelopes))
            elif decision is NotNow.PAUSED:
                line.not_begun.append(claim)
                line.stop()
        for line in ending:
            self._renew_old_marks(line)
            if line.connection.waiting is not None:
                line.connection.begin(None)

    def _decide(self, claims: Sequence[Claim]) -> tuple[Sequence[Decision], float]:
        """Decides and marks, and writes down what is done; also a moment before the marks were committed."""
        if not claims or self.put_back or not all(outcome.reply.is_success for outcome in self.done):
            self._write_down()
        if not claims:
            return (), time.monotonic()
        with self.writer.quick_transaction() as session:
            decisions = handover.step(session, self.done, claims, clock.now())
            marked = time.monotonic()
        self.done = []
        return decisions, marked

    def _compose(self, mails: Sequence[Copy | SingleMail]) -> Iterator[Envelope | Exception]:
        """Each as it is asked for; where they are signed, half of them meanwhile in another thread.

        Signing, the larger part of it, lets go of the interpreter's lock.
        """
        ours = (len(mails) + 1) // 2 if settings().signs_dkim else len(mails)
        others = mails[ours:]
        beside = self._threads.submit(copy_context().run, lambda: list(map(_composed, others))) if others else None
        yield from map(_composed, mails[:ours])
        if beside is not None:
            yield from beside.result()

    def _begin(self, line: Line, public_id: PublicId, envelope: Envelope | Exception) -> None:
        if isinstance(envelope, Exception):
            self._give_up(line, public_id, envelope)
            return
        self._renew_old_marks(line)
        if public_id in line.in_hand and line.connection.is_open:
            line.connection.begin(envelope)
        elif public_id in line.in_hand:  # the connection was given up together with a mail that waited
            self._keep(line, [Answer(public_id, None)])

    def _give_up(self, line: Line, public_id: PublicId, error: Exception) -> None:
        """What composing raises now, it would raise for ever, and hold up the lane; but for a database that fails."""
        if isinstance(error, sa.exc.SQLAlchemyError):
            raise error
        claim, kind = line.in_hand.pop(public_id).claim, type(error).__name__
        log.error("mail cannot be composed", message=claim.message_id, error=kind)
        with self.writer.transaction() as session:
            handover.give_up(session, claim, kind)

    def _renew_old_marks(self, line: Line) -> None:
        """Decides anew on what is in hand for so long that an unsubscribe no longer waits for it (design I6)."""
        while old := next((held for held in line.in_hand.items() if held[1].is_old), None):
            public_id, held = old
            (decision,), marked = self._decide([held.claim])
            if isinstance(decision, Copy | SingleMail):
                line.in_hand[public_id] = InHand(held.claim, marked)
                continue
            del line.in_hand[public_id]
            if line.connection.waiting == public_id:
                line.connection.forsake()
            self.put_back.append(held.claim)  # unless it was left out, or is no longer ours
            self._write_down()
            if decision is NotNow.PAUSED:
                line.not_begun.append(held.claim)
                line.stop()

    def _end_errands(self) -> None:
        for line in self.lines:
            if line.errand is not None and line.errand.done():
                errand, line.errand = line.errand, None
                try:
                    errand.result()
                    line.was_opened = True
                except CannotConnect as error:
                    line.stop()
                    line.failures += 1
                    log.warning("mail server not reached", reason=str(error), failures=line.failures)
                    self.server.failed(error.kind, str(error))

    def _patience(self) -> float:
        """For how many seconds there is nothing to do unless a server says something."""
        if any(line.can_go_on or line.is_through for line in self.lines):
            return 0
        has_errand = any(line.has_batch and line.errand is not None for line in self.lines)
        return ERRAND_SECONDS if has_errand else IDLE_SECONDS[self.lane]

    def _listen(self, patience: float) -> None:
        """Hears what the servers say, and waits for it up to so many seconds."""
        busy = [line for line in self.lines if line.connection.is_busy]
        ready = _ready(busy, patience)
        for line in busy:
            file = line.connection.file
            if file is None or file[0] in ready or line.connection.seconds_left <= 0:
                answers = line.connection.go_on()
                if answers is not None:
                    self._keep(line, answers)

    def _keep(self, line: Line, answers: list[Answer]) -> None:
        """Keeps what a server said until it is written down; the database is not asked for anything here."""
        for answer in answers:
            claim = line.in_hand.pop(answer.public_id).claim
            if answer.reply is None:
                self.put_back.append(claim)
                line.not_begun.append(claim)  # what it was allowed is given back with the others'
            else:
                self._keep_outcome(line, Outcome(claim, answer.reply, clock.now()))
        if not line.connection.is_open:
            line.stop()

    def _keep_outcome(self, line: Line, outcome: Outcome) -> None:
        claim, reply = outcome.claim, outcome.reply
        self.done.append(outcome)
        if reply.is_success:
            self._count_success(claim)
        else:
            log.info("mail refused", message=claim.message_id, reply_code=reply.code)
            if reply.reaction is not None:  # a provider wants less of us, or nothing: what is claimed is chosen anew
                line.stop()
        is_lost = not reply.is_success and not line.connection.is_open
        line.failures = line.failures + 1 if is_lost else 0
        self.news.append(reply if is_lost else None)

    def _count_success(self, claim: Claim) -> None:
        if claim.provider != limits.NO_PROVIDER:
            self.succeeded.add(claim.provider)
        if claim.mailing_id is not None:
            self.moving.setdefault(claim.mailing_id, LONG_AGO)

    def _tell_news(self) -> None:
        news, self.news = self.news, []
        for lost in news:
            if lost is None:
                self.server.works()
            else:
                self.server.failed(why_lost(lost), str(lost))

    def _settle_what_is_through(self) -> bool:
        """Puts back what a line did not begin; whether one was through."""
        through = [line for line in self.lines if line.is_through]
        if not through:
            return False
        self._write_down()
        left = [claim for line in through for claim in line.not_begun]
        for line in through:
            line.settle(random.random())
        if left:
            with self.writer.transaction() as session:
                claiming.release(session, left)
        self._note_success()
        return True

    def _note_success(self) -> None:
        """Lets providers grow that have taken something again, and notes now and then which mailings get out."""
        now = clock.now()
        if self.succeeded:
            with self.writer.transaction() as session:
                limits.succeeded(session, self.succeeded, now)
            self.succeeded = set()
        unnoted = [mailing for mailing, noted in self.moving.items() if now - noted >= NOTED_EVERY]
        if unnoted:
            with self.writer.transaction() as session:
                watching.moved(session, unnoted, now)
            self.moving.update(dict.fromkeys(unnoted, now))

    def _rest(self) -> None:
        """Waits as long as all lines leave the server alone."""
        first = min(self.lines, key=lambda line: line.rests_until)
        if first.rests:
            self.stop.wait(first.rests_until - time.monotonic())
            first.rests_until = 0.0

    def _finish(self) -> None:
        """Hands over what waits, and writes down what is done: first what is, or a crash would leave two in doubt."""
        for line in self.lines:
            line.stop()
        try:
            while any(line.has_batch for line in self.lines):
                self._go_on()
                if not self._settle_what_is_through():
                    self._listen(self._patience())
        finally:
            # Whatever went wrong: an outcome that is never heard and written down means a second mail.
            while any(line.connection.is_busy for line in self.lines):
                self._listen(IDLE_SECONDS[self.lane])
            self._write_down()

    def _write_down(self) -> None:
        """Each refusal by itself: it may lock a person and a provider, in an order that suits no other."""
        refusals = [outcome for outcome in self.done if not outcome.reply.is_success]
        if len(refusals) < len(self.done) or self.put_back:
            with self.writer.transaction() as session:
                for outcome in self.done:
                    if outcome.reply.is_success:
                        handover.record(session, outcome)
                for claim in self.put_back:
                    handover.put_back(session, claim)
        self.done, self.put_back = refusals, []
        while self.done:
            with self.writer.transaction() as session:
                handover.record(session, self.done[0])
            del self.done[0]


def _composed(mail: Copy | SingleMail) -> Envelope | Exception:
    try:
        return copies.envelope(mail, clock.now())
    except Exception as error:
        return error


def _ready(lines: Sequence[Line], patience: float) -> set[int]:
    """On which descriptors the servers of these lines want something of us, after up to so many seconds."""
    poll = select.poll()
    for line in lines:
        if line.connection.file is None:  # its exchange is over already
            patience = 0
        else:
            descriptor, has_unsent = line.connection.file
            poll.register(descriptor, select.POLLIN | (select.POLLOUT if has_unsent else 0))
            patience = min(patience, line.connection.seconds_left)
    return {descriptor for descriptor, _ in poll.poll(max(0, math.ceil(patience * 1000)))}
