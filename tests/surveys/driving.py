"""Driving surveys as staff and participants do: forms with their tokens, links from mails."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from urllib.parse import urlsplit

import time_machine
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from consent_service import clock, links
from consent_service.database import reading, transaction
from consent_service.domain.identifiers import PublicId, SubjectId, new_public_id
from consent_service.domain.kinds import Language
from consent_service.subjects import service as subjects
from consent_service.surveys import queries, service
from consent_service.surveys.models import SurveyParticipant
from consent_service.surveys.queries import Details, Text
from consent_service.surveys.rules import Code, Kind, Mode, Option, Question
from consent_service.surveys.service import Draft
from tests.driving import FILL_TIME, Mailbox, Worker, hidden, path_in, text_of

Fields = Mapping[str, str | Sequence[str]]

WORDS: dict[str, str] = {
    "mode": "named",
    "title_de": "Wie war die Schulung?",
    "intro_de": "Wir möchten besser werden.",
    "closing_de": "Vielen Dank.",
    "title_en": "How was the training?",
    "intro_en": "We want to get better.",
    "closing_en": "Thank you very much.",
    "opens_at": "",
    "closes_at": "",
}

COLOURS = {"label_de": "Farbe", "label_en": "Colour", "options_de": "Rot\nBlau", "options_en": "Red\nBlue"}
TEXT = {"label_de": "Was noch?", "label_en": "What else?"}


def post(client: FlaskClient, path: str, page: str, **fields: str | Sequence[str]) -> TestResponse:
    """Sends a staff form of a page, with that page's token."""
    return client.post(path, data={"csrf_token": hidden(client.get(page).text, "csrf_token"), **fields})


def plain(location: str) -> str:
    """A path without query and anchor."""
    return urlsplit(location).path


def draft(client: FlaskClient, **words: str) -> str:
    """Builds a survey without questions through the form; the path of its page."""
    answer = post(client, "/staff/surveys/new", "/staff/surveys/new", **{**WORDS, **words})
    assert answer.status_code == 303, text_of(answer.text)
    return plain(answer.headers["Location"])


def ask(client: FlaskClient, survey: str, kind: str, **fields: str | Sequence[str]) -> None:
    """Adds a question through its form."""
    page = f"{survey}/questions/new/{kind}"
    answer = post(client, page, page, **fields)
    assert answer.status_code == 303, text_of(answer.text)


def press(client: FlaskClient, survey: str, act: str, **fields: str) -> str:
    """Presses a button of the survey's page; the page that follows."""
    answer = post(client, f"{survey}/{act}", survey, **fields)
    assert answer.status_code == 303, answer.status_code
    return client.get(answer.headers["Location"]).text


def published(client: FlaskClient, mode: str = "named", **words: str) -> str:
    """A published survey with two pages: a colour that is required, and a text; the path of its staff page."""
    survey = draft(client, mode=mode, **words)
    ask(client, survey, "one_of", **COLOURS, is_required="y")
    ask(client, survey, "long_text", **TEXT, begins_page="y")
    assert "The survey is published." in press(client, survey, "publish")
    return survey


def public_path(survey: str) -> str:
    """The path for participants of a survey, from that of its staff page."""
    return f"/surveys/{survey.rpartition('/')[2]}"


def register(client: FlaskClient, survey: str, address: str, **fields: str | Sequence[str]) -> TestResponse:
    """Opens the survey's page, takes a person's time over the form, and sends it."""
    path = public_path(survey)
    with time_machine.travel(clock.now() - FILL_TIME):
        token = hidden(client.get(path).text, "form_token")
    return client.post(path, data={"form_token": token, "email": address, **fields})


@dataclass
class Participant:
    """Somebody with a link to a survey: `path` is the fresh one, `old` that from the mail."""

    client: FlaskClient
    path: str
    old: str
    public_id: PublicId | None = None
    subject_id: SubjectId | None = None

    def start(self) -> str:
        """The page that the fresh link opens."""
        return self.client.get(self.path).text

    def page(self, number: int, **fields: str | Sequence[str]) -> TestResponse:
        """Sends a page of a survey with names."""
        return self.client.post(f"{self.path}/page/{number}", data={"go": "next", **fields})

    def send(self) -> TestResponse:
        """Sends the saved answers."""
        return self.client.post(f"{self.path}/review")

    def answer_anonymously(self, **fields: str | Sequence[str]) -> TestResponse:
        """Sends a whole anonymous survey, as the last page's form does."""
        return self.client.post(f"{self.path}/answer", data={"go": "send", **fields})


def participant(client: FlaskClient, worker: Worker, mailbox: Mailbox, survey: str, address: str) -> Participant:
    """Registers and confirms."""
    assert register(client, survey, address).status_code == 200
    worker.work()
    answer = client.post(path_in(mailbox.latest(address), "confirm"))
    assert answer.status_code == 303, text_of(answer.text)
    worker.work()
    return Participant(client, plain(answer.headers["Location"]), path_in(mailbox.latest(address), "survey"))


def fields_in(page: str) -> dict[str, list[str]]:
    """The hidden fields of a page's form, several of one name included."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page):
        found.setdefault(name, []).append(unescape(value))
    return found


def figure(page: str, words: str) -> int:
    """The big number that stands over these words."""
    found = re.search(rf"([\d,]+) {re.escape(words)}", text_of(page))
    assert found, f"no number over {words!r} in {text_of(page)}"
    return int(found[1].replace(",", ""))


def question(kind: Kind, **more: object) -> Question:
    """A question of this kind; those with options have three, a scale goes from 1 to 5."""
    values: dict[str, object] = {"label": {Language.GERMAN: f"Frage {kind}", Language.ENGLISH: f"Question {kind}"}}
    if kind in (Kind.ONE_OF, Kind.SEVERAL_OF, Kind.MATRIX):
        values["options"] = tuple(Option(f"o{n}", {Language.GERMAN: f"Antwort {n}"}) for n in (1, 2, 3))
    if kind is Kind.MATRIX:
        values["rows"] = tuple(Option(f"r{n}", {Language.GERMAN: f"Zeile {n}"}) for n in (1, 2))
    if kind is Kind.SCALE:
        values |= {"lowest": 1, "highest": 5, "options": (Option("1", {}), Option("5", {}))}
    return Question(Code(""), kind, **{**values, **more})  # type: ignore[arg-type]


def every_kind() -> list[Question]:
    """One question of each kind, each on a page of its own."""
    return [question(kind, begins_page=True) for kind in Kind]


def built(mode: Mode, questions: Sequence[Question], closes_at: datetime | None = None) -> Details:
    """A survey that is published with these questions, past the forms."""
    texts = {
        Language.GERMAN: Text("Umfrage", "Worum es geht.", "Danke."),
        Language.ENGLISH: Text("Survey", "What it is about.", "Thanks."),
    }
    now = clock.now()
    with transaction() as session:
        public_id = service.create(session, Draft(mode, None, closes_at, texts), "test", now)
        for one in questions:
            service.put_question(session, public_id, one, "test", now)
        service.publish(session, public_id, "test", now)
    return survey_of(public_id)


def survey_of(public_id: str) -> Details:
    """The survey as it is now."""
    with reading() as session:
        return queries.survey(session, PublicId(public_id), clock.now())


def people(
    client: FlaskClient, survey: Details, count: int, language: Language = Language.ENGLISH
) -> list[Participant]:
    """Participants who have confirmed, past the double opt-in."""
    found = []
    with transaction() as session:
        for number in range(count):
            address = f"{language.value}{number}@example.org"
            person = subjects.find_or_add(session, address, language=language, name=f"Name {number}", at=clock.now())
            found.append(enrolled(session, client, survey, person, language))
    return found


def enrolled(
    session: Session, client: FlaskClient, survey: Details, person: SubjectId, language: Language = Language.ENGLISH
) -> Participant:
    """One person as a participant."""
    public_id = new_public_id()
    session.add(
        SurveyParticipant(
            public_id=public_id,
            survey_id=survey.id,
            subject_id=person,
            registered_at=clock.now(),
            is_reminded=False,
        )
    )
    fresh, old = links.fresh_survey(public_id, language), links.survey(public_id, language)
    return Participant(client, plain(fresh), plain(old), public_id, person)


def staff_path(survey: Details) -> str:
    """The path of a survey's page for staff."""
    return f"/staff/surveys/{survey.public_id}"
