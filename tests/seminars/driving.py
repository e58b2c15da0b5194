"""Seminars as tests need them, and registering as visitors do."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_service import clock
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.seminars import planning, queries, seat_queries
from consent_service.seminars.models import Seminar
from consent_service.seminars.planning import Draft, DraftDate
from consent_service.seminars.queries import Details, SeminarWords
from consent_service.seminars.rules import Lead, Venue
from consent_service.seminars.seat_queries import Participant
from tests.driving import FILL_TIME, Mailbox, Worker, hidden, path_in

STAFF = "marketing@beispiel.example"
AHEAD = timedelta(days=30)


def draft(now: datetime, **changes: Any) -> Draft:
    """A webinar a month ahead with ten places, unless said otherwise."""
    starts = (now + AHEAD).replace(minute=0, second=0, microsecond=0)
    usual = Draft(
        texts={
            Language.GERMAN: SeminarWords("Gute Besprechungen", "Wie Besprechungen **gelingen**."),
            Language.ENGLISH: SeminarWords("Good meetings", "How meetings **succeed**."),
        },
        venue=Venue.ONLINE,
        address=None,
        join_url="https://meet.beispiel.example/gute-besprechungen",
        time_zone="Europe/Berlin",
        dates=[DraftDate(None, starts, starts + timedelta(hours=2))],
        capacity=10,
        waiting_capacity=5,
        opens_at=None,
        closes_at=None,
        cut_off_hours=12,
        leads=[Lead.DAY],
        contact="seminare@beispiel.example",
        questions=[],
    )
    return replace(usual, **changes)


def published(**changes: Any) -> PublicId:
    """A published seminar."""
    now = clock.now()
    with transaction() as session:
        public_id = planning.create(session, draft(now, **changes), STAFF, now)
        planning.publish(session, public_id, STAFF, now)
    return public_id


def change(public_id: PublicId, **changes: Any) -> None:
    """Changes a seminar as the form does: dates keep their ids."""
    now = clock.now()
    about = details(public_id)
    same = Draft(
        texts=about.texts,
        venue=about.venue,
        address=about.address,
        join_url=about.join_url,
        time_zone=about.zone.key,
        dates=[DraftDate(date.public_id, date.starts_at, date.ends_at) for date in about.dates],
        capacity=about.plan.capacity,
        waiting_capacity=about.plan.waiting_capacity,
        opens_at=about.plan.opens_at,
        closes_at=about.plan.closes_at,
        cut_off_hours=int(about.plan.cut_off.total_seconds() // 3600),
        leads=about.leads,
        contact=about.contact,
        questions=[planning.DraftQuestion(q.key, q.kind, q.required, q.words) for q in about.questions],
    )
    with transaction() as session:
        planning.change(session, public_id, replace(same, **changes), STAFF, now)


def details(public_id: PublicId) -> Details:
    """The seminar as it is now."""
    with reading() as session:
        return queries.seminar(session, public_id, clock.now())


def participants(public_id: PublicId) -> Sequence[Participant]:
    """Everybody who has confirmed."""
    with reading() as session:
        seminar_id = session.execute(sa.select(Seminar.id).where(Seminar.public_id == public_id)).scalar_one()
        return seat_queries.participants(session, seminar_id)


def states(public_id: PublicId) -> dict[str, str]:
    """Who has what: place, waiting with the number on the list, or cancelled."""
    return {one.address: f"{one.seat.state.value} {one.seat.waits_as or ''}".strip() for one in participants(public_id)}


def register(
    client: FlaskClient,
    public_id: PublicId,
    address: str,
    name: str = "Anna Beispiel",
    language: str = "en",
    purposes: Sequence[str] = (),
    **answers: str,
) -> TestResponse:
    """Opens the page, takes a person's time over the form, and sends it."""
    with time_machine.travel(clock.now() - FILL_TIME):
        token = hidden(client.get(f"/seminars/{public_id}").text, "form_token")
    fields = {"form_token": token, "email": address, "name": name, "language": language, "purposes": list(purposes)}
    return client.post(f"/seminars/{public_id}", data={**fields, **answers})


def confirm(
    client: FlaskClient, worker: Worker, mailbox: Mailbox, public_id: PublicId, address: str, **more: Any
) -> TestResponse:
    """Registers and confirms; the page that tells at once."""
    assert register(client, public_id, address, **more).status_code == 200
    worker.work()
    answer = client.post(path_in(mailbox.latest(address), "confirm"))
    worker.work()
    return answer
