"""Alembic's way in: migrations run on the connection that ``Database.upgrade`` hands over, in its transaction."""

from alembic import context
from sqlmodel import SQLModel

from store import schema

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
assert schema.tables  # importing it is what fills the metadata
with context.begin_transaction():
    context.run_migrations()
