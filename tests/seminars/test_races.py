"""Many at once, through a real web server with several processes: places go out once, in the order of confirmation."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from consent_service import clock, links
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.links import Use
from consent_service.mailing.models import Message
from consent_service.mailing.rules import MailKind
from consent_service.notice import queries as notice
from consent_service.seminars import registering
from consent_service.seminars.models import Seat
from consent_service.seminars.registering import Wish
from tests.driving import heading, text_of
from tests.seminars.driving import details, participants, published
from tests.serving import at_once, post, web_processes

PEOPLE, PLACES, WAITING, CLIENTS = 200, 10, 5, 20
MANY, CANCELLED = 80, 25


@pytest.fixture
def port(app: Flask, database_url: str) -> Iterator[int]:
    """Where three processes serve the test's database."""
    with web_processes(database_url, processes=3) as port:
        yield port


def tokens(public_id: PublicId, people: int) -> list[str]:
    """The confirmation links of so many people who have registered."""
    found, now = [], clock.now()
    about = details(public_id)
    for first in range(0, people, 40):
        with transaction() as session:
            for number in range(first, first + 40):
                wish = Wish(
                    seminar=about,
                    address=f"person{number}@example.org",
                    name=f"Person {number}",
                    mail_language=Language.ENGLISH,
                    shown_language=Language.ENGLISH,
                    answers={},
                    ticked=(),
                    shown=(),
                    notice=notice.current_notice(session, now),
                    form_url="http://localhost/seminars",
                )
                found.append(links.sign(Use.CONFIRMATION, registering.register(session, wish, {}, now)))
    return found


def test_two_hundred_for_ten_places_and_five_to_wait(app: Flask, port: int) -> None:
    seminar = published(capacity=PLACES, waiting_capacity=WAITING)
    told: Counter[str] = Counter()
    numbers: list[int] = []

    def confirm(token: str) -> None:
        answer = post(port, f"/confirm/{token}")
        assert answer.status == 200, answer.page
        told[heading(answer.page)] += 1
        if found := re.search(r"You are number (\d+)", text_of(answer.page)):
            numbers.append(int(found[1]))

    at_once(confirm, tokens(seminar, PEOPLE), CLIENTS)
    assert told == {
        "You have a place": PLACES,
        "You are on the waiting list": WAITING,
        "Unfortunately it is full": PEOPLE - PLACES - WAITING,
    }
    assert sorted(numbers) == list(range(1, WAITING + 1))
    with reading() as session:
        rows = session.execute(sa.select(Seat.position, Seat.state).order_by(Seat.position)).all()
    expected = ["place"] * PLACES + ["waiting"] * WAITING
    assert [(position, state.value) for position, state in rows] == list(enumerate(expected, start=1))


def test_cancelling_and_moving_up_under_the_same_load(app: Flask, port: int) -> None:
    seminar = published(capacity=PLACES, waiting_capacity=WAITING)
    cancelled: list[str] = []

    def confirm(token: str) -> None:
        answer = post(port, f"/confirm/{token}")
        assert answer.status == 200, answer.page
        own = re.search(r"/seminar-registration/[\w.=-]+", answer.page)
        if own and len(cancelled) < CANCELLED:
            cancelled.append(own[0])
            assert post(port, f"{own[0]}/cancel").status == 303

    at_once(confirm, tokens(seminar, MANY), CLIENTS)
    people = participants(seminar)
    states = Counter(one.seat.state.value for one in people)
    assert states["place"] == PLACES
    assert states["waiting"] <= WAITING
    assert states["cancelled"] == len(cancelled) >= CANCELLED
    placed = {one.seat.id for one in people if one.seat.state.value == "place"}
    with reading() as session:
        seats = {row.id: row for row in session.execute(sa.select(Seat)).scalars()}
        mails = session.execute(sa.select(Message.kind, sa.func.count()).group_by(Message.kind)).all()
    waiting = [seat.position for seat in seats.values() if seat.state.value == "waiting"]
    assert all(seats[one].position < min(waiting, default=10**9) for one in placed)
    # Each got what they first were given; those who moved up, and those who cancelled, one more.
    moved_up = sum(seat.placed_at is not None and seat.placed_at != seat.confirmed_at for seat in seats.values())
    assert dict(mails) == {MailKind.SEMINAR: len(seats) + moved_up + len(cancelled)}
