"""Double opt-in, as a visitor meets it."""

from flask.testing import FlaskClient

from tests.driving import Mailbox, Worker, confirmed, heading, path_in, sign_up


def test_sign_up_confirm_and_welcome(client: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    assert heading(sign_up(client, "anna@example.org", name="Anna Beispiel").text)
    worker.work()
    mail = mailbox.latest("anna@example.org")
    assert "Anna" not in mail.raw.decode()

    page = client.get(path_in(mail, "confirm"))
    assert page.status_code == 200
    assert client.post(path_in(mail, "confirm")).status_code == 200
    worker.work()
    assert path_in(mailbox.latest("anna@example.org"), "settings")


def test_known_and_unknown_addresses_get_the_same_page(client: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    unknown = sign_up(client, "anna@example.org")
    confirmed(client, worker, mailbox, "anna@example.org")
    known = sign_up(client, "anna@example.org")
    assert known.status_code == unknown.status_code
