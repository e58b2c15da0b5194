"""The worker as a process: killed at any moment it loses nothing and repeats next to nothing; told to stop it stops."""

import os
import random
import signal
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from consent_service import clock, worker
from consent_service.mailing import line
from tests.conftest import free_port
from tests.driving import add_people
from tests.mailing.campaigning import change_messages, service, start_mailing, states, wait_for, worker_process
from tests.mailing.forking import forker
from tests.mailing.servers import HandOver, Recorder, serving

PEOPLE = 2000
KILLS = 100
LONG_CAMPAIGN = 200  # two connections claim all of it at once
WORKERS = 2
CONNECTIONS = 4
# A busy machine must not make the server seem to be away; the lease is what the end of the test waits for.
PATIENT = {"SMTP_TIMEOUT_SECONDS": "3", "LEASE_SECONDS": "28", "SMTP_CONNECTIONS": str(CONNECTIONS)}


def test_killed_at_random_moments_everybody_is_written_to_and_next_to_nobody_twice(database_url: str) -> None:
    """One of two workers each time, while it hands over on all of its connections."""
    port = free_port()
    chance = random.Random(database_url)
    server = Recorder()
    with service(database_url, port), serving(server, port), forker(database_url, port, **PATIENT) as workers:
        add_people(None, PEOPLE)
        start_mailing()
        running = [workers.start_worker() for _ in range(WORKERS)]
        opened = 0
        for kills in range(KILLS):
            # However fast the machine is, the campaign is to last until the last kill.
            server.keep_pace(kills * PEOPLE * 0.8 / KILLS)
            wait_for(lambda opened=opened: len(server.connections) >= opened + CONNECTIONS)
            enough = len(server.taken) + chance.randrange(10)
            wait_for(lambda enough=enough: len(server.taken) > enough)
            time.sleep(chance.random() / 50)
            opened = len(server.connections)
            os.kill(running.pop(chance.randrange(WORKERS)), signal.SIGKILL)
            running.append(workers.start_worker())
        assert states()["sent"] < PEOPLE
        server.seconds_per_mail = 0
        wait_for(lambda: states()["sent"] == PEOPLE, seconds=120)
    copies = Counter(one.message_id for one in server.taken)
    assert len(copies) == len(server.recipients()) == PEOPLE
    assert sum(copies.values()) - PEOPLE <= KILLS * CONNECTIONS
    assert unexplained_copies(server.taken) == []


def unexplained_copies(taken: list[HandOver]) -> list[str]:
    """Messages that were taken twice though the first time was not the last thing on its connection.

    A kill leaves at most that one in doubt.
    """
    last = {one.connection: one for one in taken}
    latest_copy = {one.message_id: one for one in taken}
    return [
        one.message_id for one in taken if one is not latest_copy[one.message_id] and one is not last[one.connection]
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_finishes_what_is_in_hand_and_puts_back_the_rest(
    database_url: str, number: signal.Signals
) -> None:
    port = free_port()
    with service(database_url, port), serving(Recorder(seconds_per_mail=0.3), port) as server:
        add_people(None, LONG_CAMPAIGN)
        start_mailing()
        with worker_process(database_url, port) as process:
            wait_for(lambda: len(server.taken) >= 2)
            process.send_signal(number)
            assert process.wait(timeout=60) == 0
        counted = states()
        assert counted["sent"] == len(server.taken) < LONG_CAMPAIGN
        assert counted["sent"] + counted["queued"] == LONG_CAMPAIGN


def test_told_to_stop_while_the_server_is_away_it_stops_at_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "pause_before_reconnect", lambda *_: timedelta(hours=1))
    with service(database_url, free_port()) as app, capture_logs() as logged:
        add_people(None, 5)
        start_mailing()
        stop = threading.Event()
        running = threading.Thread(target=worker.run, args=(app, stop), daemon=True)
        running.start()
        wait_for(lambda: [entry["event"] for entry in logged].count("mail server not reached") >= 2)
        stop.set()
        running.join(timeout=90)
        assert not running.is_alive()
        assert states() == {"queued": 5}


def test_a_second_worker_takes_up_what_a_killed_one_left(database_url: str) -> None:
    port = free_port()
    with service(database_url, port):
        add_people(None, 5)
        start_mailing()
        with serving(Recorder(seconds_per_mail=30), port) as server, worker_process(database_url, port) as process:
            wait_for(lambda: bool(server.begun))
            process.kill()
            process.wait()
        assert states()["handing"] >= 1
        change_messages(lease_until=clock.now())
        with serving(Recorder(), port) as server, worker_process(database_url, port):
            wait_for(lambda: states() == {"sent": 5})
        assert set(server.recipients().values()) == {1}
