"""Results for staff and for everybody: numbers, filters, charts, texts, and lists to take out."""

import csv
import io
import json
import re
from collections.abc import Sequence
from datetime import timedelta

import openpyxl
import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_service import clock
from consent_service.database import reading
from consent_service.domain.kinds import Language
from consent_service.exports.models import Export
from consent_service.surveys.queries import Details
from consent_service.surveys.rules import Kind, Mode
from tests.driving import Worker, text_of
from tests.surveys.driving import built, every_kind, figure, people, post, press, question, staff_path

HOSTILE = (
    "=1+1",
    "@SUM(A1)",
    '<script>alert("x")</script>',
    "\u202eevil",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \u05e9\u05dc\u05d5\u05dd",
    "x" * 10_000,
    "+49 30; =cmd|' /C calc'!A0",
)


def answer_all(
    client: FlaskClient, survey: Details, answers: Sequence[dict[str, object]], language: str = "en"
) -> None:
    """Each is the answer of one person, on one page, sent."""
    for one, given in zip(people(client, survey, len(answers), Language(language)), answers, strict=True):
        assert client.post(f"{one.path}/page/0?lang={language}", data=given).status_code == 303
        assert client.post(f"{one.path}/review?lang={language}").status_code == 303


def export(client: FlaskClient, survey: Details, wanted: str, query: str = "") -> TestResponse:
    """Takes the answers out through the form."""
    path = f"{staff_path(survey)}/results/export{query}"
    return post(client, path, path, format=wanted, reason="Auswertung")


@pytest.fixture
def survey(app: Flask, visitor: FlaskClient) -> Details:
    """A survey with names: three English answers yesterday, and one German today."""
    found = built(Mode.NAMED, [question(Kind.RECOMMENDATION), question(Kind.NUMBER), question(Kind.LONG_TEXT)])
    with time_machine.travel(clock.now() - timedelta(days=1)):
        answers = [{"q1": "10", "q2": "1", "q3": "good"}, {"q1": "9", "q2": "2"}, {"q1": "3", "q2": "9", "q3": "bad"}]
        answer_all(visitor, found, answers)  # type: ignore[arg-type]
    answer_all(visitor, found, [{"q1": "8", "q3": "geht"}], "de")
    return found


def test_numbers_shares_mean_median_and_score(staff_client: FlaskClient, survey: Details, worker: Worker) -> None:
    for _ in range(2):  # before and after the counts are folded
        page = text_of(staff_client.get(f"{staff_path(survey)}/results/").text)
        assert "4 answers are shown here" in page
        assert "25 recommendation score" in page
        assert "2 would recommend (9 and 10) 1 are undecided (7 and 8) 1 would not (0 to 6)" in page
        assert "Mean 4, median 2, from 1 to 9." in page
        assert "10 1 25 %" in page
        assert "3 people have answered. " in page
        worker.work()


def test_filters_by_language_and_by_day(staff_client: FlaskClient, survey: Details) -> None:
    def total(query: str) -> int:
        return figure(staff_client.get(f"{staff_path(survey)}/results/{query}").text, "answers are shown here")

    today, yesterday = (f"{clock.now() - timedelta(days=days):%Y-%m-%d}" for days in (0, 1))
    assert total("?language=en") == 3
    assert total("?language=de") == 1
    assert total("?language=xx") == 4
    assert total(f"?first={today}") == 1
    assert total(f"?last={yesterday}&language=en") == 3
    assert total(f"?last={yesterday}&language=de") == 0
    assert total("?first=nonsense") == 4
    texts = text_of(staff_client.get(f"{staff_path(survey)}/results/texts/q3?language=de").text)
    assert "geht" in texts
    assert "good" not in texts


def test_a_chart_is_a_picture_without_script(staff_client: FlaskClient, survey: Details) -> None:
    page = staff_client.get(f"{staff_path(survey)}/results/").text
    (first, *_rest) = re.findall(r'<img class="chart" src="([^"]+)"', page)
    answer = staff_client.get(first)
    assert answer.content_type.startswith("image/svg+xml")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "<script" not in answer.text
    assert "onclick" not in answer.text
    assert 'viewBox="0 0 360' in staff_client.get(f"{staff_path(survey)}/results/chart/q1.svg?narrow=1").text
    assert "{{" not in answer.text
    assert staff_client.get(f"{staff_path(survey)}/results/chart/q3.svg").status_code == 404
    assert staff_client.get(f"{staff_path(survey)}/results/chart/q9.svg").status_code == 404


def test_every_kind_has_its_results(app: Flask, staff_client: FlaskClient, visitor: FlaskClient) -> None:
    survey = built(Mode.NAMED, [question(one.kind) for one in every_kind()])
    given = {"q1": "o3", "q2": ["o1", "o2"], "q3": "a", "q4": "b", "q5": "12,50", "q6": "4", "q7": "10"}
    answer_all(visitor, survey, [{**given, "q8": "2026-05-03", "q9-r1": "o1", "q9-r2": "o2"}])
    page = staff_client.get(f"{staff_path(survey)}/results/").text
    pictures = re.findall(r'<img class="chart" src="([^"]+)"', page)
    assert len(pictures) == 8  # two for the table, none for texts
    for picture in pictures:
        assert staff_client.get(picture.replace("&amp;", "&")).status_code == 200
    assert "Antwort 3 1 100 %" in text_of(page)
    assert "2026-05-03 1 100 %" in text_of(page)


def test_free_texts_come_in_pages_and_are_harmless(app: Flask, staff_client: FlaskClient, visitor: FlaskClient) -> None:
    survey = built(Mode.NAMED, [question(Kind.LONG_TEXT)])
    answer_all(visitor, survey, [{"q1": text} for text in (*HOSTILE, *(f"text {n}" for n in range(50)))])
    first = staff_client.get(f"{staff_path(survey)}/results/texts/q1").text
    assert "<script>alert" not in first
    assert "x" * 10_000 in first
    (more,) = re.findall(r'href="([^"]+)" rel="next"', first)
    second = staff_client.get(more.replace("&amp;", "&")).text
    assert all((f"text {n}<" in first) != (f"text {n}<" in second) for n in range(50))


def test_exports_hold_every_answer_and_run_nothing(app: Flask, staff_client: FlaskClient, visitor: FlaskClient) -> None:
    survey = built(Mode.NAMED, [question(Kind.LONG_TEXT), question(Kind.NUMBER), question(Kind.SEVERAL_OF)])
    answer_all(visitor, survey, [{"q1": text, "q2": "7", "q3": ["o1", "o3"]} for text in HOSTILE])
    rows = list(csv.reader(io.StringIO(export(staff_client, survey, "csv").text)))
    assert rows[0][:4] == ["email", "name", "finished_on", "language"]
    texts = [row[4] for row in rows[1:]]
    assert texts[0] == "'=1+1"
    assert texts[1] == "'@SUM(A1)"
    assert texts[2:6] == list(HOSTILE[2:6])
    assert not any(text.startswith(("=", "+", "-", "@")) for text in texts)
    assert rows[1][6] == "Antwort 1; Antwort 3"
    sheet = openpyxl.load_workbook(io.BytesIO(export(staff_client, survey, "xlsx").data)).active
    assert sheet is not None
    cells = [row[4] for row in sheet.iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == list(HOSTILE)
    assert {cell.data_type for cell in cells} == {"s"}
    assert sheet["F2"].value == 7
    lines = [json.loads(line) for line in export(staff_client, survey, "jsonl").text.splitlines()]
    assert [line["q1 Question long_text"] for line in lines] == list(HOSTILE)
    with reading() as session:
        kept = session.execute(sa.select(Export)).scalars().all()
    assert [(one.rows, one.reason, bool(one.sha256)) for one in kept] == [(len(HOSTILE), "Auswertung", True)] * 3
    assert {one.about for one in kept} == {f"survey {survey.public_id}: Survey"}


def test_an_export_without_a_reason_or_without_answers_is_not_made(
    app: Flask, staff_client: FlaskClient, visitor: FlaskClient
) -> None:
    survey = built(Mode.NAMED, [question(Kind.NUMBER)])
    assert export(staff_client, survey, "csv").status_code == 400
    answer_all(visitor, survey, [{"q1": "1"}])
    path = f"{staff_path(survey)}/results/export"
    assert post(staff_client, path, path, format="csv", reason="").status_code == 400
    with reading() as session:
        assert session.execute(sa.select(Export)).all() == []


def test_anonymous_answers_are_exported_without_name_time_and_order(
    app: Flask, staff_client: FlaskClient, visitor: FlaskClient, worker: Worker
) -> None:
    survey = built(Mode.ANONYMOUS, [question(Kind.SHORT_TEXT), question(Kind.NUMBER)])
    for number, one in enumerate(people(visitor, survey, 12)):
        one.answer_anonymously(q1=f"text {number}", q2="5" if number < 3 else "")
    assert export(staff_client, survey, "csv").status_code == 400
    press(staff_client, staff_path(survey), "close")
    worker.work()
    rows = list(csv.reader(io.StringIO(export(staff_client, survey, "csv").text)))
    assert rows[0] == ["language", "q1 Question short_text", "q2 Question number"]
    texts = [row[1] for row in rows[1:]]
    assert sorted(texts) == sorted(f"text {number}" for number in range(12))
    assert texts != [f"text {number}" for number in range(12)]
    assert {row[2] for row in rows[1:]} == {""}  # only three have answered it


def test_the_results_are_published_once_the_survey_is_over(
    app: Flask, staff_client: FlaskClient, visitor: FlaskClient, worker: Worker
) -> None:
    survey = built(Mode.NAMED, [question(Kind.ONE_OF), question(Kind.LONG_TEXT)])
    path, public = staff_path(survey), f"/surveys/{survey.public_id}/results"
    answer_all(visitor, survey, [{"q1": "o1", "q2": "my words" if n < 4 else ""} for n in range(5)])
    assert visitor.get(public).status_code == 404
    page = post(staff_client, f"{path}/show-results", f"{path}/results/", public="1")
    assert page.status_code == 303
    assert visitor.get(public).status_code == 404
    press(staff_client, path, "close")
    worker.work()
    shown = visitor.get(public)
    assert "5 people have taken part." in shown.text
    assert "my words" not in shown.text
    assert "Fewer than five people have answered this question" in shown.text
    (picture,) = re.findall(r'<img class="chart" src="([^"]+)"', shown.text)
    assert visitor.get(picture).content_type.startswith("image/svg+xml")
    assert visitor.get(f"{public}/q2.svg").status_code == 404
    post(staff_client, f"{path}/show-results", f"{path}/results/", public="0")
    assert visitor.get(public).status_code == 404


def test_a_public_page_shows_nothing_of_fewer_than_five(
    app: Flask, staff_client: FlaskClient, visitor: FlaskClient, worker: Worker
) -> None:
    survey = built(Mode.NAMED, [question(Kind.ONE_OF)])
    answer_all(visitor, survey, [{"q1": "o1"}] * 4)
    path = staff_path(survey)
    post(staff_client, f"{path}/show-results", f"{path}/results/", public="1")
    press(staff_client, path, "close")
    worker.work()
    assert "Fewer than five people have taken part" in visitor.get(f"/surveys/{survey.public_id}/results").text
