"""Mails a second of a campaign from two worker processes, against one."""

from benchmarks.campaign import mails_of_a_round, our_rate
from benchmarks.filling import fill_either
from benchmarks.reporting import report
from benchmarks.serving import prepared
from benchmarks.sink import sink

PEOPLE = 8_000
ROUNDS = 3
AIM = ">= 1.6"


def main() -> None:
    """Measures both in turn."""
    people = mails_of_a_round(PEOPLE, __doc__)
    two, one = [], []
    with prepared() as (folder, _app), sink() as port:
        fill_either(folder, None, people)
        for _ in range(ROUNDS):
            one.append(our_rate(folder, port, people))
            two.append(our_rate(folder, port, people, workers=2))
    report("campaign_two_workers", two, one, "mails/s", AIM)


if __name__ == "__main__":
    main()
