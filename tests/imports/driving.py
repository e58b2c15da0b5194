"""Importing as staff do it: upload a file, look at what is foreseen, press the button, let the worker work."""

import io
import re

import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_service import clock
from consent_service.database import reading
from consent_service.domain.addresses import normalise
from consent_service.domain.kinds import LeftOut
from consent_service.imports import queries, uploads
from consent_service.imports.models import ImportRow
from consent_service.imports.queries import Overview
from consent_service.imports.rules import ImportState
from consent_service.ledger import queries as ledger
from consent_service.notice import queries as notice
from consent_service.subjects import service as subjects
from tests.driving import Worker, hidden

HEADER = "e-mail,name,language,customer since,source"


def customers(*rows: str) -> str:
    """A file of customers."""
    return "\n".join((HEADER, *rows)) + "\n"


def customer(address: str, name: str = "") -> str:
    """A good row."""
    return f"{address},{name},de,2020-05-31,Shop"


def upload(browser: FlaskClient, content: str | bytes, kind: str = "customers") -> TestResponse:
    """Sends a file through the form and has the worker stage it; on success the answer is the page of the import."""
    answer = send_file(browser, content, kind)
    if answer.status_code != 200:
        return answer
    while newest().state is ImportState.STAGING:
        uploads.stage_next()
    return browser.get(answer.request.path)


def send_file(browser: FlaskClient, content: str | bytes, kind: str = "customers") -> TestResponse:
    """Sends a file through the form; on success the answer is the page of the import, of which nothing is read yet."""
    token = hidden(browser.get("/staff/imports/upload").text, "csrf_token")
    body = content if isinstance(content, bytes) else content.encode()
    fields = {"csrf_token": token, "kind": kind, "purpose": "customer_information"}
    return browser.post(
        "/staff/imports/upload", data={**fields, "file": (io.BytesIO(body), "kunden.csv")}, follow_redirects=True
    )


def press(browser: FlaskClient, page: TestResponse, action: str) -> TestResponse:
    """Presses `apply` or `discard` on an import's page."""
    path = f"{page.request.path}/{action}"
    assert f'action="{path}"' in page.text, f"no button for {path}"
    return browser.post(path, data={"csrf_token": hidden(page.text, "csrf_token")}, follow_redirects=True)


def import_file(browser: FlaskClient, worker: Worker, content: str | bytes, kind: str = "customers") -> Overview:
    """Uploads, says yes, and lets the worker apply it."""
    page = upload(browser, content, kind)
    assert press(browser, page, "apply").status_code == 200
    worker.work()
    return newest()


def newest() -> Overview:
    """The import that was staged last."""
    with reading() as session:
        return queries.newest(session)[0]


def counts(page: TestResponse) -> dict[str, int]:
    """The big numbers of an import's page, by their words."""
    return {
        text: int(number.replace(",", ""))
        for number, text in re.findall(r"<b>([\d,]+)</b> <span>(.+?)</span>", page.text)
    }


def rows_left() -> int:
    """How many staged rows there are, of all imports."""
    with reading() as session:
        return session.execute(sa.select(sa.func.count()).select_from(ImportRow)).scalar_one()


def reason_left_out(address: str, code: str = "customer_information") -> LeftOut | None:
    """Why somebody is not written to; None where they may be."""
    with reading() as session:
        person = subjects.find(session, normalise(address))
        if person is None:
            return LeftOut.NEVER_AGREED
        return ledger.reason_left_out(session, person.id, notice.purpose(session, code, clock.now()).purpose_id)


def name_of(address: str) -> str | None:
    """The name that we have of a person."""
    with reading() as session:
        person = subjects.find(session, normalise(address))
        assert person is not None
        return person.name
