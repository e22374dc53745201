"""Indexes of the worklist"""

import sqlalchemy as sa
from alembic import op


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

_TO_DO = sa.text("status = 'planned' AND live = true AND kind IN ('task', 'call', 'letter')")
_ALERTED = sa.text("alerts > 0")
_BLOCKED = sa.text("blocked > 0")


def upgrade() -> None:
    _index('owed_work', 'owed', ['kind', 'next_at', 'id'], _TO_DO)
    _index('owed_work_of_role', 'owed', ['kind', 'role', 'next_at', 'id'], _TO_DO)
    _index('pathway_alerted', 'pathway', ['as_of', 'id'], _ALERTED)
    _index('pathway_blocked', 'pathway', ['as_of', 'id'], _BLOCKED)


def downgrade() -> None:
    for name, table in (
        ('pathway_blocked', 'pathway'),
        ('pathway_alerted', 'pathway'),
        ('owed_work_of_role', 'owed'),
        ('owed_work', 'owed'),
    ):
        op.drop_index(name, table_name=table)


def _index(name, table, columns, where):
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
