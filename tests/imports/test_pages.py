"""The import pages, and what the worker then does, on both databases."""

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from consent_service import clock
from consent_service.audit.models import AuditEntry
from consent_service.database import reading, transaction
from consent_service.domain.addresses import normalise
from consent_service.domain.identifiers import SubjectId
from consent_service.domain.kinds import Channel, EventKind, LeftOut, LegalBasis, SuppressionReason
from consent_service.evidence import service as evidence
from consent_service.imports import applying, staging, uploads
from consent_service.imports.models import ImportFile, ImportRow
from consent_service.imports.rules import ImportState, Row, RowResult, Verdict
from consent_service.imports.service import Staging
from consent_service.imports.staging import CHUNK
from consent_service.ledger import queries as ledger
from consent_service.mailing import claiming, handover
from consent_service.mailing import service as mailing
from consent_service.mailing.handover import Outcome
from consent_service.mailing.rules import Lane, Reply
from consent_service.notice import queries as notice
from consent_service.subjects import service as subjects
from tests.driving import Mailbox, Worker, add_people, confirmed, events_of, everything, hidden, one_click_path, text_of
from tests.imports.driving import (
    counts,
    customer,
    customers,
    import_file,
    name_of,
    newest,
    press,
    reason_left_out,
    rows_left,
    send_file,
    upload,
)
from tests.mailing.campaigning import start_mailing, states, wait_for

MIXED = customers(
    customer("anna@example.org", "Änne Müßig"),
    customer("not an address"),
    customer("ANNA@Example.ORG"),
    customer("bernd@müller.example.org", '"=1+1"'),
    customer("bernd@xn--mller-kva.example.org"),
    "carla@example.org,Carla,de,,Shop",
)


def test_dry_run_shows_each_row_and_changes_nothing_else(staff_client: FlaskClient) -> None:
    before = everything()
    page = upload(staff_client, MIXED)
    assert counts(page) == {
        "Bad rows": 2,
        "Duplicates in the file": 2,
        "Stay out": 0,
        "Known already": 0,
        "New": 2,
    }
    words = text_of(page.text)
    assert "3 This is not an e-mail address not an address" in words
    assert "7 The date since when they are a customer is missing carla@example.org" in words
    duplicates = text_of(staff_client.get(page.request.path + "?result=duplicate").text)
    assert "4 ANNA@example.org –" in duplicates
    assert "6 bernd@xn--mller-kva.example.org –" in duplicates

    after = everything()
    changed = {table for table in before if before[table] != after[table]}
    assert changed == {"imports", "import_rows", "audit_entries"}


def test_rows_are_paged(staff_client: FlaskClient) -> None:
    page = upload(staff_client, customers(*(customer(f"person{number}@example.org") for number in range(120))))
    assert "Page 1 of 3" in text_of(page.text)
    last = staff_client.get(page.request.path + "?result=new&page=3").text
    assert "person119@example.org" in last
    assert "person99@example.org" not in last


def test_customers_with_their_evidence(staff_client: FlaskClient, worker: Worker) -> None:
    done = import_file(staff_client, worker, MIXED)
    assert (done.state, done.applied_counts) == (ImportState.APPLIED, done.counts)
    assert rows_left() == 0
    assert reason_left_out("bernd@müller.example.org") is None
    assert name_of("bernd@müller.example.org") == "=1+1"
    (event,) = events_of("anna@example.org")
    assert (event.kind, event.basis, event.channel) == (
        EventKind.IMPORTED,
        LegalBasis.LEGITIMATE_INTEREST,
        Channel.IMPORT,
    )
    assert event.notice_id is not None
    with reading() as session:
        key = evidence.data_key(session, event.data_key_id)
    assert key is not None
    shown = evidence.open_box(key, event.box, event.public_id)["import"]
    assert shown == {
        "id": done.public_id,
        "file_name": "kunden.csv",
        "sha256": done.sha256,
        "line": 2,
        "address": "anna@example.org",
        "customer_since": "2020-05-31",
        "source": "Shop",
        "imported_by": "anna.beispiel@beispiel.example",
        "at": event.at.isoformat(),
    }
    assert one_click_path("anna@example.org", "customer_information")


def test_the_same_file_again_changes_nothing(staff_client: FlaskClient, worker: Worker) -> None:
    import_file(staff_client, worker, MIXED)
    before = everything()
    done = import_file(staff_client, worker, MIXED)
    assert done.applied_counts[RowResult.KNOWN] == 2
    assert done.applied_counts[RowResult.NEW] == 0
    after = everything()
    assert {table for table in before if before[table] != after[table]} == {"imports", "audit_entries"}


def test_a_known_person_gets_a_missing_name_and_keeps_their_own(
    staff_client: FlaskClient, client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    confirmed(client, worker, mailbox, "anna@example.org", name="Anna Beispiel")
    confirmed(client, worker, mailbox, "bernd@example.org")
    rows = [customer("anna@example.org", "Wrong"), customer("bernd@example.org", "Bernd Beispiel")]
    done = import_file(staff_client, worker, customers(*rows))
    assert done.applied_counts[RowResult.NEW] == 2
    assert (name_of("anna@example.org"), name_of("bernd@example.org")) == ("Anna Beispiel", "Bernd Beispiel")
    assert reason_left_out("anna@example.org", "newsletter") is None
    assert [event.kind for event in events_of("anna@example.org")] == [EventKind.CONFIRMED, EventKind.IMPORTED]


def test_who_objected_stays_out(staff_client: FlaskClient, client: FlaskClient, worker: Worker) -> None:
    import_file(staff_client, worker, customers(customer("anna@example.org")))
    assert client.post(one_click_path("anna@example.org", "customer_information")).status_code == 200
    page = upload(staff_client, customers(customer("anna@example.org"), customer("bernd@example.org")))
    assert "2 Has objected or withdrawn anna@example.org" in text_of(page.text)
    press(staff_client, page, "apply")
    worker.work()
    assert newest().applied_counts[RowResult.SUPPRESSED] == 1
    assert reason_left_out("anna@example.org") is LeftOut.OBJECTED
    assert len(events_of("anna@example.org")) == 2


def test_who_objects_after_the_dry_run_stays_out(
    staff_client: FlaskClient, client: FlaskClient, worker: Worker
) -> None:
    import_file(staff_client, worker, customers(customer("anna@example.org")))
    page = upload(staff_client, customers(customer("anna@example.org"), customer("bernd@example.org")))
    assert counts(page)["Known already"] == 1
    client.post(one_click_path("anna@example.org", "customer_information"))
    press(staff_client, page, "apply")
    worker.work()
    assert newest().applied_counts[RowResult.SUPPRESSED] == 1
    assert reason_left_out("anna@example.org") is LeftOut.OBJECTED


def test_who_is_suppressed_after_the_dry_run_stays_out_and_is_not_even_added(
    staff_client: FlaskClient, worker: Worker
) -> None:
    page = upload(staff_client, customers(customer("anna@example.org"), customer("bernd@example.org")))
    with transaction() as session:
        digest = subjects.suppression_digest(normalise("anna@example.org"))
        subjects.suppress(session, digest, None, SuppressionReason.BOUNCED, clock.now())
    press(staff_client, page, "apply")
    worker.work()
    assert newest().applied_counts[RowResult.SUPPRESSED] == 1
    with reading() as session:
        assert subjects.find(session, normalise("anna@example.org")) is None
    assert reason_left_out("bernd@example.org") is None


def test_imported_suppression_stops_customers_until_the_persons_own_double_opt_in(
    staff_client: FlaskClient, client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    done = import_file(staff_client, worker, "email\nDora@Example.org\ndora@example.org\n", "unsubscribed")
    assert done.applied_counts[RowResult.NEW] == 1
    page = upload(staff_client, customers(customer("dora@example.org"), customer("eva@example.org")))
    assert "2 On the suppression list dora@example.org" in text_of(page.text)
    press(staff_client, page, "apply")
    worker.work()
    assert reason_left_out("eva@example.org") is None
    assert events_of("dora@example.org") == []

    confirmed(client, worker, mailbox, "dora@example.org")
    assert reason_left_out("dora@example.org", "newsletter") is None
    assert counts(upload(staff_client, customers(customer("dora@example.org"))))["Stay out"] == 1


@pytest.mark.parametrize("kind", ["unsubscribed", "bounced", "complained"])
def test_a_list_suppresses_people_known_here_for_every_purpose(
    staff_client: FlaskClient, client: FlaskClient, worker: Worker, mailbox: Mailbox, kind: str
) -> None:
    confirmed(client, worker, mailbox, "anna@example.org")
    import_file(staff_client, worker, customers(customer("anna@example.org")))
    page = upload(staff_client, "Quelle;E-Mail\nalt;anna@example.org\nalt;eva@example.org\n", kind)
    assert counts(page) == {
        "Bad rows": 0,
        "Duplicates in the file": 0,
        "On the list already": 0,
        "People known here": 1,
        "Unknown addresses": 1,
    }
    press(staff_client, page, "apply")
    worker.work()
    assert reason_left_out("anna@example.org", "newsletter") is LeftOut.SUPPRESSED
    assert reason_left_out("anna@example.org") is LeftOut.SUPPRESSED
    again = upload(staff_client, "email\nanna@example.org\neva@example.org\n", kind)
    assert counts(again)["On the list already"] == 2
    assert f"{again.request.path}/apply" not in again.text
    assert f"{again.request.path}/discard" in again.text


def test_discarding_deletes_the_rows(staff_client: FlaskClient, worker: Worker) -> None:
    page = upload(staff_client, MIXED)
    assert press(staff_client, page, "discard").status_code == 200
    assert "anna@example.org" not in staff_client.get(page.request.path).text
    worker.work()
    assert rows_left() == 0
    assert newest().counts[RowResult.NEW] == 2
    assert events_of("anna@example.org") == []


def test_what_was_decided_cannot_be_decided_anew(staff_client: FlaskClient, worker: Worker) -> None:
    page = upload(staff_client, MIXED)
    press(staff_client, page, "discard")
    path = page.request.path
    token = hidden(staff_client.get(path).text, "csrf_token")
    assert staff_client.post(f"{path}/apply", data={"csrf_token": token}).status_code == 403
    worker.work()
    assert events_of("anna@example.org") == []
    assert staff_client.post(f"{path}/discard").status_code == 400


def test_nobody_decided(staff_client: FlaskClient, worker: Worker) -> None:
    upload(staff_client, MIXED)
    with time_machine.travel(clock.now() + timedelta(days=6)):
        worker.work()
    assert newest().state is ImportState.STAGED
    with time_machine.travel(clock.now() + timedelta(days=8)):
        worker.work()
    assert newest().state is ImportState.DISCARDED
    assert rows_left() == 0


def test_files_that_are_refused(staff_client: FlaskClient, worker: Worker) -> None:
    for content, words in [
        (b"", "The file is empty"),
        (b"e-mail\nanna@example.org\n", "The first line must name these columns too: Customer since, Source"),
        (MIXED.encode("latin-1"), "Line 2 is not in UTF-8"),
    ]:
        page = upload(staff_client, content)
        assert page.status_code == 400
        assert page.text.count(words) == 2, "in the summary and beside the field"
    worker.work()
    assert rows_left() == 0


def test_a_file_that_is_too_large(staff_client: FlaskClient) -> None:
    page = staff_client.post(
        "/staff/imports/upload", data=b"x" * 17_000_000, content_type="multipart/form-data; boundary=x"
    )
    assert page.status_code == 413
    assert "too large" in page.text


def test_batches_go_on_where_they_stopped(staff_client: FlaskClient, worker: Worker) -> None:
    rows = [customer(f"person{number}@example.org") for number in range(applying.BATCH * 2 + 10)]
    page = upload(staff_client, customers(*rows))
    press(staff_client, page, "apply")
    with pytest.raises(KeyboardInterrupt):
        _apply_and_die()
    assert newest().rows_applied == 0
    worker.settle()
    assert newest().rows_applied == applying.BATCH
    assert rows_left() == applying.BATCH + 10
    assert "500 of 1,010" in text_of(staff_client.get(page.request.path).text)
    for _ in range(3):
        worker.settle()
    assert newest().state is ImportState.APPLIED
    assert len(everything()["consent_events"]) == len(rows)
    assert rows_left() == 0


def _apply_and_die() -> None:
    with transaction() as session:
        applying.apply_rows(session, newest().public_id, clock.now())
        raise KeyboardInterrupt


def test_audit_log_names_who_and_nobody_else(staff_client: FlaskClient, worker: Worker) -> None:
    import_file(staff_client, worker, MIXED)
    press(staff_client, upload(staff_client, MIXED), "discard")
    with reading() as session:
        entries = session.execute(
            sa.select(AuditEntry).where(AuditEntry.action == "imported").order_by(AuditEntry.id)
        ).scalars()
        found = [(entry.actor, entry.details) for entry in entries]
    assert [details["state"] for _, details in found] == ["staged", "applying", "applied", "staged", "discarded"]
    assert {actor for actor, _ in found} == {"anna.beispiel@beispiel.example"}
    assert "@" not in json.dumps([details for _, details in found])


def test_pages_want_staff(client: FlaskClient) -> None:
    for path in ("/staff/imports/", "/staff/imports/upload", f"/staff/imports/{'0' * 32}"):
        assert client.get(path).status_code in (302, 401)


def test_empty_list_and_unknown_import(staff_client: FlaskClient) -> None:
    assert "Nothing has been imported yet" in staff_client.get("/staff/imports/").text
    assert staff_client.get(f"/staff/imports/{'0' * 32}").status_code == 404
    upload(staff_client, MIXED)
    assert "Waiting for your decision" in staff_client.get("/staff/imports/").text


def test_a_large_file_is_answered_at_once_and_staged_by_the_worker(
    staff_client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: the request reads no record of it."""
    rows = [customer(f"person{number}@example.org", "Anna Beispiel") for number in range(270_000)]
    content = customers(*rows).encode()
    assert 14_000_000 < len(content) < 16_000_000
    with monkeypatch.context() as patched:
        patched.delattr(uploads.CsvFile, "records")
        page = send_file(staff_client, content)
    assert "0 % read" in text_of(page.text)
    assert rows_left() == 0
    for _ in range(3):
        uploads.stage_next()
    assert rows_left() == 3 * CHUNK
    page = staff_client.get(page.request.path)
    assert f"1 % read {3 * CHUNK:,} rows so far" in text_of(page.text)
    assert f"{page.request.path}/apply" not in page.text


def test_staging_goes_on_where_it_stopped_and_leaves_no_piece(
    staff_client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces end anywhere, also within a letter; a record that begins on one line may end on the next."""
    chunk = 100
    monkeypatch.setattr(uploads, "PIECE", 997)
    monkeypatch.setattr(staging, "CHUNK", chunk)
    broken = 'carla@example.org,"Carla\nBeispiel",de,2020-05-31,Shop'
    rows = [customer(f"person{number}@example.org", "Jörg Müßig") for number in range(chunk * 2 + 10)]
    rows[chunk - 1 : chunk - 1] = [broken, customer("PERSON0@example.org"), "", customer("nobody")]
    content = customers(*rows)
    page = send_file(staff_client, content)
    with pytest.raises(KeyboardInterrupt):
        _stage_and_die(monkeypatch)
    assert rows_left() == 0
    _stage_at_once(4, monkeypatch)
    assert rows_left() == chunk
    left = len(everything()["import_pieces"])
    assert left < len(content.encode()) // 997
    for _ in range(3):
        uploads.stage_next()
    done = newest()
    assert (done.state, done.percent_read, done.sha256) == (
        ImportState.STAGED,
        None,
        hashlib.sha256(content.encode()).hexdigest(),
    )
    assert (done.counts[RowResult.NEW], done.counts[RowResult.BAD], done.counts[RowResult.DUPLICATE]) == (
        chunk * 2 + 10,
        2,
        1,
    )
    lines = text_of(staff_client.get(page.request.path).text)
    assert f"{chunk + 1} A quotation mark is not closed, or a cell has a line break" in lines
    assert f"{chunk + 5} This is not an e-mail address" in lines
    assert everything()["import_pieces"] == everything()["import_files"] == []
    assert name_in_file(f"person{chunk * 2 + 9}@example.org") == "Jörg Müßig"


def _stage_and_die(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(uploads.service, "stage", die)
        uploads.stage_next()


def _stage_at_once(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As several workers do it that have all read the same chunk before the first of them writes it down."""
    app = current_app._get_current_object()
    all_have_read = threading.Barrier(workers, timeout=60)
    foresee = uploads.service.foresee

    def foresee_together(session: Session, staged: Staging, rows: Sequence[Row]) -> list[Verdict]:
        all_have_read.wait()
        return foresee(session, staged, rows)

    def run() -> None:
        with app.app_context():
            uploads.stage_next()

    with monkeypatch.context() as patched, ThreadPoolExecutor(workers) as pool:
        patched.setattr(uploads.service, "foresee", foresee_together)
        for done in [pool.submit(run) for _ in range(workers)]:
            done.result()


def name_in_file(address: str) -> str | None:
    """The name in the staged row of this address."""
    with reading() as session:
        return session.execute(sa.select(ImportRow.name).where(ImportRow.address == address)).scalar_one()


def test_an_upload_that_was_cut_off_is_cleared_away(staff_client: FlaskClient, worker: Worker) -> None:
    send_file(staff_client, MIXED)
    with transaction() as session:
        session.execute(sa.delete(ImportFile))
    with time_machine.travel(clock.now() + timedelta(days=8)):
        worker.work()
    assert newest().state is ImportState.DISCARDED
    assert everything()["import_pieces"] == []


def test_a_list_is_applied_once_nothing_is_in_hand_to_anybody_on_it(
    app: Flask, staff_client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "LONGEST_WAIT_SECONDS", 60)
    person = add_people(None, 1)[0]
    start_mailing()
    page = upload(staff_client, "email\nperson0@example.org\n", "complained")
    press(staff_client, page, "apply")
    with transaction() as session:
        claim = claiming.claim(session, Lane.BULK, 1)[0]
        assert handover.step(session, [], [claim], clock.now()) != [None]
    with ThreadPoolExecutor(1, initializer=lambda: app.app_context().push()) as pool:
        applied = pool.submit(applying.apply_next)
        wait_for(lambda: is_suppressed(person))
        time.sleep(0.3)
        assert not applied.done()
        assert newest().state is ImportState.APPLYING
        with transaction() as session:
            handover.record(session, Outcome(claim, Reply(250, "2.0.0 Taken"), clock.now()))
        applied.result(timeout=60)
    applying.apply_next()
    assert newest().state is ImportState.APPLIED
    assert states() == {"sent": 1}


def test_what_stays_in_hand_to_somebody_on_a_list_is_in_doubt(
    staff_client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "LONGEST_WAIT_SECONDS", 0.1)
    add_people(None, 2)
    start_mailing()
    press(staff_client, upload(staff_client, "email\nperson0@example.org\n", "complained"), "apply")
    with transaction() as session:
        claims = claiming.claim(session, Lane.BULK, 2)
    for claim in claims:
        with transaction() as session:
            assert handover.step(session, [], [claim], clock.now()) != [None]
    applying.apply_next()
    assert states() == {"in_doubt": 1, "handing": 1}


def is_suppressed(person: SubjectId) -> bool:
    """Whether somebody is not written to for the newsletter because of a suppression."""
    with reading() as session:
        newsletter = notice.purpose(session, "newsletter", clock.now()).purpose_id
        return ledger.reason_left_out(session, person, newsletter) is LeftOut.SUPPRESSED
