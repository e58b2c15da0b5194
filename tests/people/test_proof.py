"""The proof is complete (design I3): as JSON, on the command line, as a page to print; and says when it cannot be."""

import base64
import hashlib
import json
from email import message_from_bytes, policy

from flask.testing import FlaskClient

from tests.conftest import run_command
from tests.driving import Mailbox, Worker, add_people, confirmed, heading
from tests.people.test_pages import audited, public_id


def test_a_confirmed_consent_is_proved_in_full(
    database_url: str, client: FlaskClient, staff_client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    client.environ_base["HTTP_USER_AGENT"] = "Browser of Anna"
    client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    confirmed(client, worker, mailbox, "Anna@example.org", name="Anna Beispiel")
    answer = staff_client.get(f"/staff/people/{public_id('Anna@example.org')}/proof.json")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    proof = answer.json
    assert proof["person"]["address"] == "Anna@example.org"
    (event,) = proof["events"]
    assert event["kind"] == "confirmed"
    assert event["at"].endswith("+00:00")
    request = event["evidence"]["request"]
    assert request["form"].startswith("http://localhost/newsletter")
    assert (request["ip"], request["user_agent"], request["language"]) == ("192.0.2.7", "Browser of Anna", "de")
    assert request["wordings"] == {"newsletter:1": event["wording"]["sha256"]}
    assert event["wording"]["texts"]["de"]["wording"] in client.get("/newsletter").text
    assert event["evidence"]["confirmation"]["ip"] == "192.0.2.7"
    (edition,) = proof["privacy_notices"]
    assert edition["number"] == event["privacy_notice"] == request["notice"]
    assert len(edition["sha256"]) == len(hashlib.sha256().hexdigest())
    mail = event["evidence"]["confirmation_mail"]
    kept = message_from_bytes(base64.b64decode(mail["bytes_base64"]), policy=policy.default)
    caught = next(one for one in mailbox.mails("Anna@example.org"))
    assert kept["Message-ID"] == mail["message_id"]
    assert kept.get_body(("plain",)).get_content().split() == caught.text.split()
    assert mail["server_reply"]
    assert event["requested_at"] < mail["handed_over_at"] < event["at"]
    printed = run_command(database_url, "proof", "anna@EXAMPLE.org", "--json")
    assert printed.returncode == 0, printed.stderr
    again = json.loads(printed.stdout)
    assert {**again, "made_at": ""} == {**proof, "made_at": ""}
    assert [entry.actor for entry in audited("proof_made")] == ["anna.beispiel@beispiel.example", "operator"]
    outline = run_command(database_url, "proof", "anna@example.org")
    assert "user_agent: Browser of Anna" in outline.stdout


def test_the_page_to_print_shows_the_evidence(
    client: FlaskClient, staff_client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    confirmed(client, worker, mailbox, "anna@example.org", name="Anna Beispiel")
    page = staff_client.get(f"/staff/people/{public_id('anna@example.org')}/proof").text
    assert heading(page) == "Proof of consent"
    for words in ("Anna Beispiel, anna@example.org", "192.0.2.7", "The confirmation mail", "Message-ID", "/confirm/"):
        assert words in page


def test_an_imports_source_is_proved(database_url: str, staff_client: FlaskClient) -> None:
    add_people(None, 1, "customer_information")
    page = staff_client.get(f"/staff/people/{public_id('person0@example.org')}/proof").text
    assert "test data" in page
    assert "legitimate interest" in page


def test_an_unknown_address_is_one_clear_line(sqlite_url: str) -> None:
    for address in ("nobody@example.org", "nonsense"):
        answer = run_command(sqlite_url, "proof", address)
        assert answer.returncode == 1
        assert answer.stdout == ""
        assert len(answer.stderr.strip().splitlines()) == 1
