"""The day itself, and lists: who came, who is added at the door, what leaves the house and on what ground."""

import csv
import io
import json

import openpyxl
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_service import clock
from consent_service.audit.models import AuditEntry
from consent_service.database import reading
from consent_service.domain.kinds import Language
from consent_service.exports.models import Export
from consent_service.seminars.planning import DraftQuestion
from consent_service.seminars.rules import QuestionKind, QuestionWords
from tests.driving import Mailbox, Worker, confirmed, events_of, hidden, path_in, text_of
from tests.seminars.driving import confirm, details, participants, published, states

ANNA, BERT, CLARA = "anna@example.org", "bert@example.org", "clara@example.org"
HOSTILE = '=HYPERLINK("https://evil.example","<b>x</b>")\n🦄 \u202eabc'
TEXT = DraftQuestion(
    None, QuestionKind.TEXT, False, {Language.GERMAN: QuestionWords("=Wunsch <i>", "Für die <b>Planung</b>")}
)
LUNCH = DraftQuestion(
    None,
    QuestionKind.CHOICE,
    True,
    {
        Language.GERMAN: QuestionWords("Mittagessen", "Für die Bestellung", ("Vegan", "Mit Fleisch")),
        Language.ENGLISH: QuestionWords("Lunch", "To order it", ("Vegan", "With meat")),
    },
)


def press(client: FlaskClient, seminar: str, what: str, **fields: str) -> TestResponse:
    """Sends one of the forms of the participant list."""
    page = f"/staff/seminars/{seminar}/participants/"
    token = hidden(client.get(page).text, "csrf_token")
    return client.post(page + what, data={"csrf_token": token, **fields}, buffered=True)


def audited(action: str) -> list[AuditEntry]:
    with reading() as session:
        return list(session.execute(sa.select(AuditEntry).where(AuditEntry.action == action)).scalars())


def test_attended_by_one_press_and_back_search_and_door(
    staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    seminar = published(capacity=2)
    for address, name in ((ANNA, "Anna Beispiel"), (BERT, "Bert Muster"), (CLARA, "Clara Probst")):
        confirm(visitor, worker, mailbox, seminar, address, name=name)
    by_address = {one.address: one.seat.public_id for one in participants(seminar)}
    anna = by_address[ANNA]
    answer = press(staff_client, seminar, f"{anna}/attended", attended="yes")
    assert answer.headers["Location"].endswith(f"#seat-{anna}")
    assert next(one for one in participants(seminar) if one.address == ANNA).seat.attended_at
    press(staff_client, seminar, f"{anna}/attended", attended="no")
    assert not next(one for one in participants(seminar) if one.address == ANNA).seat.attended_at
    press(staff_client, seminar, f"{by_address[CLARA]}/attended", attended="yes")
    assert "the list has moved on" in staff_client.get(f"/staff/seminars/{seminar}/participants/").text

    search = press(staff_client, seminar, "search", term="MUSTER")
    assert "muster" not in search.headers["Location"].casefold()
    page = text_of(staff_client.get(search.headers["Location"]).text)
    assert "Bert Muster" in page
    assert "Clara Probst" not in page
    press(staff_client, seminar, "search", term="")

    refused = press(staff_client, seminar, "door", name="Dora Exempel", email="dora@example.org", language="de")
    assert refused.status_code == 400
    assert "Tell the person first" in refused.text
    assert 'value="Dora Exempel"' in refused.text
    before = len(mailbox.mails())
    press(staff_client, seminar, "door", name="Dora Exempel", email="dora@example.org", language="de", told="y")
    worker.work()
    assert states(seminar)["dora@example.org"] == "place"  # beyond the number of places: staff decide
    assert len(mailbox.mails()) == before
    assert events_of("dora@example.org") == []
    assert states(seminar)[CLARA] == "waiting 1"
    assert audited("participants_viewed")
    assert {entry.details["what"] for entry in audited("participant_changed")} == {
        "attended",
        "not attended",
        "added at the door",
    }


def test_staff_cancel_for_a_person(
    staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    seminar = published(capacity=1)
    for address in (ANNA, BERT):
        confirm(visitor, worker, mailbox, seminar, address)
    seat = next(one.seat.public_id for one in participants(seminar) if one.address == ANNA)
    assert press(staff_client, seminar, f"{seat}/cancel").status_code == 303
    worker.work()
    assert states(seminar) == {ANNA: "cancelled", BERT: "place"}
    assert "Your registration is cancelled" in mailbox.latest(ANNA).text


def test_the_list_as_a_file_is_recorded_and_runs_nothing(
    staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    seminar = published(questions=[TEXT, LUNCH])
    text, lunch = (f"answer_{question.key}" for question in details(seminar).questions)
    told = confirm(visitor, worker, mailbox, seminar, ANNA, name="=1+1", **{text: HOSTILE, lunch: "Mit Fleisch"})
    assert told.status_code == 200
    page = staff_client.get(f"/staff/seminars/{seminar}/participants/").text
    assert "<b>x</b>" not in page
    assert "<i>" not in page
    assert "With meat" in page
    assert press(staff_client, seminar, "list", format="csv", reason=" ").status_code == 303  # no reason, no list
    files = {
        form: press(staff_client, seminar, "list", format=form, reason="Badges") for form in ("csv", "xlsx", "jsonl")
    }
    (row,) = csv.DictReader(io.StringIO(files["csv"].text))
    assert row["name"] == "'=1+1"
    assert row["'=Wunsch <i>"].startswith("'=HYPERLINK")
    assert row["Lunch"] == "With meat"
    sheet = openpyxl.load_workbook(io.BytesIO(files["xlsx"].data)).active
    assert sheet is not None
    assert {cell.data_type for line in sheet.iter_rows() for cell in line if cell.value is not None} <= {"s", "n"}
    assert json.loads(files["jsonl"].text)["name"] == "=1+1"
    with reading() as session:
        records = session.execute(sa.select(Export)).scalars().all()
    assert [(one.purpose_id, one.rows, one.about, one.finished_at is not None) for one in records] == [
        (None, 1, "Participants: Gute Besprechungen", True)
    ] * 3
    listed = text_of(staff_client.get("/staff/exports/").text)
    assert "Participants: Gute Besprechungen" in listed
    assert len(audited("exported")) == 3


def test_the_marketing_list_holds_only_those_who_consent(
    staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    seminar = published()
    confirm(visitor, worker, mailbox, seminar, ANNA, purposes=["newsletter:1"])
    confirm(visitor, worker, mailbox, seminar, BERT)
    confirm(visitor, worker, mailbox, seminar, CLARA, purposes=["newsletter:1", "seminar_information:1"])
    confirmed(visitor, worker, mailbox, "dora@example.org")  # consents, and is not in the seminar
    path = f"/staff/seminars/{seminar}/participants/marketing"
    fields = {"purpose": "newsletter", "format": "csv", "reason": "Spring"}

    def ask(**more: str) -> TestResponse:
        token = hidden(staff_client.get(path).text, "csrf_token")
        return staff_client.post(path, data={"csrf_token": token, **fields, **more})

    assert "2 people" in text_of(ask(whom="confirmed").text)
    assert "0 people" in text_of(ask(whom="attended").text)
    seat = next(one.seat.public_id for one in participants(seminar) if one.address == ANNA)
    press(staff_client, seminar, f"{seat}/attended", attended="yes")
    answer = ask(whom="attended", download="1")
    assert [row["email"] for row in csv.DictReader(io.StringIO(answer.text))] == [ANNA]
    visitor.post(f"{path_in(mailbox.latest(CLARA), 'seminar-registration')}/cancel")
    answer = ask(whom="registered", download="1")
    assert [row["email"] for row in csv.DictReader(io.StringIO(answer.text))] == [ANNA, CLARA]
    with reading() as session:
        about = session.execute(sa.select(Export.about).order_by(Export.id)).scalars().all()
    assert about == ["Gute Besprechungen: attended", "Gute Besprechungen: registered"]
    assert clock.now() < details(seminar).plan.starts_at
