"""Resources of others, every version of a resource, and what each is found by"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

_UNTOLD = sa.text('announced = false')


def upgrade() -> None:
    with op.batch_alter_table('resource', schema=None) as batch_op:
        batch_op.add_column(sa.Column('source', AutoString(), nullable=True))
        batch_op.add_column(sa.Column('indexed', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('body', sa.LargeBinary(), nullable=True))
        for gone in ('resource_patient', 'resource_updated', 'resource_due'):
            batch_op.drop_index(gone)
        batch_op.create_index('resource_patient', ['type', 'patient_id', 'status', 'due'])
        batch_op.create_index('resource_updated', ['type', 'updated', 'id'])
        batch_op.create_index('resource_due', ['type', 'due', 'id'])
        batch_op.create_index('resource_status', ['type', 'status', 'due', 'id'])
        batch_op.create_index('resource_indexed', ['indexed'])
    with op.batch_alter_table('resource', schema=None) as batch_op:
        batch_op.alter_column('indexed', server_default=None)
    op.create_table(
        'resource_version',
        sa.Column('type', AutoString(), nullable=False),
        sa.Column('id', AutoString(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('updated', UTCDateTime(), nullable=False),
        sa.Column('method', AutoString(), nullable=False),
        sa.Column('pathway_id', AutoString(), nullable=True),
        sa.Column('patient_id', AutoString(), nullable=True),
        sa.Column('source', AutoString(), nullable=True),
        sa.Column('content', sa.JSON(), nullable=False),
        sa.Column('body', sa.LargeBinary(), nullable=True),
        sa.Column('announced', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('type', 'id', 'version'),
    )
    with op.batch_alter_table('resource_version', schema=None) as batch_op:
        batch_op.create_index('resource_version_updated', ['type', 'updated', 'id'])
        batch_op.create_index(
            'resource_version_untold',
            ['updated', 'type', 'id', 'version'],
            sqlite_where=_UNTOLD,
            postgresql_where=_UNTOLD,
        )
    op.create_table(
        'resource_token',
        sa.Column('type', AutoString(), nullable=False),
        sa.Column('param', AutoString(), nullable=False),
        sa.Column('value', AutoString(), nullable=False),
        sa.Column('system', AutoString(), nullable=False),
        sa.Column('id', AutoString(), nullable=False),
        sa.PrimaryKeyConstraint('type', 'param', 'value', 'system', 'id'),
    )
    with op.batch_alter_table('resource_token', schema=None) as batch_op:
        batch_op.create_index('resource_token_of', ['type', 'id'])
    op.create_table(
        'resource_span',
        sa.Column('type', AutoString(), nullable=False),
        sa.Column('id', AutoString(), nullable=False),
        sa.Column('param', AutoString(), nullable=False),
        sa.Column('start', UTCDateTime(), nullable=False),
        sa.Column('end', UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint('type', 'id', 'param', 'start'),
    )
    with op.batch_alter_table('resource_span', schema=None) as batch_op:
        batch_op.create_index('resource_span_start', ['type', 'param', 'start', 'id'])
        batch_op.create_index('resource_span_end', ['type', 'param', 'end', 'id'])
    _begin_their_history()
    op.drop_table('resource_identifier')


def _begin_their_history() -> None:
    """What stands is the first version that is remembered, and nobody is told of it again."""
    op.execute(
        """
        INSERT INTO resource_version (type, id, version, updated, method, pathway_id, patient_id, content, announced)
        SELECT type, id, version, updated, 'PUT', pathway_id, patient_id, content, true FROM resource
        """
    )
    # The rest of what they are found by is made at the next start, for ``indexed`` is 0.
    op.execute(
        """
        INSERT INTO resource_token (type, param, value, system, id)
        SELECT DISTINCT type, 'identifier', value, system, id FROM resource_identifier
        """
    )


def downgrade() -> None:
    op.create_table(
        'resource_identifier',
        sa.Column('type', AutoString(), nullable=False),
        sa.Column('id', AutoString(), nullable=False),
        sa.Column('system', AutoString(), nullable=False),
        sa.Column('value', AutoString(), nullable=False),
        sa.PrimaryKeyConstraint('type', 'id', 'system', 'value'),
    )
    with op.batch_alter_table('resource_identifier', schema=None) as batch_op:
        batch_op.create_index('resource_identifier_value', ['type', 'value', 'system'])
    op.execute(
        """
        INSERT INTO resource_identifier (type, id, system, value)
        SELECT type, id, system, value FROM resource_token WHERE param = 'identifier'
        """
    )
    op.execute('DELETE FROM resource WHERE source IS NOT NULL')
    op.drop_table('resource_span')
    op.drop_table('resource_token')
    op.drop_table('resource_version')
    with op.batch_alter_table('resource', schema=None) as batch_op:
        for gone in ('resource_indexed', 'resource_status', 'resource_patient', 'resource_updated', 'resource_due'):
            batch_op.drop_index(gone)
        batch_op.create_index('resource_patient', ['type', 'patient_id'])
        batch_op.create_index('resource_updated', ['type', 'updated'])
        batch_op.create_index('resource_due', ['type', 'due'])
        batch_op.drop_column('body')
        batch_op.drop_column('indexed')
        batch_op.drop_column('source')
