"""The people list and a person's page at a million people against a thousand (the worse ratio of times)."""

import argparse
import os
import time
from statistics import median

from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password

from benchmarks.filling import fill
from benchmarks.reporting import report
from benchmarks.serving import prepared
from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.people import queries
from consent_service.staff.models import StaffMember

FEW = 1_000
MANY = 200_000
REQUESTS = 60
AIM = "<= 2"
ADDRESS, PASSWORD = "anna.beispiel@beispiel.example", "correct horse battery staple"


def main() -> None:
    """Measures both sizes, and reports the page that grows more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help=f"multiplies the {MANY} people; 5 is a million")
    many, few = _times(int(MANY * parser.parse_args().scale)), _times(FEW)
    worst = max(many, key=lambda page: median(many[page]) / median(few[page]))
    report("people", many[worst], few[worst], "ms", AIM)


def _times(people: int) -> dict[str, list[float]]:
    """Milliseconds of each request, per page."""
    with prepared() as (folder, app):
        fill(folder / "consent.db", people)
        client = _signed_in(app)
        with reading() as session:
            person = queries.person_by_address(session, f"person{people // 2}@example.org").public_id
        pages = {"list": "/staff/people/", "person": f"/staff/people/{person}"}
        return {name: [_milliseconds(client, path) for _ in range(REQUESTS)] for name, path in pages.items()}


def _signed_in(app: Flask) -> FlaskClient:
    with transaction() as session:
        session.add(
            StaffMember(
                email=ADDRESS,
                password=hash_password(PASSWORD),
                active=True,
                fs_uniquifier=os.urandom(16).hex(),
                created_at=clock.now(),
            )
        )
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    answer = client.post("/staff/sign-in", data={"email": ADDRESS, "password": PASSWORD})
    if answer.status_code != 302:
        raise RuntimeError("signing in failed")
    return client


def _milliseconds(client: FlaskClient, path: str) -> float:
    began = time.perf_counter()
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} was answered with {answer.status_code}")
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
