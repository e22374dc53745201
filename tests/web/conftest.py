"""A ward on each database, or on SQLite where the database makes no difference."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.databases import Postgres
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


@pytest.fixture(scope="module")
def lasting_ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """A ward on SQLite that a whole file of stories shares, for stories in which nothing is changed."""
    scratch = tmp_path_factory.mktemp("ward")
    opened = open_ward(f"sqlite:///{scratch / 'jalon.sqlite'}", scratch)
    yield opened
    opened.service.close()


@pytest.fixture(scope="module")
def lasting_postgres_ward(
    postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ward]:
    """The same on PostgreSQL."""
    url = postgres_server.create_database()
    opened = open_ward(url, tmp_path_factory.mktemp("ward"))
    yield opened
    opened.service.close()
    postgres_server.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_lasting_ward(request: pytest.FixtureRequest) -> Ward:
    """Once on SQLite and once on PostgreSQL."""
    name = "lasting_ward" if request.param == "sqlite" else "lasting_postgres_ward"
    ward: Ward = request.getfixturevalue(name)
    return ward
