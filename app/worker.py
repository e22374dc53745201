"""A worker in this process: the engine, started once it is sure to be the only one, and stopped in time."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from sqlalchemy.engine import make_url

from app.service import Service
from app.settings import Misconfigured
from scheduler.engine import Engine
from store import claims, deliveries, listening, subscriptions

STOP_WITHIN = 5.0
"""Seconds to finish what is in hand at the end. What takes longer keeps its lease and is taken up again later."""


@contextmanager
def working(service: Service) -> Iterator[Engine]:
    """Work until the block ends. Misconfigured when another worker has this SQLite file."""
    with alone(service.settings.database_url):
        if service.db.is_sqlite:
            with service.db.write() as session:
                # Nobody else works on this file, so whoever held these leases is dead.
                claims.free_leases(session)
                deliveries.free_leases(session)
                subscriptions.free_leases(session)
                listening.free_leases(session)
        engine = service.engine()
        engine.start()
        try:
            yield engine
        finally:
            _stop(engine)


@contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, for as long as the block lasts."""
    asked = threading.Event()

    def ask(_: int, __: FrameType | None) -> None:
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def alone(database_url: str) -> Iterator[None]:
    """SQLite has one worker a file: whoever holds the lock beside it. The kernel lets go of it if we die.

    Misconfigured when somebody else holds it.
    """
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        yield
        return
    place = Path(f"{url.database}.worker.lock")
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Misconfigured(
                f"Another worker is at work on {url.database}; SQLite has one. Stop it first; `jalon serve` can"
                " serve beside it with JALON_WORKER=false; PostgreSQL takes any number."
            ) from None
        yield


def _stop(engine: Engine) -> None:
    """Stop, and do not wait for a gateway that hangs: its message keeps its lease, and is asked about later."""
    stopping = threading.Thread(target=engine.stop, daemon=True)
    stopping.start()
    stopping.join(STOP_WITHIN)
    if stopping.is_alive():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
