"""Several workers draw on one allowance, on real connections and as real processes: together no more than it allows."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from consent_service import clock
from consent_service.database import transaction
from consent_service.limits import steering
from consent_service.limits.rules import Limits
from consent_service.mailing import claiming
from consent_service.mailing import service as mailing
from consent_service.mailing.rules import Lane, MailingState
from tests.conftest import free_port
from tests.driving import add_people
from tests.mailing.campaigning import service, start_mailing, wait_for, worker_process
from tests.mailing.servers import Recorder, serving

Limit = Callable[[Limits], None]


def limit_provider(limits: Limits) -> None:
    with transaction() as session:
        steering.limit_provider(session, "example.org", limits, "anna", clock.now())


def limit_sender(limits: Limits) -> None:
    with transaction() as session:
        steering.limit_sender(session, "beispiel.example", limits, "anna", clock.now())


LIMITS = pytest.mark.parametrize("limit", [limit_provider, limit_sender])


@LIMITS
def test_who_claim_at_once_get_no_more_than_one_would(app: Flask, limit: Limit) -> None:
    """Of 600 an hour ten may go at once, and then one every six seconds."""
    add_people(None, 60)
    limit(Limits(per_hour=600))
    start_mailing()
    meet = threading.Barrier(4)

    def claim_all() -> int:
        meet.wait()
        claimed = 0
        while True:
            with transaction() as session:
                batch = claiming.claim(session, Lane.BULK, 7)
            if not batch:
                return claimed
            claimed += len(batch)

    began = time.monotonic()
    with ThreadPoolExecutor(4, initializer=lambda: app.app_context().push()) as pool:
        claimed = sum(one.result(timeout=60) for one in [pool.submit(claim_all) for _ in range(4)])
    assert 10 <= claimed <= 10 + (time.monotonic() - began) / 6


RATE, SECONDS = 100, 3


@LIMITS
def test_two_workers_hand_over_no_more_than_a_limit_allows(database_url: str, limit: Limit) -> None:
    """A second's worth at once; from then on no hand-over before its time, counted from before the first one."""
    port = free_port()
    with service(database_url, port), serving(Recorder(), port) as server:
        add_people(None, RATE * (SECONDS + 1))
        limit(Limits(per_second=RATE))
        started = start_mailing()
        steer(started, MailingState.PAUSED)
        with worker_process(database_url, port) as one, worker_process(database_url, port) as other:
            for process in (one, other):
                assert process.stderr is not None
                assert next(line for line in iter(process.stderr.readline, "") if "worker started" in line)
            began = time.monotonic()
            steer(started, MailingState.RUNNING)
            wait_for(lambda: len(server.taken) == RATE * (SECONDS + 1))
    moments = sorted(at for _, at in server.begun)
    assert [number for number, at in enumerate(moments, start=1) if number > RATE + RATE * (at - began)] == []


def steer(started: object, state: MailingState) -> None:
    with transaction() as session:
        mailing.change(session, started, state, clock.now())  # type: ignore[arg-type]
