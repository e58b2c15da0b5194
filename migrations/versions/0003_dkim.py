"""DKIM keys of the sending domains"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

SIGNING = sa.text("state = 'signing'")


def upgrade() -> None:
    op.create_table('dkim_keys',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('domain', sa.String(length=253), nullable=False),
    sa.Column('selector', sa.String(length=63), nullable=False),
    sa.Column('algorithm', sa.String(length=32), nullable=False),
    sa.Column('state', sa.String(length=32), nullable=False),
    sa.Column('state_since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('public_key', sa.Text(), nullable=False),
    sa.Column('private_key', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dkim_keys')),
    sa.UniqueConstraint('domain', 'selector', name=op.f('uq_dkim_keys_domain_selector'))
    )
    with op.batch_alter_table('dkim_keys', schema=None) as batch_op:
        batch_op.create_index('uq_dkim_keys_signing', ['domain', 'algorithm'], unique=True, sqlite_where=SIGNING, postgresql_where=SIGNING)


def downgrade() -> None:
    with op.batch_alter_table('dkim_keys', schema=None) as batch_op:
        batch_op.drop_index('uq_dkim_keys_signing')
    op.drop_table('dkim_keys')
