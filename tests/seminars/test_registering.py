"""From the announcement to a place, as a visitor meets it."""

from flask.testing import FlaskClient

from tests.driving import Mailbox, Worker, heading, path_in, text_of
from tests.seminars.driving import confirm, published, register, states

ANNA, BERT, CLARA = "anna@example.org", "bert@example.org", "clara@example.org"


def test_register_confirm_place_waiting_list_cancel_and_promotion(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    seminar = published(capacity=1, waiting_capacity=1)
    assert "Good meetings" in visitor.get("/seminars").text
    assert "1 of 1 places is free" in text_of(visitor.get(f"/seminars/{seminar}").text)
    assert heading(register(visitor, seminar, ANNA).text) == "Check your mailbox"
    worker.work()
    link = path_in(mailbox.latest(ANNA), "confirm")
    assert "Good meetings" in visitor.get(link).text
    told = visitor.post(link)
    assert heading(told.text) == "You have a place"
    worker.work()
    mail = mailbox.latest(ANNA)
    assert "https://meet.beispiel.example/gute-besprechungen" in mail.text
    assert b"text/calendar" in mail.raw

    assert heading(confirm(visitor, worker, mailbox, seminar, BERT).text) == "You are on the waiting list"
    # whoever comes now is refused at the form
    assert "waiting list is full" in text_of(visitor.get(f"/seminars/{seminar}").text)
    assert states(seminar) == {ANNA: "place", BERT: "waiting 1"}

    own = path_in(mail, "seminar-registration")
    assert "You have a place." in text_of(visitor.get(own).text)
    assert visitor.post(f"{own}/cancel").status_code == 303
    worker.work()
    assert states(seminar) == {ANNA: "cancelled", BERT: "place"}
    assert "You now have a place" in mailbox.latest(BERT).text
