"""The worker's part: makes the checks that are asked for, and one a day; in a thread of its own, since DNS is slow."""

import threading

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.deliverability import checking, queries, service
from consent_service.deliverability.rules import findings
from consent_service.extensions import settings

PAUSE_SECONDS = 1.0


def keep_checking(stop: threading.Event) -> None:
    """Runs until `stop` is set."""
    while not stop.is_set():
        check_if_asked(stop)
        stop.wait(PAUSE_SECONDS)


def check_if_asked(stop: threading.Event) -> bool:
    """Makes the next check, if one is asked for or due; whether it did. One that is broken off is taken up again."""
    now = clock.now()
    is_public = not settings().is_local
    with reading() as session:
        last = queries.last(session)
        is_due = findings.is_due(last.finished_at if last else None, now, is_public)
        if not is_due and not service.is_waiting(session, now):
            return False
    with transaction() as session:
        check = service.begin_next(session, now, is_public)
    if check is None:
        return False
    found = checking.look(checking.zone(stop.is_set))
    with transaction() as session:
        if stop.is_set():
            service.put_back(session, check)
        else:
            service.finish(session, check, found, clock.now())
    return not stop.is_set()
