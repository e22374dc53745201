"""Reading, searching, creating and a transaction of fifty, at so many stored Tasks and with so many clients."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from rich.table import Table
from sqlalchemy import create_engine

from app.service import build
from app.settings import Settings
from benchmarks.databases import Fresh
from benchmarks.facade.load import Ask, Connection, Load, load, request
from benchmarks.facade.tasks import FIRST, OF_A_PATIENT, STATUSES, fill, settle, task
from store import tokens
from tests.peers.hospital import Hospital
from tests.peers.ports import free_port, wait_until_answered

OPERATIONS = ("read", "search", "create", "transaction of 50")
PEER_AT_MOST = 10_000
"""The peer keeps everything in memory and looks at every Task in turn: more would measure nothing but that."""
_TURNS = 2
_ROOT = Path(__file__).resolve().parents[2]
NOTE = (
    "/s: requests a second. p50, p99: milliseconds. x SQL: how many times as long as plain SQL behind the same HTTP"
    " server, by rate. MB: resident memory of the server's process."
)


@dataclass
class Line:
    """One line of the table: the same load on each side, in turns. Memory is in MB, after the load."""

    operation: str
    tasks: int
    clients: int
    database: str
    ours: Load
    plain: Load
    peer: Load | None
    memory: float
    peer_memory: float | None

    @property
    def times(self) -> float:
        """How many times as long ours takes as plain SQL."""
        return self.plain.rate / self.ours.rate if self.ours.rate else float("inf")


@dataclass
class Server:
    """Something that answers FHIR on a port, and its process."""

    port: int
    pid: int
    token: str = ""

    def memory(self) -> float:
        """What its process holds now, in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def facade(
    databases: Sequence[Fresh],
    scratch: Path,
    *,
    sizes: Sequence[int],
    clients: Sequence[int],
    seconds: float,
    peer: bool = True,
) -> Iterator[Line]:
    """Every operation on every database, growing from size to size; the peer as far as it goes."""
    for fresh in databases:
        with ExitStack() as stack:
            url = stack.enter_context(fresh.database())
            token = _begin(url, scratch)
            other = stack.enter_context(_medplum()) if peer else None
            filled = 0
            for size in sizes:
                _grow(url, filled, size)
                if other is not None and size <= PEER_AT_MOST:
                    _grow_peer(other.port, filled, size)
                filled = size
                with _jalon(url, scratch, token) as ours, _plain(url) as plain:
                    sides = [ours, plain, *([other] if other and size <= PEER_AT_MOST else [])]
                    yield from _lines(fresh.name, size, clients, seconds, sides)


def _lines(
    database: str, size: int, clients: Sequence[int], seconds: float, sides: Sequence[Server]
) -> Iterator[Line]:
    for operation in OPERATIONS:
        for number in clients:
            asked = [partial(_ask, operation, size, side.token) for side in sides]
            for side, ask in zip(sides, asked, strict=True):
                load(side.port, ask, clients=1, seconds=seconds / 8, first=900_000)
            loads = [Load() for _ in sides]
            # In turns, so that other work on the machine falls on all of them.
            for turn in range(_TURNS):
                for side, ask, total in zip(sides, asked, loads, strict=True):
                    first = 50_000 * turn
                    total.add(load(side.port, ask, clients=number, seconds=seconds / _TURNS, first=first))
            peer = loads[2] if len(sides) > 2 else None
            held = sides[2].memory() if len(sides) > 2 else None
            yield Line(operation, size, number, database, loads[0], loads[1], peer, sides[0].memory(), held)


def _ask(operation: str, size: int, token: str, number: int) -> tuple[bytes, int]:
    """The request of that number: the same on every side."""
    chosen = random.Random(number).randrange(size)
    if operation == "read":
        return request("GET", f"/fhir/Task/bench-{chosen}", token=token), 200
    if operation == "search":
        path = f"/fhir/Task?patient=Patient/p{chosen // OF_A_PATIENT}&status=requested&_sort=due"
        return request("GET", path, token=token), 200
    if operation == "create":
        return request("POST", "/fhir/Task", token=token, body=json.dumps(_new(number)).encode()), 201
    entries = [
        {
            "fullUrl": f"urn:uuid:{number:08x}-0000-4000-8000-{each:012x}",
            "resource": _new(number * 50 + each),
            "request": {"method": "POST", "url": "Task"},
        }
        for each in range(50)
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return request("POST", "/fhir", token=token, body=json.dumps(bundle).encode()), 200


def _new(number: int) -> dict[str, Any]:
    """A Task of somebody who is not among those searched for."""
    made = task(f"new-{number}", f"new-{number % 997}", STATUSES[0], FIRST + timedelta(minutes=number % 9999))
    del made["id"]
    made["identifier"] = [{"system": "https://hopital.example/id", "value": f"new-{number}"}]
    return made


# --- the three sides --------------------------------------------------------------------------------------

_SECRET = "benchmark: 0123456789abcdef0123456789"


def _settings(url: str, scratch: Path) -> dict[str, Any]:
    return {"database_url": url, "secret_key": _SECRET, "mailbox": str(scratch / "mailbox"), "worker": False}


def _begin(url: str, scratch: Path) -> str:
    """The schema, and a token."""
    service = build(Settings(**_settings(url, scratch)))
    try:
        with service.db.write() as session:
            return tokens.add_token(session, name="bench", now=datetime.now(UTC), requester=True)[1]
    finally:
        service.close()


def _grow(url: str, filled: int, size: int) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.exec_driver_sql("PRAGMA synchronous=OFF")
            connection.exec_driver_sql("PRAGMA cache_size=-400000")
        fill(connection, filled, size)
        settle(connection)
    engine.dispose()


@contextmanager
def _jalon(url: str, scratch: Path, token: str) -> Iterator[Server]:
    """``jalon serve`` as it is in service, its worker left out."""
    said = {f"JALON_{name.upper()}": str(value) for name, value in _settings(url, scratch).items()}
    port = free_port()
    command = [str(Path(sys.executable).parent / "jalon"), "serve", "--port", str(port)]
    with _process(command, {**os.environ, **said}, f"http://127.0.0.1:{port}/fhir/metadata") as pid:
        yield Server(port, pid, token)


@contextmanager
def _plain(url: str) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.facade.plain", url, str(port)]
    with _process(command, dict(os.environ), f"http://127.0.0.1:{port}/fhir/metadata") as pid:
        yield Server(port, pid)


@contextmanager
def _process(command: Sequence[str], environment: dict[str, str], url: str) -> Iterator[int]:
    with subprocess.Popen(command, cwd=_ROOT, env=environment) as process:
        try:
            wait_until_answered(lambda: httpx.get(url, trust_env=False), httpx.ConnectError, process)
            yield process.pid
        finally:
            process.terminate()


@contextmanager
def _medplum() -> Iterator[Server]:
    """Medplum's engine in memory, one request at a time: nothing of it is on a disk."""
    hospital = Hospital()
    hospital.start()
    try:
        assert hospital.pid is not None
        yield Server(hospital.port, hospital.pid)
    finally:
        hospital.close()


def _grow_peer(port: int, filled: int, size: int) -> None:
    """The same Tasks, sent to it."""

    def ask(number: int) -> tuple[bytes, int]:
        entries = []
        for each in range(number, min(number + 200, size)):
            kind = each % 1000
            due = FIRST + timedelta(minutes=37 * kind)
            status = STATUSES[kind // 7 % len(STATUSES)]
            said = task(str(each), str(each // OF_A_PATIENT), status, due)
            url = f"Task/{said['id']}"
            entries.append({"resource": said, "request": {"method": "PUT", "url": url}})
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        return request("POST", "/fhir", body=json.dumps(bundle).encode()), 200

    with Connection(port) as connection:
        for first in range(filled, size, 200):
            connection.answered(*ask(first))


# --- the table --------------------------------------------------------------------------------------------


def table(lines: Sequence[Line]) -> Table:
    """Everything in one table: the same columns for all."""
    shown = Table(show_edge=False, pad_edge=False)
    for heading in ("what", "Tasks", "clients", "database"):
        shown.add_column(heading, no_wrap=True)
    for heading in (
        "Jalon /s",
        "p50",
        "p99",
        "MB",
        "SQL /s",
        "p50",
        "p99",
        "x SQL",
        "Medplum /s",
        "p50",
        "p99",
        "MB",
    ):
        shown.add_column(heading, justify="right", no_wrap=True)
    for before, one in zip([None, *lines], lines, strict=False):
        if before and (before.database, before.tasks) != (one.database, one.tasks):
            shown.add_section()
        peer = ("", "", "", "")
        if one.peer is not None and one.peer_memory is not None:
            peer = (*_load(one.peer), f"{one.peer_memory:.0f}")
        shown.add_row(
            *(one.operation, f"{one.tasks:,}", str(one.clients), one.database),
            *(*_load(one.ours), f"{one.memory:.0f}", *_load(one.plain), f"{one.times:.1f}"),
            *peer,
        )
    return shown


def _load(one: Load) -> tuple[str, str, str]:
    failed = f" ({one.failed} failed)" if one.failed else ""
    return f"{_number(one.rate)}{failed}", _number(one.typical), _number(one.worst)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


__all__ = ["NOTE", "Ask", "Line", "facade", "table"]
