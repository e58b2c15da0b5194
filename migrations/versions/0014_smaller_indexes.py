"""Indexes without the rows that have nothing in them: each sign-up and each copy of a mailing writes a page less"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SMALLER = (("data_keys", "subject_id"), ("messages", "recipient"))


def upgrade() -> None:
    for table, column in SMALLER:
        name, has_any = f"ix_{table}_{column}", sa.text(f"{column} IS NOT NULL")
        op.drop_index(name, table)
        op.create_index(name, table, [column], sqlite_where=has_any, postgresql_where=has_any)


def downgrade() -> None:
    for table, column in SMALLER:
        name = f"ix_{table}_{column}"
        op.drop_index(name, table)
        op.create_index(name, table, [column])
