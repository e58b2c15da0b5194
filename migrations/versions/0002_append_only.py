"""The ledger and the audit log are append-only: the database itself refuses the rest (design I1)

SQLite: triggers before UPDATE and DELETE, and before an INSERT whose key exists, because INSERT OR REPLACE
gets past the others. PostgreSQL: a row trigger, and one before TRUNCATE, which row triggers do not see.
A later migration that rebuilds one of these tables on SQLite must create its triggers anew.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Every unique key of each table: replacing a row by any of them would delete it.
KEYS = {
    "consent_events": (
        "id = new.id OR public_id = new.public_id OR ends_event_id = new.ends_event_id"
        " OR (registration = new.registration AND purpose_id = new.purpose_id)"
    ),
    "audit_entries": "id = new.id",
}


def upgrade() -> None:
    for table, same_key in KEYS.items():
        if op.get_bind().dialect.name == "sqlite":
            _guard_sqlite(table, same_key)
        else:
            _guard_postgresql(table)


def _guard_sqlite(table: str, same_key: str) -> None:
    refuse = f"SELECT raise(ABORT, '{table} is append-only')"
    op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {refuse}; END")
    op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {refuse}; END")
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same_key}) BEGIN {refuse}; END"
    )


def _guard_postgresql(table: str) -> None:
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_refuse()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )


def downgrade() -> None:
    for table in KEYS:
        if op.get_bind().dialect.name == "sqlite":
            for name in ("no_update", "no_delete", "no_replace"):
                op.execute(f"DROP TRIGGER {table}_{name}")
        else:
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
            op.execute(f"DROP TRIGGER {table}_no_change ON {table}")
            op.execute(f"DROP FUNCTION {table}_refuse()")
