"""Carrying the outbox out: one loop per lane and connection."""

import random
import threading
import time
from dataclasses import dataclass, field

import structlog

from consent_service import clock
from consent_service.database import transaction
from consent_service.mailing import handover
from consent_service.mailing.handover import Claim, Envelope, Outcome
from consent_service.mailing.rules import Lane
from consent_service.mailing.smtp import CannotConnect, Connection

log = structlog.get_logger()

BATCH = {Lane.SINGLE: 10, Lane.BULK: 100}
IDLE_SECONDS = {Lane.SINGLE: 0.1, Lane.BULK: 0.5}
LONGEST_MARK_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0


@dataclass
class Carrier:
    """Carries one lane over one connection until told to stop, finishing what is in hand."""

    lane: Lane
    stop: threading.Event
    connection: Connection = field(default_factory=Connection)
    failures: int = 0

    def run(self) -> None:
        """Works until `stop` is set; needs an application context."""
        with self.connection:
            while not self.stop.is_set():
                if not self.carry_batch():
                    self.stop.wait(IDLE_SECONDS[self.lane])

    def carry_batch(self) -> bool:
        """Claims a batch and hands it over; whether there was anything to do."""
        with transaction() as session:
            claims = handover.claim(session, self.lane, BATCH[self.lane])
        if not claims:
            self.connection.close()
            return False
        left = self._carry(claims)
        if left:
            with transaction() as session:
                handover.release(session, left)
        return True

    def _carry(self, claims: list[Claim]) -> list[Claim]:
        """Hands over one after the other; what was not begun when we had to stop."""
        done: Outcome | None = None
        for position, claim in enumerate(claims):
            if self.stop.is_set() or not self._connected():
                self._write_down(done)
                return claims[position:]
            done = self._hand_over(done, claim)
        self._write_down(done)
        return []

    def _connected(self) -> bool:
        try:
            self.connection.open()
        except CannotConnect as error:
            self.failures += 1
            pause = min(LONGEST_PAUSE_SECONDS, 2.0 ** min(self.failures, 6)) * random.uniform(0.5, 1.0)
            log.warning("mail server not reached", reason=str(error), pause_seconds=round(pause, 1))
            self.stop.wait(pause)
            return False
        self.failures = 0
        return True

    def _hand_over(self, done: Outcome | None, claim: Claim) -> Outcome | None:
        """Decides, hands over, and returns what is to be written down with the next decision."""
        envelope, marked = self._decide(done, claim)
        while envelope is not None and time.monotonic() - marked > LONGEST_MARK_SECONDS:
            envelope, marked = self._decide(None, claim)
        if envelope is None:
            return None
        outcome = Outcome(claim, self.connection.hand_over(envelope), clock.now())
        if outcome.reply.is_success:
            return outcome
        log.info("mail refused", message=claim.message_id, reply_code=outcome.reply.code)
        self._write_down(outcome)
        return None

    def _decide(self, done: Outcome | None, claim: Claim) -> tuple[Envelope | None, float]:
        """Decides and marks; with the moment before the commit, from which an unsubscribe waits for us."""
        with transaction() as session:
            envelope = handover.step(session, done, claim, clock.now())
            return envelope, time.monotonic()

    def _write_down(self, done: Outcome | None) -> None:
        if done is not None:
            with transaction() as session:
                handover.record(session, done)
