"""Agreed names to wait for each other by, for what has no row yet: whoever holds a name is alone with it.

SQLite lets one transaction write at a time, so there everybody who writes is alone already.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, text

from store.database import Database

T = TypeVar("T")

_SPACE = 74012
"""Ours among PostgreSQL's advisory locks."""

_SLOTS = 512
"""Names share this many locks: a transaction of thousands of entries must not use up the server's table of them."""

_DEADLOCKS = ("40P01", "40001")
_TRIES = 5


class Busy(Exception):
    """Others kept writing the same, and the database ended this transaction every time; nothing of it was done."""


def gave_up(error: BaseException) -> bool:
    """Whether the database ended a transaction because of others that write, and not for what was in it."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, Busy)
    if getattr(error.orig, "sqlstate", None) in _DEADLOCKS:
        return True
    return getattr(error.orig, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def hold(session: Session, names: Iterable[str]) -> None:
    """Wait until nobody else holds any of these names, and hold them until this transaction ends.

    Take all that a transaction needs at once, and before anything else is locked: they are taken in one order.
    """
    slots = sorted({_slot(name) for name in names})
    if not slots or session.get_bind().dialect.name == "sqlite":
        return
    take = text("SELECT pg_advisory_xact_lock(:space, slot) FROM unnest(CAST(:slots AS integer[])) AS slot")
    session.connection().execute(take, {"space": _SPACE, "slots": slots})


def write(db: Database, work: Callable[[Session], T]) -> T:
    """One transaction that does ``work``, begun again when the database broke a circle of waiting by ending it.

    Raises Busy when that has happened too often.
    """
    for _ in range(_TRIES):
        try:
            with db.write() as session:
                return work(session)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _DEADLOCKS:
                raise
    raise Busy


def _slot(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % _SLOTS
