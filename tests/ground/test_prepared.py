"""Prepared statements: SQLAlchemy's types and errors, in the session's transaction, on both databases."""

from datetime import datetime

import pytest
import sqlalchemy as sa
from flask import Flask

from consent_service import clock
from consent_service.database import reading, table, transaction
from consent_service.domain.identifiers import PublicId
from consent_service.domain.kinds import Language
from consent_service.evidence.models import PersonKey
from consent_service.prepared import Prepared
from consent_service.subjects import service as subjects
from consent_service.subjects.models import Subject
from tests.driving import add_people

_KEY = Prepared(sa.insert(table(PersonKey)))
_PERSON = Prepared(
    sa.select(Subject.public_id, Subject.language, Subject.created_at).where(Subject.id == sa.bindparam("person"))
)
_RENAME = Prepared(
    sa.update(table(Subject)).where(Subject.id == sa.bindparam("person")).returning(Subject.name, Subject.created_at)
)


def _row(person: object) -> tuple[PublicId, Language, datetime]:
    with reading() as session:
        return _PERSON.one(session, {"person": person})


def test_values_come_out_in_their_columns_types(app: Flask) -> None:
    now = clock.now()
    with transaction() as session:
        person = subjects.find_or_add(session, "a@example.org", language=Language.GERMAN, name=None, at=now)
    public_id, language, created_at = _row(person)
    assert len(public_id) == 32
    assert language is Language.GERMAN
    assert created_at == now


def test_constants_and_values_of_an_update_reach_its_row_alone(app: Flask) -> None:
    with transaction() as session:
        anna, bert = add_people(session, 2)
    with transaction() as session:
        assert _RENAME.all(session, {"person": anna, "name": "Anna", "language": Language.ENGLISH})[0][0] == "Anna"
    assert (_row(anna)[1], _row(bert)[1]) == (Language.ENGLISH, Language.GERMAN)


def test_a_refused_row_is_an_error_of_sqlalchemys_and_leaves_nothing(app: Flask) -> None:
    with transaction() as session:
        (person,) = add_people(session, 1)

    def change_and_fail() -> None:
        with transaction() as session:
            _RENAME.all(session, {"person": person, "name": "Anna", "language": Language.ENGLISH})
            _KEY.run(session, {"subject_id": 999_999, "wrapped": b"x"})

    with pytest.raises(sa.exc.IntegrityError):
        change_and_fail()
    assert _row(person)[1] is Language.GERMAN


def test_no_row_is_said(app: Flask) -> None:
    with pytest.raises(sa.exc.NoResultFound):
        _row(999_999)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_was_cut_is_given_up_and_another_taken(app: Flask) -> None:
    with transaction() as session:
        (person,) = add_people(session, 1)

    def read_on_a_cut_connection() -> None:
        with reading() as session:
            backend = session.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
            with reading() as other:
                other.execute(sa.text("SELECT pg_terminate_backend(:backend)"), {"backend": backend})
            _PERSON.one(session, {"person": person})

    with pytest.raises(sa.exc.OperationalError) as cut:
        read_on_a_cut_connection()
    assert cut.value.connection_invalidated
    assert _row(person)[1] is Language.GERMAN
