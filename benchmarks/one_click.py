"""One-click unsubscribes a second through Gunicorn against a minimal Flask POST with one durable commit."""

import argparse

from benchmarks import bare as bare_app
from benchmarks.reporting import report
from benchmarks.serving import environment, gunicorn, post, prepared, rate
from consent_service import clock, links
from consent_service.database import transaction
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Channel, EventKind, Language, LegalBasis
from consent_service.evidence import service as evidence
from consent_service.ledger import queries
from consent_service.ledger import service as ledger
from consent_service.notice import queries as notice
from consent_service.subjects import service as subjects

ROUNDS = 5
AIM = ">= 0.6"
BODY = "List-Unsubscribe=One-Click"


def main() -> None:
    """Measures both in turn; every one-click is of another person."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, default=1, help="multiplies the 400 requests of a round")
    requests = 400 * parser.parse_args().scale
    ours, bare = [], []
    with prepared() as (folder, _app):
        tokens = [links.sign(links.Use.UNSUBSCRIBE, link) for link in _people((ROUNDS + 1) * requests)]
        bare_app.prepare(folder / "bare.db")
        variables = {**environment(folder), "BARE_DATABASE": str(folder / "bare.db")}
        with (
            gunicorn(folder, "wsgi:app", variables) as our_port,
            gunicorn(folder, "benchmarks.bare:app", variables) as bare_port,
        ):
            for round_number in range(ROUNDS + 1):
                share = tokens[round_number * requests : (round_number + 1) * requests]
                our_rate = rate(our_port, [post(f"/unsubscribe/{token}", BODY) for token in share])
                bare_rate = rate(bare_port, [post("/", BODY) for _ in share])
                if round_number > 0:  # the first round warms up
                    ours.append(our_rate)
                    bare.append(bare_rate)
    report("one_click", ours, bare, "requests/s", AIM)


def _people(count: int) -> list[PublicId]:
    """The unsubscribe links of so many people who have just confirmed the newsletter."""
    now = clock.now()
    found = []
    with transaction() as session:
        wording = notice.purpose(session, "newsletter", now)
        for number in range(count):
            person = subjects.find_or_add(
                session, f"person{number}@example.org", language=Language.GERMAN, name=None, at=now
            )
            key = evidence.new_data_key(session, person, now)
            given = ledger.Consent(
                subject_id=person,
                purpose_id=wording.purpose_id,
                purpose_version_id=wording.version_id,
                kind=EventKind.CONFIRMED,
                basis=LegalBasis.CONSENT,
                at=now,
                channel=Channel.LINK,
            )
            ledger.begin(session, given, {}, key)
            found.append(queries.unsubscribe_link(session, person, wording.purpose_id))
    return found


if __name__ == "__main__":
    main()
