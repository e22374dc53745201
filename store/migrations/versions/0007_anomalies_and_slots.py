"""Anomalies, joined identities and taken slots"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_STANDING = sa.text("undone IS NULL")


def upgrade() -> None:
    op.create_table(
        "anomaly",
        sa.Column("id", AutoString(), nullable=False),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("kind", AutoString(), nullable=False),
        sa.Column("type", AutoString(), nullable=False),
        sa.Column("remote", AutoString(), nullable=False),
        sa.Column("reason_fr", AutoString(), nullable=False),
        sa.Column("reason_en", AutoString(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("last", UTCDateTime(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("status", AutoString(), nullable=False),
        sa.Column("settled", UTCDateTime(), nullable=True),
        sa.Column("settled_by", AutoString(), nullable=True),
        sa.Column("note", AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("anomaly_open", "anomaly", ["status", "at", "id"])
    op.create_table(
        "heard_word",
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("type", AutoString(), nullable=False),
        sa.Column("id", AutoString(), nullable=False),
        sa.Column("version", AutoString(), nullable=False),
        sa.Column("updated", UTCDateTime(), nullable=True),
        sa.Column("digest", AutoString(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source", "type", "id"),
    )
    op.create_table(
        "identity_join",
        sa.Column("id", AutoString(), nullable=False),
        sa.Column("kept", AutoString(), nullable=False),
        sa.Column("gone", AutoString(), nullable=False),
        sa.Column("source", AutoString(), nullable=False),
        sa.Column("joined", UTCDateTime(), nullable=False),
        sa.Column("joined_by", AutoString(), nullable=False),
        sa.Column("undone", UTCDateTime(), nullable=True),
        sa.Column("undone_by", AutoString(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["kept"], ["patient.id"]),
        sa.ForeignKeyConstraint(["gone"], ["patient.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "identity_join_standing",
        "identity_join",
        ["gone"],
        unique=True,
        sqlite_where=_STANDING,
        postgresql_where=_STANDING,
    )
    op.create_index("identity_join_kept", "identity_join", ["kept"])
    op.create_table(
        "slot_taken",
        sa.Column("home", AutoString(), nullable=False),
        sa.Column("slot", AutoString(), nullable=False),
        sa.Column("pathway_id", AutoString(), nullable=False),
        sa.Column("step", AutoString(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("status", AutoString(), nullable=False),
        sa.Column("start", UTCDateTime(), nullable=False),
        sa.Column("end", UTCDateTime(), nullable=False),
        sa.Column("place", AutoString(), nullable=False),
        sa.Column("by", AutoString(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["pathway_id"], ["pathway.id"]),
        sa.PrimaryKeyConstraint("home", "slot"),
    )
    op.create_index("slot_taken_of", "slot_taken", ["pathway_id", "step", "occurrence"])
    op.create_index("slot_taken_status", "slot_taken", ["status", "since"])


def downgrade() -> None:
    op.drop_table("slot_taken")
    op.drop_table("identity_join")
    op.drop_table("heard_word")
    op.drop_table("anomaly")
