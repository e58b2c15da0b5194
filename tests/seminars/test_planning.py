"""Planning a seminar on the staff's pages, through its forms."""

import re
from datetime import timedelta

from flask.testing import FlaskClient

from consent_service import clock
from consent_service.database import reading
from consent_service.domain.kinds import Language
from consent_service.seminars import queries
from consent_service.seminars.planning import DraftDate
from consent_service.seminars.rules import Standing
from tests.driving import Mailbox, Worker, heading, hidden, path_in, text_of
from tests.seminars.driving import change, confirm, details, participants, published, states

ANNA, BERT, CLARA = "anna@example.org", "bert@example.org", "clara@example.org"

FIELDS = {
    "title_de": "Gute Besprechungen",
    "description_de": "Wie sie **gelingen**.",
    "title_en": "Good meetings",
    "description_en": "How they **succeed**.",
    "venue": "both",
    "address": "Musterweg 1, 12345 Musterstadt",
    "join_url": "https://meet.beispiel.example/1",
    "time_zone": "Europe/Berlin",
    "dates-0-day": "2030-03-29",
    "dates-0-begins": "09:00",
    "dates-0-ends": "12:30",
    "dates-1-day": "2030-04-05",
    "dates-1-begins": "09:00",
    "dates-1-ends": "12:30",
    "capacity": "10",
    "waiting_capacity": "5",
    "cut_off_hours": "12",
    "questions-0-kind": "choice",
    "questions-0-label_de": "Mittagessen",
    "questions-0-reason_de": "Damit wir es bestellen können",
    "questions-0-choices_de": "Vegan\r\nMit Fleisch",
    "questions-0-label_en": "Lunch",
    "questions-0-reason_en": "So that we can order it",
    "questions-0-choices_en": "Vegan\r\nWith meat",
    "questions-0-required": "y",
    "leads": ["1d", "1h"],
    "contact": "seminare@beispiel.example",
}


def send(client: FlaskClient, path: str, **fields: object) -> object:
    """Sends a staff form with the token of the page that it stands on."""
    page = path if path.endswith(("/new", "/edit")) else re.sub(r"/[a-z-]+$", "", path)
    return client.post(path, data={"csrf_token": hidden(client.get(page).text, "csrf_token"), **fields})


def plan(client: FlaskClient, **changes: object) -> str:
    """Plans a seminar; the path of its page."""
    answer = send(client, "/staff/seminars/new", **{**FIELDS, **changes})
    assert answer.status_code == 303, text_of(answer.text)
    return str(answer.headers["Location"])


def test_plan_publish_change_copy_and_delete(staff_client: FlaskClient, visitor: FlaskClient) -> None:
    path = plan(staff_client)
    page = text_of(staff_client.get(path).text)
    assert "Friday, 29 March 2030, 09:00 to 12:30 (CET)" in page
    assert "Friday, 5 April 2030, 09:00 to 12:30 (CEST)" in page
    public_id = path.rpartition("/")[2]
    assert visitor.get(f"/seminars/{public_id}").status_code == 404
    assert "Good meetings" not in visitor.get("/seminars").text

    assert send(staff_client, f"{path}/publish").status_code == 303
    public = text_of(visitor.get(f"/seminars/{public_id}").text)
    assert "Musterweg 1, 12345 Musterstadt, and online" in public
    assert "meet.beispiel.example" not in public
    assert "Lunch" in public
    assert "So that we can order it" in public

    form = staff_client.get(f"{path}/edit").text
    assert hidden(form, "dates-1-public_id") == details(public_id).dates[1].public_id
    kept = {f"dates-{n}-public_id": date.public_id for n, date in enumerate(details(public_id).dates)}
    before = details(public_id)
    key = {"questions-0-key": before.questions[0].key}
    assert send(staff_client, f"{path}/edit", **{**FIELDS, **kept, **key, "capacity": "11"}).status_code == 303
    after = details(public_id)
    assert (after.plan.capacity, after.dates, after.questions) == (11, before.dates, before.questions)
    assert after.sequence == 0

    copied = send(staff_client, f"{path}/copy").headers["Location"].split("/")[-2]
    copy = details(copied)
    assert (copy.standing, copy.title(Language.ENGLISH)) == (Standing.DRAFT, "Good meetings")
    assert {date.public_id for date in copy.dates}.isdisjoint({date.public_id for date in before.dates})
    assert send(staff_client, f"/staff/seminars/{copied}/delete").status_code == 303
    assert staff_client.get(f"/staff/seminars/{copied}").status_code == 404
    assert send(staff_client, f"{path}/delete").status_code == 303
    assert staff_client.get(path).status_code == 200


MISTAKES: list[tuple[dict[str, str], str]] = [
    ({"title_de": ""}, "Enter the German title"),
    ({"title_de": "x" * 10_000}, "Shorten this to at most 200 characters"),
    ({"description_de": "x" * 20_001}, "Shorten this to at most 20000 characters"),
    ({"description_en": ""}, "Enter both in English, or neither"),
    ({"address": ""}, "Enter the address where people are to come"),
    ({"join_url": "javascript:alert(1)"}, "it begins with https://"),
    ({"dates-0-day": "", "dates-1-day": "", "dates-0-begins": "", "dates-0-ends": ""}, "Enter the day"),
    ({"dates-0-day": "31.12.2030"}, "Enter a day, for example 31/12/2026"),
    ({"dates-0-begins": "9 o'clock"}, "Enter a time such as 09:30"),
    ({"dates-0-ends": "08:00"}, "The end must come after the beginning"),
    ({"dates-0-day": "2030-03-31", "dates-0-begins": "02:30"}, "the clocks leave this time out"),
    ({"capacity": "ten"}, "Enter a whole number"),
    ({"capacity": "0"}, "Enter a whole number from 1 to 1000000"),
    ({"opens_at": "2030-01-02T10:00", "closes_at": "2030-01-01T10:00"}, "Registration must close after it opens"),
    ({"questions-0-choices_de": "Vegan"}, "Enter at least two different choices"),
    ({"questions-0-choices_en": "Vegan"}, "Enter as many choices as in German"),
    ({"questions-0-reason_de": ""}, "Say what the answer is for"),
    ({"contact": "nobody"}, "Enter an e-mail address"),
]


def test_mistakes_are_named_and_nothing_typed_is_lost(staff_client: FlaskClient) -> None:
    token = hidden(staff_client.get("/staff/seminars/new").text, "csrf_token")
    for changes, said in MISTAKES:
        answer = staff_client.post("/staff/seminars/new", data={"csrf_token": token, **FIELDS, **changes})
        assert answer.status_code == 400, changes
        page = text_of(answer.text)
        assert page.count(said) >= 2, (changes, said)  # in the summary, and beside the field
        assert "How they **succeed**." in page or "description_en" in changes
        assert 'value="2030-04-05"' in answer.text or "dates-1-day" in changes
    with reading() as session:
        assert queries.page(session, 1, clock.now()).total == 0


def test_rows_are_added_and_nothing_is_checked_yet(staff_client: FlaskClient) -> None:
    answer = send(staff_client, "/staff/seminars/new", **{**FIELDS, "title_de": "", "add_date": "Add a date"})
    assert answer.status_code == 200
    assert "dates-2-day" in answer.text
    assert "Enter the German title" not in answer.text
    answer = send(staff_client, "/staff/seminars/new", **{**FIELDS, "add_question": "Add a question"})
    assert "questions-1-label_de" in answer.text


def test_a_draft_of_the_past_is_not_published(staff_client: FlaskClient) -> None:
    path = plan(staff_client, **{"dates-0-day": "2020-03-30"})
    send(staff_client, f"{path}/publish")
    assert "Not published" in staff_client.get(path).text
    assert details(path.rpartition("/")[2]).standing is Standing.DRAFT


def test_calling_off_writes_to_all_and_takes_the_dates_out_of_calendars(
    staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    seminar = published(capacity=1)
    for address in (ANNA, BERT):
        confirm(visitor, worker, mailbox, seminar, address)
    send(staff_client, f"/staff/seminars/{seminar}/cancel", reason="The speaker is **ill**.")
    worker.work()
    for address in (ANNA, BERT):
        mail = mailbox.latest(address)
        assert "this seminar does not take place" in mail.text
        assert "The speaker is ill." in mail.text
    assert b'method="CANCEL"' in mailbox.latest(ANNA).raw
    assert b"text/calendar" not in mailbox.latest(BERT).raw  # never got the invitation
    assert "This seminar does not take place" in text_of(visitor.get(f"/seminars/{seminar}").text)


def test_a_change_of_the_date_is_mailed_and_another_description_is_not(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    seminar = published()
    confirm(visitor, worker, mailbox, seminar, ANNA)
    before = len(mailbox.mails(ANNA))
    change(seminar, capacity=20)
    worker.work()
    assert len(mailbox.mails(ANNA)) == before
    (date,) = details(seminar).dates
    moved = date.starts_at + timedelta(days=1)
    change(seminar, dates=[_draft_date(date.public_id, moved)])
    worker.work()
    assert len(mailbox.mails(ANNA)) == before + 1
    assert "Something about this seminar has changed" in mailbox.latest(ANNA).text
    assert details(seminar).sequence == 1


def _draft_date(public_id: object, starts: object) -> object:
    return DraftDate(public_id, starts, starts + timedelta(hours=2))  # type: ignore[arg-type, operator]


def test_more_places_let_up_who_waits_and_fewer_throw_nobody_out(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    seminar = published(capacity=1)
    for address in (ANNA, BERT, CLARA):
        confirm(visitor, worker, mailbox, seminar, address)
    assert states(seminar) == {ANNA: "place", BERT: "waiting 1", CLARA: "waiting 2"}
    change(seminar, capacity=2)
    assert states(seminar) == {ANNA: "place", BERT: "place", CLARA: "waiting 1"}
    change(seminar, capacity=1)
    assert states(seminar) == {ANNA: "place", BERT: "place", CLARA: "waiting 1"}
    worker.work()
    assert "You now have a place" in mailbox.latest(BERT).text


def test_after_the_cut_off_staff_decide(
    staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    soon = clock.now() + timedelta(hours=11)
    seminar = published(capacity=1, dates=[DraftDate(None, soon, soon + timedelta(hours=2))])
    for address in (ANNA, BERT):
        confirm(visitor, worker, mailbox, seminar, address)
    visitor.post(f"{path_in(mailbox.latest(ANNA), 'seminar-registration')}/cancel")
    assert states(seminar) == {ANNA: "cancelled", BERT: "waiting 1"}
    # who comes now does not overtake who has waited
    confirm(visitor, worker, mailbox, seminar, CLARA)
    assert states(seminar)[CLARA] == "waiting 2"
    page = f"/staff/seminars/{seminar}/participants/"
    for address, state in ((BERT, "place"), (CLARA, "waiting 1")):
        seat = next(one.seat.public_id for one in participants(seminar) if one.address == address)
        token = hidden(staff_client.get(page).text, "csrf_token")
        staff_client.post(f"{page}{seat}/place", data={"csrf_token": token})
        assert states(seminar)[address] == state
    assert "No place is free" in staff_client.get(page).text


def test_the_chart_is_a_picture_without_script(staff_client: FlaskClient) -> None:
    seminar = published()
    page = staff_client.get(f"/staff/seminars/{seminar}")
    assert heading(page.text) == "Good meetings"
    answer = staff_client.get(f"/staff/seminars/{seminar}/chart.svg")
    assert answer.mimetype == "image/svg+xml"
    assert b"<script" not in answer.data
    assert b"href" not in answer.data
