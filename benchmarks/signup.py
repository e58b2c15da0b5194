"""Sign-ups a second through Gunicorn against a minimal Flask POST with one durable commit (ratio of rates)."""

import argparse
import time
from urllib.parse import urlencode

from benchmarks import bare as bare_app
from benchmarks.reporting import report
from benchmarks.serving import environment, gunicorn, post, prepared, rate
from consent_service.public_forms import SHORTEST_TIME, new_token

ROUNDS = 5
AIM = ">= 0.6"


def main() -> None:
    """Measures both in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, default=1, help="multiplies the 400 requests of a round")
    requests = 400 * parser.parse_args().scale
    ours, bare = [], []
    with prepared() as (folder, _app):
        token = new_token()
        time.sleep(SHORTEST_TIME.total_seconds() + 1)
        bare_app.prepare(folder / "bare.db")
        variables = {**environment(folder), "BARE_DATABASE": str(folder / "bare.db")}
        with (
            gunicorn(folder, "wsgi:app", variables) as our_port,
            gunicorn(folder, "benchmarks.bare:app", variables) as bare_port,
        ):
            for round_number in range(ROUNDS + 1):
                bodies = [_body(token, round_number, number) for number in range(requests)]
                our_rate = rate(our_port, [post("/newsletter", body) for body in bodies])
                bare_rate = rate(bare_port, [post("/", body) for body in bodies])
                if round_number > 0:  # the first round warms up
                    ours.append(our_rate)
                    bare.append(bare_rate)
    report("signup", ours, bare, "requests/s", AIM)


def _body(token: str, round_number: int, number: int) -> str:
    fields = {
        "form_token": token,
        "email": f"person{number}.{round_number}@example.org",
        "name": "Anna Beispiel",
        "language": "de",
        "purposes": "newsletter:1",
    }
    return urlencode(fields)


if __name__ == "__main__":
    main()
