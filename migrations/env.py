"""Alembic's environment: runs inside the application, on whatever database it is set to."""

import sqlalchemy as sa
from alembic import context
from flask import current_app

from consent_service.audit import models as _audit  # noqa: F401
from consent_service.campaigns import models as _campaigns  # noqa: F401
from consent_service.database import Base, UtcDateTime
from consent_service.deliverability import models as _deliverability  # noqa: F401
from consent_service.evidence import models as _evidence  # noqa: F401
from consent_service.exports import models as _exports  # noqa: F401
from consent_service.extensions import database
from consent_service.imports import models as _imports  # noqa: F401
from consent_service.inbound import models as _inbound  # noqa: F401
from consent_service.ledger import models as _ledger  # noqa: F401
from consent_service.mailing import models as _mailing  # noqa: F401
from consent_service.notice import models as _notice  # noqa: F401
from consent_service.preferences import models as _preferences  # noqa: F401
from consent_service.registrations import models as _registrations  # noqa: F401
from consent_service.seminars import models as _seminars  # noqa: F401
from consent_service.signing import models as _signing  # noqa: F401
from consent_service.staff import models as _staff  # noqa: F401
from consent_service.subjects import models as _subjects  # noqa: F401
from consent_service.surveys import models as _surveys  # noqa: F401


def _plain_type(kind: str, value: object, _context: object) -> str | bool:
    """Migrations name plain types, so that an old one does not change when the code does."""
    if kind == "type" and isinstance(value, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(value, sa.Enum):
        return "sa.String(32)"
    return False


def run() -> None:
    """Runs the migrations in one transaction: all or none."""
    assert current_app
    with database.engine.execution_options(writes=True).connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            render_item=_plain_type,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
