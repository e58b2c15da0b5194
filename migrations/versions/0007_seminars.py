"""seminars, and exports that are of no purpose"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('seminars',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('state', sa.String(32), nullable=False),
    sa.Column('venue', sa.String(32), nullable=False),
    sa.Column('address', sa.String(length=500), nullable=True),
    sa.Column('join_url', sa.String(length=500), nullable=True),
    sa.Column('time_zone', sa.String(length=64), nullable=False),
    sa.Column('capacity', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('waiting_capacity', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('opens_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closes_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cut_off_hours', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('leads', sa.JSON(), nullable=False),
    sa.Column('contact', sa.String(length=254), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sequence', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('next_position', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(length=254), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_seminars')),
    sa.UniqueConstraint('public_id', name=op.f('uq_seminars_public_id'))
    )
    with op.batch_alter_table('seminars', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_seminars_ends_at'), ['ends_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_seminars_starts_at'), ['starts_at'], unique=False)

    op.create_table('seminar_dates',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('seminar_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['seminar_id'], ['seminars.id'], name=op.f('fk_seminar_dates_seminar_id_seminars'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_seminar_dates')),
    sa.UniqueConstraint('public_id', name=op.f('uq_seminar_dates_public_id'))
    )
    with op.batch_alter_table('seminar_dates', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_seminar_dates_seminar_id'), ['seminar_id'], unique=False)

    op.create_table('seminar_notices',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('seminar_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('details', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['seminar_id'], ['seminars.id'], name=op.f('fk_seminar_notices_seminar_id_seminars'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_seminar_notices')),
    sa.UniqueConstraint('seminar_id', 'kind', 'key', name=op.f('uq_seminar_notices_seminar_id_kind_key'))
    )
    with op.batch_alter_table('seminar_notices', schema=None) as batch_op:
        batch_op.create_index('ix_seminar_notices_unfinished', ['id'], unique=False, sqlite_where=sa.text('finished_at IS NULL'), postgresql_where=sa.text('finished_at IS NULL'))

    op.create_table('seminar_questions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('key', sa.String(length=32), nullable=False),
    sa.Column('seminar_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('position', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(32), nullable=False),
    sa.Column('required', sa.Boolean(), nullable=False),
    sa.Column('words', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['seminar_id'], ['seminars.id'], name=op.f('fk_seminar_questions_seminar_id_seminars'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_seminar_questions')),
    sa.UniqueConstraint('key', name=op.f('uq_seminar_questions_key'))
    )
    with op.batch_alter_table('seminar_questions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_seminar_questions_seminar_id'), ['seminar_id'], unique=False)

    op.create_table('seminar_seats',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('seminar_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('state', sa.String(32), nullable=False),
    sa.Column('position', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('language', sa.String(32), nullable=False),
    sa.Column('channel', sa.String(32), nullable=False),
    sa.Column('registration', sa.String(length=32), nullable=True),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('placed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sequence', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['seminar_id'], ['seminars.id'], name=op.f('fk_seminar_seats_seminar_id_seminars'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['subject_id'], ['subjects.id'], name=op.f('fk_seminar_seats_subject_id_subjects')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_seminar_seats')),
    sa.UniqueConstraint('public_id', name=op.f('uq_seminar_seats_public_id')),
    sa.UniqueConstraint('seminar_id', 'subject_id', name=op.f('uq_seminar_seats_seminar_id_subject_id'))
    )
    with op.batch_alter_table('seminar_seats', schema=None) as batch_op:
        batch_op.create_index('ix_seminar_seats_seminar_id_state_position', ['seminar_id', 'state', 'position'], unique=False)
        batch_op.create_index('ix_seminar_seats_subject_id', ['subject_id'], unique=False)

    op.create_table('seminar_texts',
    sa.Column('seminar_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('language', sa.String(32), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['seminar_id'], ['seminars.id'], name=op.f('fk_seminar_texts_seminar_id_seminars'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('seminar_id', 'language', name=op.f('pk_seminar_texts'))
    )
    op.create_table('seminar_notice_copies',
    sa.Column('notice_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('seat_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('message_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['notice_id'], ['seminar_notices.id'], name=op.f('fk_seminar_notice_copies_notice_id_seminar_notices'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['seat_id'], ['seminar_seats.id'], name=op.f('fk_seminar_notice_copies_seat_id_seminar_seats'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('notice_id', 'seat_id', name=op.f('pk_seminar_notice_copies'))
    )
    with op.batch_alter_table('seminar_notice_copies', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_seminar_notice_copies_seat_id'), ['seat_id'], unique=False)

    op.create_table('seminar_requests',
    sa.Column('registration', sa.String(length=32), nullable=False),
    sa.Column('seminar_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['registration'], ['registrations.public_id'], name=op.f('fk_seminar_requests_registration_registrations'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['seminar_id'], ['seminars.id'], name=op.f('fk_seminar_requests_seminar_id_seminars'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('registration', name=op.f('pk_seminar_requests'))
    )
    with op.batch_alter_table('seminar_requests', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_seminar_requests_seminar_id'), ['seminar_id'], unique=False)

    with op.batch_alter_table('exports', schema=None) as batch_op:
        batch_op.add_column(sa.Column('about', sa.String(length=300), nullable=True))
        batch_op.alter_column('purpose_id',
               existing_type=sa.INTEGER(),
               nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM exports WHERE purpose_id IS NULL")
    with op.batch_alter_table('exports', schema=None) as batch_op:
        batch_op.alter_column('purpose_id',
               existing_type=sa.INTEGER(),
               nullable=False)
        batch_op.drop_column('about')

    with op.batch_alter_table('seminar_requests', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_seminar_requests_seminar_id'))

    op.drop_table('seminar_requests')
    with op.batch_alter_table('seminar_notice_copies', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_seminar_notice_copies_seat_id'))

    op.drop_table('seminar_notice_copies')
    op.drop_table('seminar_texts')
    with op.batch_alter_table('seminar_seats', schema=None) as batch_op:
        batch_op.drop_index('ix_seminar_seats_subject_id')
        batch_op.drop_index('ix_seminar_seats_seminar_id_state_position')

    op.drop_table('seminar_seats')
    with op.batch_alter_table('seminar_questions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_seminar_questions_seminar_id'))

    op.drop_table('seminar_questions')
    with op.batch_alter_table('seminar_notices', schema=None) as batch_op:
        batch_op.drop_index('ix_seminar_notices_unfinished', sqlite_where=sa.text('finished_at IS NULL'), postgresql_where=sa.text('finished_at IS NULL'))

    op.drop_table('seminar_notices')
    with op.batch_alter_table('seminar_dates', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_seminar_dates_seminar_id'))

    op.drop_table('seminar_dates')
    with op.batch_alter_table('seminars', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_seminars_starts_at'))
        batch_op.drop_index(batch_op.f('ix_seminars_ends_at'))

    op.drop_table('seminars')
