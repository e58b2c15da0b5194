"""The worker process: carriers for the two lanes, and the timetable of everything else.

SIGTERM and SIGINT end it cleanly: what is in hand is finished, what is claimed is put back. After SIGKILL,
what was in hand is taken up when its lease ends.
"""

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from flask import Flask
from sqlalchemy.orm import Session

from consent_service import clock
from consent_service.database import transaction
from consent_service.deliverability import tasks as deliverability
from consent_service.extensions import settings
from consent_service.imports import applying, uploads
from consent_service.imports import service as imports
from consent_service.inbound import forgetting, forwarding, handling
from consent_service.ledger import service as ledger
from consent_service.mailing import claiming, counting, retrying, troubles, watching
from consent_service.mailing import service as mailing
from consent_service.mailing.carrier import Carrier
from consent_service.mailing.rules import Lane
from consent_service.registrations import service as registrations
from consent_service.seminars import notices as seminar_notices
from consent_service.surveys import tasks as surveys

log = structlog.get_logger()

TICK_SECONDS = 0.2
TURN_SECONDS = 0.1
RESTART_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work in one short transaction, done every so many ticks, and again while it finds more to do.

    It is done again at once as long as its turn lasts, and then after the others have had theirs: none waits for
    the end of a large mailing. `afterwards` follows the commit of one that found something.
    """

    name: str
    run: Callable[[Session], object]
    every_ticks: int
    afterwards: Callable[[], object] | None = None

    def once(self) -> object:
        """Does it in its transaction, and what comes afterwards; true where there is more to do."""
        with transaction() as session:
            found = self.run(session)
        if found and self.afterwards is not None:
            self.afterwards()
        return found


@dataclass(frozen=True, slots=True)
class Job:
    """As a task, but it opens its transactions itself: it has work to do, or to wait, outside of them."""

    name: str
    once: Callable[[], object]
    every_ticks: int


TIMETABLE: tuple[Task | Job, ...] = (
    Task("answer requests", lambda session: registrations.answer_next(session, clock.now()), 1),
    Task("fill mailings", lambda session: mailing.fill(session, clock.now()), 1),
    Task("send failed mails again", lambda session: retrying.retry_next(session, clock.now()), 5),
    Task("finish mailings", lambda session: mailing.finish(session, clock.now()), 5),
    Job("watch mailings", watching.watch, 25),
    Task("reunite providers", mailing.reunite, 300),
    Job("count mailings", counting.count_due, 5),
    Task("take up abandoned messages", claiming.take_up_abandoned, 5),
    Job("write down an outage of the database", troubles.write_down_outage, 5),
    Task("fold counts", ledger.fold_counts, 25),
    Job("stage uploads", uploads.stage_next, 1),
    Job("apply imports", applying.apply_next, 1),
    Task("discard abandoned imports", lambda session: imports.discard_abandoned(session, clock.now()), 300),
    Task("delete discarded rows", imports.delete_discarded_rows, 25),
    Task("handle mail that came in", lambda session: handling.handle_next(session, clock.now()), 1),
    Task("take back lost forwarded copies", lambda session: forwarding.take_back(session, clock.now()), 300),
    Task("forget mail that came in", lambda session: forgetting.forget(session, clock.now()), 300),
    Task("plan reminders", lambda session: seminar_notices.plan_reminders(session, clock.now()), 25),
    Task("send notices of seminars", lambda session: seminar_notices.send_next(session, clock.now()), 5),
    Task("expire registrations", lambda session: registrations.expire(session, clock.now()), 300),
    Task("fold survey counts", surveys.fold_counts, 25),
    Task("mix anonymous answers", surveys.mix_answers, 5),
    Task("destroy ended survey keys", surveys.destroy_ended_keys, 5, surveys.forget_overwritten),
    Task("remind of surveys", surveys.remind, 25),
)


def run(app: Flask, stop: threading.Event | None = None) -> None:
    """Runs until SIGTERM or SIGINT, or until `stop` is set."""
    stop = stop or _stop_on_signals()
    with app.app_context():
        bulk = settings().smtp.connections
    carriers = [Carrier(Lane.SINGLE, stop), Carrier(Lane.BULK, stop, bulk)]
    threads = [
        threading.Thread(target=_keep_running, args=(app, stop, carrier.run), name=carrier.lane.value)
        for carrier in carriers
    ]
    threads.append(
        threading.Thread(target=_keep_running, args=(app, stop, lambda: _keep_timetable(stop)), name="timetable")
    )
    threads.append(
        threading.Thread(
            target=_keep_running, args=(app, stop, lambda: deliverability.keep_checking(stop)), name="deliverability"
        )
    )
    log.info("worker started", bulk_connections=bulk)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.info("worker stopped")


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _keep_running(app: Flask, stop: threading.Event, loop: Callable[[], None]) -> None:
    """Runs a loop, and again after a failure such as a database that is away for a while."""
    while not stop.is_set():
        try:
            with app.app_context():
                loop()
        except Exception as error:
            log.exception("worker loop failed, starting it again")
            troubles.note(error)
            stop.wait(RESTART_SECONDS)


def _keep_timetable(stop: threading.Event) -> None:
    """Gives each task its turn when it is due. One that fails rests for a while; the others go on."""
    tick = 0
    unfinished: list[Task | Job] = []
    rests_until: dict[Task | Job, float] = {}
    while not stop.is_set():
        due = [task for task in TIMETABLE if tick % task.every_ticks == 0 or task in unfinished]
        unfinished = []
        for task in due:
            if rests_until.get(task, 0.0) > time.monotonic():
                continue
            try:
                if _run(task, stop):
                    unfinished.append(task)
            except Exception as error:
                log.exception("task failed", task=task.name)
                troubles.note(error)
                rests_until[task] = time.monotonic() + RESTART_SECONDS
        tick += 1
        if not unfinished:
            stop.wait(TICK_SECONDS)


def _run(task: Task | Job, stop: threading.Event) -> bool:
    """Runs a task until it finds nothing more or its turn is over; whether it may find more to do."""
    end = time.monotonic() + TURN_SECONDS
    while not stop.is_set() and task.once():
        if time.monotonic() >= end:
            return True
    return False
