"""A ward on each database, or on SQLite where the database makes no difference."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.cast import Ward, open_ward


@pytest.fixture
def ward(sqlite_url: str, tmp_path: Path) -> Iterator[Ward]:
    """A ward on SQLite."""
    opened = open_ward(sqlite_url, tmp_path)
    yield opened
    opened.service.close()


@pytest.fixture
def any_ward(database_url: str, tmp_path: Path) -> Iterator[Ward]:
    """A ward, once on SQLite and once on PostgreSQL."""
    opened = open_ward(database_url, tmp_path)
    yield opened
    opened.service.close()
