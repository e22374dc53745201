"""Published protocols, which nobody changes afterwards"""

import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

# A migration that rebuilds one of these tables on SQLite loses its triggers and has to make them again.
_WRITTEN_ONCE = ('protocol', 'publication', 'protocol_use')


def upgrade() -> None:
    op.create_table('publication',
    sa.Column('key', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('version', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('digest', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('published', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('by', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('note', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.ForeignKeyConstraint(['digest'], ['protocol.digest'], ),
    sa.PrimaryKeyConstraint('key', 'version')
    )
    with op.batch_alter_table('publication', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_publication_digest'), ['digest'], unique=False)
    op.create_table('protocol_use',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('digest', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.Column('since', sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
    sa.Column('by', sqlmodel.sql.sqltypes.AutoString(), nullable=False),
    sa.ForeignKeyConstraint(['digest'], ['protocol.digest'], ),
    sa.PrimaryKeyConstraint('id')
    )
    _publish_what_was_pinned()
    if op.get_bind().dialect.name == 'sqlite':
        for table in _WRITTEN_ONCE:
            _guard_on_sqlite(table)
    else:
        _guard_on_postgresql()


def downgrade() -> None:
    if op.get_bind().dialect.name == 'sqlite':
        for table in _WRITTEN_ONCE:
            for act in ('update', 'delete', 'replace'):
                op.execute(f'DROP TRIGGER IF EXISTS {table}_no_{act}')
    else:
        for table in _WRITTEN_ONCE:
            op.execute(f'DROP TRIGGER {table}_written_once ON {table}')
            op.execute(f'DROP TRIGGER {table}_not_emptied ON {table}')
        op.execute('DROP FUNCTION written_once()')
    op.drop_table('protocol_use')
    with op.batch_alter_table('publication', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_publication_digest'))
    op.drop_table('publication')


def _publish_what_was_pinned() -> None:
    """What pathways run on already counts as published: of each version the content that was pinned last."""
    op.execute(
        """
        INSERT INTO publication (key, version, digest, published, "by", note)
        SELECT key, version, digest, pinned, 'jalon', 'pinned before versions were published' FROM protocol one
        WHERE NOT EXISTS (
            SELECT 1 FROM protocol other WHERE other.key = one.key AND other.version = one.version
            AND (other.pinned > one.pinned OR (other.pinned = one.pinned AND other.digest > one.digest)))
        """
    )
    op.execute(
        """
        INSERT INTO protocol_use (digest, since, "by")
        SELECT digest, pinned, 'jalon' FROM protocol ORDER BY pinned DESC, digest DESC LIMIT 1
        """
    )


def _guard_on_sqlite(table: str) -> None:
    said = f"SELECT RAISE(ABORT, 'a row of {table} is never changed: publish another version')"
    for act in ('UPDATE', 'DELETE'):
        op.execute(f'CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} BEGIN {said}; END')
    # INSERT OR REPLACE deletes without asking the trigger above.
    same = {
        'protocol': 'digest = NEW.digest',
        'publication': 'key = NEW.key AND version = NEW.version',
        'protocol_use': 'id = NEW.id',
    }[table]
    op.execute(
        f'CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}'
        f' WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) BEGIN {said}; END'
    )


def _guard_on_postgresql() -> None:
    op.execute(
        """
        CREATE FUNCTION written_once() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'a row of % is never changed: publish another version', TG_TABLE_NAME;
        END $$
        """
    )
    for table in _WRITTEN_ONCE:
        op.execute(
            f'CREATE TRIGGER {table}_written_once BEFORE UPDATE OR DELETE ON {table}'
            ' FOR EACH ROW EXECUTE FUNCTION written_once()'
        )
        op.execute(
            f'CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table}'
            ' FOR EACH STATEMENT EXECUTE FUNCTION written_once()'
        )
