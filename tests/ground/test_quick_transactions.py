"""A writer's quick transactions: prepared statements that travel together on PostgreSQL, one by one on SQLite."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import sqlalchemy as sa
from flask import Flask

from consent_service import clock
from consent_service.database import Writer, reading, table, transaction
from consent_service.domain.identifiers import SubjectId
from consent_service.evidence.models import PersonKey
from consent_service.prepared import Prepared
from consent_service.subjects.models import Subject
from tests.driving import add_people

_NAME = Prepared(sa.select(Subject.name, Subject.created_at).where(Subject.id == sa.bindparam("person")))
_RENAME = Prepared(sa.update(table(Subject)).where(Subject.id == sa.bindparam("person")))
_ECHO = Prepared(sa.select(sa.bindparam("text", type_=sa.Text())))
_KEY = Prepared(sa.insert(table(PersonKey)))
_NOBODY = SubjectId(999_999)


@pytest.fixture
def writer(app: Flask) -> Iterator[Writer]:
    """A writer, closed afterwards."""
    with closing(Writer()) as kept:
        yield kept


@pytest.fixture
def person(app: Flask) -> SubjectId:
    """A person to write about."""
    with transaction() as session:
        (added,) = add_people(session, 1)
    return added


def _rename(writer: Writer, person: SubjectId, name: str | None) -> str | None:
    """Renames a person; the name as the transaction itself reads it."""
    with writer.quick_transaction() as session:
        _RENAME.run(session, {"person": person, "name": name})
        return _NAME.one(session, {"person": person})[0]


def _name(person: SubjectId) -> str | None:
    with reading() as session:
        return _NAME.one(session, {"person": person})[0]


@pytest.mark.parametrize("name", ["Anna", "", None, "Jörg 100 % „Maß“ 😀", "%(person)s $1 ' \\"])
def test_a_statement_sees_what_those_before_it_wrote(writer: Writer, person: SubjectId, name: str | None) -> None:
    assert _rename(writer, person, name) == name
    assert _name(person) == name


def test_what_no_buffer_holds_arrives_whole(writer: Writer) -> None:
    texts = [letter * 3_000_000 for letter in "abc"]
    with writer.quick_transaction() as session:
        for text in texts[:-1]:
            _ECHO.run(session, {"text": text})
        assert _ECHO.one(session, {"text": texts[-1]})[0] == texts[-1]


def test_values_come_out_in_their_columns_types(writer: Writer, person: SubjectId) -> None:
    with writer.quick_transaction() as session:
        _, created_at = _NAME.one(session, {"person": person})
    assert created_at <= clock.now()


def test_what_fails_last_leaves_nothing_of_what_came_before(writer: Writer, person: SubjectId) -> None:
    _rename(writer, person, "Anna")

    def rename_and_fail() -> None:
        with writer.quick_transaction() as session:
            _RENAME.run(session, {"person": person, "name": "Berta"})
            _KEY.run(session, {"subject_id": _NOBODY, "wrapped": b"x"})

    with pytest.raises(sa.exc.IntegrityError):
        rename_and_fail()
    assert _name(person) == "Anna"
    assert _rename(writer, person, "Clara") == "Clara"


def test_what_fails_before_a_row_is_asked_for_shows_there(writer: Writer, person: SubjectId) -> None:
    def fail_and_read() -> None:
        with writer.quick_transaction() as session:
            _KEY.run(session, {"subject_id": _NOBODY, "wrapped": b"x"})
            _NAME.one(session, {"person": person})
            pytest.fail("a row after a failure")

    with pytest.raises(sa.exc.IntegrityError):
        fail_and_read()


def test_an_error_inside_leaves_nothing_behind(writer: Writer, person: SubjectId) -> None:
    _rename(writer, person, "Anna")

    def rename_and_stop() -> None:
        with writer.quick_transaction() as session:
            _RENAME.run(session, {"person": person, "name": "Berta"})
            raise LookupError

    with pytest.raises(LookupError):
        rename_and_stop()
    assert _name(person) == "Anna"
    assert _rename(writer, person, "Clara") == "Clara"


def test_the_two_kinds_of_transaction_take_turns(writer: Writer, person: SubjectId) -> None:
    for number in range(8):
        assert _rename(writer, person, f"quick {number}") == f"quick {number}"
        with writer.transaction() as session:
            assert (
                session.execute(sa.select(Subject.name).where(Subject.id == person)).scalar_one() == f"quick {number}"
            )
            session.execute(sa.update(Subject).where(Subject.id == person).values(name=f"slow {number}"))
        assert _name(person) == f"slow {number}"


def test_what_is_taken_back_in_between_takes_no_statement_along(writer: Writer, person: SubjectId) -> None:
    """The driver discards all that a connection has prepared when something is rolled back."""
    with writer.transaction() as session:
        for _ in range(8):  # what it has run five times it prepares
            session.execute(sa.select(Subject.id).where(Subject.id == person)).scalar_one()
    assert _rename(writer, person, "Anna") == "Anna"
    with writer.transaction() as session:
        session.execute(sa.text("SAVEPOINT before"))
        session.execute(sa.update(Subject).where(Subject.id == person).values(name="Berta"))
        session.execute(sa.text("ROLLBACK TO SAVEPOINT before"))
    assert _name(person) == "Anna"
    assert _rename(writer, person, "Clara") == "Clara"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_was_cut_is_given_up_and_another_taken(writer: Writer, person: SubjectId) -> None:
    with writer.transaction() as session:
        backend = session.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    assert _rename(writer, person, "Anna") == "Anna"
    with reading() as other:
        other.execute(sa.text("SELECT pg_terminate_backend(:backend, 10000)"), {"backend": backend})
    with pytest.raises(sa.exc.OperationalError):
        _rename(writer, person, "Berta")
    assert _name(person) == "Anna"
    assert _rename(writer, person, "Clara") == "Clara"
