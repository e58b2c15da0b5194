"""delivery troubles, and campaigns that wait for a person's word"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('delivery_troubles',
    sa.Column('part', sa.String(32), nullable=False),
    sa.Column('kind', sa.String(32), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('latest_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('times', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('part', name=op.f('pk_delivery_troubles'))
    )
    # SQLite adds a column that must have a value only with a constant.
    long_ago = sa.text("'1970-01-01 00:00:00'")
    op.add_column('mailings', sa.Column('went_on_at', sa.DateTime(timezone=True), nullable=False, server_default=long_ago))
    op.add_column('mailings', sa.Column('held_at', sa.DateTime(timezone=True), nullable=True))
    mailings = sa.table('mailings', sa.column('went_on_at', sa.DateTime(timezone=True)))
    op.execute(mailings.update().values(went_on_at=sa.func.now()))


def downgrade() -> None:
    op.drop_column('mailings', 'held_at')
    op.drop_column('mailings', 'went_on_at')
    op.drop_table('delivery_troubles')
