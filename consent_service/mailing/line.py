"""One connection of a carrier, the batch that it carries, and what of it is in hand."""

import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from consent_service.domain.identifiers import PublicId
from consent_service.mailing.claiming import Claim
from consent_service.mailing.rules import pause_before_reconnect
from consent_service.mailing.smtp import Connection

LONGEST_MARK_SECONDS = 2.0


@dataclass(slots=True)
class InHand:
    """A message that is marked as being handed over, and the moment before that was committed."""

    claim: Claim
    marked: float

    @property
    def is_old(self) -> bool:
        """Whether an unsubscribe may have stopped waiting for us."""
        return time.monotonic() - self.marked > LONGEST_MARK_SECONDS


@dataclass(slots=True, eq=False)
class Line:
    """Takes one batch after the other; each has a lease of its own."""

    connection: Connection = field(default_factory=Connection)
    errand: Future[None] | None = None  # what waits for the server beside the loop: opening, or closing
    was_opened: bool = False  # for this batch
    has_batch: bool = False
    claims: deque[Claim] = field(default_factory=deque)
    in_hand: dict[PublicId, InHand] = field(default_factory=dict)
    not_begun: list[Claim] = field(default_factory=list)  # of a mailing that rests, or of which the server got nothing
    failures: int = 0  # how often in a row the server was not there or hung up
    rests_until: float = 0.0

    def take(self, claims: Iterable[Claim]) -> None:
        """Begins with a batch."""
        self.claims.extend(claims)
        self.has_batch = True

    def stop(self) -> None:
        """Begins nothing more of the batch: the rest of it is to be claimed anew."""
        self.not_begun += self.claims
        self.claims.clear()

    def settle(self, jitter: float) -> None:
        """Is done with the batch, and leaves a server alone for a while that is not there; `jitter` is 0 to 1."""
        self.has_batch, self.was_opened, self.not_begun = False, False, []
        if self.failures:
            self.rests_until = time.monotonic() + pause_before_reconnect(self.failures, jitter).total_seconds()

    def forget(self) -> None:
        """Forgets all that it had: what became of that in hand shows when its lease ends."""
        self.has_batch, self.errand, self.was_opened, self.not_begun = False, None, False, []
        self.claims.clear()
        self.in_hand.clear()

    @property
    def is_free(self) -> bool:
        """Whether it has a batch and waits for nobody."""
        return self.has_batch and self.errand is None and not self.connection.is_busy

    @property
    def can_go_on(self) -> bool:
        """Whether there is something to hand over next."""
        return self.is_free and (bool(self.claims) or self.connection.waiting is not None)

    @property
    def needs_opening(self) -> bool:
        """Whether the connection must be opened, or be asked whether it still is, before more is handed over."""
        connection = self.connection
        is_ready = connection.is_fresh or (self.was_opened and connection.is_open)
        return self.is_free and bool(self.claims) and not is_ready

    @property
    def is_through(self) -> bool:
        """Whether all of the batch was handed over or is not to be."""
        return self.is_free and not self.can_go_on

    @property
    def rests(self) -> bool:
        """Whether it leaves the server alone for a while."""
        return self.rests_until > time.monotonic()
