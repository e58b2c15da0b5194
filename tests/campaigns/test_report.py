"""A campaign's report: everybody is accounted for, on the page, in lists, at the command line; failed ones go again."""

import csv
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape

import openpyxl
import pytest
import sqlalchemy as sa
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from flask.testing import FlaskClient

from consent_service import clock
from consent_service.audit.models import AuditEntry
from consent_service.audit.service import OPERATOR
from consent_service.campaigns import rules
from consent_service.database import reading, transaction
from consent_service.domain.kinds import LeftOut, SuppressionReason
from consent_service.exports.models import Export
from consent_service.ledger import queries as ledger
from consent_service.mailing import counting, reporting, retrying, returns
from consent_service.mailing.models import Mailing, Message
from consent_service.mailing.outcomes import FailureKind
from consent_service.mailing.returns import Bounce
from consent_service.mailing.rules import BounceKind, MailingState, MessageState
from consent_service.notice import queries as notice
from consent_service.rights import service as rights
from consent_service.subjects import service as subjects
from tests.campaigns.test_campaigns import post, press, write
from tests.conftest import STAFF_ADDRESS, Browser, free_port, run_command
from tests.driving import Worker, add_people, add_person, hidden, one_click_path, text_of
from tests.mailing.campaigning import messages, service, start_mailing
from tests.mailing.servers import Recorder, serving

CONTENT = "554 5.6.0 Message refused for its content"
GONE = "550 5.1.1 No such user"
REPLIES = {"person2@example.org": CONTENT, "person3@example.org": GONE}
QUEUED = "250 2.0.0 Ok: queued as 4F1C52A0B3"
BOUNCE = "mailbox is full" + " again and" * 200
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@dataclass
class Queueing(Recorder):
    """A mail server that says as what it queues what it takes, and refuses two people."""

    reply_to_recipient: Callable[[str], str | None] = REPLIES.get
    port: int = field(default_factory=free_port)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        return QUEUED if answer.startswith("250") else answer


@pytest.fixture
def server() -> Iterator[Queueing]:
    """Such a server, running."""
    queueing = Queueing()
    with serving(queueing, queueing.port):
        yield queueing


@pytest.fixture
def app(database_url: str, server: Queueing) -> Iterator[Flask]:
    """The application, whose mail goes to that server."""
    with service(database_url, server.port) as app:
        app.test_client_class = Browser
        yield app


@pytest.fixture
def sent(staff_client: FlaskClient, client: FlaskClient, worker: Worker) -> str:
    """The path of a campaign of which each person's message came to a different end; person7 joined too late."""
    people = add_people(None, 7)
    assert client.post(one_click_path("person0@example.org")).status_code == 200
    with transaction() as session:
        subjects.lock(session, people[1])
        subjects.suppress_subject(session, people[1], SuppressionReason.BOUNCED, clock.now())
        add_person(session, 100, "seminar_information")
        subjects.rename(session, people[5], '=HYPERLINK("https://example.org")')
    path = write(staff_client, subject_de="Neues im Mai")
    press(staff_client, path, "send")
    worker.settle()  # fills
    assert client.post(one_click_path("person6@example.org")).status_code == 200
    worker.work()
    with transaction() as session:
        add_person(session, 7, "newsletter")
        for public_id in session.execute(sa.select(Message.public_id).where(Message.subject_id == people[4])).scalars():
            message = returns.find(session, public_id)
            assert message is not None
            returns.bounced(session, message, Bounce(BounceKind.FULL, "5.2.2", BOUNCE), clock.now())
    return path


def report(client: FlaskClient, path: str, query: str = "") -> str:
    return text_of(client.get(f"{path}/report{query}").text)


def rows(client: FlaskClient, path: str, outcome: str = "") -> list[dict[str, str]]:
    """The list as CSV, read again."""
    answer = post(client, f"{path}/report/list", f"{path}/report", outcome=outcome, format="csv", reason="To look")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_everybody_is_accounted_for_with_what_became_of_their_message(
    staff_client: FlaskClient, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "LINES_READ_AT_ONCE", 3)
    found = {row["email"]: row for row in rows(staff_client, sent)}
    assert {address.partition("@")[0]: row["outcome"] for address, row in found.items()} == {
        "person0": "left_out",
        "person1": "left_out",
        "person2": "failed",
        "person3": "failed",
        "person4": "came_back",
        "person5": "sent",
        "person6": "left_out",
    }
    reasons = [found[f"person{number}@example.org"]["left_out"] for number in (0, 1, 6)]
    assert reasons == ["withdrawn", "suppressed", "withdrawn"]
    ours = found["person5@example.org"]
    assert (ours["answer"], ours["queue_id"]) == (QUEUED, "4F1C52A0B3")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", ours["handed_over_at"])
    assert found["person0@example.org"]["handed_over_at"] == ""
    assert ours["name"].startswith("'=HYPERLINK")
    back = found["person4@example.org"]
    assert (back["came_back"], back["came_back_status"], back["came_back_words"]) == (
        "full",
        "5.2.2",
        BOUNCE[:1000],
    )
    assert back["came_back_at"]
    assert found["person2@example.org"]["answer"] == CONTENT


@ON_SQLITE
def test_the_page_shows_the_numbers_and_the_messages_of_one_outcome(staff_client: FlaskClient, sent: str) -> None:
    everything = report(staff_client, sent)
    for words in ("1 Sent", "3 Left out", "2 Refused by the mail server", "1 Came back", "Queued as 4F1C52A0B3"):
        assert words in everything
    assert "They withdrew their consent 2" in everything
    assert "1 more person whom we knew when it began had never agreed" in everything
    assert "person7" not in everything
    returned = report(staff_client, sent, "?outcome=came_back")
    assert "person4@example.org Person 4 Came back the mailbox is full (5.2.2)" in returned
    assert "mailbox is full" in returned
    assert "person5@example.org" not in returned
    left_out = report(staff_client, sent, "?outcome=left_out")
    assert "person1@example.org Person 1 Not sent the address is blocked" in left_out
    person = re.search(r'href="(/staff/people/[0-9a-f]+)">person1@', staff_client.get(f"{sent}/report").text)
    assert person is not None
    assert "Not sent the address is blocked" in text_of(staff_client.get(person[1]).text)
    assert "There is no such message" in report(staff_client, sent, "?outcome=in_doubt")
    assert report(staff_client, sent, "?outcome=nonsense") == everything
    assert "4 of 4 done" in text_of(staff_client.get(sent).text)


def test_those_counted_on_the_check_page_are_all_in_the_report(app: Flask, client: FlaskClient, worker: Worker) -> None:
    add_people(None, 5)
    assert client.post(one_click_path("person0@example.org")).status_code == 200
    now = clock.now()
    with transaction() as session:
        add_person(session, 100, "seminar_information")
        add_person(session, 101, "seminar_information")
        for number in (1, 101):
            rights.erase(session, f"person{number}@example.org", OPERATOR, now)
    with reading() as session:
        purpose = notice.purpose(session, "newsletter", now).purpose_id
        checked = rules.reach(ledger.numbers_left_out(session, purpose))
    mailing = start_mailing()
    worker.work()
    with reading() as session:
        found = counting.progress(session, mailing)
    assert found.to_go == checked.people == 3
    assert Counter(found.left_out) + Counter(found.unconcerned) == Counter(checked.left_out)
    assert found.left_out == {LeftOut.ERASED: 1, LeftOut.WITHDRAWN: 1}
    assert found.unconcerned == {LeftOut.ERASED: 1, LeftOut.NEVER_AGREED: 1}


@ON_SQLITE
def test_the_list_in_each_format_is_on_record(staff_client: FlaskClient, sent: str) -> None:
    page = f"{sent}/report"
    fields = {"outcome": "failed", "reason": "For the provider"}
    lines = post(staff_client, f"{page}/list", page, format="jsonl", **fields).text.splitlines()
    assert {json.loads(line)["email"] for line in lines} == set(REPLIES)
    xlsx = post(staff_client, f"{page}/list", page, format="xlsx", **fields)
    sheet = openpyxl.load_workbook(io.BytesIO(xlsx.data)).active
    assert sheet is not None
    assert {row[1] for row in sheet.iter_rows(min_row=2, values_only=True)} == set(REPLIES)
    refused = post(staff_client, f"{page}/list", page, outcome="failed", format="csv", reason="")
    assert refused.status_code == 400
    assert "Say what the list is for" in refused.text
    with reading() as session:
        last = session.execute(sa.select(Export).order_by(Export.id.desc())).scalars().first()
    assert last is not None
    assert last.about is not None
    assert last.about.startswith(f"report of campaign {sent.rpartition('/')[2]} (failed): Neues im Mai")
    assert (last.rows, last.requested_by, last.reason) == (2, STAFF_ADDRESS, "For the provider")
    assert last.sha256 == hashlib.sha256(xlsx.data).hexdigest()


def test_failed_ones_go_again_only_by_somebodys_word_and_only_those_chosen(
    staff_client: FlaskClient, worker: Worker, server: Queueing, sent: str
) -> None:
    fail_another_mailing()
    page = f"{sent}/report/retry"
    check = text_of(staff_client.get(page).text)
    assert "Refused for another reason: 1" in check
    assert "The mailbox does not exist: 1. These stay as they are." in check
    assert post(staff_client, page, page).status_code == 400
    assert post(staff_client, page, page, kinds="gone").status_code == 400
    assert post(staff_client, page, page, kinds="refused").status_code == 303
    worker.settle()
    assert staff_client.get(sent).text.count("Sending") == 1
    server.reply_to_recipient = lambda address: None
    worker.work()
    assert server.recipients()["person2@example.org"] == 1
    assert server.recipients()["person3@example.org"] == 0
    assert "2 Sent" in report(staff_client, sent)
    assert "1 Refused by the mail server" in report(staff_client, sent)
    assert dict(zip(*columns(messages(Message.state, Message.attempts)), strict=True))["failed"] == 1
    assert "Ended" in report(staff_client, sent)
    assert "no message is left" in text_of(staff_client.get(page, follow_redirects=True).text)
    with reading() as session:
        what = session.execute(sa.select(AuditEntry.details).order_by(AuditEntry.id.desc())).scalars()
        assert {"what": "failed sent again: refused"} in list(what)


def fail_another_mailing() -> None:
    """One to the same people, of which nobody has said that it shall go again."""
    other = start_mailing()
    with transaction() as session:
        failed = {"state": MessageState.FAILED, "reply": CONTENT, "attempts": 1}
        session.execute(sa.update(Message).where(Message.mailing_id == other).values(**failed))


def columns(rows: list[sa.Row]) -> list[tuple[object, ...]]:
    return list(zip(*rows, strict=True))


def test_what_fails_again_is_tried_once_per_word_and_who_left_meanwhile_is_left_out(
    staff_client: FlaskClient, client: FlaskClient, worker: Worker, server: Queueing, sent: str
) -> None:
    page = f"{sent}/report/retry"
    begun = len(server.begun)
    assert post(staff_client, page, page, kinds="refused").status_code == 303
    worker.work()
    assert len(server.begun) == begun + 1
    assert post(staff_client, page, page, kinds="refused").status_code == 303
    assert client.post(one_click_path("person2@example.org")).status_code == 200
    worker.work()
    assert len(server.begun) == begun + 1
    assert "4 Left out" in report(staff_client, sent)


@ON_SQLITE
def test_a_cancelled_campaign_sends_nothing_again(staff_client: FlaskClient, worker: Worker, sent: str) -> None:
    with transaction() as session:
        session.execute(sa.update(Mailing).values(state=MailingState.CANCELLED))
    worker.settle()
    assert "Send failed ones again" not in report(staff_client, sent)
    page = f"{sent}/report/retry"
    assert "no message is left" in text_of(staff_client.get(page, follow_redirects=True).text)


@ON_SQLITE
def test_what_went_out_before_the_word_came_is_not_sent_again(
    staff_client: FlaskClient, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page had counted before somebody else's word sent all of them."""
    page = f"{sent}/report/retry"
    monkeypatch.setattr(retrying, "failures", lambda *_: {FailureKind.REFUSED: 1})
    with transaction() as session:
        session.execute(sa.update(Message).values(state=MessageState.SENT))
    token = hidden(staff_client.get(page).text, "csrf_token")
    answer = staff_client.post(page, data={"csrf_token": token, "kinds": "refused"}, follow_redirects=True)
    assert "Nothing was changed" in text_of(answer.text)


@ON_SQLITE
def test_numbers_follow_what_comes_back_after_the_end(staff_client: FlaskClient, worker: Worker, sent: str) -> None:
    worker.settle()
    assert "1 Sent" in report(staff_client, sent)
    with transaction() as session:
        public_id = session.execute(sa.select(Message.public_id).where(Message.state == MessageState.SENT)).scalar_one()
        message = returns.find(session, public_id)
        assert message is not None
        returns.complained(session, message, "", clock.now())
    assert "0 Sent" in report(staff_client, sent)
    assert "1 Reported as unwanted" in report(staff_client, sent)


def test_a_page_leads_to_the_next_and_back(staff_client: FlaskClient, worker: Worker) -> None:
    people = [f"person{number}@example.org" for number in range(120)]
    add_people(None, len(people))
    path = write(staff_client)
    press(staff_client, path, "send")
    press(staff_client, path, "pause")
    with transaction() as session:
        session.execute(sa.update(Mailing).values(state=MailingState.RUNNING))
    worker.settle()
    start_mailing()  # another one, of which nothing is listed
    elsewhere = messages(Message.public_id)[-1]
    with transaction() as session:  # in two states, whose messages stand between each other
        session.execute(sa.update(Message).where(Message.id % 3 == 0).values(state=MessageState.SENT))
    seen, address, pages = [], f"{path}/report", []
    while address and len(pages) < 4:  # one that leads nowhere shall fail, not hang
        page = staff_client.get(address).text
        pages.append(listed(page))
        seen += listed(page)
        address = linked(page, "next")
    assert [len(one) for one in pages] == [50, 50, 20]
    assert seen == people
    assert listed(staff_client.get(f"{path}/report?after={elsewhere.public_id}").text) == pages[0]
    back = staff_client.get(linked(page, "prev")).text
    assert (listed(back), listed(staff_client.get(linked(back, "next")).text)) == (pages[1], pages[2])
    first = staff_client.get(linked(back, "prev")).text
    assert (listed(first), linked(first, "prev")) == (pages[0], "")
    assert listed(staff_client.get(linked(first, "next")).text) == pages[1]
    sent_only = staff_client.get(f"{path}/report?outcome=sent").text
    assert len(listed(sent_only)) == 40
    assert linked(sent_only, "next") == ""


def listed(page: str) -> list[str]:
    return re.findall(r"(person\d+@example\.org)</a>", page)


def linked(page: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    return unescape(found[1]) if found else ""


@ON_SQLITE
def test_the_same_at_the_command_line(database_url: str, server: Queueing, worker: Worker, sent: str) -> None:
    number = sent.rpartition("/")[2]

    def run(*arguments: str, code: int = 0) -> str:
        done = run_command(database_url, "campaign", *arguments)
        assert done.returncode == code, done.stderr
        return done.stdout

    said = json.loads(run("report", number, "--json"))
    assert (said["sent"], said["failed"], said["came_back"], said["left_out"]) == (1, 2, 1, 3)
    assert said["left_out_because"] == {"withdrawn": 2, "suppressed": 1}
    assert said["not_concerned"] == {"never_agreed": 1}
    assert "left out because: withdrawn: 2" in run("report", number)
    listed = run("report", number, "--format", "jsonl", "--outcome", "failed", "--reason", "To look")
    assert {json.loads(line)["email"] for line in listed.splitlines()} == set(REPLIES)
    run("report", number, "--format", "csv", code=2)
    run("report", number, "--outcome", "failed", code=2)
    run("report", "0" * 32, code=1)
    assert json.loads(run("retry", number, "--dry-run", "--json")) == {"failed": {"gone": 1, "refused": 1}, "again": 1}
    none = run_command(database_url, "campaign", "retry", number, "--because", "too_long", "--yes")
    assert (none.returncode, "nothing that failed for such a reason can go again" in none.stderr) == (1, True)
    run("retry", number, code=1)  # nobody answers whether to
    worker.work()
    assert json.loads(run("retry", number, "--dry-run", "--json"))["again"] == 1
    assert "to be sent again: 1" in run("retry", number, "--yes")
    server.reply_to_recipient = lambda address: None
    worker.work()
    assert server.recipients()["person2@example.org"] == 1


@ON_SQLITE
def test_a_draft_has_no_report(staff_client: FlaskClient) -> None:
    path = write(staff_client)
    for answer in (staff_client.get(f"{path}/report"), staff_client.get(f"{path}/report/retry")):
        assert answer.status_code == 404
    asked = post(staff_client, f"{path}/report/list", path, outcome="", format="csv", reason="To look")
    assert asked.status_code == 404
