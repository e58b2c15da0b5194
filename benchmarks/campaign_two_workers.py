"""Mails a second of a campaign from two worker processes, against one; each has one connection.

With several, one worker alone keeps a machine of two cores busy, and there is nothing left for another.
"""

import os
from contextlib import ExitStack

from benchmarks.campaign import mails_of_a_round, our_rate
from benchmarks.filling import fill_either
from benchmarks.reporting import report
from benchmarks.serving import own_postgresql, prepared
from benchmarks.sink import sink

PEOPLE = 8_000
ROUNDS = 3
AIM = ">= 1.6"


def main() -> None:
    """Measures both in turn."""
    measure("campaign_two_workers", __doc__)


def measure(name: str, purpose: str | None, on_postgresql: bool = False) -> None:
    """Measures both in turn."""
    people = mails_of_a_round(PEOPLE, purpose)
    two, one = [], []
    os.environ["CONSENT_SMTP_CONNECTIONS"] = "1"
    with ExitStack() as stack:
        url = stack.enter_context(own_postgresql()) if on_postgresql else None
        folder, _app = stack.enter_context(prepared(url))
        port = stack.enter_context(sink())
        fill_either(folder, url, people)
        for _ in range(ROUNDS):
            one.append(our_rate(folder, port, people))
            two.append(our_rate(folder, port, people, workers=2))
    report(name, two, one, "mails/s", AIM)


if __name__ == "__main__":
    main()
