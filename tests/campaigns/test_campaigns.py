"""A campaign from the first word to the last mail: as staff in the browser, and at the command line."""

import json
import re
from html import unescape
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_service import clock
from consent_service.audit.models import AuditEntry
from consent_service.audit.service import OPERATOR
from consent_service.config import from_environment
from consent_service.database import reading, transaction
from consent_service.demo.catcher import CaughtMail
from consent_service.domain.kinds import SuppressionReason
from consent_service.mailing.addresses import message_of_envelope_sender
from consent_service.mailing.models import Message
from consent_service.mailing.rules import MailKind
from consent_service.notice import service as notice
from consent_service.subjects import service as subjects
from tests.conftest import STAFF_ADDRESS, TEXTS, environment, run_command
from tests.driving import Mailbox, Worker, add_people, confirmed, heading, hidden, one_click_path, path_in, text_of
from tests.signing.test_delivery import let_sign
from tests.signing.verifying import published, verdicts

GERMAN = (
    "{{greeting}}!\n\n# Neues im Mai\n\nLesen Sie **alles** im [Blog](https://beispiel.example/blog).\n\n- eins\n- zwei"
)
WORDS = {
    "purpose": "newsletter",
    "subject_de": "Neues für {{name}}",
    "body_de": GERMAN,
    "subject_en": "News for {{name}}",
    "body_en": "{{greeting}}!\n\nRead **everything**.",
}


def post(client: FlaskClient, path: str, page: str, **fields: str) -> TestResponse:
    """Sends a form of a page, with that page's token."""
    return client.post(path, data={"csrf_token": hidden(client.get(page).text, "csrf_token"), **fields})


def write(client: FlaskClient, **words: str) -> str:
    """Writes a draft through the form; the path of its page."""
    answer = post(client, "/staff/campaigns/new", "/staff/campaigns/new", **{**WORDS, **words})
    assert answer.status_code == 303, text_of(answer.text)
    return re.sub(r"\?.*", "", answer.headers["Location"])


def press(client: FlaskClient, path: str, act: str) -> str:
    """Presses a button of the campaign's page, or of the check page before it; the page that follows."""
    check = client.get(f"{path}/check")  # leads away once the campaign is sent
    fields = {"checked": hidden(check.text, "checked")} if act == "send" and check.status_code == 200 else {}
    answer = post(client, f"{path}/{act}", path, **fields)
    assert answer.status_code == 303
    return client.get(answer.headers["Location"]).text


def bulk_mails(mailbox: Mailbox) -> list[CaughtMail]:
    """What was sent to the list."""
    return [mail for mail in mailbox.mails() if mail.header("List-Id")]


def test_a_campaign_from_the_first_word_to_the_last_mail(
    staff_client: FlaskClient, client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    confirmed(client, worker, mailbox, "juergen@example.org", name="Jürgen Müßig")
    confirmed(client, worker, mailbox, "zoe@example.org", name='Zoë "Z" 👩‍👩‍👧', language="en")
    path = write(staff_client)
    page = staff_client.get(path).text
    assert heading(page) == "Neues für {{name}}"
    assert "Neues für Anna Beispiel" in page
    assert "News for Anna Beispiel" in page
    check = staff_client.get(f"{path}/check").text
    assert "2 people would get this mail now" in text_of(check)
    assert "Send to 2 people now" in check
    press(staff_client, path, "send")
    worker.work()
    german, english = (mailbox.latest(f"{name}@example.org") for name in ("juergen", "zoe"))
    assert german.subject == "Neues für Jürgen Müßig"
    assert english.subject == 'News for Zoë "Z" 👩‍👩‍👧'
    assert "Lesen Sie alles im Blog (https://beispiel.example/blog)." in german.text
    assert "\n- eins\n- zwei\n" in german.text
    assert "<strong>everything</strong>" in english.html
    assert english.text.startswith("Beispiel GmbH\n\nHello Zoë")
    assert len(bulk_mails(mailbox)) == 2
    for mail in bulk_mails(mailbox):
        check_item_7(mail)
    done = staff_client.get(path).text
    assert "2 of 2 done" in text_of(done)
    assert client.post(path_in(german, "unsubscribe")).status_code == 200


def check_item_7(mail: CaughtMail) -> None:
    """All that a newsletter must have when it arrives (issue 6, item 7)."""
    way_out = mail.header("List-Unsubscribe")
    one_click = re.fullmatch(r"<(http://localhost/unsubscribe/[^>]+)>, <mailto:[^>]+>", way_out)
    assert one_click, way_out
    assert mail.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert one_click[1] in mail.text
    assert f'href="{one_click[1]}"' in mail.html
    assert mail.header("List-Id") == '"Newsletter" <newsletter.localhost>'
    assert re.fullmatch(r"[0-9a-f]{32}:newsletter:beispiel-exampl", mail.header("Feedback-ID"))
    public_id = message_of_envelope_sender(mail.envelope_sender)
    assert public_id is not None
    assert mail.header("Message-ID") == f"<{public_id}@localhost>"
    for part in (mail.text, unescape(mail.html)):
        assert "Musterweg 1" in part
        assert "https://beispiel.example/impressum" in part
        assert "/settings/" in part
        assert "“Newsletter”" in part or "„Newsletter“" in part
    assert "<img" not in mail.html
    assert "prefers-color-scheme: dark" in mail.html
    assert set(re.findall(r"https?://([^/\"<)\s]+)", mail.html)) <= {"localhost", "beispiel.example"}


def test_the_check_page_counts_each_reason(
    staff_client: FlaskClient, client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    people = add_people(None, 5)
    assert client.post(one_click_path("person0@example.org")).status_code == 200
    with transaction() as session:
        subjects.lock(session, people[1])
        subjects.suppress_subject(session, people[1], SuppressionReason.BOUNCED, clock.now())
    confirmed(client, worker, mailbox, "else@example.org", ("seminar_information:1",))
    path = write(staff_client)
    words = " ".join(text_of(staff_client.get(f"{path}/check").text).split())
    assert "3 people would get this mail now" in words
    assert "They withdrew their consent 1" in words
    assert "Their address is blocked: it bounced, complained, or was blocked by staff 1" in words
    assert "They never agreed to this purpose 1" in words
    assert "They objected" not in words


def test_customer_information_names_the_law_and_counts_objections(
    staff_client: FlaskClient, client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    add_people(None, 2, "customer_information")
    assert client.post(one_click_path("person0@example.org", "customer_information")).status_code == 200
    path = write(staff_client, purpose="customer_information")
    assert "They objected 1" in " ".join(text_of(staff_client.get(f"{path}/check").text).split())
    press(staff_client, path, "send")
    worker.work()
    (mail,) = bulk_mails(mailbox)
    assert mail.envelope_recipients == ("person1@example.org",)
    assert "UWG" in mail.text
    assert "UWG" in mail.html


@pytest.mark.parametrize("complaints_to", ["fbl@beispiel.example", ""])
def test_complaints_are_invited_where_there_is_an_address_for_them(
    app: Flask, staff_client: FlaskClient, worker: Worker, mailbox: Mailbox, complaints_to: str
) -> None:
    variables = environment(app.extensions["consent_settings"].database_url, mailbox.port)
    more = {"CONSENT_DKIM": "service", "CONSENT_COMPLAINTS_TO": complaints_to}
    app.extensions["consent_settings"] = from_environment({**variables, **more})
    let_sign()
    add_people(None, 1)
    press(staff_client, write(staff_client), "send")
    worker.work()
    (mail,) = bulk_mails(mailbox)
    data = mail.raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert verdicts(data, published()) == [True, True]
    if not complaints_to:
        assert b"\nCFBL-" not in data
        return
    assert mail.header("CFBL-Address") == f"{complaints_to}; report=arf"
    assert mail.header("CFBL-Feedback-ID") == message_of_envelope_sender(mail.envelope_sender)
    for name in (b"CFBL-Address", b"CFBL-Feedback-ID"):
        changed = data.replace(b"\r\n" + name + b": ", b"\r\n" + name + b": x")
        assert changed != data
        assert verdicts(changed, published()) == [False, False], name


def test_pause_resume_and_cancel(staff_client: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    add_people(None, 3)
    paused, cancelled = write(staff_client), write(staff_client)
    press(staff_client, paused, "send")
    assert "The campaign is paused." in press(staff_client, paused, "pause")
    worker.work()
    assert not bulk_mails(mailbox)
    assert "The campaign goes on." in press(staff_client, paused, "resume")
    worker.work()
    assert len(bulk_mails(mailbox)) == 3
    press(staff_client, cancelled, "send")
    assert "The campaign is cancelled." in press(staff_client, cancelled, "cancel")
    worker.work()
    assert len(bulk_mails(mailbox)) == 3
    assert "Nothing was changed" in press(staff_client, cancelled, "resume")
    answer = post(staff_client, f"{cancelled}/send", cancelled, checked="0" * 64)
    assert "Nothing was changed" in staff_client.get(answer.headers["Location"]).text


def test_a_test_mail_is_like_the_real_one_and_its_link_ends_nothing(
    staff_client: FlaskClient, client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    add_people(None, 1)
    path = write(staff_client)
    answer = post(staff_client, f"{path}/test", path, address="anna@example.org")
    assert answer.status_code == 303
    worker.work()
    mails = mailbox.mails("anna@example.org")
    assert [mail.subject for mail in mails] == ["Neues für Anna Beispiel", "News for Anna Beispiel"]
    press(staff_client, path, "send")
    worker.work()
    real = mailbox.latest("person0@example.org")
    for mail in mails:
        assert {name for name, _ in mail.headers} == {name for name, _ in real.headers}
        assert mail.header("List-Unsubscribe-Post")
        link = path_in(mail, "unsubscribe")
        for ask in (client.get, client.post):
            page = ask(link, headers={"Accept-Language": "en"})
            assert (page.status_code, heading(page.text)) == (200, "This was a test mail")
    assert post(staff_client, f"{path}/test", path, address="nonsense").status_code == 400


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("subject_de", "", "Enter the German subject"),
        ("body_de", "", "Enter the German text"),
        ("body_de", "Hallo {{vorname}}", "{{vorname}} is not a placeholder"),
        ("subject_de", "{{unsubscribe}}", "{{unsubscribe}} is not a placeholder"),
        ("body_de", "[x](https://e.org/{{name}})", "Take the placeholder out"),
        ("subject_en", "", "Enter the English subject"),
        ("subject_de", "x" * 201, "Shorten the subject"),
        ("purpose", "", "Choose a purpose"),
    ],
)
def test_a_wrong_draft_is_not_kept_and_nothing_typed_is_lost(
    staff_client: FlaskClient, field: str, value: str, said: str
) -> None:
    page = "/staff/campaigns/new"
    answer = post(staff_client, page, page, **{**WORDS, field: value})
    assert answer.status_code == 400
    assert said in unescape(answer.text)
    assert "Read **everything**." in answer.text
    assert "No campaign yet" in staff_client.get("/staff/campaigns/").text


def test_a_draft_is_changed_and_deleted_until_it_is_sent(staff_client: FlaskClient) -> None:
    add_people(None, 1)
    path = write(staff_client)
    changed = {**WORDS, "subject_de": "Anders", "subject_en": "", "body_en": ""}
    assert post(staff_client, f"{path}/edit", f"{path}/edit", **changed).status_code == 303
    assert "News for" not in staff_client.get(path).text
    assert "Anders" in staff_client.get("/staff/campaigns/").text
    press(staff_client, path, "delete")
    assert staff_client.get(path).status_code == 404
    sent = write(staff_client)
    press(staff_client, sent, "send")
    assert "Nothing was changed" in press(staff_client, sent, "delete")
    assert staff_client.get(f"{sent}/edit").status_code == 303


def test_the_preview_can_run_nothing(staff_client: FlaskClient) -> None:
    body = (
        '<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![p](https://e.org/p.png "t")\n\n<b onclick="x">bold</b>'
    )
    answer = staff_client.get(write(staff_client, body_de=body) + "/preview/de")
    policy = answer.headers["Content-Security-Policy"]
    assert all(
        part in policy for part in ("default-src 'none'", "frame-ancestors 'self'", "sandbox", "form-action 'none'")
    )
    assert "script-src" not in policy
    assert "<script" not in answer.text
    assert 'href="javascript' not in answer.text
    assert "<b " not in answer.text


def test_every_page_wants_staff(app: Flask, client: FlaskClient) -> None:
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("campaigns."):
            path = re.sub(r"<[^>]+>", "x", rule.rule)
            answer = client.get(path) if "GET" in (rule.methods or ()) else client.post(path)
            assert answer.status_code in (302, 400), rule


def test_each_change_is_in_the_audit_log(staff_client: FlaskClient) -> None:
    add_people(None, 1)
    path = write(staff_client)
    for act in ("send", "pause", "resume", "cancel"):
        press(staff_client, path, act)
    with reading() as session:
        entries = session.execute(
            sa.select(AuditEntry).where(AuditEntry.action == "campaign_changed").order_by(AuditEntry.id)
        ).scalars()
        rows = [(entry.actor, entry.target, entry.details["what"]) for entry in entries]
    public_id = path.rpartition("/")[2]
    steps = ("created", "sent", "paused", "running", "cancelled")
    assert rows == [(STAFF_ADDRESS, public_id, what) for what in steps]


def test_the_same_at_the_command_line(app: Flask, worker: Worker, mailbox: Mailbox, tmp_path: Path) -> None:
    add_people(None, 2)
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    body = tmp_path / "mai.md"
    body.write_text(GERMAN, encoding="utf-8")
    words = ("--purpose", "newsletter", "--subject-de", "Neues", "--body-de", str(body))

    def run(*arguments: str, stdin: str = "", code: int = 0) -> str:
        done = run_command(url, "campaign", *arguments, stdin=stdin)
        assert done.returncode == code, done.stderr
        return done.stdout.strip()

    assert run("create", *words, "--dry-run") == ""
    assert run("list") == ""
    number = run("create", *words)
    checked = json.loads(run("check", number, "--json"))
    assert (checked["reaches"], checked["left_out"]) == (2, {})
    run("send", number, "--yes", "--checked", "0" * 64, code=1)
    assert run("test", number, "anna@example.org") == ""
    assert json.loads(run("send", number, "--dry-run", "--json"))["reaches"] == 2
    run("send", number, stdin="n\n", code=1)
    assert json.loads(run("status", number, "--json"))["state"] == "draft"
    run("send", number, "--yes", "--checked", checked["digest"])
    run("send", number, "--yes", code=1)
    run("pause", number)
    run("resume", number)
    worker.work()
    status = json.loads(run("status", number, "--json"))
    assert (status["state"], status["sent"]) == ("done", 2)
    run("cancel", number, "--yes", code=1)
    run("status", "0" * 32, code=1)
    assert [one["campaign"] for one in json.loads(run("list", "--json"))] == [number]
    assert len(mailbox.mails("anna@example.org")) == 1
    for mail in bulk_mails(mailbox):
        assert path_in(mail, "unsubscribe").startswith("/unsubscribe/")
    with reading() as session:
        kinds = session.execute(sa.select(Message.kind).where(Message.recipient == "anna@example.org")).scalars().all()
        actors = set(session.execute(sa.select(AuditEntry.actor)).scalars())
    assert kinds == [MailKind.TEST]
    assert actors == {OPERATOR}


def test_the_command_line_says_what_is_wrong(app: Flask, tmp_path: Path) -> None:
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    body = tmp_path / "mai.md"
    body.write_text("Hallo {{vorname}}", encoding="utf-8")
    done = run_command(
        url, "campaign", "create", "--purpose", "newsletter", "--subject-de", "Neues", "--body-de", str(body)
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == (
        "consent-service: de: {{vorname}} is no placeholder; there are {{name}} and {{greeting}}"
    )


REFUSED = "Nothing was sent: the campaign, or the wording of its purpose, has changed since you checked it."


@pytest.mark.parametrize(
    "change",
    [{"subject_de": "Ganz anders"}, {"body_en": "{{greeting}}, changed"}, {"purpose": "survey_invitation"}],
    ids=["subject", "text", "purpose"],
)
def test_a_draft_that_changed_since_the_check_is_not_sent(
    staff_client: FlaskClient, worker: Worker, mailbox: Mailbox, change: dict[str, str]
) -> None:
    add_people(None, 1)
    path = write(staff_client)
    seen = hidden(staff_client.get(f"{path}/check").text, "checked")
    changed = post(staff_client, f"{path}/edit", f"{path}/edit", **{**WORDS, **change})
    assert changed.status_code == 303
    refuse(staff_client, path, seen)
    worker.work()
    assert not bulk_mails(mailbox)
    if "purpose" not in change:
        press(staff_client, path, "send")
        worker.work()
        assert len(bulk_mails(mailbox)) == 1


def test_a_wording_published_since_the_check_holds_the_campaign_up(
    staff_client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    add_people(None, 1)
    path = write(staff_client)
    seen = hidden(staff_client.get(f"{path}/check").text, "checked")
    texts = TEXTS.read_text(encoding="utf-8").replace("Newsletter", "Rundbrief")
    with transaction() as session:
        notice.publish(session, notice.read(texts), clock.now())
    refuse(staff_client, path, seen)
    worker.work()
    assert not bulk_mails(mailbox)


def refuse(client: FlaskClient, path: str, checked: str) -> None:
    """Presses Send on a check page that is no longer true, and sees why nothing was sent, on the page as it is now."""
    answer = post(client, f"{path}/send", path, checked=checked)
    assert answer.headers["Location"] == f"{path}/check"
    page = client.get(f"{path}/check").text
    assert REFUSED in text_of(page)
    assert checked not in page
