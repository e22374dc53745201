"""Inserting a row that somebody else may be inserting at this very moment."""

from __future__ import annotations

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel


def insert_if_absent(session: Session, row: SQLModel) -> bool:
    """Insert the row unless its primary key is there. Whether it was new; on PostgreSQL it waits for a rival."""
    table = row.__table__  # type: ignore[attr-defined]
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    key = list(table.primary_key)
    statement = insert(table).values(**row.model_dump()).on_conflict_do_nothing(index_elements=key)
    # Asked back and not counted: psycopg does not always know the number of rows.
    return session.connection().execute(statement.returning(*key)).first() is not None
