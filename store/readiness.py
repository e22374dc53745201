"""Is the database there, and does it have the tables of this code?"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from store.database import Database


def schema_is_current(db: Database) -> bool:
    """Whether every migration of this code, and none beyond it, is in the database.

    ConnectionError when the database cannot be reached.
    """
    try:
        with db.engine.connect() as connection:
            heads = MigrationContext.configure(connection).get_current_heads()
    except OperationalError as error:
        raise ConnectionError("the database cannot be reached") from error
    return frozenset(heads) == _heads()


@cache
def _heads() -> frozenset[str]:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return frozenset(ScriptDirectory.from_config(config).get_heads())
