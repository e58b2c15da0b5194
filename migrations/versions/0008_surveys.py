"""surveys"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('survey_waiting_answers',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('batch', sa.String(length=32), nullable=False),
    sa.Column('box', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_waiting_answers')),
    sqlite_with_rowid=False
    )
    with op.batch_alter_table('survey_waiting_answers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_survey_waiting_answers_batch'), ['batch'], unique=False)

    op.create_table('surveys',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('mode', sa.String(32), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(length=254), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('opens_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closes_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_finished', sa.Boolean(), nullable=False),
    sa.Column('are_results_public', sa.Boolean(), nullable=False),
    sa.Column('reminded_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('is_reminder_done', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_surveys')),
    sa.UniqueConstraint('public_id', name=op.f('uq_surveys_public_id'))
    )
    with op.batch_alter_table('surveys', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_surveys_is_finished'), ['is_finished'], unique=False)

    op.create_table('survey_anonymous_answers',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('survey_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('language', sa.String(32), nullable=True),
    sa.Column('is_shown', sa.Boolean(), nullable=False),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['survey_id'], ['surveys.id'], name=op.f('fk_survey_anonymous_answers_survey_id_surveys')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_anonymous_answers')),
    sqlite_with_rowid=False
    )
    with op.batch_alter_table('survey_anonymous_answers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_survey_anonymous_answers_survey_id'), ['survey_id'], unique=False)

    op.create_table('survey_batches',
    sa.Column('survey_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('language', sa.String(32), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.ForeignKeyConstraint(['survey_id'], ['surveys.id'], name=op.f('fk_survey_batches_survey_id_surveys')),
    sa.PrimaryKeyConstraint('survey_id', 'language', name=op.f('pk_survey_batches')),
    sa.UniqueConstraint('public_id', name=op.f('uq_survey_batches_public_id'))
    )
    op.create_table('survey_count_differences',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('survey_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('question', sa.String(length=8), nullable=False),
    sa.Column('cell', sa.String(length=40), nullable=False),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.Column('day', sa.String(length=10), nullable=False),
    sa.Column('difference', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['survey_id'], ['surveys.id'], name=op.f('fk_survey_count_differences_survey_id_surveys')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_count_differences'))
    )
    with op.batch_alter_table('survey_count_differences', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_survey_count_differences_survey_id'), ['survey_id'], unique=False)

    op.create_table('survey_counts',
    sa.Column('survey_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('question', sa.String(length=8), nullable=False),
    sa.Column('cell', sa.String(length=40), nullable=False),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.Column('day', sa.String(length=10), nullable=False),
    sa.Column('number', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['survey_id'], ['surveys.id'], name=op.f('fk_survey_counts_survey_id_surveys')),
    sa.PrimaryKeyConstraint('survey_id', 'question', 'cell', 'language', 'day', name=op.f('pk_survey_counts'))
    )
    op.create_table('survey_participants',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('survey_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('registered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('is_reminded', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['subject_id'], ['subjects.id'], name=op.f('fk_survey_participants_subject_id_subjects')),
    sa.ForeignKeyConstraint(['survey_id'], ['surveys.id'], name=op.f('fk_survey_participants_survey_id_surveys')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_participants')),
    sa.UniqueConstraint('public_id', name=op.f('uq_survey_participants_public_id')),
    sa.UniqueConstraint('survey_id', 'subject_id', name=op.f('uq_survey_participants_survey_id_subject_id'))
    )
    with op.batch_alter_table('survey_participants', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_survey_participants_subject_id'), ['subject_id'], unique=False)

    op.create_table('survey_questions',
    sa.Column('survey_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=8), nullable=False),
    sa.Column('position', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('content', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['survey_id'], ['surveys.id'], name=op.f('fk_survey_questions_survey_id_surveys'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('survey_id', 'code', name=op.f('pk_survey_questions'))
    )
    op.create_table('survey_requests',
    sa.Column('registration', sa.String(length=32), nullable=False),
    sa.Column('survey_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['survey_id'], ['surveys.id'], name=op.f('fk_survey_requests_survey_id_surveys')),
    sa.PrimaryKeyConstraint('registration', name=op.f('pk_survey_requests'))
    )
    op.create_table('survey_responses',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('survey_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('language', sa.String(32), nullable=False),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.Column('saved_pages', sa.JSON(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_on', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['subject_id'], ['subjects.id'], name=op.f('fk_survey_responses_subject_id_subjects')),
    sa.ForeignKeyConstraint(['survey_id'], ['surveys.id'], name=op.f('fk_survey_responses_survey_id_surveys')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_survey_responses')),
    sa.UniqueConstraint('survey_id', 'subject_id', name=op.f('uq_survey_responses_survey_id_subject_id'))
    )
    with op.batch_alter_table('survey_responses', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_survey_responses_subject_id'), ['subject_id'], unique=False)

    op.create_table('survey_taking_part',
    sa.Column('survey_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('is_mixed', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['subject_id'], ['subjects.id'], name=op.f('fk_survey_taking_part_subject_id_subjects')),
    sa.ForeignKeyConstraint(['survey_id'], ['surveys.id'], name=op.f('fk_survey_taking_part_survey_id_surveys')),
    sa.PrimaryKeyConstraint('survey_id', 'subject_id', name=op.f('pk_survey_taking_part')),
    sqlite_with_rowid=False
    )
    with op.batch_alter_table('survey_taking_part', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_survey_taking_part_subject_id'), ['subject_id'], unique=False)

    op.create_table('survey_texts',
    sa.Column('survey_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('language', sa.String(32), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('intro', sa.Text(), nullable=False),
    sa.Column('closing', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['survey_id'], ['surveys.id'], name=op.f('fk_survey_texts_survey_id_surveys'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('survey_id', 'language', name=op.f('pk_survey_texts'))
    )


def downgrade() -> None:
    op.drop_table('survey_texts')
    with op.batch_alter_table('survey_taking_part', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_survey_taking_part_subject_id'))

    op.drop_table('survey_taking_part')
    with op.batch_alter_table('survey_responses', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_survey_responses_subject_id'))

    op.drop_table('survey_responses')
    op.drop_table('survey_requests')
    op.drop_table('survey_questions')
    with op.batch_alter_table('survey_participants', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_survey_participants_subject_id'))

    op.drop_table('survey_participants')
    op.drop_table('survey_counts')
    with op.batch_alter_table('survey_count_differences', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_survey_count_differences_survey_id'))

    op.drop_table('survey_count_differences')
    op.drop_table('survey_batches')
    with op.batch_alter_table('survey_anonymous_answers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_survey_anonymous_answers_survey_id'))

    op.drop_table('survey_anonymous_answers')
    with op.batch_alter_table('surveys', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_surveys_is_finished'))

    op.drop_table('surveys')
    with op.batch_alter_table('survey_waiting_answers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_survey_waiting_answers_batch'))

    op.drop_table('survey_waiting_answers')
