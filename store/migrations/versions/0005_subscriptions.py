"""Subscriptions: who is told by us, and what we follow on hospitals' servers"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'subscription',
        sa.Column('id', AutoString(), nullable=False),
        sa.Column('source', AutoString(), nullable=False),
        sa.Column('holder', AutoString(), nullable=True),
        sa.Column('scopes', sa.JSON(), nullable=True),
        sa.Column('status', AutoString(), nullable=False),
        sa.Column('style', AutoString(), nullable=False),
        sa.Column('criteria', sa.JSON(), nullable=False),
        sa.Column('topic', AutoString(), nullable=False),
        sa.Column('endpoint', AutoString(), nullable=False),
        sa.Column('headers', AutoString(), nullable=False),
        sa.Column('mime', AutoString(), nullable=False),
        sa.Column('content', AutoString(), nullable=False),
        sa.Column('heartbeat', sa.Integer(), nullable=True),
        sa.Column('timeout', sa.Integer(), nullable=False),
        sa.Column('most', sa.Integer(), nullable=False),
        sa.Column('end', UTCDateTime(), nullable=True),
        sa.Column('created', UTCDateTime(), nullable=False),
        sa.Column('events', sa.Integer(), nullable=False),
        sa.Column('told', sa.Integer(), nullable=False),
        sa.Column('last_event', UTCDateTime(), nullable=True),
        sa.Column('last_told', UTCDateTime(), nullable=True),
        sa.Column('next_at', UTCDateTime(), nullable=False),
        sa.Column('beat_at', UTCDateTime(), nullable=True),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('failing_since', UTCDateTime(), nullable=True),
        sa.Column('reason', AutoString(), nullable=False),
        sa.Column('lease_owner', AutoString(), nullable=True),
        sa.Column('lease_until', sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
    )
    with op.batch_alter_table('subscription', schema=None) as batch_op:
        batch_op.create_index('subscription_due', ['status', 'next_at'])
    op.create_table(
        'notification',
        sa.Column('subscription_id', AutoString(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('type', AutoString(), nullable=False),
        sa.Column('id', AutoString(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('method', AutoString(), nullable=False),
        sa.Column('at', UTCDateTime(), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('sent', UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint('subscription_id', 'number'),
    )
    with op.batch_alter_table('notification', schema=None) as batch_op:
        batch_op.create_index('notification_at', ['at'])
    op.create_table(
        'listening',
        sa.Column('destination', AutoString(), nullable=False),
        sa.Column('type', AutoString(), nullable=False),
        sa.Column('began', UTCDateTime(), nullable=False),
        sa.Column('cursor', UTCDateTime(), nullable=True),
        sa.Column('wants', sa.Integer(), nullable=False),
        sa.Column('met', sa.Integer(), nullable=False),
        sa.Column('next_at', UTCDateTime(), nullable=False),
        sa.Column('remote', AutoString(), nullable=True),
        sa.Column('number', sa.Integer(), nullable=True),
        sa.Column('gaps', sa.Integer(), nullable=False),
        sa.Column('notified', UTCDateTime(), nullable=True),
        sa.Column('looked', UTCDateTime(), nullable=True),
        sa.Column('heard', sa.Integer(), nullable=False),
        sa.Column('compared', UTCDateTime(), nullable=True),
        sa.Column('compare_at', UTCDateTime(), nullable=False),
        sa.Column('differed', sa.Integer(), nullable=True),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('reason', AutoString(), nullable=False),
        sa.Column('lease_owner', AutoString(), nullable=True),
        sa.Column('lease_until', sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint('destination', 'type'),
    )
    op.create_table(
        'to_fetch',
        sa.Column('destination', AutoString(), nullable=False),
        sa.Column('type', AutoString(), nullable=False),
        sa.Column('id', AutoString(), nullable=False),
        sa.Column('said', sa.Integer(), nullable=False),
        sa.Column('next_at', UTCDateTime(), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('destination', 'type', 'id'),
    )
    with op.batch_alter_table('to_fetch', schema=None) as batch_op:
        batch_op.create_index('to_fetch_due', ['destination', 'type', 'next_at'])
    op.create_table(
        'heard',
        sa.Column('destination', AutoString(), nullable=False),
        sa.Column('type', AutoString(), nullable=False),
        sa.Column('id', AutoString(), nullable=False),
        sa.Column('version', AutoString(), nullable=False),
        sa.Column('updated', UTCDateTime(), nullable=True),
        sa.Column('at', UTCDateTime(), nullable=False),
        sa.Column('outcome', AutoString(), nullable=False),
        sa.Column('patient_id', AutoString(), nullable=True),
        sa.Column('body', sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint('destination', 'type', 'id', 'version'),
    )
    with op.batch_alter_table('heard', schema=None) as batch_op:
        batch_op.create_index('ix_heard_patient_id', ['patient_id'])
    op.create_index('delivered_remote', 'delivered', ['destination', 'remote'])


def downgrade() -> None:
    op.drop_index('delivered_remote', 'delivered')
    for table in ('heard', 'to_fetch', 'listening', 'notification', 'subscription'):
        op.drop_table(table)
