"""Exports through the pages and the command line, on both databases."""

import csv
import hashlib
import io
import json
import re
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_service import clock
from consent_service.audit.models import AuditEntry
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import SubjectId
from consent_service.domain.kinds import Channel, SuppressionReason
from consent_service.exports import queries
from consent_service.exports.models import Export
from consent_service.exports.rules import COLUMNS, ExportFormat
from consent_service.exports.sending import send
from consent_service.exports.service import Begun, Criteria, Request, begin
from consent_service.notice import queries as notice
from consent_service.notice import service as notice_service
from consent_service.preferences import service as preferences
from consent_service.rights import service as rights
from consent_service.subjects import service as subjects
from tests.conftest import TEXTS, run_command
from tests.driving import add_people, add_person, everything, hidden

FORM = {"purpose": "newsletter", "recipient": "", "format": "csv", "reason": "Spring mailing"}


def post(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    token = hidden(client.get("/staff/exports/new").text, "csrf_token")
    return client.post(path, data={**FORM, "csrf_token": token, **fields}, buffered=True)


def download(client: FlaskClient, **fields: str) -> TestResponse:
    return post(client, "/staff/exports/download", **fields)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def record() -> Export:
    with reading() as session:
        return session.execute(sa.select(Export).order_by(Export.id.desc()).limit(1)).scalar_one()


def newsletter_id() -> int:
    with reading() as session:
        return notice.purpose(session, "newsletter", clock.now()).purpose_id


def begun(format: ExportFormat = ExportFormat.CSV, third_party: str | None = None) -> Begun:
    with transaction() as session:
        request = Request(Criteria("newsletter", third_party), format, "a test")
        return begin(session, request, "anna@example.org", clock.now())


def name(person: SubjectId, text: str) -> None:
    with transaction() as session:
        subjects.rename(session, person, text)


def test_exactly_those_who_may_be_written_to(staff_client: FlaskClient) -> None:
    people = add_people(None, 8)
    newsletter = newsletter_id()
    now = clock.now()
    with transaction() as session:
        preferences.leave(session, people[0], [newsletter], Channel.LINK, {}, now)
        for person, reason, purpose in (
            (people[1], SuppressionReason.BOUNCED, None),
            (people[2], SuppressionReason.COMPLAINED, newsletter),
        ):
            subjects.lock(session, person)
            subjects.suppress_subject(session, person, reason, now, purpose)
        rights.erase(session, "person3@example.org", "operator", now)
        other = next(one for one in notice.purpose_ids(session) if one != newsletter)
        subjects.suppress_subject(session, people[4], SuppressionReason.STAFF, now, other)
    rows = rows_of(download(staff_client).text)
    assert {row["email"] for row in rows} == {f"person{number}@example.org" for number in (4, 5, 6, 7)}
    assert {row["legal_basis"] for row in rows} == {"consent"}
    assert {row["wording_version"] for row in rows} == {"1"}
    assert all(re.fullmatch(r"[0-9a-f]{32}", row["evidence_id"]) for row in rows)


def test_who_objected_is_not_in_the_list_of_customers(staff_client: FlaskClient) -> None:
    people = add_people(None, 2, "customer_information")
    with transaction() as session:
        purpose = notice.purpose(session, "customer_information", clock.now()).purpose_id
        preferences.leave(session, people[0], [purpose], Channel.ONE_CLICK, {}, clock.now())
    rows = rows_of(download(staff_client, purpose="customer_information").text)
    assert [row["email"] for row in rows] == ["person1@example.org"]
    assert rows[0]["legal_basis"] == "legitimate_interest"
    assert rows[0]["requested_at"] == ""


def test_moments_are_in_utc_to_the_second(staff_client: FlaskClient) -> None:
    before = clock.now().replace(microsecond=0)
    add_people(None, 1)
    row = rows_of(download(staff_client).text)[0]
    moments = [row["requested_at"], row["confirmed_at"]]
    wanted = {f"{before + timedelta(seconds=more):%Y-%m-%dT%H:%M:%SZ}" for more in range(10)}
    assert set(moments) <= wanted


def test_hostile_names_cannot_run_and_stay_readable(staff_client: FlaskClient) -> None:
    names = ["=HYPERLINK(1)", " @SUM(A1)", "Müller; =1+1", 'Zoë "Z" 😀', "-2+3", "x" * 200]
    for person, text in zip(add_people(None, len(names)), names, strict=True):
        name(person, text)
    cells = [row["name"] for row in rows_of(download(staff_client).text)]
    assert sorted(cells) == sorted(["'=HYPERLINK(1)", "'@SUM(A1)", "Müller;' =1+1", 'Zoë "Z" 😀', "'-2+3", "x" * 200])
    lines = download(staff_client, format="jsonl").text.splitlines()
    assert {json.loads(line)["name"] for line in lines} == {text.strip() for text in names}
    assert all(tuple(json.loads(line)) == COLUMNS for line in lines)
    workbook = openpyxl.load_workbook(io.BytesIO(download(staff_client, format="xlsx").data))
    heading, *rows = workbook.active.iter_rows()
    assert tuple(cell.value for cell in heading) == COLUMNS
    assert {row[1].value for row in rows} == {text.strip() for text in names}
    assert {row[1].data_type for row in rows} == {"s"}
    assert {row[6].value for row in rows} == {1}


@pytest.mark.parametrize("wanted", list(ExportFormat))
def test_the_record_and_the_audit_log(staff_client: FlaskClient, wanted: ExportFormat) -> None:
    add_people(None, 3)
    answer = download(staff_client, format=wanted.value)
    kept = record()
    assert (kept.rows, kept.reason, kept.format, kept.third_party) == (3, "Spring mailing", wanted, None)
    assert kept.sha256 == hashlib.sha256(answer.data).hexdigest()
    assert kept.requested_by == "anna.beispiel@beispiel.example"
    assert kept.finished_at is not None
    with reading() as session:
        entry = session.execute(sa.select(AuditEntry).where(AuditEntry.action == "exported")).scalar_one()
    assert entry.target == kept.public_id
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    page = staff_client.get("/staff/exports/").text
    assert "Spring mailing" in page
    assert "complete" in page


def test_it_streams_and_an_interrupted_one_stays_unfinished(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "ROWS_READ_AT_ONCE", 2)
    read = []
    original = queries.rows

    def counting(*arguments: object) -> object:
        for chunk in original(*arguments):  # type: ignore[arg-type]
            read.append(len(chunk))
            yield chunk

    monkeypatch.setattr(queries, "rows", counting)
    add_people(None, 9)
    export = begun()
    pieces = send(export)
    first = next(pieces)
    assert b"person0@example.org" in first
    assert sum(read) == 2
    add_people(None, 10)  # a writer is not kept waiting by the reader
    pieces.close()  # type: ignore[attr-defined]
    kept = record()
    assert (kept.public_id, kept.finished_at, kept.rows, kept.sha256) == (export.public_id, None, None, None)


def test_an_unfinished_one_is_shown_as_such(staff_client: FlaskClient) -> None:
    begun()
    assert "not finished" in staff_client.get("/staff/exports/").text


def test_nobody_yet_and_an_empty_list(staff_client: FlaskClient) -> None:
    assert "Nothing has been exported yet" in staff_client.get("/staff/exports/").text
    assert download(staff_client).text == ",".join(COLUMNS) + "\r\n"
    assert record().rows == 0


def test_the_check_page_says_how_many_and_changes_nothing(staff_client: FlaskClient) -> None:
    add_people(None, 3)
    before = everything()
    page = post(staff_client, "/staff/exports/new").text
    assert re.search(r"<b>3</b>\s*<span>people</span>", page)
    assert "Spring mailing" in page
    assert hidden(page, "reason") == "Spring mailing"
    assert everything() == before


@pytest.mark.parametrize("path", ["/staff/exports/new", "/staff/exports/download"])
@pytest.mark.parametrize(
    "wrong", [{"reason": " "}, {"purpose": "nothing"}, {"format": "pdf"}, {"recipient": "Foreign AG"}]
)
def test_a_wrong_form_is_refused_and_nothing_recorded(
    staff_client: FlaskClient, path: str, wrong: dict[str, str]
) -> None:
    assert post(staff_client, path, **wrong).status_code == 400
    assert "Nothing has been exported yet" in staff_client.get("/staff/exports/").text


def test_pages_want_a_signed_in_member_of_staff_and_a_token(visitor: FlaskClient, staff_client: FlaskClient) -> None:
    for path in ("/staff/exports/", "/staff/exports/new"):
        assert visitor.get(path).status_code == 302
    assert visitor.post("/staff/exports/download", data=FORM).status_code in (302, 400)
    assert staff_client.post("/staff/exports/download", data=FORM).status_code == 400


def publish_naming(company: str) -> None:
    """A new version of the newsletter's wording that names a third party."""
    text = TEXTS.read_text(encoding="utf-8").replace(
        "[purposes.newsletter]\n", f'[purposes.newsletter]\nthird_parties = ["{company}"]\n'
    )
    with transaction() as session:
        notice_service.publish(session, notice_service.read(text), clock.now() - timedelta(seconds=1))


def test_a_third_party_gets_only_those_whose_consent_names_it(staff_client: FlaskClient) -> None:
    add_people(None, 2)
    publish_naming("Muster Raumtechnik AG")
    with transaction() as session:
        for number in (2, 3):
            add_person(session, number, "newsletter")
    rows = rows_of(download(staff_client, recipient="Muster Raumtechnik AG").text)
    assert sorted(row["email"] for row in rows) == ["person2@example.org", "person3@example.org"]
    assert {row["wording_version"] for row in rows} == {"2"}
    assert record().third_party == "Muster Raumtechnik AG"
    assert len(rows_of(download(staff_client).text)) == 4
    other = post(staff_client, "/staff/exports/new", purpose="customer_information", recipient="Muster Raumtechnik AG")
    assert other.status_code == 400
    assert "names this recipient" in other.text


def test_the_command_line(app: Flask, database_url: str, tmp_path: Path) -> None:
    add_people(None, 3)
    arguments = ("export", "--purpose", "newsletter", "--reason", "a test")
    ran = run_command(database_url, *arguments)
    assert ran.returncode == 0, ran.stderr
    assert len(rows_of(ran.stdout)) == 3
    output = tmp_path / "list.xlsx"
    ran = run_command(database_url, *arguments, "--format", "xlsx", "--output", str(output))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == ""
    assert record().sha256 == hashlib.sha256(output.read_bytes()).hexdigest()
    assert output.stat().st_mode & 0o077 == 0
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".list")] == []


@pytest.mark.parametrize(
    "wrong",
    [("--purpose", "nothing"), ("--recipient", "Foreign AG"), ("--reason", " "), ("--output", "/nowhere/list.csv")],
)
def test_the_command_line_refuses_in_one_line(app: Flask, database_url: str, wrong: tuple[str, str]) -> None:
    ran = run_command(database_url, "export", "--purpose", "newsletter", "--reason", "a test", *wrong)
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert len(ran.stderr.splitlines()) == 1
