"""The list of people and a person's page, as staff use them."""

import re
from collections.abc import Sequence

import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_service.audit.models import AuditEntry
from consent_service.database import reading
from consent_service.domain.identifiers import PublicId
from consent_service.subjects.models import Subject
from tests.driving import Mailbox, Worker, add_people, confirmed, heading, hidden


def public_id(address: str) -> PublicId:
    with reading() as session:
        return session.execute(sa.select(Subject.public_id).where(Subject.address == address)).scalar_one()


def audited(action: str) -> Sequence[AuditEntry]:
    with reading() as session:
        return session.execute(sa.select(AuditEntry).where(AuditEntry.action == action)).scalars().all()


def search(client: FlaskClient, term: str, by: str = "address") -> TestResponse:
    token = hidden(client.get("/staff/people/").text, "csrf_token")
    answer = client.post("/staff/people/search", data={"csrf_token": token, "term": term, "by": by})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/staff/people/")
    return client.get("/staff/people/")


def listed(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/staff/people/[0-9a-f]{32}">([^<]+)</a>', page)


def link(page: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    assert found, f"no link {rel}"
    return found[1]


def test_everybody_is_reached_page_by_page_and_back(staff_client: FlaskClient) -> None:
    add_people(None, 120)
    page = staff_client.get("/staff/people/").text
    first, seen = listed(page), listed(page)
    assert 'rel="prev"' not in page
    while 'rel="next"' in page:
        page = staff_client.get(link(page, "next")).text
        seen += listed(page)
    assert seen == [f"person{number}@example.org" for number in reversed(range(120))]
    while 'rel="prev"' in page:
        page = staff_client.get(link(page, "prev")).text
    assert listed(page) == first


def test_a_search_by_address_and_by_name_pages_and_is_left_again(staff_client: FlaskClient) -> None:
    add_people(None, 120)
    page = search(staff_client, " PERSON1").text
    found = listed(page)
    while 'rel="next"' in page:
        page = staff_client.get(link(page, "next")).text
        found += listed(page)
    assert found == sorted(f"person{number}@example.org" for number in range(120) if str(number).startswith("1"))
    assert listed(search(staff_client, "person 11", "name").text) == [
        "person11@example.org",
        *(f"person{number}@example.org" for number in range(110, 120)),
    ]
    assert "Nobody found" in search(staff_client, "person_1").text
    assert len(listed(search(staff_client, "").text)) == 50


def test_a_search_is_recorded_without_its_term_which_stands_in_no_address(staff_client: FlaskClient) -> None:
    add_people(None, 60)
    page = search(staff_client, "person").text
    assert "person" not in link(page, "next").removeprefix("/staff/people/")
    (entry,) = audited("people_searched")
    assert entry.details == {"by": "address"}


def test_a_persons_page_shows_all_and_the_look_is_recorded(
    client: FlaskClient, staff_client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    confirmed(client, worker, mailbox, "anna@example.org", name="Anna Beispiel")
    known = public_id("anna@example.org")
    page = staff_client.get(f"/staff/people/{known}").text
    assert heading(page) == "Anna Beispiel"
    for words in ("anna@example.org", "Active", "Confirmed by a link from an e-mail", "Welcome", "version 1"):
        assert words in page
    (entry,) = audited("person_viewed")
    assert (entry.target, entry.actor) == (known, "anna.beispiel@beispiel.example")
    assert staff_client.get(f"/staff/people/{'0' * 32}").status_code == 404
    assert len(audited("person_viewed")) == 1


def test_withdrawing_for_a_person_needs_how_they_told_us_and_ends_it(
    client: FlaskClient, staff_client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    confirmed(client, worker, mailbox, "anna@example.org", name="Anna Beispiel")
    path = f"/staff/people/{public_id('anna@example.org')}"
    token = hidden(staff_client.get(f"{path}/withdraw").text, "csrf_token")
    refused = staff_client.post(f"{path}/withdraw", data={"csrf_token": token, "purposes": "newsletter"})
    assert refused.status_code == 400
    assert "Say how the person told us" in refused.text
    assert "Withdrawn" not in staff_client.get(path).text
    fields = {"csrf_token": token, "purposes": "newsletter", "reported": "phone", "note": "Called at noon"}
    assert staff_client.post(f"{path}/withdraw", data=fields).status_code == 303
    page = staff_client.get(path).text
    assert "Withdrawn by staff, for the person" in page
    assert "Unsubscribed" in page
    evidence = staff_client.get(f"{path}/proof.json").json["events"][-1]
    assert evidence["channel"] == "staff"
    assert evidence["evidence"]["note"] == "Called at noon"
    (entry,) = audited("person_withdrawn")
    assert entry.details == {"purposes": ["newsletter"], "reported": "phone"}
