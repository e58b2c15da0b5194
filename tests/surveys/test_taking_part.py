"""Taking part in a survey with names: registering, page by page, on another device, changed, seen, deleted."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from consent_service import clock
from consent_service.database import reading
from consent_service.surveys import results
from consent_service.surveys.models import SurveyResponse, SurveyTakingPart
from consent_service.surveys.queries import Details
from consent_service.surveys.results import Results, Wanted
from consent_service.surveys.rules import Code, Kind, Mode
from tests.driving import Mailbox, Worker, events_of, everything, heading, path_in, sign_up, text_of
from tests.surveys.driving import (
    built,
    every_kind,
    participant,
    people,
    plain,
    public_path,
    question,
    register,
    staff_path,
    survey_of,
)

ANNA = "anna@example.org"
THREE = (
    question(Kind.ONE_OF, is_required=True),
    question(Kind.LONG_TEXT, begins_page=True, show_if={Code("q1"): frozenset({"o2"})}),
    question(Kind.SEVERAL_OF, begins_page=True),
)


@pytest.fixture
def survey(app: Flask) -> Details:
    """Three pages; the second only for who has chosen the second answer."""
    return built(Mode.NAMED, THREE)


def shown(survey: Details) -> Results:
    """What staff see."""
    with reading() as session:
        return results.for_staff(session, survey_of(survey.public_id), Wanted())


def saved() -> list[dict[str, object]]:
    """All saved answers."""
    with reading() as session:
        return list(session.execute(sa.select(SurveyResponse.answers)).scalars())


def test_the_double_opt_in_leads_to_the_survey_and_couples_nothing(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox, survey: Details
) -> None:
    path = staff_path(survey)
    page = visitor.get(public_path(path)).text
    assert "Taking part is voluntary." in page
    assert "Your answers are kept with your e-mail address" in page
    assert " checked" not in page
    answer = register(visitor, path, ANNA)
    assert heading(answer.text) == "Check your mailbox"
    worker.work()
    mail = mailbox.latest(ANNA)
    assert "Survey" not in mail.text  # the title, which could advertise
    link = path_in(mail, "confirm")
    before = everything()
    confirm = visitor.get(link).text
    assert "You are about to take part in: Survey" in text_of(confirm)
    assert everything() == before
    done = visitor.post(link)
    assert (done.status_code, plain(done.headers["Location"]).startswith("/survey/")) == (303, True)
    assert heading(visitor.get(done.headers["Location"]).text) == "Survey"
    assert events_of(ANNA) == []
    assert heading(visitor.post(link).text) == "This link has been used already"
    worker.work()
    assert "only" not in mailbox.latest(ANNA).subject
    assert visitor.get(path_in(mailbox.latest(ANNA), "survey")).status_code == 200


def test_a_ticked_box_is_a_consent_besides(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox, survey: Details
) -> None:
    register(visitor, staff_path(survey), ANNA, purposes=["survey_invitation:1"])
    worker.work()
    link = path_in(mailbox.latest(ANNA), "confirm")
    assert "Invitations to surveys" in visitor.get(link).text
    visitor.post(link)
    assert len(events_of(ANNA)) == 1
    worker.work()
    assert {mail.subject for mail in mailbox.mails(ANNA)} >= {"Your link to the survey"}


def test_known_and_unknown_addresses_are_answered_alike(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox, survey: Details
) -> None:
    participant(visitor, worker, mailbox, staff_path(survey), ANNA)
    sign_up(visitor, "bernd@example.org")
    pages = set()
    for address in (ANNA, "zoe@example.org"):
        pages.add(register(visitor, staff_path(survey), address).text.replace(address, "").partition("<form")[0])
    assert len(pages) == 1


def test_a_wrong_registration_is_not_taken(visitor: FlaskClient, survey: Details) -> None:
    before = everything()
    wrong: tuple[tuple[str, dict[str, str | list[str]]], ...] = (
        ("nonsense", {}),
        (ANNA, {"purposes": ["newsletter:9"]}),
        (ANNA, {"website": "x"}),
    )
    for address, fields in wrong:
        answer = register(visitor, staff_path(survey), address, **fields)
        assert answer.status_code == 400
        assert "Please check your entries" in answer.text
    assert everything() == before


def test_page_by_page_with_what_is_shown_if(visitor: FlaskClient, survey: Details) -> None:
    (anna,) = people(visitor, survey, 1)
    skipped = anna.page(0, q1="o1")
    assert skipped.headers["Location"].partition("?")[0].endswith("/page/2")
    assert "Page 2 of 2" in visitor.get(skipped.headers["Location"]).text
    onward = anna.page(0, q1="o2")
    assert onward.headers["Location"].partition("?")[0].endswith("/page/1")
    assert "Page 2 of 3" in visitor.get(onward.headers["Location"]).text
    anna.page(1, q2="because")
    assert saved() == [{"q1": "o2", "q2": "because"}]
    anna.page(0, q1="o3")
    assert saved() == [{"q1": "o3"}]  # what is hidden now is forgotten
    assert visitor.get(f"{anna.path}/page/1").status_code == 303


def test_an_error_stands_beside_its_question_and_nothing_typed_is_lost(app: Flask, visitor: FlaskClient) -> None:
    survey = built(Mode.NAMED, [question(Kind.NUMBER, highest=9), question(Kind.LONG_TEXT, is_required=True)])
    (anna,) = people(visitor, survey, 1)
    answer = anna.page(0, q1="ten", q2=" ")
    assert answer.status_code == 400
    assert "<title>Error: " in answer.text
    for field, message in (("q1", "Enter a number"), ("q2", "Answer “Question long_text”")):
        assert f'<a href="#{field}">{message}' in answer.text
        assert f'id="{field}-error"' in answer.text
    assert 'value="ten"' in answer.text
    assert saved() == []


def test_an_old_link_goes_on_and_shows_nothing(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox, survey: Details
) -> None:
    anna = participant(visitor, worker, mailbox, staff_path(survey), ANNA)
    anna.page(0, q1="o2")
    anna.page(1, q2="secret words")
    start = visitor.get(anna.old).text
    assert "2 pages are saved." in start
    for path in ("", "/page/0", "/page/1", "/review"):
        assert "secret words" not in visitor.get(anna.old + path, follow_redirects=True).text, path
    refused = visitor.post(f"{anna.old}/page/1", data={"q2": "other words"})
    assert refused.status_code == 400
    assert "other words" in refused.text  # typed, so not lost
    assert visitor.post(f"{anna.old}/delete").status_code == 403
    assert visitor.post(f"{anna.old}/page/2", data={"q3": ["o1", "o3"]}).status_code == 303
    assert visitor.post(f"{anna.old}/review").status_code == 303
    assert saved() == [{"q1": "o2", "q2": "secret words", "q3": ["o1", "o3"]}]


def test_a_fresh_link_is_mailed_and_shows_changes_and_deletes(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox, survey: Details
) -> None:
    with time_machine.travel(clock.now() - timedelta(hours=2)):
        anna = participant(visitor, worker, mailbox, staff_path(survey), ANNA)
        anna.page(0, q1="o2")
        anna.page(1, q2="first words")
        anna.page(2)
        anna.send()
    assert "first words" not in visitor.get(f"{anna.path}/review", follow_redirects=True).text
    assert "A fresh link is on its way" in visitor.post(f"{anna.path}/fresh").text
    worker.work()
    fresh = plain(visitor.post(path_in(mailbox.latest(ANNA), "confirm")).headers["Location"])
    assert "first words" in visitor.get(f"{fresh}/review").text
    assert visitor.post(f"{fresh}/page/1", data={"q2": "better words"}).status_code == 303
    assert saved() == [{"q1": "o2", "q2": "better words"}]
    assert (shown(survey).total, shown(survey).of(Code("q2")).answered) == (1, 1)
    done = visitor.post(f"{fresh}/delete")
    assert "Your answers are deleted." in visitor.get(done.headers["Location"]).text
    assert saved() == []
    assert shown(survey).total == 0
    with reading() as session:
        assert session.execute(sa.select(SurveyTakingPart.day)).all() == []


def test_what_is_changed_after_it_was_sent_changes_the_numbers(visitor: FlaskClient, survey: Details) -> None:
    (anna,) = people(visitor, survey, 1)
    anna.page(0, q1="o1")
    anna.page(2, q3=["o1", "o2"])
    assert shown(survey).total == 0
    anna.send()
    assert [share.number for share in shown(survey).of(Code("q3")).shares] == [1, 1, 0]
    anna.page(2, q3=["o3"])
    assert [share.number for share in shown(survey).of(Code("q3")).shares] == [0, 0, 1]
    assert "Your answers have arrived" in visitor.get(anna.send().headers["Location"]).text
    assert shown(survey).total == 1


def test_nothing_incomplete_is_sent(visitor: FlaskClient, survey: Details) -> None:
    (anna,) = people(visitor, survey, 1)
    anna.page(2, q3=["o1"])
    answer = anna.send()
    assert answer.headers["Location"].partition("?")[0].endswith("/page/0")
    assert shown(survey).total == 0


def test_after_the_end_one_can_see_and_delete_but_not_change(app: Flask, visitor: FlaskClient, worker: Worker) -> None:
    survey = built(Mode.NAMED, THREE, closes_at=clock.now() + timedelta(minutes=30))
    (anna,) = people(visitor, survey, 1)
    anna.page(0, q1="o1")
    anna.send()
    with time_machine.travel(clock.now() + timedelta(minutes=40)):
        worker.work()
        assert anna.page(0, q1="o2").status_code == 303
        assert saved() == [{"q1": "o1"}]
        review = visitor.get(f"{anna.path}/review").text
        assert "Antwort 1" in text_of(review)
        assert "Change" not in text_of(review)
        assert visitor.post(f"{anna.path}/delete").status_code == 303
        assert saved() == []


def test_every_kind_is_answered_and_read_back(app: Flask, visitor: FlaskClient) -> None:
    survey = built(Mode.NAMED, every_kind())
    (anna,) = people(visitor, survey, 1)
    given = (
        {"q1": "o3"},
        {"q2": ["o1", "o2"]},
        {"q3": " kurz "},
        {"q4": "lang\r\nund zwei Zeilen"},
        {"q5": "12,50"},
        {"q6": "4"},
        {"q7": "10"},
        {"q8": "3.5.2026"},
        {"q9-r1": "o1", "q9-r2": "o2"},
    )
    for number, fields in enumerate(given):
        assert anna.page(number, **fields).status_code == 303, fields
    assert saved() == [
        {
            "q1": "o3",
            "q2": ["o1", "o2"],
            "q3": "kurz",
            "q4": "lang\nund zwei Zeilen",
            "q5": "12.5",
            "q6": "4",
            "q7": "10",
            "q8": "2026-05-03",
            "q9": {"r1": "o1", "r2": "o2"},
        }
    ]
    words = text_of(visitor.get(f"{anna.path}/review").text)
    for part in ("Antwort 3", "Antwort 1 Antwort 2", "und zwei Zeilen", "12.5", "Zeile 2: Antwort 2"):
        assert part in words
    assert 'value="kurz"' in visitor.get(f"{anna.path}/page/2").text


def test_a_damaged_link_says_so(visitor: FlaskClient, app: Flask) -> None:
    for path in ("", "/page/0", "/review"):
        answer = visitor.get(f"/survey/damaged{path}")
        assert (answer.status_code, heading(answer.text)) == (404, "This link does not work")


def test_opening_every_page_changes_nothing(visitor: FlaskClient, survey: Details) -> None:
    (anna,) = people(visitor, survey, 1)
    anna.page(0, q1="o2")
    before = everything()
    for link in (anna.path, anna.old):
        for path in ("", "/page/0", "/page/1", "/page/7", "/review"):
            assert visitor.get(link + path).status_code in (200, 303)
            assert visitor.head(link + path).status_code in (200, 303)
    assert everything() == before
