"""Nobody who has the database, its write-ahead log and what was deleted in it can join an answer to a person.

Each attack knows whom it looks for. It is first tried on a table that is made the naive way, so that it is known
to work, and then on ours.
"""

import re
import sqlite3
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from consent_service import clock
from consent_service.database import Base, reading, transaction
from consent_service.extensions import database
from consent_service.surveys import keys, service, tasks
from consent_service.surveys.anonymity import BATCH, FEWEST_SHOWN
from consent_service.surveys.rules import Kind, Mode
from tests.surveys.driving import Participant, built, people, question

PEOPLE = 2 * BATCH + 3
MARK = re.compile(rb"ANSWER-OF-(\d{3})")


def marked(number: int) -> str:
    """What this person answers: its length differs from person to person, as in life."""
    return f"ANSWER-OF-{number:03} " + "x" * (number * 7)


def _answer(participants: Sequence[Participant]) -> None:
    """They answer in this order; each full batch is mixed at once, as the worker does it."""
    for number, one in enumerate(participants):
        assert one.answer_anonymously(q1=marked(number)).status_code == 303
        _mix()


def _mix() -> None:
    found = True
    while found:
        with transaction() as session:
            found = tasks.mix_answers(session)


@pytest.fixture
def sqlite_log_kept(app: Flask) -> Iterator[None]:
    """Keeps SQLite's whole log, which gives an attacker more than a running service ever leaves."""
    if database.engine.dialect.name != "sqlite":
        yield
        return

    def keep(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA wal_autocheckpoint=0")

    sa.event.listen(database.engine, "connect", keep)
    database.engine.dispose()
    with sqlite3.connect(str(database.engine.url.database)):  # whoever closes last would empty the log
        yield
    sa.event.remove(database.engine, "connect", keep)


def _rows(table: str, columns: str = "*") -> list[Any]:
    with reading() as session:
        return list(session.execute(sa.text(f"SELECT {columns} FROM {table}")).all())


def _number(answers: object) -> int:
    found = MARK.search(str(answers).encode())
    assert found
    return int(found[1])


def _try_columns() -> None:
    """No value of an answer's row stands in any row that has to do with one person, but the survey's own."""
    mine = {str(value) for row in _rows("survey_anonymous_answers") for value in row}
    common = {"1", "0", "True", "False", "None", "en"}  # the survey's id, flags, and the language of everybody
    for table in Base.metadata.sorted_tables:
        if "subject_id" in table.c or table.name in ("subjects", "registrations", "messages", "survey_requests"):
            theirs = {str(value) for row in _rows(table.name) for value in row}
            assert mine & theirs <= common, table.name
    names = set(Base.metadata.tables["survey_anonymous_answers"].c.keys())
    assert names == {"id", "survey_id", "language", "is_shown", "answers"}


def _in_order(order: list[int]) -> int:
    """How many stand where they would if the order was that of answering."""
    return sum(number == place for place, number in enumerate(order))


def _try_order(answered: Sequence[Participant]) -> None:
    """Neither by the key, nor as the rows lie in the file: about as many are right as by chance, one of each batch.

    A batch that was not mixed has all right; so many in all are right by chance once in twenty thousand times.
    """
    by_key = [_number(row.answers) for row in _rows("survey_anonymous_answers ORDER BY id", "answers")]
    orders = [by_key]
    if database.engine.dialect.name == "postgresql":
        orders.append([_number(row.answers) for row in _rows("survey_anonymous_answers ORDER BY ctid", "answers")])
        people_by_place = [row.subject_id for row in _rows("survey_taking_part ORDER BY ctid", "subject_id")]
        numbers = {one.subject_id: number for number, one in enumerate(answered)}
        orders.append([numbers[subject] for subject in people_by_place])
        assert sum(person == answer for person, answer in zip(orders[-1], orders[-2], strict=False)) < BATCH
    for order in orders:
        assert order != sorted(order)
        assert _in_order(order) < BATCH
    logged = _first_seen(_log(), MARK)
    for batch in range(PEOPLE // BATCH):
        in_log = [number for number in logged if number // BATCH == batch]
        assert len(in_log) == BATCH
        assert in_log != sorted(in_log)


def _try_time() -> None:
    """No moment stands anywhere near an answer; that somebody took part is known by day."""
    for table in ("survey_anonymous_answers", "survey_waiting_answers", "survey_taking_part", "survey_batches"):
        kinds = {str(column.type).upper() for column in Base.metadata.tables[table].c}
        assert not any("TIME" in kind for kind in kinds), table
    with reading() as session:
        days = session.execute(sa.text("SELECT DISTINCT day FROM survey_taking_part")).all()
        cells = session.execute(sa.text("SELECT DISTINCT day FROM survey_count_differences")).scalars().all()
    assert len(days) == 1
    assert cells == [""]


_BY_TRANSACTION = """
    SELECT t.ctid, count(*) FROM {table} t
    JOIN survey_anonymous_answers a ON t.{mark}::text = a.xmin::text GROUP BY t.ctid
"""


def _try_transactions(connection: psycopg.Connection[Any]) -> None:
    """Whatever of a person bears the number of a transaction that wrote answers, that one wrote five or more."""
    for table in ("subjects", "survey_participants", "survey_taking_part", "registrations", "messages"):
        for mark in ("xmin", "xmax"):
            joined = connection.execute(_BY_TRANSACTION.format(table=table, mark=mark)).fetchall()
            assert all(answers >= FEWEST_SHOWN for _, answers in joined), (table, mark)


def test_the_attack_by_transaction_works_on_the_naive_way(postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE naive_part(person int PRIMARY KEY)")
        connection.execute("CREATE TABLE naive_answer(id uuid DEFAULT gen_random_uuid(), number int)")
        for number in range(5):
            with connection.transaction():
                connection.execute("INSERT INTO naive_part VALUES (%s)", (number,))
                connection.execute("INSERT INTO naive_answer(number) VALUES (%s)", (number,))
        join = "SELECT count(*) FROM naive_part p JOIN naive_answer a ON p.xmin::text = a.xmin::text"
        assert connection.execute(join).fetchone() == (5,)


def _groups(log: bytes) -> Iterator[bytes]:
    """The pages that each commit of a SQLite write-ahead log wrote, together."""
    size, offset, pages = struct.unpack(">I", log[8:12])[0], 32, b""
    while offset < len(log):
        pages += log[offset + 24 : offset + 24 + size]
        if struct.unpack(">I", log[offset + 4 : offset + 8])[0]:
            yield pages
            pages = b""
        offset += 24 + size


def _first_seen(log: bytes, mark: re.Pattern[bytes]) -> list[int]:
    """Whose answers the log brings, in the order in which it does."""
    return list(dict.fromkeys(int(number) for number in mark.findall(log)))


def _new_marks(log: bytes) -> list[set[bytes]]:
    """The answers that each commit brought into the log for the first time."""
    seen, found = set[bytes](), []
    for pages in _groups(log):
        marks = set(MARK.findall(pages))
        found.append(marks - seen)
        seen |= marks
    return found


def test_the_attack_on_the_log_works_on_the_naive_way(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "naive.db", isolation_level=None)
    for statement in (
        "PRAGMA journal_mode=WAL",
        "PRAGMA wal_autocheckpoint=0",
        "CREATE TABLE part(person TEXT PRIMARY KEY) WITHOUT ROWID",
        "CREATE TABLE answers(id BLOB PRIMARY KEY, words TEXT) WITHOUT ROWID",
    ):
        connection.execute(statement)
    for number in range(8):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO part VALUES (?)", (f"PERSON-{number}",))
        connection.execute("INSERT INTO answers VALUES (randomblob(16), ?)", (marked(number),))
        connection.execute("COMMIT")
    single = [marks for marks in _new_marks((tmp_path / "naive.db-wal").read_bytes()) if len(marks) == 1]
    assert single == [{b"%03d" % number} for number in range(8)]
    connection.close()


def test_the_attack_on_postgresqls_log_works_on_the_naive_way(postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE naive(id uuid DEFAULT gen_random_uuid() PRIMARY KEY, words text)")
        for number in range(BATCH):
            connection.execute("INSERT INTO naive(words) VALUES (%s)", (f"NAIVE-OF-{number:03}",))
        assert _first_seen(_log_of_postgresql(connection), re.compile(rb"NAIVE-OF-(\d{3})")) == list(range(BATCH))


def _postgresql() -> psycopg.Connection[Any]:
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(url, autocommit=True)


def _log() -> bytes:
    """All that the database has written ahead."""
    if database.engine.dialect.name == "sqlite":
        file = Path(str(database.engine.url.database))
        return file.with_name(file.name + "-wal").read_bytes()
    with _postgresql() as connection:
        return _log_of_postgresql(connection)


def _log_of_postgresql(connection: psycopg.Connection[Any]) -> bytes:
    (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
    return b"".join(file.read_bytes() for file in sorted(Path(folder, "pg_wal").glob("0*")))


def _try_everything(answered: Sequence[Participant]) -> None:
    _try_columns()
    _try_order(answered)
    _try_time()
    if database.engine.dialect.name == "postgresql":
        with _postgresql() as connection:
            _try_transactions(connection)


def test_no_attack_joins_an_answer_to_a_person(app: Flask, visitor: FlaskClient, sqlite_log_kept: None) -> None:
    """Before the close, when two batches are mixed and three answers wait, and after it."""
    survey = built(Mode.ANONYMOUS, [question(Kind.LONG_TEXT)])
    participants = people(visitor, survey, PEOPLE)
    _answer(participants)
    _try_everything(participants)
    waiting = {b"%03d" % number for number in range(2 * BATCH, PEOPLE)}
    assert not waiting & set(MARK.findall(_log()))
    with transaction() as session:
        service.close(session, survey.public_id, "test", clock.now())
    _mix()
    with transaction() as session:
        tasks.destroy_ended_keys(session)
    assert keys.existing() == set()
    _try_everything(participants)
    rows = _rows("survey_anonymous_answers", "answers")
    assert sorted(_number(row.answers) for row in rows) == list(range(PEOPLE))
    assert len(_rows("survey_taking_part")) == PEOPLE
    if database.engine.dialect.name == "sqlite":
        assert [len(marks) for marks in _new_marks(_log()) if marks] == [BATCH, BATCH, PEOPLE - 2 * BATCH]
    else:
        with _postgresql() as connection:
            transactions = "SELECT count(DISTINCT xmin::text) FROM survey_anonymous_answers"
            assert connection.execute(transactions).fetchone() == (1,)


def test_waiting_answers_are_all_alike(app: Flask, visitor: FlaskClient) -> None:
    """Else the length of what was deleted would tell which of the mixed answers it was."""
    survey = built(Mode.ANONYMOUS, [question(Kind.LONG_TEXT), question(Kind.SEVERAL_OF)])
    for number, one in enumerate(people(visitor, survey, 6)):
        one.answer_anonymously(q1=marked(number * 100), q2=["o1", "o3"][: number % 3])
    with reading() as session:
        boxes = session.execute(sa.text("SELECT box FROM survey_waiting_answers")).scalars().all()
    assert Counter(len(box) for box in boxes).most_common() == [(len(boxes[0]), 6)]
    assert not any(b"ANSWER" in bytes(box) for box in boxes)


def test_waiting_answers_cannot_be_read_in_the_files(app: Flask, visitor: FlaskClient) -> None:
    survey = built(Mode.ANONYMOUS, [question(Kind.LONG_TEXT)])
    for number, one in enumerate(people(visitor, survey, 3)):
        one.answer_anonymously(q1=marked(number))
    if database.engine.dialect.name == "sqlite":
        file = Path(str(database.engine.url.database))
        held = file.read_bytes() + file.with_name(file.name + "-wal").read_bytes()
    else:
        with _postgresql() as connection:
            connection.execute("CHECKPOINT")
            (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
            (oid,) = connection.execute(
                "SELECT oid FROM pg_database WHERE datname = current_database()"
            ).fetchone() or (0,)
        held = b"".join(file.read_bytes() for file in Path(folder, "base", str(oid)).iterdir() if file.is_file())
    assert len(held) > 10_000
    assert not MARK.search(held)
