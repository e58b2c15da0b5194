"""counts of mailings, and sending failed mail again"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('mailing_counts',
    sa.Column('mailing_id', NUMBER, nullable=False),
    sa.Column('state', sa.String(32), nullable=False),
    sa.Column('messages', sa.JSON(), nullable=False),
    sa.Column('left_out', sa.JSON(), nullable=False),
    sa.Column('unconcerned', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('count_again_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['mailing_id'], ['mailings.id'], name=op.f('fk_mailing_counts_mailing_id_mailings')),
    sa.PrimaryKeyConstraint('mailing_id', name=op.f('pk_mailing_counts'))
    )
    # The worker counts what was sent before at once.
    op.execute("INSERT INTO mailing_counts (mailing_id, state, messages, left_out, count_again_at) "
               "SELECT id, state, '{}', '{}', started_at FROM mailings")
    op.create_table('mailing_retries',
    sa.Column('id', NUMBER, nullable=False),
    sa.Column('mailing_id', NUMBER, nullable=False),
    sa.Column('kinds', sa.JSON(), nullable=False),
    sa.Column('retried_to', NUMBER, nullable=False),
    sa.Column('is_done', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['mailing_id'], ['mailings.id'], name=op.f('fk_mailing_retries_mailing_id_mailings')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mailing_retries'))
    )
    op.create_index(op.f('ix_mailing_retries_is_done'), 'mailing_retries', ['is_done'])
    op.drop_index('ix_messages_mailing_id_state', table_name='messages')
    op.create_index('ix_messages_mailing_id_state_id', 'messages', ['mailing_id', 'state', 'id'])


def downgrade() -> None:
    op.drop_index('ix_messages_mailing_id_state_id', table_name='messages')
    op.create_index('ix_messages_mailing_id_state', 'messages', ['mailing_id', 'state'])
    op.drop_table('mailing_retries')
    op.drop_table('mailing_counts')
