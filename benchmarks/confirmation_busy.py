"""Milliseconds from a sign-up's commit until its confirmation is handed over, while a campaign of 100,000 goes out.

Against the same worker with nothing else to do; the slowest of each round.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from itertools import count, islice

import sqlalchemy as sa

from benchmarks.campaign import start_mailing, worker
from benchmarks.confirmations import sign_up
from benchmarks.filling import fill_either
from benchmarks.one_click_busy import wait_for_more
from benchmarks.reporting import report
from benchmarks.serving import own_postgresql, prepared
from benchmarks.sink import sink
from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import MailingId
from consent_service.mailing import service as mailing
from consent_service.mailing.models import Message
from consent_service.mailing.rules import MailingState, MailKind

PEOPLE = 100_000
SIGN_UPS = 20
PAUSE_SECONDS = 0.25
ROUNDS = 3
LONGEST_SECONDS = 60
AIM = "< 1000 ms"


def main() -> None:
    """Measures with the campaign paused and under way, in turn; every sign-up is another person's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help=f"multiplies the {SIGN_UPS} sign-ups of a round")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    arguments = parser.parse_args()
    sign_ups = int(SIGN_UPS * arguments.scale)
    busy, quiet = [], []
    addresses = (f"visitor{number}@example.net" for number in count())
    server = own_postgresql() if arguments.database == "postgresql" else nullcontext(None)
    with server as url, prepared(url) as (folder, _app), sink() as port:
        fill_either(folder, url, PEOPLE)
        started = start_mailing()
        with worker(folder, port):
            wait_for_more(started)
            for _ in range(ROUNDS):
                _turn(started, MailingState.PAUSED)
                quiet.append(_slowest(islice(addresses, sign_ups)))
                _turn(started, MailingState.RUNNING)
                wait_for_more(started)
                busy.append(_slowest(islice(addresses, sign_ups)))
                wait_for_more(started)  # it has not ended meanwhile
    print(f"the slowest of {ROUNDS * sign_ups}: {max(busy):.0f} ms, with nothing else to do {max(quiet):.0f} ms")
    report("confirmation_busy" if url is None else "confirmation_busy_postgresql", busy, quiet, "ms", AIM)


def _turn(started: MailingId, state: MailingState) -> None:
    with transaction() as session:
        mailing.change(session, started, state, clock.now())


def _slowest(addresses: Iterator[str]) -> float:
    """Signs these up, one after the other with a pause; the milliseconds that the slowest confirmation took."""
    committed = {}
    for address in addresses:
        sign_up(address)
        committed[address] = clock.now()
        time.sleep(PAUSE_SECONDS)
    handed_over = _wait_for_confirmations(len(committed), min(committed.values()))
    return max((handed_over[address] - at) / timedelta(milliseconds=1) for address, at in committed.items())


def _wait_for_confirmations(number: int, since: datetime) -> dict[str, datetime]:
    """When each of the confirmations that were made from this moment on was handed over."""
    found = sa.select(Message.recipient, Message.handed_over_at).where(
        Message.kind == MailKind.CONFIRMATION, Message.handed_over_at >= since
    )
    deadline = time.monotonic() + LONGEST_SECONDS
    while True:
        with reading() as session:
            handed_over = {row.recipient: row.handed_over_at for row in session.execute(found)}
        if len(handed_over) >= number:
            return handed_over
        if time.monotonic() > deadline:
            raise RuntimeError("the confirmations are not sent")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
