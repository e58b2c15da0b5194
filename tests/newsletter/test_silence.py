"""The public side answers the same whether or not an address is known (design I8)."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import event

from consent_service import clock, prepared
from consent_service.database import transaction
from consent_service.domain.addresses import normalise
from consent_service.domain.kinds import SuppressionReason
from consent_service.extensions import database
from consent_service.subjects import service as subjects
from tests.driving import FILL_TIME, Mailbox, Worker, confirmed, everything, hidden, one_click_path, sign_up

ANNA, STRANGER = "anna@example.org", "bert@example.org"  # as long as each other
Arrange = Callable[[FlaskClient, Worker, Mailbox], object]


def _pending(client: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    sign_up(client, ANNA)
    worker.work()


def _subscribed(client: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    confirmed(client, worker, mailbox, ANNA)


def _withdrawn(client: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    confirmed(client, worker, mailbox, ANNA)
    client.post(one_click_path(ANNA))


def _suppressed(client: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    with transaction() as session:
        digest = subjects.suppression_digest(normalise(ANNA))
        subjects.suppress(session, digest, None, SuppressionReason.COMPLAINED, clock.now())


def _often(client: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    for _ in range(4):
        _pending(client, worker, mailbox)


@contextmanager
def _statements() -> Iterator[list[str]]:
    """The SQL that runs meanwhile."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    def note_prepared(compiled: Any, values: Any) -> Any:
        seen.append(compiled.text)
        return bound(compiled, values)

    bound = prepared._Compiled.bound
    event.listen(database.engine, "before_cursor_execute", note)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepared._Compiled, "bound", note_prepared)
        yield seen
    event.remove(database.engine, "before_cursor_execute", note)


def _ask_for_settings(client: FlaskClient, address: str) -> Any:
    with time_machine.travel(clock.now() - FILL_TIME):
        token = hidden(client.get("/settings").text, "form_token")
    return client.post("/settings", data={"form_token": token, "email": address})


@pytest.mark.parametrize("ask", [sign_up, _ask_for_settings])
@pytest.mark.parametrize("arrange", [_pending, _subscribed, _withdrawn, _suppressed, _often])
def test_byte_equal_answers_the_same_rows_and_the_same_statements(
    visitor: FlaskClient, worker: Worker, mailbox: Mailbox, arrange: Arrange, ask: Callable[..., Any]
) -> None:
    arrange(visitor, worker, mailbox)
    sign_up(visitor, "warm@example.org")  # texts are read once a process
    answers, statements, rows = [], [], []
    for address in (STRANGER, ANNA):
        before = _counts()
        with _statements() as seen:
            answer = ask(visitor, address)
        answers.append((answer.status, _without_token(answer.text), len(answer.data), _headers(answer)))
        statements.append(seen)
        rows.append({name: number - before[name] for name, number in _counts().items()})
    assert answers[0] == (answers[1][0], answers[1][1].replace(ANNA, STRANGER), *answers[1][2:])
    assert statements[0] == statements[1]
    assert rows[0] == rows[1]
    assert rows[0]["registrations"] == 1


def _without_token(page: str) -> str:
    return re.sub(r'name="form_token"[^>]*value="[^"]*"', "", page)


def _headers(answer: Any) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in answer.headers.items() if name != "X-Request-ID")


def _counts() -> dict[str, int]:
    return {name: len(rows) for name, rows in everything().items()}


def test_the_statements_are_seen(visitor: FlaskClient) -> None:
    with _statements() as seen, database.engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    assert "SELECT 1" in seen
    with _statements() as seen:
        sign_up(visitor, ANNA)
    assert any(statement.startswith("INSERT INTO registrations") for statement in seen)
