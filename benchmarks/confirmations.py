"""Confirmations of one seminar a second, all at once, against the newsletter's confirmations (ratio of rates).

Both go through Gunicorn with two processes. For the seminar all of them want the same row's lock.
"""

import argparse

from benchmarks.reporting import report
from benchmarks.serving import environment, gunicorn, post, prepared, rate
from consent_service import clock, links
from consent_service.database import reading, transaction
from consent_service.demo.seminars import online
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.links import Use
from consent_service.newsletter import service as newsletter
from consent_service.newsletter.service import SignUp
from consent_service.notice import queries as notice
from consent_service.seminars import queries, registering
from consent_service.seminars.queries import Details
from consent_service.seminars.registering import Wish

ROUNDS = 5
REQUESTS = 200
AIM = ">= 0.5"
URL = "http://localhost/"


def main() -> None:
    """Measures both in turn; every confirmation is of another person."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, default=1, help=f"multiplies the {REQUESTS} requests of a round")
    requests = REQUESTS * parser.parse_args().scale
    ours, bare = [], []
    with prepared() as (folder, _app):
        seminar = _seminar((ROUNDS + 1) * requests)
        with gunicorn(folder, "wsgi:app", environment(folder)) as port:
            for round_number in range(ROUNDS + 1):
                people = [f"person{number}.{round_number}" for number in range(requests)]
                seats = [_confirmation(_register(seminar, f"{one}@seminar.example")) for one in people]
                sign_ups = [_confirmation(sign_up(f"{one}@newsletter.example")) for one in people]
                our_rate, bare_rate = rate(port, seats), rate(port, sign_ups)
                if round_number > 0:  # the first round warms up
                    ours.append(our_rate)
                    bare.append(bare_rate)
    report("confirmations", ours, bare, "requests/s", AIM)


def _seminar(places: int) -> Details:
    now = clock.now()
    with transaction() as session:
        public_id = online(session, places, "benchmark", now)
    with reading() as session:
        return queries.seminar(session, public_id, now)


def _confirmation(registration: PublicId) -> bytes:
    return post(f"/confirm/{links.sign(Use.CONFIRMATION, registration)}", "")


def _register(seminar: Details, address: str) -> PublicId:
    now = clock.now()
    with transaction() as session:
        wish = Wish(
            seminar=seminar,
            address=address,
            name="Anna Beispiel",
            mail_language=Language.GERMAN,
            shown_language=Language.GERMAN,
            answers={},
            ticked=(),
            shown=(),
            notice=notice.current_notice(session, now),
            form_url=URL,
        )
        return registering.register(session, wish, {}, now)


def sign_up(address: str) -> PublicId:
    """Signs up for the newsletter as the form does."""
    now = clock.now()
    with transaction() as session:
        offered = [wording for wording in notice.current_wordings(session, now) if wording.code == "newsletter"]
        wish = SignUp(
            address=address,
            name="Anna Beispiel",
            mail_language=Language.GERMAN,
            shown_language=Language.GERMAN,
            ticked=[wording.reference for wording in offered],
            shown=offered,
            notice=notice.current_notice(session, now),
            form_url=URL,
        )
        return newsletter.sign_up(session, wish, {}, now)


if __name__ == "__main__":
    main()
