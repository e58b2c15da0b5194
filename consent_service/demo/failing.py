"""The catcher as a mail provider where things go wrong, as the switch says."""

import asyncio
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from consent_service.clock import now
from consent_service.demo import answers
from consent_service.demo.catcher import Keeper
from consent_service.demo.courier import Courier
from consent_service.demo.failures import CLOSING, REACTIONS, REFUSALS, Event, Failure, Switch

SLOW_SECONDS = 5.0
OK = "250 OK"


class FailingKeeper(Keeper):
    """Refuses, dawdles, or keeps the mail and lets something come back about it; what aiosmtpd calls."""

    def __init__(self, folder: Path, switch: Switch, courier: Courier, slow_seconds: float = SLOW_SECONDS) -> None:
        super().__init__(folder)
        self.switch, self.courier, self.slow_seconds = switch, courier, slow_seconds

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Greets, unless the server is down."""
        session.host_name = hostname
        return [self._down(hostname)] if self.switch.choice.is_down else responses

    async def handle_HELO(self, server: SMTP, session: Session, envelope: Envelope, hostname: str) -> str:
        """Greets, unless the server is down."""
        session.host_name = hostname
        return CLOSING if self.switch.choice.is_down else OK

    async def handle_NOOP(self, server: SMTP, session: Session, envelope: Envelope, argument: str) -> str:
        """Answers on a connection that was kept open, unless the server is down."""
        return CLOSING if self.switch.choice.is_down else OK

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Takes a recipient, or refuses as the switch says."""
        refusal = REFUSALS.get(self.switch.choice.of(address))
        if refusal is not None:
            self._note(address, f"Refused: {refusal}")
            return refusal
        envelope.rcpt_tos.append(address)
        return OK

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keeps the mail, and has the courier bring back what the switch says."""
        failures = {address: self.switch.choice.of(address) for address in envelope.rcpt_tos}
        if Failure.SLOW in failures.values():
            await asyncio.sleep(self.slow_seconds)
            self._note(", ".join(envelope.rcpt_tos), f"Taken after {self.slow_seconds:g} seconds")
        mail = self.keep(envelope)
        for address, failure in failures.items():
            if failure in REACTIONS:
                self._note(address, "Taken")
                self.courier.deliver_later(answers.compose(REACTIONS[failure], mail, address, now()))
        return f"250 2.0.0 Ok: queued as {mail.identifier}"

    def _down(self, client: str) -> str:
        self._note(client, f"Sent away: {CLOSING}")
        return CLOSING

    def _note(self, whom: str, words: str) -> None:
        self.courier.journal.note(Event(now(), whom, words))
