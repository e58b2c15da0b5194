"""Migrations: up, down and up again on both databases; they agree with the models; roles get what they need."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from flask import Flask

from consent_service import check, migrating
from consent_service.application import create_app
from consent_service.config import from_environment
from consent_service.database import Base
from consent_service.domain.errors import NotFound
from consent_service.extensions import database
from consent_service.subjects.service import WrongSuppressionKey
from tests.conftest import environment, run_command
from tests.driving import Mailbox, Worker, confirmed


def _empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    uri: str = request.getfixturevalue("postgresql_uri")
    name = f"empty_{os.urandom(6).hex()}"
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield sa.make_url(uri).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


empty_url = pytest.fixture(params=["sqlite", "postgresql"], name="empty_url")(_empty_database)


@pytest.fixture
def empty(empty_url: str) -> Iterator[Flask]:
    """The application on a database without tables."""
    app = create_app(from_environment(environment(empty_url)))
    with app.app_context():
        yield app
        database.engine.dispose()


def _tables() -> set[str]:
    return set(sa.inspect(database.engine).get_table_names()) - {"alembic_version"}


def test_up_down_and_up_again(empty: Flask) -> None:
    up = migrating.migrate_database()
    assert [step.up for step in up] == [True] * len(up)
    tables = _tables()
    assert tables == set(Base.metadata.tables)
    down = migrating.migrate_database(migrating.OLDEST)
    assert [step.revision for step in down] == [step.revision for step in reversed(up)]
    assert _tables() == set()
    assert migrating.migrate_database() == up
    assert _tables() == tables


# Alembic cannot compare an index over an expression; tests of suppressions see whether it does its work.
@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_models_and_migrations_agree(empty: Flask) -> None:
    migrating.migrate_database()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_to_a_revision_and_back(empty: Flask) -> None:
    first, *rest = migrating.steps()
    migrating.migrate_database(first.revision)
    assert migrating.steps() == rest
    assert migrating.migrate_database(first.revision) == []
    with pytest.raises(NotFound, match="nonsense"):
        migrating.migrate_database("nonsense")


def test_an_unmigrated_database_is_refused_until_it_is_migrated(empty: Flask) -> None:
    with pytest.raises(check.NotReady, match="consent-service migrate"):
        check.refuse_unready()
    migrating.migrate_database()
    check.refuse_unready()


def test_another_suppression_key_is_refused(empty: Flask, empty_url: str) -> None:
    migrating.migrate_database()
    other = create_app(from_environment(environment(empty_url, SUPPRESSION_KEY="another-key-that-is-long-enough-too")))
    with other.app_context():
        with pytest.raises(check.NotReady, match="CONSENT_SUPPRESSION_KEY"):
            check.refuse_unready()
        with pytest.raises(WrongSuppressionKey):
            migrating.migrate_database()
        database.engine.dispose()


def test_the_command_says_what_it_would_run_and_runs_it(empty_url: str) -> None:
    foreseen = run_command(empty_url, "migrate", "--dry-run")
    assert foreseen.stdout.startswith("up 0001: ")
    run = run_command(empty_url, "migrate")
    assert (run.returncode, run.stdout) == (0, foreseen.stdout)
    again = run_command(empty_url, "migrate")
    assert (again.returncode, again.stdout) == (0, "")
    unknown = run_command(empty_url, "migrate", "--to", "nonsense")
    assert unknown.returncode == 1
    assert len(unknown.stderr.splitlines()) == 1


def test_roles_are_postgresqls(sqlite_url: str) -> None:
    refused = run_command(sqlite_url, "migrate", "--grant-to", "consent_app")
    assert refused.returncode == 1
    assert "PostgreSQL" in refused.stderr


@pytest.fixture
def role_url(postgresql_uri: str, postgresql_url: str) -> Iterator[str]:
    """The database as a role that owns nothing and was granted what the application needs."""
    role = f"app_{os.urandom(6).hex()}"
    with psycopg.connect(postgresql_uri, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
    assert run_command(postgresql_url, "migrate", "--grant-to", role).returncode == 0
    yield sa.make_url(postgresql_url).set(username=role).render_as_string(hide_password=False)
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role}")
        connection.execute(f"DROP ROLE {role}")


def test_a_granted_role_can_do_the_work_and_cannot_change_the_record(role_url: str, mailbox: Mailbox) -> None:
    app = create_app(from_environment(environment(role_url, mailbox.port)))
    with app.app_context():
        check.refuse_unready()
        confirmed(app.test_client(use_cookies=False), Worker(), mailbox, "anna@example.org")
        database.session.remove()
        database.engine.dispose()
    statements = [
        f"{verb} {table}{rest}"
        for table in migrating.APPEND_ONLY
        for verb, rest in (("UPDATE", " SET id = id"), ("DELETE FROM", ""), ("TRUNCATE", " CASCADE"))
    ]
    for statement in (*statements, "DROP TABLE messages", "UPDATE alembic_version SET version_num = '0'"):
        with (
            psycopg.connect(role_url) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(statement)
