"""Bringing the database's tables up to date."""

import flask_migrate

from consent_service.database import transaction
from consent_service.subjects import service as subjects


def migrate_database(revision: str = "head") -> None:
    """Runs the migrations up to a revision, and remembers the suppression key's canary. Raises WrongSuppressionKey."""
    flask_migrate.upgrade(revision=revision)
    with transaction() as session:
        subjects.check_suppression_key(session)
