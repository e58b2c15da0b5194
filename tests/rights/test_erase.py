"""`consent-service erase`: the person is gone from every file, the record is whole, and the way back stays open."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from consent_service import clock, links
from consent_service.database import Base, reading, transaction
from consent_service.domain.identifiers import DataKeyId, SubjectId
from consent_service.domain.kinds import SuppressionReason
from consent_service.evidence import service as evidence_service
from consent_service.ledger import queries as ledger
from consent_service.ledger.queries import Entry
from consent_service.notice import queries as notice
from consent_service.subjects import service as subjects
from consent_service.subjects.models import Subject
from tests.conftest import run_command
from tests.driving import BASE, Mailbox, Worker, confirmed, sign_up
from tests.people.test_pages import audited, public_id

ADDRESS = "Anna.Beispiel+News@example.org"
NORMALISED = "anna.beispiel+news@example.org"
NAME = "Änna Beispiel"


def person(known: str) -> SubjectId:
    with reading() as session:
        return session.execute(sa.select(Subject.id).where(Subject.public_id == known)).scalar_one()


def history(known: str) -> Sequence[Entry]:
    with reading() as session:
        return ledger.history(session, person(known))


def keys_left(data_keys: Sequence[DataKeyId]) -> list[object]:
    with reading() as session:
        return [evidence_service.data_key(session, data_key) for data_key in data_keys]


def erase(url: str, *options: str) -> None:
    answer = run_command(url, "erase", ADDRESS, "--yes", *options)
    assert answer.returncode == 0, answer.stderr


@dataclass(frozen=True)
class Erased:
    """Somebody who was erased: their public id, the path of their one-click link, and their history before."""

    public_id: str
    unsubscribe: str
    before: Sequence[Entry]


@pytest.fixture
def erased(database_url: str, client: FlaskClient, worker: Worker, mailbox: Mailbox) -> Erased:
    """A person with a consent, a further request under another spelling, mails, and a lifted bounce, is erased."""
    confirmed(client, worker, mailbox, ADDRESS, name=NAME)
    known = public_id(ADDRESS)
    with reading() as session:
        purpose_id = notice.purpose(session, "newsletter", clock.now()).purpose_id
        link = links.unsubscribe(ledger.unsubscribe_link(session, person(known), purpose_id))
    sign_up(client, ADDRESS.upper(), ["seminar_information:1"], name=NAME)
    worker.work()
    with transaction() as session:
        subjects.suppress_subject(session, person(known), SuppressionReason.BOUNCED, clock.now())
        subjects.lift_bounce(session, person(known), f"Called {NAME}", clock.now())
    before = history(known)
    erase(database_url)
    return Erased(known, link.removeprefix(BASE), before)


def test_the_ledger_keeps_every_line_and_nobody_can_read_who_it_was(erased: Erased, staff_client: FlaskClient) -> None:
    after = history(erased.public_id)
    assert list(after[: len(erased.before)]) == list(erased.before)
    ended = after[len(erased.before) :]
    assert [(entry.kind.value, entry.channel.value) for entry in ended] == [("withdrawn", "system")]
    assert keys_left([entry.data_key_id for entry in after]) == [None] * len(after)
    page = staff_client.get(f"/staff/people/{erased.public_id}").text
    assert "This person was erased on" in page
    proof = staff_client.get(f"/staff/people/{erased.public_id}/proof.json").json
    assert [event["evidence_destroyed"] for event in proof["events"]] == [True] * len(after)
    assert "was destroyed" in staff_client.get(f"/staff/people/{erased.public_id}/proof").text
    (entry,) = audited("person_erased")
    assert (entry.target, entry.actor) == (erased.public_id, "operator")
    assert "example" not in json.dumps(entry.details).casefold()


def test_no_row_says_who_it_was(erased: Erased) -> None:
    with reading() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(sa.select(table)):
                text = repr(tuple(row)).casefold()
                assert NORMALISED not in text, table.name
                assert NAME.casefold() not in text, table.name


def test_no_file_beside_the_database_says_who_it_was(erased: Erased, database_url: str) -> None:
    url = sa.make_url(database_url)
    if url.get_backend_name() != "sqlite":
        return
    traces = [text.encode() for text in (ADDRESS, NORMALISED, ADDRESS.upper(), NAME, NAME.casefold(), NAME.upper())]
    files = [file for file in Path(str(url.database)).parent.glob("consent.db*") if file.is_file()]
    assert {file.name for file in files} >= {"consent.db", "consent.db-wal"}
    for file in files:
        held = file.read_bytes()
        assert [trace for trace in traces if trace in held] == [], file.name


def test_a_one_click_link_of_an_erased_person_still_answers(erased: Erased, client: FlaskClient) -> None:
    answer = client.post(erased.unsubscribe, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200


def test_an_import_does_not_bring_an_erased_address_back(erased: Erased, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(f"e-mail;customer since;source\n{ADDRESS};2021-03-14;Order 10021\n", encoding="utf-8")
    run_command(database_url, "import", str(file), "--yes")
    with reading() as session:
        assert session.execute(sa.select(Subject.id).where(Subject.address.is_not(None))).first() is None


def test_the_persons_own_double_opt_in_begins_anew(
    erased: Erased, client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    confirmed(client, worker, mailbox, ADDRESS, name=NAME)
    anew = public_id(ADDRESS)
    assert anew != erased.public_id
    assert [entry.kind.value for entry in history(anew)] == ["confirmed"]
    with reading() as session:
        purpose_id = notice.purpose(session, "newsletter", clock.now()).purpose_id
        assert ledger.reason_left_out(session, person(anew), purpose_id) is None


def test_it_says_what_it_will_do_and_asks(
    database_url: str, client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    confirmed(client, worker, mailbox, ADDRESS, name=NAME)
    foreseen = run_command(database_url, "erase", NORMALISED, "--dry-run", "--json")
    assert json.loads(foreseen.stdout) == {
        "active_purposes": 1,
        "registrations": 1,
        "messages": 2,
        "import_rows": 0,
        "inbound_mails": 0,
        "seminar_registrations": 0,
        "surveys": 0,
        "events_kept": 1,
    }
    declined = run_command(database_url, "erase", NORMALISED, stdin="n\n")
    assert declined.returncode == 1
    assert "purposes ended: 1" in declined.stdout
    assert public_id(ADDRESS)
    assert run_command(database_url, "erase", NORMALISED, stdin="y\n").returncode == 0
    again = run_command(database_url, "erase", NORMALISED, "--yes")
    assert (again.returncode, len(again.stderr.strip().splitlines())) == (1, 1)


def test_a_reader_that_keeps_the_log_from_being_emptied_is_named(sqlite_url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "consent.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM subjects").fetchone()
        staged = tmp_path / "customers.csv"
        staged.write_text(f"e-mail;customer since;source\n{ADDRESS};2021-03-14;Order 10021\n", encoding="utf-8")
        assert run_command(sqlite_url, "import", str(staged), "--yes").returncode == 0
        answer = run_command(sqlite_url, "erase", ADDRESS, "--yes")
    assert answer.returncode == 1
    assert "another process reads the database" in answer.stderr
