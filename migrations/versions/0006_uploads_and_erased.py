"""Uploaded files are kept in pieces, and staged by the worker; the erased are found without looking at everybody"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

RowNumber = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "import_files",
        sa.Column("import_id", RowNumber, nullable=False),
        sa.Column("size", RowNumber, nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("byte", RowNumber, nullable=False),
        sa.Column("line", RowNumber, nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_import_files_import_id_imports")),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_import_files")),
    )
    op.create_table(
        "import_pieces",
        sa.Column("import_id", RowNumber, nullable=False),
        sa.Column("number", RowNumber, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_import_pieces_import_id_imports")),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_import_pieces")),
    )
    op.create_index(
        "ix_subjects_erased",
        "subjects",
        ["id"],
        sqlite_where=sa.text("erased_at IS NOT NULL"),
        postgresql_where=sa.text("erased_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_subjects_erased", "subjects")
    op.drop_table("import_pieces")
    op.drop_table("import_files")
