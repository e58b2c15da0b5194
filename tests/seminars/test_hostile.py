"""Titles, descriptions and answers that mean harm: in pages, mails, calendars, JSON-LD and campaigns."""

import json
import re

import icalendar
import pytest
import vobject
from flask.testing import FlaskClient

from consent_service.domain.kinds import Language
from consent_service.domain.names import tidy
from consent_service.seminars.queries import SeminarWords
from consent_service.seminars.rules import LONGEST_ANSWER
from tests.driving import Mailbox, Worker, hidden, text_of
from tests.seminars.driving import confirm, details, published, register
from tests.seminars.test_calendar import entries
from tests.seminars.test_participants import LUNCH, TEXT

ANNA = "anna@example.org"
TITLES = [
    '</script><script>alert("x")</script> & "q"',
    "=cmd|' /C calc'!A0",
    "BEGIN:VEVENT\\nSUMMARY:x; a,b \\",
    "مرحبا בעולם \u202e🦄🦄",
    "=?utf-8?q?Bcc=3A?= {{name}} {{unsubscribe}} [x](javascript:alert(1))",
    "Ä" * 200,
]
DESCRIPTION = (
    "# Title\n\n<script>alert(1)</script> [x](javascript:alert(1)) ![x](x onerror=alert(1))\n\n" + "🦄" * 5_000
)


@pytest.mark.parametrize("title", TITLES)
def test_a_hostile_title(visitor: FlaskClient, worker: Worker, mailbox: Mailbox, title: str) -> None:
    words = SeminarWords(title, DESCRIPTION)
    seminar = published(texts={Language.GERMAN: words, Language.ENGLISH: words})
    for path in ("/seminars", f"/seminars/{seminar}"):
        page = visitor.get(path).text
        assert "<script>alert" not in page
        assert "javascript:alert" not in page.replace(json.dumps(title)[1:-1], "").replace("(javascript:alert(1))", "")
        assert "onerror=" not in re.sub(r"<script type=.*?</script>", "", page, flags=re.DOTALL).replace(
            "x onerror", ""
        )
        (data,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
        event = json.loads(data)
        assert (event["@type"], event["name"]) == ("Event", title)
        assert page.count("<h1") == 1
    feed = visitor.get("/seminars.ics?lang=en")
    (event,) = icalendar.Calendar.from_ical(feed.data).walk("VEVENT")
    assert event["SUMMARY"] == title
    assert vobject.readOne(feed.text).vevent.summary.value == title
    confirm(visitor, worker, mailbox, seminar, ANNA)
    mail = mailbox.latest(ANNA)
    assert mail.subject == f"Your place: {tidy(title)}"
    assert "<script" not in (mail.html or "")
    assert b"\r\nBcc" not in mail.raw
    (event,) = entries(mail)
    assert event["SUMMARY"] == title


def test_hostile_answers_are_refused_or_shown_as_they_are(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    seminar = published(questions=[TEXT, LUNCH])
    text, lunch = (f"answer_{question.key}" for question in details(seminar).questions)
    answer = register(visitor, seminar, ANNA, name="x" * 201, **{text: "y" * 10_000})
    assert answer.status_code == 400
    page = text_of(answer.text)
    assert f"Shorten the answer to at most {LONGEST_ANSWER} characters" in page
    assert "Answer the question “Lunch”" in page
    assert "y" * 10_000 in answer.text  # nothing typed is lost
    answer = register(visitor, seminar, ANNA, **{text: "<b>🦄</b>", lunch: "<b>Vegan</b>"})
    assert answer.status_code == 400
    answer = register(visitor, seminar, ANNA, **{text: "<b>🦄</b>", lunch: "Vegan"})
    assert answer.status_code == 200
    assert "<b>" not in answer.text
    assert hidden(answer.text, text) == "<b>🦄</b>"  # to be sent again


def test_a_campaign_with_a_seminar_as_a_block(
    staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    words = SeminarWords(TITLES[4], DESCRIPTION)
    seminar = published(texts={Language.GERMAN: words, Language.ENGLISH: words}, join_url="https://secret.example/")
    confirm(visitor, worker, mailbox, seminar, ANNA, purposes=["seminar_information:1"])
    edit = staff_client.get("/staff/campaigns/new").text
    block = "{{seminar:" + seminar + "}}"
    assert block in edit
    fields = {
        "csrf_token": hidden(edit, "csrf_token"),
        "purpose": "seminar_information",
        "subject_de": "Einladung",
        "body_de": f"Guten Tag\n\n{block}",
    }
    shown = staff_client.post("/staff/campaigns/new", data=fields).headers["Location"]
    public_id = shown.rpartition("/")[2]
    preview = staff_client.get(f"/staff/campaigns/{public_id}/preview/de").text
    assert f"/seminars/{seminar}?lang=de" in preview
    check = staff_client.get(f"/staff/campaigns/{public_id}/check").text
    sending = {name: hidden(check, name) for name in ("csrf_token", "checked")}
    assert staff_client.post(f"/staff/campaigns/{public_id}/send", data=sending).status_code == 303
    worker.work()
    mail = mailbox.latest(ANNA)
    assert mail.subject == "Einladung"
    assert f"http://localhost/seminars/{seminar}?lang=de" in mail.text
    assert "{ {name} }" in mail.text
    assert "Mehr erfahren und anmelden" in mail.text
    assert "secret.example" not in mail.text
    assert 'href="javascript' not in (mail.html or "")

    unknown = {**fields, "body_de": "{{seminar:" + "0" * 32 + "}}"}
    other = staff_client.post("/staff/campaigns/new", data=unknown).headers["Location"]
    assert staff_client.get(f"{other}/check").headers["Location"] == other
    assert "not announced" in staff_client.get(other).text
    in_subject = {**fields, "subject_de": block}
    assert staff_client.post("/staff/campaigns/new", data=in_subject).status_code == 400
