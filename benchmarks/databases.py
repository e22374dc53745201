"""The databases that are measured, as durable as in service, and the plain drivers of the baselines."""

from __future__ import annotations

import secrets
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.peers.databases import FAST_AND_LOCAL, Postgres, private_postgres

DURABLE = {
    **FAST_AND_LOCAL,
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
}
"""PostgreSQL as it must be in service: what is committed is on the disk. Everything else is its default."""


class Plain(ABC):
    """A connection of the driver alone. Statements are written with ``?``; transactions are begun by hand."""

    for_update = ""

    def __init__(self, connection: Any) -> None:
        self._cursor = connection.cursor()

    def begin(self) -> None:
        """Begin a transaction that writes."""
        self._cursor.execute("BEGIN")

    def commit(self) -> None:
        """End it: on the disk when this returns."""
        self._cursor.execute("COMMIT")

    def one(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """The first row."""
        return self._cursor.execute(self._said(statement), values).fetchone()

    def all(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Every row."""
        return list(self._cursor.execute(self._said(statement), values).fetchall())

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """The statement for each of these rows."""
        self._cursor.executemany(self._said(statement), rows)

    @abstractmethod
    def _said(self, statement: str) -> str:
        """The statement with the driver's own place-holders."""


class _PlainSqlite(Plain):
    def begin(self) -> None:
        self._cursor.execute("BEGIN IMMEDIATE")

    def _said(self, statement: str) -> str:
        return statement


class _PlainPostgres(Plain):
    for_update = "FOR UPDATE"

    def _said(self, statement: str) -> str:
        return statement.replace("?", "%s")


class Fresh(ABC):
    """Where fresh, empty databases of one kind come from. ``version`` is the server's or the library's."""

    name: str
    version: str

    @abstractmethod
    def database(self) -> AbstractContextManager[str]:
        """URL of a new database, gone afterwards."""

    @abstractmethod
    def plain(self, url: str) -> AbstractContextManager[Plain]:
        """A connection of the driver alone, as durable as ours."""


class FreshSqlite(Fresh):
    """Files on the disk, WAL, ``synchronous=FULL``."""

    name = "SQLite"
    version = f"SQLite {sqlite3.sqlite_version} (WAL, synchronous=FULL)"

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    @contextmanager
    def database(self) -> Iterator[str]:
        path = self._scratch / f"{secrets.token_hex(6)}.sqlite"
        try:
            yield f"sqlite:///{path}"
        finally:
            for file in self._scratch.glob(f"{path.name}*"):
                file.unlink()

    @contextmanager
    def plain(self, url: str) -> Iterator[Plain]:
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30, isolation_level=None)
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                connection.execute(f"PRAGMA {pragma}")
            yield _PlainSqlite(connection)
        finally:
            connection.close()


class FreshPostgres(Fresh):
    """Databases of one PostgreSQL server, ours or a given one."""

    name = "PostgreSQL"

    def __init__(self, server: Postgres) -> None:
        self._server = server
        with psycopg.connect(server.url, autocommit=True) as connection:
            settings = [
                _shown(connection, name) for name in ("server_version", "fsync", "synchronous_commit")
            ]
        self.version = "PostgreSQL {} (fsync={}, synchronous_commit={})".format(*settings)

    @contextmanager
    def database(self) -> Iterator[str]:
        url = self._server.create_database()
        try:
            yield url
        finally:
            self._server.drop_database(url)

    @contextmanager
    def plain(self, url: str) -> Iterator[Plain]:
        with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
            yield _PlainPostgres(connection)


@contextmanager
def fresh_databases(scratch: Path, given: str | None) -> Iterator[list[Fresh]]:
    """SQLite in ``scratch``, and PostgreSQL: at the ``given`` URL, or a private cluster if it can be made."""
    found: list[Fresh] = [FreshSqlite(scratch)]
    if given:
        yield [*found, FreshPostgres(Postgres(given.replace("+psycopg", "", 1)))]
        return
    with private_postgres(DURABLE) as server:
        yield [*found, FreshPostgres(server)] if server is not None else found


def _shown(connection: psycopg.Connection[Any], name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    assert row is not None
    return str(row[0])
