"""A member of staff who looks at pages, for benchmarks."""

import os
import time

from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password

from consent_service import clock
from consent_service.database import transaction
from consent_service.staff.models import StaffMember

ADDRESS, PASSWORD = "anna.beispiel@beispiel.example", "correct horse battery staple"


def signed_in(app: Flask) -> FlaskClient:
    """A browser in which a new member of staff has signed in; its forms need no token."""
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


def milliseconds(client: FlaskClient, path: str) -> float:
    """How long a page takes, in milliseconds."""
    began = time.perf_counter()
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} was answered with {answer.status_code}")
    return (time.perf_counter() - began) * 1000
