"""Bringing the database's tables up to date or back, and granting the application its rights on them."""

from dataclasses import dataclass

import flask_migrate
import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from flask import current_app

from consent_service.database import reading, transaction
from consent_service.domain.errors import NotFound, Refused
from consent_service.subjects import service as subjects

NEWEST = "head"
OLDEST = "base"
APPEND_ONLY = ("consent_events", "audit_entries")


@dataclass(frozen=True, slots=True)
class Step:
    """One migration that is to be run, up or down."""

    revision: str
    title: str
    up: bool


def steps(target: str = NEWEST) -> list[Step]:
    """What lies between the database and a revision, in the order in which it is run. Raises NotFound."""
    history = _history()
    revisions = [script.revision for script in history]
    with reading() as session:
        current = MigrationContext.configure(session.connection()).get_current_revision()
    now, then = _position(revisions, current or OLDEST), _position(revisions, target)
    up = then > now
    between = history[now:then] if up else reversed(history[then:now])
    return [Step(script.revision, script.doc.partition("\n")[0], up) for script in between]


def _history() -> list[Script]:
    """All migrations, oldest first: they stand in one line."""
    config: Config = current_app.extensions["migrate"].migrate.get_config()
    return list(reversed(list(ScriptDirectory.from_config(config).walk_revisions())))


def _position(revisions: list[str], revision: str) -> int:
    if revision in (NEWEST, OLDEST):
        return len(revisions) if revision == NEWEST else 0
    if revision not in revisions:
        raise NotFound(f"there is no migration {revision}; there are {', '.join(revisions)}")
    return revisions.index(revision) + 1


def migrate_database(target: str = NEWEST) -> list[Step]:
    """Runs the migrations up or down to a revision; at the newest, remembers the suppression key's canary.

    Returns what was run. Raises NotFound, and WrongSuppressionKey.
    """
    run = steps(target)
    try:
        if run and run[0].up:
            flask_migrate.upgrade(revision=target)
        elif run:
            flask_migrate.downgrade(revision=target)
    except CommandError as error:
        raise Refused(str(error)) from error
    if not steps():
        with transaction() as session:
            subjects.check_suppression_key(session)
    return run


def grant_to(role: str) -> None:
    """Gives a PostgreSQL role what the application needs, and nothing more: it cannot change what is append-only.

    The role must exist and should own nothing; run it after each migration. Raises Refused on SQLite.
    """
    with transaction() as session:
        connection = session.connection()
        if connection.dialect.name != "postgresql":
            raise Refused("roles are PostgreSQL's; on SQLite the file's permissions and the triggers protect it")
        if not connection.scalar(sa.text("SELECT count(*) FROM pg_roles WHERE rolname = :role"), {"role": role}):
            raise NotFound(f"there is no role {role}; make it with CREATE ROLE … LOGIN PASSWORD …")
        quoted = connection.dialect.identifier_preparer.quote
        grantee, schema = quoted(role), quoted(str(connection.scalar(sa.text("SELECT current_schema()"))))
        append_only = ", ".join(f"{schema}.{table}" for table in APPEND_ONLY)
        for statement in (
            f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {grantee}",
            f"GRANT USAGE ON SCHEMA {schema} TO {grantee}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {grantee}",
            f"REVOKE UPDATE, DELETE ON {append_only} FROM {grantee}",
            f"REVOKE INSERT, UPDATE, DELETE ON {schema}.alembic_version FROM {grantee}",
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {grantee}",
        ):
            connection.exec_driver_sql(statement)
