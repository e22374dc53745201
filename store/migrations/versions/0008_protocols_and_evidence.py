"""Protocols and evidence"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _starts()


def downgrade() -> None:
    op.drop_table("start")


def _starts() -> None:
    op.create_table(
        "start",
        sa.Column("caller", AutoString(), nullable=False),
        sa.Column("key", AutoString(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("plan", AutoString(), nullable=False),
        sa.Column("referral_id", AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key"),
    )
