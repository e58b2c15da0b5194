"""mails that come in, and what came back about a message"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "returns",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("message_id", NUMBER, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("classification", sa.String(32), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_returns_message_id_messages")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returns")),
        sa.UniqueConstraint("message_id", "kind", name=op.f("uq_returns_message_id_kind")),
    )
    op.create_index("ix_returns_classification_at", "returns", ["classification", "at"])
    op.create_table(
        "inbound_messages",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("way", sa.String(32), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("is_cut", sa.Boolean(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("mail_class", sa.String(32), nullable=True),
        sa.Column("result", sa.String(32), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(length=100), nullable=True),
        sa.Column("bounce", sa.String(32), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("sender", sa.LargeBinary(length=32), nullable=True),
        sa.Column("subject_id", NUMBER, nullable=True),
        sa.Column("message_id", NUMBER, nullable=True),
        sa.Column("forwarded_as", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(["subject_id"], ["subjects.id"], name=op.f("fk_inbound_messages_subject_id_subjects")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_inbound_messages_message_id_messages")),
        sa.ForeignKeyConstraint(
            ["forwarded_as"], ["messages.id"], name=op.f("fk_inbound_messages_forwarded_as_messages")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_messages")),
        sa.UniqueConstraint("public_id", name=op.f("uq_inbound_messages_public_id")),
        sa.UniqueConstraint("digest", name=op.f("uq_inbound_messages_digest")),
    )
    for name, columns, condition in (
        ("ix_inbound_messages_received", ["id"], "state = 'received'"),
        ("ix_inbound_messages_content", ["handled_at"], "content IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.create_index(name, "inbound_messages", columns, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_inbound_messages_state_id", "inbound_messages", ["state", "id"])
    for column in ("subject_id", "message_id", "sender"):
        op.create_index(f"ix_inbound_messages_{column}", "inbound_messages", [column])


def downgrade() -> None:
    op.drop_table("inbound_messages")
    op.drop_table("returns")
