"""A person's registration beside their consents: boxes, withdrawal, settings, links, erasure, silence."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from consent_service import clock
from consent_service.database import Base, reading, transaction
from consent_service.domain.addresses import normalise
from consent_service.domain.kinds import SuppressionReason
from consent_service.registrations import service as registrations
from consent_service.seminars.models import Seat, SeminarRequest
from consent_service.subjects import service as subjects
from consent_service.subjects.models import Suppression
from tests.conftest import run_command
from tests.driving import (
    Mailbox,
    Worker,
    confirmed,
    events_of,
    everything,
    fresh_settings,
    heading,
    one_click_path,
    path_in,
    sign_up,
    text_of,
)
from tests.newsletter.test_silence import _counts, _headers, _statements, _without_token
from tests.people.test_pages import public_id
from tests.seminars.driving import change, confirm, details, published, register, states
from tests.seminars.test_participants import LUNCH, TEXT

ANNA, BERT, STRANGER = "anna@example.org", "bert@example.org", "cleo@example.org"
BOXES = ["newsletter:1", "seminar_information:1"]


def test_no_box_is_ticked_and_none_is_needed(visitor: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    seminar = published()
    page = visitor.get(f"/seminars/{seminar}").text
    assert page.count('type="checkbox"') >= 3
    assert " checked" not in page
    assert "Art. 6(1)(b)" in page
    confirm(visitor, worker, mailbox, seminar, ANNA)
    assert states(seminar) == {ANNA: "place"}
    assert events_of(ANNA) == []


def test_ticked_boxes_are_consents_with_their_evidence(visitor: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    seminar = published()
    told = confirm(visitor, worker, mailbox, seminar, ANNA, purposes=BOXES)
    assert "You have also agreed to our e-mails" in text_of(told.text)
    assert [event.kind.value for event in events_of(ANNA)] == ["confirmed", "confirmed"]
    assert path_in(mailbox.latest(ANNA), "settings")
    assert mailbox.latest(ANNA).text.count("Welcome") == 0


def test_a_withdrawal_takes_the_box_and_leaves_the_seminar(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    confirmed(visitor, worker, mailbox, ANNA)
    seminar = published()
    register(visitor, seminar, ANNA, purposes=BOXES)
    worker.work()
    link = path_in(mailbox.latest(ANNA), "confirm")
    visitor.post(one_click_path(ANNA))
    page = text_of(visitor.get(link).text)
    assert "Invitations to seminars" in page
    assert "Yes, Beispiel GmbH may e-mail me news" not in page
    assert heading(visitor.post(link).text) == "You have a place"
    kinds = [(event.kind.value, event.purpose_id) for event in events_of(ANNA)]
    assert [kind for kind, _purpose in kinds] == ["confirmed", "withdrawn", "confirmed"]
    assert kinds[2][1] != kinds[0][1]


def test_without_a_consent_no_suppression_is_lifted(visitor: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    with transaction() as session:
        digest = subjects.suppression_digest(normalise(ANNA))
        subjects.suppress(session, digest, None, SuppressionReason.UNSUBSCRIBED, clock.now())
    confirm(visitor, worker, mailbox, published(), ANNA)
    with reading() as session:
        assert session.execute(sa.select(Suppression.lifted_at)).scalars().all() == [None]


def test_who_has_confirmed_before_confirms_again_and_registers_once(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    seminar = published()
    confirm(visitor, worker, mailbox, seminar, ANNA)
    told = confirm(visitor, worker, mailbox, seminar, ANNA)
    assert heading(told.text) == "You are registered already"
    assert states(seminar) == {ANNA: "place"}
    assert heading(visitor.get(path_in(mailbox.latest(ANNA), "confirm")).text) == "This link has been used already"


def test_the_confirmation_mail_names_neither_person_nor_seminar(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    seminar = published(questions=[TEXT])
    (key,) = (question.key for question in details(seminar).questions)
    register(visitor, seminar, ANNA, name="Buy now https://spam.example", **{f"answer_{key}": "spam.example"})
    worker.work()
    mail = mailbox.latest(ANNA)
    words = mail.subject + mail.text + (mail.html or "")
    assert "for a seminar" in words
    for typed in ("Buy now", "spam.example", "Good meetings", "anna"):
        assert typed not in words


def test_what_was_answered_is_gone_when_nobody_confirms(visitor: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    seminar = published(questions=[TEXT])
    register(visitor, seminar, ANNA)
    worker.work()
    with transaction() as session:
        assert registrations.expire(session, clock.now() + timedelta(days=30_000)) == 1
    with reading() as session:
        assert session.execute(sa.select(SeminarRequest)).first() is None
    answer = visitor.post(path_in(mailbox.latest(ANNA), "confirm"))
    assert heading(answer.text) == "This link has expired"
    assert "/seminars" in answer.text


def test_the_mailed_link_shows_and_cancels_and_no_more(visitor: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    seminar = published(questions=[LUNCH])
    (key,) = (question.key for question in details(seminar).questions)
    confirm(visitor, worker, mailbox, seminar, ANNA, **{f"answer_{key}": "Mit Fleisch"})
    own = path_in(mailbox.latest(ANNA), "seminar-registration")
    before = everything()
    page = visitor.get(own)
    assert everything() == before
    for private in ("Anna", ANNA, "meat", "Fleisch"):
        assert private not in page.text
    old = path_in(mailbox.latest(ANNA), "seminar-registration").replace("seminar-registration", "settings")
    assert visitor.get(f"{old}/seminars/{'0' * 32}").status_code == 404
    assert visitor.post(f"{own}/cancel", headers={"Origin": "https://evil.example"}).status_code == 403
    assert visitor.post(f"{own}/cancel").status_code == 303
    assert visitor.post(f"{own}/cancel").status_code == 303  # again: nothing more happens
    worker.work()
    assert sum("You have cancelled" in mail.subject for mail in mailbox.mails(ANNA)) == 1
    assert states(seminar) == {ANNA: "cancelled"}


def test_settings_show_registrations_and_change_answers_with_a_fresh_link(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    seminar = published(questions=[LUNCH])
    (key,) = (question.key for question in details(seminar).questions)
    for address in (ANNA, BERT):
        confirm(visitor, worker, mailbox, seminar, address, purposes=BOXES, **{f"answer_{key}": "Mit Fleisch"})
    old = path_in(mailbox.latest(ANNA), "settings")
    assert "Good meetings" not in visitor.get(old).text
    fresh = fresh_settings(visitor, worker, mailbox, ANNA)
    page = visitor.get(fresh)
    assert "Good meetings" in page.text
    assert "With meat" in page.text
    path = re.search(rf"/settings/[\w.=-]+/seminars/[0-9a-f]{{32}}", page.text)  # noqa: F541
    assert path
    seat = path[0].rpartition("/")[2]
    assert visitor.get(f"{old}/seminars/{seat}").status_code == 403
    assert 'value="Mit Fleisch" checked' in visitor.get(path[0]).text
    wrong = visitor.post(path[0], data={f"answer_{key}": "Nothing"})
    assert wrong.status_code == 400
    assert visitor.post(path[0], data={f"answer_{key}": "Vegan"}).status_code == 303
    assert "Vegan" in text_of(visitor.get(fresh).text)
    with reading() as session:
        other = session.execute(sa.select(Seat.public_id).where(Seat.public_id != seat)).scalar_one()
    assert visitor.get(f"{fresh}/seminars/{other}").status_code == 404


def test_a_question_that_falls_away_takes_its_answers_along(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    seminar = published(questions=[LUNCH])
    (key,) = (question.key for question in details(seminar).questions)
    confirm(visitor, worker, mailbox, seminar, ANNA, **{f"answer_{key}": "Vegan"})
    change(seminar, questions=[])
    with reading() as session:
        assert session.execute(sa.select(Seat.answers)).scalars().all() == [{}]


def test_erasing_deletes_registrations_and_lets_up_who_waits(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox, database_url: str, staff_client: FlaskClient
) -> None:
    seminar = published(capacity=1, questions=[TEXT])
    (key,) = (question.key for question in details(seminar).questions)
    secret = {f"answer_{key}": "Unverwechselbar"}
    confirm(visitor, worker, mailbox, seminar, ANNA, name="Änna Beispiel", **secret)
    confirm(visitor, worker, mailbox, seminar, BERT)
    register(visitor, seminar, ANNA.upper(), name="Änna Beispiel", **secret)
    page = staff_client.get(f"/staff/people/{public_id(ANNA)}")
    assert "Unverwechselbar" in page.text
    foreseen = json.loads(run_command(database_url, "erase", ANNA, "--dry-run", "--json").stdout)
    assert foreseen["seminar_registrations"] == 1
    assert run_command(database_url, "erase", ANNA, "--yes").returncode == 0
    assert states(seminar) == {BERT: "place"}
    worker.work()
    assert "You now have a place" in mailbox.latest(BERT).subject
    with reading() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(sa.select(table)):
                text = repr(tuple(row)).casefold()
                assert "unverwechselbar" not in text, table.name
                assert ANNA not in text, table.name


def _known(client: FlaskClient, worker: Worker, mailbox: Mailbox, seminar: Any) -> None:
    confirmed(client, worker, mailbox, BERT)


def _seated(client: FlaskClient, worker: Worker, mailbox: Mailbox, seminar: Any) -> None:
    confirm(client, worker, mailbox, seminar, BERT)


@pytest.mark.parametrize("arrange", [_known, _seated])
def test_byte_equal_answers_the_same_rows_and_the_same_statements(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox, arrange: Any
) -> None:
    seminar = published()
    arrange(visitor, worker, mailbox, seminar)
    register(visitor, seminar, "warm@example.org")
    sign_up(visitor, "warm@example.org")
    answers, statements, rows = [], [], []
    for address in (STRANGER, BERT):
        before = _counts()
        with _statements() as seen:
            answer = register(visitor, seminar, address)
        answers.append((answer.status, _without_token(answer.text), len(answer.data), _headers(answer)))
        statements.append(seen)
        rows.append({name: number - before[name] for name, number in _counts().items()})
    assert answers[0] == (answers[1][0], answers[1][1].replace(BERT, STRANGER), *answers[1][2:])
    assert statements[0] == statements[1]
    assert rows[0] == rows[1]
    assert rows[0]["seminar_requests"] == 1


def test_at_most_three_mails_a_day(visitor: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    seminar = published()
    for _ in range(4):
        register(visitor, seminar, ANNA)
        worker.work()
    assert len(mailbox.mails(ANNA)) == 3
