"""As `campaign`, but each mail is signed with DKIM, by RSA and Ed25519; the bare loop signs nothing."""

import argparse
import os

from benchmarks.campaign import PEOPLE, bare_rate, our_rate
from benchmarks.filling import fill
from benchmarks.reporting import report
from benchmarks.serving import prepared
from benchmarks.sink import sink
from consent_service import clock
from consent_service.database import transaction
from consent_service.extensions import settings
from consent_service.signing import queries, service
from consent_service.signing.rules import Algorithm, KeyState

ROUNDS = 3
AIM = "reported"


def main() -> None:
    """Measures both in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help=f"multiplies the {PEOPLE} mails of a round")
    people = int(PEOPLE * parser.parse_args().scale)
    ours, bare = [], []
    with prepared() as (folder, _app), sink() as port:
        fill(folder / "consent.db", people)
        _let_sign()
        for _ in range(ROUNDS):
            bare.append(bare_rate(folder, port, people // 4))
            ours.append(our_rate(folder, port, people))
    report("campaign_dkim", ours, bare, "mails/s", AIM)


def _let_sign() -> None:
    """Keys of both algorithms that sign, and the setting for the worker that is started later."""
    domain, now = settings().sending_domain, clock.now()
    with transaction() as session:
        service.create(session, domain, tuple(Algorithm), now)
    with transaction() as session:
        new = [key.selector for key in queries.keys(session, domain, KeyState.PREPARED)]
        service.activate(session, domain, new, now)
    os.environ["CONSENT_DKIM"] = "service"


if __name__ == "__main__":
    main()
