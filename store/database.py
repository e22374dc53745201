"""Opening SQLite or PostgreSQL, and the two kinds of transaction there are: one that reads, one that writes.

SQLite: WAL, ``synchronous=FULL``, and a writer that takes its lock at once (``BEGIN IMMEDIATE``), so that two
writers queue instead of failing half way. Leases run on the database's clock.
"""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import ColumnElement, Engine, Float, event, literal_column
from sqlalchemy.engine import make_url
from sqlmodel import Session, create_engine, text

_BUSY_SECONDS = 30
_WRITES = "jalon_writes"


class Database:
    """A database and its transactions. ``identity`` names this very database on this very installation."""

    def __init__(self, url: str, *, pool_size: int = 10, instance: str = "") -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.engine = (
            _sqlite_engine(url)
            if self.is_sqlite
            else create_engine(url, pool_size=pool_size, max_overflow=20, hide_parameters=True)
        )
        self._instance = instance

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view. Nothing is written."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed when the block ends well, rolled back when it raises."""
        engine = self.engine.execution_options(**{_WRITES: True})
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    def upgrade(self) -> None:
        """Bring the schema to the version of this code. Safe to call at every start and from several processes."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        engine = self.engine.execution_options(**{_WRITES: True})
        with engine.begin() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(74011)"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def identity(self) -> str:
        """What distinguishes this database from a copy of it started elsewhere.

        A name given in the settings; else for PostgreSQL the cluster's system identifier and the database's
        oid, for SQLite the machine, the path and the inode of the file.
        """
        if self._instance:
            return self._instance
        if self.is_sqlite:
            path = Path(make_url(self.url).database or "").resolve()
            inode = path.stat().st_ino if path.exists() else 0
            return f"sqlite:{_machine()}:{path}:{inode}"
        with self.engine.connect() as connection:
            cluster, oid = connection.execute(
                text(
                    "SELECT (pg_control_system()).system_identifier,"
                    " (SELECT oid FROM pg_database WHERE datname = current_database())"
                )
            ).one()
        return f"postgresql:{cluster}:{oid}"

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def db_clock(session: Session) -> ColumnElement[float]:
    """Seconds since 1970 on the database's clock, as an SQL expression: what leases are measured by."""
    if session.get_bind().dialect.name == "sqlite":
        return literal_column("((julianday('now') - 2440587.5) * 86400.0)", Float)
    return literal_column("extract(epoch from clock_timestamp())", Float)


def _machine() -> str:
    for place in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            return Path(place).read_text().strip() or socket.gethostname()
        except OSError:
            continue
    return socket.gethostname()


def _sqlite_engine(url: str) -> Engine:
    path = make_url(url).database
    if path and path != ":memory:":
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        # Patients' data is its owner's to read; SQLite gives the same mode to the files beside it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    # A failed statement is logged without what it was to write: names, numbers and texts of patients.
    engine = create_engine(
        url, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        # The driver's own transaction handling would begin too late; ours begins below.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={_BUSY_SECONDS * 1000}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
