"""first tables"""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('audit_entries',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.String(length=120), nullable=False),
    sa.Column('action', sa.String(length=40), nullable=False),
    sa.Column('target', sa.String(length=64), nullable=True),
    sa.Column('details', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_entries'))
    )
    with op.batch_alter_table('audit_entries', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_entries_action'), ['action'], unique=False)
        batch_op.create_index(batch_op.f('ix_audit_entries_at'), ['at'], unique=False)

    op.create_table('notices',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('digest', sa.LargeBinary(length=32), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notices')),
    sa.UniqueConstraint('number', name=op.f('uq_notices_number'))
    )
    op.create_table('purposes',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('basis', sa.String(32), nullable=False),
    sa.Column('position', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('offered', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_purposes')),
    sa.UniqueConstraint('code', name=op.f('uq_purposes_code'))
    )
    op.create_table('roles',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_roles')),
    sa.UniqueConstraint('name', name=op.f('uq_roles_name'))
    )
    op.create_table('staff',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('password', sa.String(length=255), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('fs_uniquifier', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff')),
    sa.UniqueConstraint('email', name=op.f('uq_staff_email')),
    sa.UniqueConstraint('fs_uniquifier', name=op.f('uq_staff_fs_uniquifier'))
    )
    op.create_table('subjects',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('address', sa.String(length=254), nullable=True),
    sa.Column('normalised_address', sa.String().with_variant(sa.String(collation='C'), 'postgresql'), nullable=True),
    sa.Column('suppression_digest', sa.LargeBinary(length=32), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=True),
    sa.Column('sortable_name', sa.String().with_variant(sa.String(collation='C'), 'postgresql'), nullable=True),
    sa.Column('language', sa.String(32), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('erased_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_subjects')),
    sa.UniqueConstraint('normalised_address', name=op.f('uq_subjects_normalised_address')),
    sa.UniqueConstraint('public_id', name=op.f('uq_subjects_public_id')),
    sa.UniqueConstraint('suppression_digest', name=op.f('uq_subjects_suppression_digest'))
    )
    with op.batch_alter_table('subjects', schema=None) as batch_op:
        batch_op.create_index('ix_subjects_sortable_name_id', ['sortable_name', 'id'], unique=False)

    op.create_table('suppression_canary',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('digest', sa.LargeBinary(length=32), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_suppression_canary'))
    )
    op.create_table('data_keys',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('wrapped', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['subject_id'], ['subjects.id'], name=op.f('fk_data_keys_subject_id_subjects')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_data_keys')),
    sqlite_autoincrement=True,
    )
    with op.batch_alter_table('data_keys', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_data_keys_subject_id'), ['subject_id'], unique=False)

    op.create_table('exports',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('purpose_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('format', sa.String(32), nullable=False),
    sa.Column('third_party', sa.String(length=200), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('requested_by', sa.String(length=254), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('rows', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['purpose_id'], ['purposes.id'], name=op.f('fk_exports_purpose_id_purposes')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_exports')),
    sa.UniqueConstraint('public_id', name=op.f('uq_exports_public_id'))
    )
    op.create_table('imports',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('kind', sa.String(32), nullable=False),
    sa.Column('state', sa.String(32), nullable=False),
    sa.Column('purpose_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('file_name', sa.String(length=200), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('staged_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('staged_by', sa.String(length=254), nullable=False),
    sa.Column('applied_by', sa.String(length=254), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('applied_to', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('counts', sa.JSON(), nullable=False),
    sa.Column('applied_counts', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['purpose_id'], ['purposes.id'], name=op.f('fk_imports_purpose_id_purposes')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imports')),
    sa.UniqueConstraint('public_id', name=op.f('uq_imports_public_id'))
    )
    op.create_index('ix_imports_state', 'imports', ['state'])
    op.create_table('leaving_reasons',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purpose_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('day', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason', sa.String(32), nullable=False),
    sa.ForeignKeyConstraint(['purpose_id'], ['purposes.id'], name=op.f('fk_leaving_reasons_purpose_id_purposes')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_leaving_reasons'))
    )
    op.create_table('mailings',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purpose_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('state', sa.String(32), nullable=False),
    sa.Column('filled_to', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('is_filled', sa.Boolean(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['purpose_id'], ['purposes.id'], name=op.f('fk_mailings_purpose_id_purposes')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mailings'))
    )
    with op.batch_alter_table('mailings', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mailings_state'), ['state'], unique=False)

    op.create_table('notice_texts',
    sa.Column('notice_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('language', sa.String(32), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['notice_id'], ['notices.id'], name=op.f('fk_notice_texts_notice_id_notices')),
    sa.PrimaryKeyConstraint('notice_id', 'language', name=op.f('pk_notice_texts'))
    )
    op.create_table('person_keys',
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('wrapped', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['subject_id'], ['subjects.id'], name=op.f('fk_person_keys_subject_id_subjects')),
    sa.PrimaryKeyConstraint('subject_id', name=op.f('pk_person_keys'))
    )
    op.create_table('purpose_versions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purpose_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('digest', sa.LargeBinary(length=32), nullable=False),
    sa.Column('third_parties', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['purpose_id'], ['purposes.id'], name=op.f('fk_purpose_versions_purpose_id_purposes')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_purpose_versions')),
    sa.UniqueConstraint('purpose_id', 'number', name=op.f('uq_purpose_versions_purpose_id_number'))
    )
    op.create_table('registrations',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('kind', sa.String(32), nullable=False),
    sa.Column('state', sa.String(32), nullable=False),
    sa.Column('address', sa.String(length=254), nullable=False),
    sa.Column('normalised_address', sa.String().with_variant(sa.String(collation='C'), 'postgresql'), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=True),
    sa.Column('language', sa.String(32), nullable=False),
    sa.Column('notice_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('message_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('data_key_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('evidence', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['notice_id'], ['notices.id'], name=op.f('fk_registrations_notice_id_notices')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_registrations')),
    sa.UniqueConstraint('public_id', name=op.f('uq_registrations_public_id'))
    )
    with op.batch_alter_table('registrations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_registrations_expires_at'), ['expires_at'], unique=False)
        batch_op.create_index('ix_registrations_normalised_address_requested_at', ['normalised_address', 'requested_at'], unique=False)
        batch_op.create_index('ix_registrations_undecided', ['id'], unique=False, sqlite_where=sa.text("state = 'requested'"), postgresql_where=sa.text("state = 'requested'"))

    op.create_table('staff_roles',
    sa.Column('staff_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('role_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['role_id'], ['roles.id'], name=op.f('fk_staff_roles_role_id_roles'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_staff_roles_staff_id_staff'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('staff_id', 'role_id', name=op.f('pk_staff_roles'))
    )
    op.create_table('state_count_differences',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purpose_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('status', sa.String(32), nullable=False),
    sa.Column('difference', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['purpose_id'], ['purposes.id'], name=op.f('fk_state_count_differences_purpose_id_purposes')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_state_count_differences'))
    )
    op.create_table('state_counts',
    sa.Column('purpose_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('status', sa.String(32), nullable=False),
    sa.Column('people', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['purpose_id'], ['purposes.id'], name=op.f('fk_state_counts_purpose_id_purposes')),
    sa.PrimaryKeyConstraint('purpose_id', 'status', name=op.f('pk_state_counts'))
    )
    op.create_table('suppressions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('digest', sa.LargeBinary(length=32), nullable=False),
    sa.Column('purpose_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('reason', sa.String(32), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lifted_because', sa.String(length=200), nullable=True),
    sa.ForeignKeyConstraint(['purpose_id'], ['purposes.id'], name=op.f('fk_suppressions_purpose_id_purposes')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_suppressions'))
    )
    op.create_index('uq_suppressions_in_force', 'suppressions', ['digest', sa.text('coalesce(purpose_id, 0)'), 'reason'], unique=True, sqlite_where=sa.text('lifted_at IS NULL'), postgresql_where=sa.text('lifted_at IS NULL'))
    op.create_table('unsubscribe_links',
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purpose_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['purpose_id'], ['purposes.id'], name=op.f('fk_unsubscribe_links_purpose_id_purposes')),
    sa.ForeignKeyConstraint(['subject_id'], ['subjects.id'], name=op.f('fk_unsubscribe_links_subject_id_subjects')),
    sa.PrimaryKeyConstraint('public_id', name=op.f('pk_unsubscribe_links')),
    sa.UniqueConstraint('subject_id', 'purpose_id', name=op.f('uq_unsubscribe_links_subject_id_purpose_id'))
    )
    op.create_table('campaigns',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('purpose_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.String(length=254), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mailing_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.ForeignKeyConstraint(['mailing_id'], ['mailings.id'], name=op.f('fk_campaigns_mailing_id_mailings')),
    sa.ForeignKeyConstraint(['purpose_id'], ['purposes.id'], name=op.f('fk_campaigns_purpose_id_purposes')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_campaigns')),
    sa.UniqueConstraint('mailing_id', name=op.f('uq_campaigns_mailing_id')),
    sa.UniqueConstraint('public_id', name=op.f('uq_campaigns_public_id'))
    )
    op.create_table('consent_events',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purpose_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purpose_version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(32), nullable=False),
    sa.Column('basis', sa.String(32), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('channel', sa.String(32), nullable=False),
    sa.Column('notice_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('registration', sa.String(length=32), nullable=True),
    sa.Column('ends_event_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('data_key_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('evidence', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['ends_event_id'], ['consent_events.id'], name=op.f('fk_consent_events_ends_event_id_consent_events')),
    sa.ForeignKeyConstraint(['notice_id'], ['notices.id'], name=op.f('fk_consent_events_notice_id_notices')),
    sa.ForeignKeyConstraint(['purpose_id'], ['purposes.id'], name=op.f('fk_consent_events_purpose_id_purposes')),
    sa.ForeignKeyConstraint(['purpose_version_id'], ['purpose_versions.id'], name=op.f('fk_consent_events_purpose_version_id_purpose_versions')),
    sa.ForeignKeyConstraint(['subject_id'], ['subjects.id'], name=op.f('fk_consent_events_subject_id_subjects')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consent_events')),
    sa.UniqueConstraint('ends_event_id', name=op.f('uq_consent_events_ends_event_id')),
    sa.UniqueConstraint('public_id', name=op.f('uq_consent_events_public_id')),
    sa.UniqueConstraint('registration', 'purpose_id', name=op.f('uq_consent_events_registration_purpose_id'))
    )
    with op.batch_alter_table('consent_events', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_consent_events_subject_id'), ['subject_id'], unique=False)

    op.create_table('import_rows',
    sa.Column('import_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('line', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('result', sa.String(32), nullable=False),
    sa.Column('reason', sa.String(32), nullable=True),
    sa.Column('address', sa.String(length=254), nullable=True),
    sa.Column('normalised_address', sa.String().with_variant(sa.String(collation='C'), 'postgresql'), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=True),
    sa.Column('language', sa.String(32), nullable=True),
    sa.Column('customer_since', sa.String(length=10), nullable=True),
    sa.Column('source', sa.String(length=200), nullable=True),
    sa.ForeignKeyConstraint(['import_id'], ['imports.id'], name=op.f('fk_import_rows_import_id_imports')),
    sa.PrimaryKeyConstraint('import_id', 'line', name=op.f('pk_import_rows'))
    )
    op.create_index('ix_import_rows_import_id_normalised_address', 'import_rows', ['import_id', 'normalised_address'])
    op.create_index('ix_import_rows_import_id_result_line', 'import_rows', ['import_id', 'result', 'line'])
    op.create_table('mailing_templates',
    sa.Column('mailing_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('language', sa.String(32), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('mime', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['mailing_id'], ['mailings.id'], name=op.f('fk_mailing_templates_mailing_id_mailings')),
    sa.PrimaryKeyConstraint('mailing_id', 'language', name=op.f('pk_mailing_templates'))
    )
    op.create_table('messages',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('kind', sa.String(32), nullable=False),
    sa.Column('state', sa.String(32), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('not_before', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lease_token', sa.String(length=32), nullable=True),
    sa.Column('handed_over_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reply', sa.Text(), nullable=True),
    sa.Column('left_out', sa.String(32), nullable=True),
    sa.Column('mailing_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('recipient', sa.String(length=254), nullable=True),
    sa.Column('content', sa.LargeBinary(), nullable=True),
    sa.ForeignKeyConstraint(['mailing_id'], ['mailings.id'], name=op.f('fk_messages_mailing_id_mailings')),
    sa.ForeignKeyConstraint(['subject_id'], ['subjects.id'], name=op.f('fk_messages_subject_id_subjects')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_messages')),
    sa.UniqueConstraint('mailing_id', 'subject_id', name=op.f('uq_messages_mailing_id_subject_id')),
    sa.UniqueConstraint('public_id', name=op.f('uq_messages_public_id'))
    )
    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.create_index('ix_messages_failed', ['mailing_id', 'not_before', 'id'], unique=False, sqlite_where=sa.text("state = 'failed'"), postgresql_where=sa.text("state = 'failed'"))
        batch_op.create_index('ix_messages_leased', ['lease_until'], unique=False, sqlite_where=sa.text("state IN ('claimed', 'handing')"), postgresql_where=sa.text("state IN ('claimed', 'handing')"))
        batch_op.create_index('ix_messages_mailing_id_state', ['mailing_id', 'state'], unique=False)
        batch_op.create_index('ix_messages_recipient', ['recipient'], unique=False)
        batch_op.create_index('ix_messages_subject_id', ['subject_id'], unique=False)
        batch_op.create_index('ix_messages_waiting', ['mailing_id', 'not_before', 'id'], unique=False, sqlite_where=sa.text("state IN ('queued', 'deferred')"), postgresql_where=sa.text("state IN ('queued', 'deferred')"))

    op.create_table('purpose_texts',
    sa.Column('version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('language', sa.String(32), nullable=False),
    sa.Column('title', sa.String(length=120), nullable=False),
    sa.Column('wording', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['version_id'], ['purpose_versions.id'], name=op.f('fk_purpose_texts_version_id_purpose_versions')),
    sa.PrimaryKeyConstraint('version_id', 'language', name=op.f('pk_purpose_texts'))
    )
    op.create_table('registration_purposes',
    sa.Column('registration_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purpose_version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['purpose_version_id'], ['purpose_versions.id'], name=op.f('fk_registration_purposes_purpose_version_id_purpose_versions')),
    sa.ForeignKeyConstraint(['registration_id'], ['registrations.id'], name=op.f('fk_registration_purposes_registration_id_registrations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('registration_id', 'purpose_version_id', name=op.f('pk_registration_purposes'))
    )
    op.create_table('campaign_texts',
    sa.Column('campaign_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('language', sa.String(32), nullable=False),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_campaign_texts_campaign_id_campaigns'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('campaign_id', 'language', name=op.f('pk_campaign_texts'))
    )
    op.create_table('consent_states',
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('purpose_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('status', sa.String(32), nullable=False),
    sa.Column('basis', sa.String(32), nullable=False),
    sa.Column('purpose_version_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('event_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['consent_events.id'], name=op.f('fk_consent_states_event_id_consent_events')),
    sa.ForeignKeyConstraint(['purpose_id'], ['purposes.id'], name=op.f('fk_consent_states_purpose_id_purposes')),
    sa.ForeignKeyConstraint(['purpose_version_id'], ['purpose_versions.id'], name=op.f('fk_consent_states_purpose_version_id_purpose_versions')),
    sa.ForeignKeyConstraint(['subject_id'], ['subjects.id'], name=op.f('fk_consent_states_subject_id_subjects')),
    sa.PrimaryKeyConstraint('subject_id', 'purpose_id', name=op.f('pk_consent_states'))
    )
    with op.batch_alter_table('consent_states', schema=None) as batch_op:
        batch_op.create_index('ix_consent_states_purpose_id_status_subject_id', ['purpose_id', 'status', 'subject_id'], unique=False)

    op.create_table('unsealed_events',
    sa.Column('event_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['consent_events.id'], name=op.f('fk_unsealed_events_event_id_consent_events')),
    sa.PrimaryKeyConstraint('event_id', name=op.f('pk_unsealed_events'))
    )


def downgrade() -> None:
    op.drop_table('unsealed_events')
    with op.batch_alter_table('consent_states', schema=None) as batch_op:
        batch_op.drop_index('ix_consent_states_purpose_id_status_subject_id')

    op.drop_table('consent_states')
    op.drop_table('campaign_texts')
    op.drop_table('registration_purposes')
    op.drop_table('purpose_texts')
    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.drop_index('ix_messages_waiting', sqlite_where=sa.text("state IN ('queued', 'deferred')"), postgresql_where=sa.text("state IN ('queued', 'deferred')"))
        batch_op.drop_index('ix_messages_subject_id')
        batch_op.drop_index('ix_messages_recipient')
        batch_op.drop_index('ix_messages_mailing_id_state')
        batch_op.drop_index('ix_messages_leased', sqlite_where=sa.text("state IN ('claimed', 'handing')"), postgresql_where=sa.text("state IN ('claimed', 'handing')"))
        batch_op.drop_index('ix_messages_failed', sqlite_where=sa.text("state = 'failed'"), postgresql_where=sa.text("state = 'failed'"))

    op.drop_table('messages')
    op.drop_table('mailing_templates')
    op.drop_index('ix_import_rows_import_id_result_line', table_name='import_rows')
    op.drop_index('ix_import_rows_import_id_normalised_address', table_name='import_rows')
    op.drop_table('import_rows')
    with op.batch_alter_table('consent_events', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_consent_events_subject_id'))

    op.drop_table('consent_events')
    op.drop_table('campaigns')
    op.drop_table('unsubscribe_links')
    op.drop_table('suppressions')
    op.drop_table('state_counts')
    op.drop_table('state_count_differences')
    op.drop_table('staff_roles')
    with op.batch_alter_table('registrations', schema=None) as batch_op:
        batch_op.drop_index('ix_registrations_undecided', sqlite_where=sa.text("state = 'requested'"), postgresql_where=sa.text("state = 'requested'"))
        batch_op.drop_index('ix_registrations_normalised_address_requested_at')
        batch_op.drop_index(batch_op.f('ix_registrations_expires_at'))

    op.drop_table('registrations')
    op.drop_table('purpose_versions')
    op.drop_table('person_keys')
    op.drop_table('notice_texts')
    with op.batch_alter_table('mailings', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_mailings_state'))

    op.drop_table('mailings')
    op.drop_table('leaving_reasons')
    op.drop_index('ix_imports_state', table_name='imports')
    op.drop_table('imports')
    op.drop_table('exports')
    with op.batch_alter_table('data_keys', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_data_keys_subject_id'))

    op.drop_table('data_keys')
    op.drop_table('suppression_canary')
    with op.batch_alter_table('subjects', schema=None) as batch_op:
        batch_op.drop_index('ix_subjects_sortable_name_id')

    op.drop_table('subjects')
    op.drop_table('staff')
    op.drop_table('roles')
    op.drop_table('purposes')
    op.drop_table('notices')
    with op.batch_alter_table('audit_entries', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_audit_entries_at'))
        batch_op.drop_index(batch_op.f('ix_audit_entries_action'))

    op.drop_table('audit_entries')
