"""A one-click's p99 in milliseconds while a worker delivers a campaign at full speed, against a quiet service."""

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from socket import create_connection

import sqlalchemy as sa

from benchmarks.campaign import count_sent, start_mailing, worker
from benchmarks.filling import fill_either
from benchmarks.reporting import report
from benchmarks.serving import environment, gunicorn, own_postgresql, post, prepared
from benchmarks.sink import sink
from consent_service import links
from consent_service.database import reading
from consent_service.domain.identifiers import MailingId
from consent_service.ledger.models import UnsubscribeLink

PEOPLE = 50_000
CLICKS = 300
ROUNDS = 3
PAUSE_SECONDS = 0.01
AIM = "< 50 ms"
BODY = "List-Unsubscribe=One-Click"


def main() -> None:
    """Measures a quiet and a busy service in turn; every click is another person's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help=f"multiplies the {CLICKS} clicks of a round")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    arguments = parser.parse_args()
    clicks = int(CLICKS * arguments.scale)
    busy, quiet = [], []
    server = own_postgresql() if arguments.database == "postgresql" else nullcontext(None)
    with server as url, prepared(url) as (folder, _app), sink() as mail_port:
        fill_either(folder, url, PEOPLE)
        tokens = iter(_tokens(2 * ROUNDS * clicks + clicks))
        mailing = start_mailing()
        with gunicorn(folder, "wsgi:app", environment(folder, url)) as port:
            _click(port, islice(tokens, clicks))  # warms up
            for _ in range(ROUNDS):
                quiet.append(_p99(_click(port, islice(tokens, clicks))))
                with worker(folder, mail_port):
                    wait_for_more(mailing)
                    busy.append(_p99(_click(port, islice(tokens, clicks))))
                    wait_for_more(mailing)  # it has not ended meanwhile
    report("one_click_busy" if url is None else "one_click_busy_postgresql", busy, quiet, "ms", AIM)


def _tokens(count: int) -> list[str]:
    """The one-click tokens of those whom the campaign reaches last."""
    newest = sa.select(UnsubscribeLink.public_id).order_by(UnsubscribeLink.subject_id.desc()).limit(count)
    with reading() as session:
        return [links.sign(links.Use.UNSUBSCRIBE, link) for link in session.execute(newest).scalars()]


def wait_for_more(mailing: MailingId) -> None:
    """Waits until the worker has sent some more of the mailing."""
    before, deadline = count_sent(mailing), time.monotonic() + 60
    while count_sent(mailing) <= before:
        if time.monotonic() > deadline:
            raise RuntimeError("the campaign is over, or the worker does not send")
        time.sleep(0.05)


def _click(port: int, tokens: Iterator[str]) -> list[float]:
    """Unsubscribes these, one after the other with a pause; the milliseconds that each took."""
    taken = []
    for token in tokens:
        began = time.perf_counter()
        with create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(post(f"/unsubscribe/{token}", BODY))
            answer = connection.makefile("rb").read()
        taken.append((time.perf_counter() - began) * 1000)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"not unsubscribed: {answer[:300]!r}")
        time.sleep(PAUSE_SECONDS)
    return taken


def _p99(milliseconds: Sequence[float]) -> float:
    return sorted(milliseconds)[int(len(milliseconds) * 0.99)]


if __name__ == "__main__":
    main()
