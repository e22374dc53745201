"""How each destination does, introductions of patients, tokens seen, and what hospitals added to their copies"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

_REFUSED = sa.text('refused_version IS NOT NULL')


def upgrade() -> None:
    op.create_table(
        'destination',
        sa.Column('name', AutoString(), nullable=False),
        sa.Column('mode', AutoString(), nullable=False),
        sa.Column('resources', sa.JSON(), nullable=False),
        sa.Column('objection', sa.JSON(), nullable=True),
        sa.Column('checked_at', UTCDateTime(), nullable=True),
        sa.Column('last_success', UTCDateTime(), nullable=True),
        sa.Column('not_before', UTCDateTime(), nullable=True),
        sa.Column('failures', sa.Integer(), nullable=False),
        sa.Column('reason', AutoString(), nullable=False),
        sa.PrimaryKeyConstraint('name'),
    )
    op.create_table(
        'introduction',
        sa.Column('destination', AutoString(), nullable=False),
        sa.Column('patient_id', AutoString(), nullable=False),
        sa.Column('owner', AutoString(), nullable=False),
        sa.Column('lease_until', sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint('destination', 'patient_id'),
    )
    op.create_table(
        'seen_token',
        sa.Column('issuer', AutoString(), nullable=False),
        sa.Column('jti', AutoString(), nullable=False),
        sa.Column('digest', AutoString(), nullable=False),
        sa.Column('expires', UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('issuer', 'jti'),
    )
    with op.batch_alter_table('seen_token', schema=None) as batch_op:
        batch_op.create_index('ix_seen_token_expires', ['expires'])
    with op.batch_alter_table('delivered', schema=None) as batch_op:
        batch_op.add_column(sa.Column('refused_at', UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column('added', sa.JSON(), nullable=True))
        batch_op.create_index(
            'delivered_refused',
            ['destination', 'pathway_id'],
            sqlite_where=_REFUSED,
            postgresql_where=_REFUSED,
        )


def downgrade() -> None:
    with op.batch_alter_table('delivered', schema=None) as batch_op:
        batch_op.drop_index('delivered_refused')
        batch_op.drop_column('added')
        batch_op.drop_column('refused_at')
    op.drop_table('seen_token')
    op.drop_table('introduction')
    op.drop_table('destination')
