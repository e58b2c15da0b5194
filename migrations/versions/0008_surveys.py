"""Surveys: what they ask, who takes part, and what was answered.

Revision ID: 0008
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from consent_service.database import RowNumber, UtcDateTime

revision = "0008"
down_revision = "0002"
branch_labels = None
depends_on = None

PUBLIC_ID, KIND = sa.String(32), sa.String(32)


def _survey(**options: object) -> sa.Column[int]:
    return sa.Column(
        "survey_id", RowNumber, sa.ForeignKey("surveys.id", **options), nullable=False  # type: ignore[arg-type]
    )


def _person() -> sa.Column[int]:
    return sa.Column("subject_id", RowNumber, sa.ForeignKey("subjects.id"), nullable=False, index=True)
