"""The schema is the sum of its migrations, on both databases, and an upgrade may be asked for at any time."""

from __future__ import annotations

import threading

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from store import schema
from store.database import Database


def test_the_migrations_make_exactly_the_tables_of_the_code(database_url: str) -> None:
    assert schema.tables
    database = Database(database_url)
    database.upgrade()
    with database.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
    database.close()
    assert differences == []


def test_several_processes_may_upgrade_at_once_and_again(database_url: str) -> None:
    failures: list[BaseException] = []

    def upgrade() -> None:
        database = Database(database_url)
        try:
            database.upgrade()
        except BaseException as error:
            failures.append(error)
        database.close()

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    upgrade()
    assert failures == []
