"""Driving surveys as staff and participants do: forms with their tokens, links from mails."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

import time_machine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_service import clock
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
