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
from consent_service.mailing.rules import Lane, pause_before_reconnect
from consent_service.mailing.smtp import CannotConnect, Connection

log = structlog.get_logger()

BATCH = {Lane.SINGLE: 10, Lane.BULK: 100}
IDLE_SECONDS = {Lane.SINGLE: 0.1, Lane.BULK: 0.5}
LONGEST_MARK_SECONDS = 2.0


@dataclass
class Carrier:
    """Carries one lane over one connection until told to stop, finishing what is in hand."""

    lane: Lane
    stop: threading.Event
    connection: Connection = field(default_factory=Connection)
    failures: int = 0  # how often in a row the server was not there or hung up
    done: Outcome | None = None  # what the server said and is not yet written down

    def run(self) -> None:
        """Works until `stop` is set; needs an application context. May be run again after it has raised."""
        with self.connection:
            try:
                while not self.stop.is_set():
                    if not self.carry_batch():
                        self.connection.close_if_idle()
                        self.stop.wait(IDLE_SECONDS[self.lane])
            finally:
                # Whatever went wrong: an outcome that is never written down means a second mail.
                self._write_down()

    def carry_batch(self) -> bool:
        """Claims a batch and hands it over; whether there was anything to do."""
        self._write_down()
        with transaction() as session:
            claims = handover.claim(session, self.lane, BATCH[self.lane])
        if not claims:
            return False
        left = self._carry(claims)
        self._write_down()
        if left:
            with transaction() as session:
                handover.release(session, left)
        if self.failures:
            self.stop.wait(pause_before_reconnect(self.failures, random.random()).total_seconds())
        return True

    def _carry(self, claims: list[Claim]) -> list[Claim]:
        """Hands over one after the other; what was not begun when we had to stop or the server hung up."""
        for position, claim in enumerate(claims):
            if self.stop.is_set() or not self._connected():
                return claims[position:]
            self._hand_over(claim)
            if not self.connection.is_open:
                return claims[position + 1 :]
        return []

    def _connected(self) -> bool:
        try:
            self.connection.open()
        except CannotConnect as error:
            self.failures += 1
            log.warning("mail server not reached", reason=str(error), failures=self.failures)
            return False
        return True

    def _hand_over(self, claim: Claim) -> None:
        """Decides and hands over; a success is written down together with the next decision."""
        envelope, marked = self._decide(claim)
        while envelope is not None and time.monotonic() - marked > LONGEST_MARK_SECONDS:
            envelope, marked = self._decide(claim)
        if envelope is None:
            return
        reply = self.connection.hand_over(envelope)
        self.done = Outcome(claim, reply, clock.now())
        if not reply.is_success:
            log.info("mail refused", message=claim.message_id, reply_code=reply.code)
            self._write_down()
        self.failures = 0 if self.connection.is_open else self.failures + 1

    def _decide(self, claim: Claim) -> tuple[Envelope | None, float]:
        """Decides and marks; with the moment before the commit, from which an unsubscribe waits for us."""
        with transaction() as session:
            envelope = handover.step(session, self.done, claim, clock.now())
            marked = time.monotonic()
        self.done = None
        return envelope, marked

    def _write_down(self) -> None:
        if self.done is not None:
            with transaction() as session:
                handover.record(session, self.done)
            self.done = None
