"""Staff build a survey with forms alone: words, questions, conditions, preview, publishing, copies."""

from datetime import timedelta

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from consent_service import clock
from consent_service.application import create_app
from consent_service.audit.models import AuditEntry
from consent_service.config import from_environment
from consent_service.database import reading
from consent_service.domain.kinds import Language
from consent_service.extensions import database
from consent_service.surveys.rules import Code, Kind, Mode
from tests.conftest import add_staff, environment, sign_in
from tests.driving import everything, heading, text_of
from tests.surveys.driving import (
    COLOURS,
    TEXT,
    WORDS,
    ask,
    built,
    draft,
    every_kind,
    fields_in,
    people,
    plain,
    post,
    press,
    public_path,
    published,
    question,
    staff_path,
    survey_of,
)

FORMS: dict[Kind, dict[str, str]] = {
    Kind.ONE_OF: COLOURS,
    Kind.SEVERAL_OF: COLOURS,
    Kind.SHORT_TEXT: TEXT,
    Kind.LONG_TEXT: TEXT,
    Kind.NUMBER: {"label_de": "Wie viele?", "lowest": "0", "highest": "99"},
    Kind.SCALE: {"label_de": "Wie gut?", "lowest": "1", "highest": "7", "low_de": "gar nicht", "high_de": "sehr"},
    Kind.RECOMMENDATION: {"label_de": "Empfehlen Sie uns?"},
    Kind.DATE: {"label_de": "Wann?", "hint_de": "Ungefähr"},
    Kind.MATRIX: {"label_de": "Im Einzelnen", "rows_de": "Raum\nEssen", "options_de": "gut\nschlecht"},
}


def test_every_kind_of_question_is_built_shown_changed_moved_and_deleted(staff_client: FlaskClient) -> None:
    survey = draft(staff_client)
    for kind, fields in FORMS.items():
        ask(staff_client, survey, kind.value, **fields)
    found = survey_of(survey.rpartition("/")[2])
    assert [one.kind for one in found.questions] == list(FORMS)
    assert found.questions[0].options[1].words == {"de": "Blau", "en": "Blue"}
    assert (found.questions[5].lowest, found.questions[5].highest) == (1, 7)
    preview = staff_client.get(f"{survey}/preview?language=de").text
    for fields in FORMS.values():
        assert fields["label_de"] in preview
    page = f"{survey}/questions/q5"
    assert 'value="99"' in staff_client.get(page).text
    assert post(staff_client, page, page, label_de="Wie viele genau?", lowest="1", highest="9").status_code == 303
    post(staff_client, f"{survey}/questions/q5/move", survey, to="up")
    post(staff_client, f"{survey}/questions/q1/delete", survey)
    found = survey_of(survey.rpartition("/")[2])
    assert [one.code for one in found.questions][:4] == ["q2", "q3", "q5", "q4"]
    assert found.question(Code("q5")).label["de"] == "Wie viele genau?"


WRONG_QUESTIONS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("one_of", {"label_de": ""}, "Enter the German question"),
    ("one_of", {"options_de": "nur eine"}, "Write at least 2 lines"),
    ("one_of", {"options_de": "a\na"}, "Write each line only once"),
    ("one_of", {"options_en": "only one"}, "Write as many lines as in German"),
    ("one_of", {"options_de": "\n".join(str(n) for n in range(51)), "options_en": ""}, "Write at most 50 lines"),
    ("one_of", {"label_de": "x" * 501}, "Shorten this to at most 500 characters"),
    ("scale", {"label_de": "x", "lowest": "2", "highest": "5"}, "A scale begins with 0 or 1"),
    ("scale", {"label_de": "x", "lowest": "1", "highest": "11"}, "A scale ends with a number from 3 to 10"),
    ("number", {"label_de": "x", "lowest": "5", "highest": "5"}, "Enter a number above the smallest one"),
    ("matrix", {"label_de": "x", "rows_de": "", "options_de": "a\nb"}, "Write at least 1 lines"),
)
WRONG_SURVEYS: tuple[tuple[dict[str, str], str], ...] = (
    ({"title_de": ""}, "Enter the German title"),
    ({"title_en": ""}, "Enter the English title"),
    ({"title_de": "x" * 201}, "Shorten this to at most 200 characters"),
    ({"mode": ""}, "Choose whether answers have names"),
    ({"opens_at": "2026-05-03T10:00", "closes_at": "2026-05-03T10:00"}, "Choose an end that comes after"),
    ({"closes_at": "tomorrow"}, "Enter a day and a time"),
)


def test_a_wrong_question_is_not_kept_and_nothing_typed_is_lost(staff_client: FlaskClient) -> None:
    survey = draft(staff_client)
    for kind, fields, said in WRONG_QUESTIONS:
        page = f"{survey}/questions/new/{kind}"
        answer = post(staff_client, page, page, **{**COLOURS, "hint_de": "bleibt stehen", **fields})
        assert answer.status_code == 400, said
        assert said in text_of(answer.text)
        assert "bleibt stehen" in answer.text
    assert not survey_of(survey.rpartition("/")[2]).questions


def test_a_wrong_survey_is_not_kept(staff_client: FlaskClient) -> None:
    for fields, said in WRONG_SURVEYS:
        answer = post(staff_client, "/staff/surveys/new", "/staff/surveys/new", **{**WORDS, **fields})
        assert answer.status_code == 400, said
        assert said in text_of(answer.text)
        assert "Wir möchten besser werden." in answer.text
    assert "No survey yet" in staff_client.get("/staff/surveys/").text


def test_times_are_the_organisations(staff_client: FlaskClient) -> None:
    survey = draft(staff_client, opens_at="2027-07-01T09:00", closes_at="2027-12-01T18:30")
    found = survey_of(survey.rpartition("/")[2]).times
    assert found.opens_at is not None
    assert found.closes_at is not None
    assert found.opens_at.isoformat() == "2027-07-01T07:00:00+00:00"
    assert found.closes_at.isoformat() == "2027-12-01T17:30:00+00:00"
    page = staff_client.get(f"{survey}/edit").text
    assert 'value="2027-07-01T09:00"' in page
    assert "1\xa0December\xa02027, 18:30" in staff_client.get(survey).text


def test_a_condition_works_from_page_to_page(staff_client: FlaskClient) -> None:
    survey = draft(staff_client)
    ask(staff_client, survey, "one_of", **COLOURS)
    page = f"{survey}/questions/new/long_text"
    refused = post(staff_client, page, page, **TEXT, show_if="q1=o2")
    assert "Tick “Begins a new page” as well" in text_of(refused.text)
    ask(staff_client, survey, "long_text", **TEXT, show_if="q1=o2", begins_page="y")
    shown = text_of(staff_client.get(survey).text)
    assert "Only if: “Colour”: Blue" in shown
    post(staff_client, f"{survey}/questions/q2/move", survey, to="up")
    check = staff_client.get(f"{survey}/check").text
    assert "It cannot be published yet" in check
    assert "does not come on an earlier page" in check
    assert "Nothing was changed" in press(staff_client, survey, "publish")
    post(staff_client, f"{survey}/questions/q2/move", survey, to="down")
    assert "It cannot be published yet" not in staff_client.get(f"{survey}/check").text


def test_an_empty_survey_and_one_that_would_be_over_are_not_published(staff_client: FlaskClient) -> None:
    empty = draft(staff_client)
    assert "The survey has no question yet." in staff_client.get(f"{empty}/check").text
    assert "Nothing was changed" in press(staff_client, empty, "publish")
    late = draft(staff_client, closes_at="2020-01-01T10:00")
    ask(staff_client, late, "short_text", **TEXT)
    assert "It would be over already." in staff_client.get(f"{late}/check").text
    assert "Nothing was changed" in press(staff_client, late, "publish")


def test_the_preview_walks_through_and_leaves_nothing(staff_client: FlaskClient) -> None:
    survey = draft(staff_client)
    ask(staff_client, survey, "one_of", **COLOURS, is_required="y")
    ask(staff_client, survey, "long_text", **TEXT, show_if="q1=o2", begins_page="y")
    path = f"{survey}/preview?language=en"
    before = everything()
    first = staff_client.get(path).text
    assert "This is a preview. Nothing is saved." in first
    assert staff_client.post(path, data={**fields_in(first), "go": "next"}).status_code == 400
    skipped = staff_client.post(path, data={**fields_in(first), "go": "next", "q1": "o1"}).text
    assert heading(skipped) == "Check your answers"
    second = staff_client.post(path, data={**fields_in(first), "go": "next", "q1": "o2"}).text
    assert "What else?" in second
    assert everything() == before


def test_drafts_are_no_business_of_visitors(staff_client: FlaskClient, visitor: FlaskClient) -> None:
    survey = draft(staff_client)
    assert visitor.get(public_path(survey)).status_code == 404
    assert "No survey is open at present." in visitor.get("/surveys/").text
    assert staff_client.get(f"{survey}/results/").status_code == 404


def test_once_answered_the_questions_stay_and_a_copy_can_be_changed(
    staff_client: FlaskClient, visitor: FlaskClient
) -> None:
    survey = published(staff_client)
    ask(staff_client, survey, "short_text", label_de="Noch eine")
    (anna,) = people(visitor, survey_of(survey.rpartition("/")[2]), 1)
    anna.page(0, q1="o1")
    page = f"{survey}/questions/q1"
    assert post(staff_client, page, page, **COLOURS).status_code == 303
    assert "Nothing was changed" in staff_client.get(survey).text
    assert "the questions stay as they are" in staff_client.get(survey).text
    answer = post(staff_client, f"{survey}/copy", survey)
    copy = plain(answer.headers["Location"])
    assert copy != survey
    assert "Draft" in text_of(staff_client.get(copy).text)
    ask(staff_client, copy, "short_text", label_de="Nur in der Kopie")
    assert len(survey_of(copy.rpartition("/")[2]).questions) == 4
    assert len(survey_of(survey.rpartition("/")[2]).questions) == 3


def test_the_mode_of_a_published_survey_stays(staff_client: FlaskClient) -> None:
    survey = published(staff_client)
    page = f"{survey}/edit"
    changed = {**WORDS, "mode": "anonymous", "title_de": "Neuer Titel"}
    assert post(staff_client, page, page, **changed).status_code == 303
    found = survey_of(survey.rpartition("/")[2])
    assert (found.mode, found.texts[Language.GERMAN].title) == (Mode.NAMED, "Neuer Titel")


def test_draft_published_closed_and_deleted(staff_client: FlaskClient, visitor: FlaskClient) -> None:
    survey = published(staff_client)
    assert "How was the training?" in visitor.get("/surveys/").text
    assert "Nothing was changed" in press(staff_client, survey, "delete")
    assert "The survey is closed." in press(staff_client, survey, "close")
    assert "Nothing was changed" in press(staff_client, survey, "close")
    assert "This survey is over" in visitor.get(public_path(survey)).text
    assert staff_client.get(f"{survey}/edit").status_code == 303
    other = draft(staff_client)
    press(staff_client, other, "delete")
    assert staff_client.get(other).status_code == 404


def test_a_survey_opens_at_its_time(app: Flask, staff_client: FlaskClient, visitor: FlaskClient) -> None:
    opens = (clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    survey = published(staff_client, opens_at=opens)
    page = visitor.get(public_path(survey)).text
    assert "This survey opens on" in page
    assert "E-mail address" not in page


def test_each_change_is_in_the_audit_log(staff_client: FlaskClient) -> None:
    survey = published(staff_client)
    press(staff_client, survey, "close")
    with reading() as session:
        rows = session.execute(
            sa.select(AuditEntry.details).where(AuditEntry.action == "survey_changed").order_by(AuditEntry.id)
        ).scalars()
        assert [row["what"] for row in rows] == [
            "created",
            "question changed",
            "question changed",
            "published",
            "closed",
        ]


def test_anonymous_surveys_need_a_folder_for_keys_on_postgresql(postgresql_url: str) -> None:
    other = create_app(from_environment(environment(postgresql_url)))
    client = other.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    with other.app_context():
        add_staff()
    sign_in(client)
    answer = post(client, "/staff/surveys/new", "/staff/surveys/new", **{**WORDS, "mode": "anonymous"})
    assert answer.status_code == 400
    assert "CONSENT_SURVEY_KEYS" in answer.text
    with other.app_context():
        database.engine.dispose()


def test_staff_pages_hold_what_is_hostile(app: Flask, staff_client: FlaskClient) -> None:
    hostile = '"><script>alert(1)</script> =1+1 ‮ 👩‍👩‍👧'
    survey = built(Mode.NAMED, [question(Kind.ONE_OF, label=dict.fromkeys(Language, hostile)), *every_kind()])
    path = staff_path(survey)
    post(staff_client, f"{path}/edit", f"{path}/edit", **{**WORDS, "title_de": hostile, "title_en": hostile})
    for page in ("", "/edit", "/preview", "/questions/q1", "/results/", "/results/export", "/results/marketing"):
        answer = staff_client.get(path + page)
        assert answer.status_code == 200, page
        assert "<script>alert" not in answer.text, page
    assert "&lt;script&gt;" in staff_client.get(path).text
