"""The messages of a mailing by their state, without those in hand: each mail writes a page less"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

COLUMNS = ["mailing_id", "state", "id"]
AT_REST = sa.text("state NOT IN ('claimed', 'handing')")


def upgrade() -> None:
    op.create_index("ix_messages_at_rest", "messages", COLUMNS, sqlite_where=AT_REST, postgresql_where=AT_REST)
    op.drop_index("ix_messages_mailing_id_state_id", "messages")


def downgrade() -> None:
    op.create_index("ix_messages_mailing_id_state_id", "messages", COLUMNS)
    op.drop_index("ix_messages_at_rest", "messages")
