"""One-click unsubscribe as mail providers, scanners and people use it (RFC 8058, design I5)."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from consent_service import clock, links
from consent_service.database import Base, reading, transaction
from consent_service.domain.addresses import normalise
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Channel, EventKind
from consent_service.links import Use
from consent_service.subjects import service as subjects
from tests.driving import (
    Mailbox,
    Worker,
    confirmed,
    events_of,
    everything,
    heading,
    one_click_path,
    path_in,
    text_of,
)

ANNA = "anna@example.org"
BODIES: list[dict[str, Any]] = [
    {"data": {"List-Unsubscribe": "One-Click"}},
    {"data": {"List-Unsubscribe": "One-Click"}, "content_type": "multipart/form-data"},
    {},
    {"data": b"", "content_type": "application/x-www-form-urlencoded"},
    {"data": b"List-Unsubscribe=One-Click"},
    {"data": b"rubbish", "content_type": "multipart/form-data"},
    {"data": b"{}", "content_type": "application/json"},
    {"data": {"List-Unsubscribe": "One-Click"}, "headers": {"Origin": "https://mail.example.net"}},
]


@pytest.fixture
def link(visitor: FlaskClient, worker: Worker, mailbox: Mailbox) -> str:
    """Anna's one-click path for the newsletter."""
    confirmed(visitor, worker, mailbox, ANNA)
    return one_click_path(ANNA)


def _withdrawals() -> list[Channel]:
    return [event.channel for event in events_of(ANNA) if event.kind is EventKind.WITHDRAWN]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_every_body_unsubscribes_at_once(visitor: FlaskClient, link: str, body: dict[str, Any]) -> None:
    answer = visitor.post(link, **body)
    assert answer.status_code == 200
    assert "Location" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    assert _withdrawals() == [Channel.ONE_CLICK]


def test_twice_is_one_event_and_the_same_answer(visitor: FlaskClient, link: str) -> None:
    first = visitor.post(link)
    before = everything()
    second = visitor.post(link)
    assert (second.status_code, second.text) == (200, first.text)
    assert everything() == before


def test_simultaneous_requests_give_one_event(app: Flask, link: str) -> None:
    barrier = threading.Barrier(4)
    statuses = []

    def unsubscribe() -> None:
        client = app.test_client(use_cookies=False)
        barrier.wait()
        statuses.append(client.post(link).status_code)

    threads = [threading.Thread(target=unsubscribe) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 4
    assert len(_withdrawals()) == 1


def test_one_source_may_unsubscribe_a_hundred_times(app: Flask, link: str) -> None:
    client = app.test_client(use_cookies=False)
    assert {client.post(link).status_code for _ in range(100)} == {200}


def test_looking_changes_nothing(visitor: FlaskClient, link: str) -> None:
    before = everything()
    for _ in range(10):
        page = visitor.get(link)
        assert (page.status_code, heading(page.text)) == (200, "Unsubscribe")
        assert visitor.head(link).status_code == 200
        assert visitor.options(link).status_code == 200
        assert visitor.put(link).status_code == 405
    assert page.text.count("<button") == 1
    assert "Newsletter" in text_of(page.text)
    assert everything() == before


def test_the_page_s_button_is_recorded_as_such(visitor: FlaskClient, link: str) -> None:
    assert heading(visitor.post(link, data={"button": "1"}).text) == "You are unsubscribed"
    assert _withdrawals() == [Channel.LINK]


def test_an_erased_person_s_link_still_answers(visitor: FlaskClient, link: str) -> None:
    with transaction() as session:
        person = subjects.find(session, normalise(ANNA))
        assert person is not None
        subjects.lock(session, person.id)
        person.address = person.normalised_address = person.name = person.sortable_name = None
        person.erased_at = clock.now()
    assert visitor.post(link).status_code == 200
    assert visitor.get(link).status_code == 200
    assert heading(visitor.post(f"{link}/again").text) == "We no longer have your address"


@pytest.mark.parametrize("use", [Use.SETTINGS, Use.FRESH_SETTINGS, Use.CONFIRMATION])
def test_a_bad_token_tells_how_to_unsubscribe_otherwise(visitor: FlaskClient, link: str, use: Use) -> None:
    identifier = links.read(Use.UNSUBSCRIBE, link.rpartition("/")[2])
    unknown = links.sign(Use.UNSUBSCRIBE, PublicId("1" * 32))
    before = everything()
    for token in (links.sign(use, identifier), "rubbish", link[len("/unsubscribe/") : -3], unknown):
        for answer in (visitor.post(f"/unsubscribe/{token}"), visitor.get(f"/unsubscribe/{token}")):
            assert answer.status_code == 404
            assert "mailto:newsletter@beispiel.example" in answer.text
            assert 'href="/settings"' in answer.text
    assert everything() == before


def test_a_reason_is_counted_without_a_name(visitor: FlaskClient, link: str) -> None:
    before = clock.now().date()
    visitor.post(link)
    assert "Thank you for your answer" in visitor.post(f"{link}/reason", data={"reason": "too_many"}).text
    assert visitor.post(f"{link}/reason", data={"reason": "nonsense"}).status_code == 200
    with reading() as session:
        rows = session.execute(sa.select(Base.metadata.tables["leaving_reasons"])).mappings().all()
    assert [(row["reason"], row["day"].time().isoformat()) for row in rows] == [("too_many", "00:00:00")]
    assert set(rows[0]) == {"id", "purpose_id", "day", "reason"}
    assert before <= rows[0]["day"].date() <= clock.now().date()


def test_back_again_by_double_opt_in_only(visitor: FlaskClient, worker: Worker, mailbox: Mailbox, link: str) -> None:
    visitor.post(link)
    assert heading(visitor.post(f"{link}/again").text) == "Check your mailbox"
    worker.work()
    assert len(events_of(ANNA)) == 2
    assert heading(visitor.post(path_in(mailbox.latest(ANNA), "confirm")).text) == "You are registered"
    assert events_of(ANNA)[-1].kind is EventKind.CONFIRMED
