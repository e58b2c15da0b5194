"""Hands what comes back over to the service, by LMTP, as the organisation's own mail server would."""

import smtplib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from consent_service.clock import now
from consent_service.demo.answers import Answer
from consent_service.demo.failures import Event, Journal

# A report takes its time: it comes when the service knows that the mail was taken.
REPORT_AFTER_SECONDS = 1.0
TRY_AGAIN_AFTER_SECONDS = 1.0
TIMEOUT_SECONDS = 10
CANNOT_DELIVER = (OSError, smtplib.SMTPException)


class Courier:
    """Delivers answers, at once or a little later in a thread of its own; what is left at its end is dropped."""

    def __init__(self, host: str, port: int, journal: Journal, report_after_seconds: float = REPORT_AFTER_SECONDS):
        self.host, self.port, self.journal = host, port, journal
        self._report_after_seconds = report_after_seconds
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(1)

    def __enter__(self) -> "Courier":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)

    def deliver(self, answer: Answer) -> None:
        """Hands it over now. Raises CANNOT_DELIVER where the service does not take it."""
        with smtplib.LMTP(self.host, self.port, timeout=TIMEOUT_SECONDS) as service:
            service.send_message(answer.message, answer.sender, [answer.recipient])
        self.journal.note(Event(now(), answer.about, f"Came back to the service: “{answer.message['Subject']}”"))

    def deliver_later(self, answer: Answer) -> None:
        """Hands it over after a while, and tries until the service takes it."""
        self._pool.submit(self._deliver, answer, time.monotonic() + self._report_after_seconds)

    def _deliver(self, answer: Answer, due: float) -> None:
        pause = max(due - time.monotonic(), 0)
        while not self._stop.wait(pause):
            try:
                self.deliver(answer)
            except CANNOT_DELIVER:
                pause = TRY_AGAIN_AFTER_SECONDS
            else:
                return
