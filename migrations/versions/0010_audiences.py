"""A mailing may be limited to an audience; one campaign for each"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mailings", sa.Column("audience", sa.String(length=64), nullable=True))
    op.add_column("campaigns", sa.Column("audience", sa.String(length=64), nullable=True))
    op.create_index("ix_mailings_audience", "mailings", ["audience"])
    op.create_index("ix_campaigns_audience", "campaigns", ["audience"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_campaigns_audience", "campaigns")
    op.drop_index("ix_mailings_audience", "mailings")
    op.drop_column("campaigns", "audience")
    op.drop_column("mailings", "audience")
