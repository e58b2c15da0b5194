"""The first page: what to do first, numbers, and the warning that nothing goes out."""

from datetime import timedelta

import time_machine
from flask.testing import FlaskClient

from consent_service import clock
from tests.driving import Mailbox, Worker, add_people, confirmed, sign_up


def figures(page: str) -> str:
    """The page's words with the markup's spaces folded."""
    return " ".join(page.replace("</b><span>", " ").split())


def test_an_empty_service_says_what_to_do_first(staff_client: FlaskClient) -> None:
    page = staff_client.get("/staff/").text
    assert "Nobody is registered yet" in page
    assert 'href="/staff/embed/"' in page


def test_people_who_joined_wait_and_left_are_counted(
    client: FlaskClient, staff_client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    add_people(None, 1200)
    confirmed(client, worker, mailbox, "anna@example.org")
    sign_up(client, "bert@example.org")
    page = figures(staff_client.get("/staff/").text)
    assert "1,201 active" in page
    assert "1 waiting for confirmation" in page
    assert "Nobody is registered yet" not in page


def test_mail_that_is_due_and_does_not_go_out_is_a_warning(client: FlaskClient, staff_client: FlaskClient) -> None:
    sign_up(client, "anna@example.org")
    assert "does not go out" not in staff_client.get("/staff/").text
    with time_machine.travel(clock.now() + timedelta(minutes=3)):
        assert "does not go out" in staff_client.get("/staff/").text


def test_mail_that_went_out_is_no_warning(
    client: FlaskClient, staff_client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    confirmed(client, worker, mailbox, "anna@example.org")
    with time_machine.travel(clock.now() + timedelta(minutes=3)):
        assert "does not go out" not in staff_client.get("/staff/").text
