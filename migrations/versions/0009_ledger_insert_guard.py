"""the guard against INSERT OR REPLACE in the ledger looks up each key by its index

An OR of conditions, as 0002 had it, reads the whole ledger for each new line once SQLite has analysed the
database. PostgreSQL needs no such guard.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEYS = (
    "id = new.id",
    "public_id = new.public_id",
    "ends_event_id = new.ends_event_id",
    "registration = new.registration AND purpose_id = new.purpose_id",
)


def upgrade() -> None:
    _guard(" OR ".join(f"EXISTS (SELECT 1 FROM consent_events WHERE {key})" for key in KEYS))


def downgrade() -> None:
    any_key = " OR ".join(f"({key})" for key in KEYS)
    _guard(f"EXISTS (SELECT 1 FROM consent_events WHERE {any_key})")


def _guard(key_exists: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER consent_events_no_replace")
        op.execute(
            "CREATE TRIGGER consent_events_no_replace BEFORE INSERT ON consent_events "
            f"WHEN {key_exists} BEGIN SELECT raise(ABORT, 'consent_events is append-only'); END"
        )
