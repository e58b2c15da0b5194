"""What surveys have to do with the rest: invitations, the reminder, marketing lists, settings, proof, erasure."""

import csv
import io
import json
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from consent_service import clock
from consent_service.database import reading
from consent_service.surveys.models import (
    SurveyParticipant,
    SurveyRequest,
    SurveyResponse,
    SurveyTakingPart,
    SurveyWaitingAnswer,
)
from consent_service.surveys.queries import Details
from consent_service.surveys.rules import Kind, Mode
from tests.campaigns.test_campaigns import bulk_mails, write
from tests.campaigns.test_campaigns import press as press_campaign
from tests.conftest import run_command
from tests.driving import Mailbox, Worker, add_people, confirmed, fresh_settings, text_of
from tests.surveys.driving import WORDS, built, participant, people, post, press, question, register, staff_path

ANNA = "anna@example.org"


@pytest.fixture(params=[Mode.NAMED, Mode.ANONYMOUS])
def survey(app: Flask, request: pytest.FixtureRequest) -> Details:
    """A survey of each mode with one question."""
    return built(request.param, [question(Kind.LONG_TEXT)])


def answer(client: FlaskClient, survey: Details, path: str, words: str) -> None:
    """Answers it, in whichever mode."""
    if survey.is_anonymous:
        assert client.post(f"{path}/answer", data={"go": "send", "q1": words}).status_code == 303
    else:
        client.post(f"{path}/page/0", data={"q1": words})
        client.post(f"{path}/review")


def test_one_reminder_to_those_who_have_not_taken_part(
    staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox, survey: Details
) -> None:
    one, other, third = people(visitor, survey, 3)
    answer(visitor, survey, one.path, "done")
    assert "The reminders are on their way." in press(staff_client, staff_path(survey), "remind")
    worker.work()
    mails = mailbox.mails()
    assert sorted(mail.envelope_recipients[0] for mail in mails) == ["en1@example.org", "en2@example.org"]
    assert {mail.subject for mail in mails} == {"You have not answered the survey yet"}
    assert not mails[0].header("List-Unsubscribe")
    assert "Nothing was changed" in press(staff_client, staff_path(survey), "remind")
    worker.work()
    assert len(mailbox.mails()) == 2
    path = mails[0].text.partition("http://localhost")[2].split("?")[0]
    assert visitor.get(path).status_code == 200
    assert other.public_id != third.public_id


def test_a_survey_is_invited_to_by_a_block_in_a_campaign(
    app: Flask, staff_client: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    survey = built(Mode.ANONYMOUS, [question(Kind.LONG_TEXT)])
    add_people(None, 2, "survey_invitation")
    block = "{{survey:" + survey.public_id + "}}"
    assert block in staff_client.get("/staff/campaigns/new").text
    words = {"purpose": "survey_invitation", "body_de": f"{{{{greeting}}}}!\n\n{block}", "body_en": block}
    path = write(staff_client, **words)
    press_campaign(staff_client, path, "send")
    worker.work()
    mails = bulk_mails(mailbox)
    assert len(mails) == 2
    for mail in mails:
        assert "Ansehen und teilnehmen" in mail.text
        assert f"http://localhost/surveys/{survey.public_id}" in mail.text
        assert mail.header("List-Unsubscribe")
    press(staff_client, staff_path(survey), "close")
    late = write(staff_client, **words)
    assert staff_client.get(f"{late}/check").status_code == 303
    assert "not announced" in staff_client.get(late).text


def test_the_marketing_list_has_only_those_who_consent(
    staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox, survey: Details
) -> None:
    confirmed(visitor, worker, mailbox, "both@example.org")
    confirmed(visitor, worker, mailbox, "only-newsletter@example.org")
    for address in ("both@example.org", "only-survey@example.org", "silent@example.org"):
        who = participant(visitor, worker, mailbox, staff_path(survey), address)
        if address != "silent@example.org":
            answer(visitor, survey, who.path, "words")
    path = f"{staff_path(survey)}/results/marketing"
    fields = {"whom": "took_part", "purpose": "newsletter", "format": "csv", "reason": "Einladung"}
    assert "1 person" in text_of(post(staff_client, path, path, **fields).text)
    rows = list(csv.DictReader(io.StringIO(post(staff_client, path, path, **fields, download="1").text)))
    assert [row["email"] for row in rows] == ["both@example.org"]
    assert not any("words" in str(value) for row in rows for value in row.values())


def test_the_persons_settings_and_page_and_proof_show_surveys(
    app: Flask, staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox, survey: Details
) -> None:
    anna = participant(visitor, worker, mailbox, staff_path(survey), ANNA)
    answer(visitor, survey, anna.path, "my very words")
    settings = visitor.get(fresh_settings(visitor, worker, mailbox, ANNA)).text
    assert "Your surveys" in settings
    assert "Taken part" in settings
    (path,) = re.findall(r'href="/staff/people/([0-9a-f]{32})"', staff_client.get("/staff/people/").text)
    person = staff_client.get(f"/staff/people/{path}").text
    proof = json.loads(run_command(app.config["SQLALCHEMY_DATABASE_URI"], "proof", ANNA, "--json").stdout)
    printed = staff_client.get(f"/staff/people/{path}/proof").text
    (found,) = proof["surveys"]
    assert found["took_part_on"]
    assert "Survey" in person
    if survey.is_anonymous:
        assert "nobody can tell what you have answered" in settings
        assert "my very words" not in person + printed + json.dumps(proof)
    else:
        assert "See, change or delete your answers" in settings
        assert "my very words" in person
        assert "my very words" in printed
        assert found["answers"] == [{"question": "Question long_text", "answer": ["my very words"]}]


def test_erasing_a_person_deletes_what_has_their_name(
    app: Flask, visitor: FlaskClient, worker: Worker, mailbox: Mailbox, survey: Details
) -> None:
    anna = participant(visitor, worker, mailbox, staff_path(survey), ANNA)
    answer(visitor, survey, anna.path, "my very words")
    register(visitor, staff_path(survey), ANNA)
    run = run_command(app.config["SQLALCHEMY_DATABASE_URI"], "erase", ANNA, "--yes")
    assert run.returncode == 0, run.stderr
    assert "surveys forgotten, with the answers that have a name: 1" in run.stdout
    with reading() as session:
        for model in (SurveyParticipant, SurveyRequest, SurveyResponse, SurveyTakingPart):
            assert session.execute(sa.select(sa.func.count()).select_from(model)).scalar_one() == 0, model
        left = session.execute(sa.select(sa.func.count()).select_from(SurveyWaitingAnswer)).scalar_one()
    assert left == (1 if survey.is_anonymous else 0)
    assert visitor.get(anna.path).status_code == 404


def test_what_was_never_confirmed_leaves_no_trace(
    app: Flask, visitor: FlaskClient, worker: Worker, survey: Details
) -> None:
    register(visitor, staff_path(survey), ANNA)
    worker.work()
    with time_machine.travel(clock.now() + timedelta(days=8)):
        worker.work()
    with reading() as session:
        assert session.execute(sa.select(SurveyRequest.registration)).all() == []


def test_hostile_titles_in_mails(
    app: Flask, staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox
) -> None:
    survey = built(Mode.NAMED, [question(Kind.LONG_TEXT)])
    path, hostile = (
        staff_path(survey),
        "<script>alert(1)</script>\r\nBcc: x@example.org ‮ 👩‍👩‍👧 {{name}} [x](javascript:1)",
    )
    changed = {**WORDS, "title_de": hostile, "title_en": hostile, "intro_de": hostile, "intro_en": hostile}
    assert post(staff_client, f"{path}/edit", f"{path}/edit", **changed).status_code == 303
    participant(visitor, worker, mailbox, path, ANNA)
    press(staff_client, path, "remind")
    add_people(None, 1, "survey_invitation")
    block = "{{survey:" + survey.public_id + "}}"
    campaign = write(staff_client, purpose="survey_invitation", body_de=block, body_en=block)
    press_campaign(staff_client, campaign, "send")
    worker.work()
    assert len(mailbox.mails()) >= 3
    for mail in mailbox.mails():
        assert "<script" not in mail.html
        assert 'href="javascript' not in mail.html
        assert not mail.header("Bcc")
