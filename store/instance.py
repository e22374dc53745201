"""Is this database at home? A restored or copied one sends nothing until a person releases it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from store.tables import InstanceRow


def settle_in(session: Session, identity: str, *, now: datetime) -> bool:
    """Mark a new database as ours. Whether this database is at home: False for a copy started elsewhere."""
    row = session.get(InstanceRow, 1)
    if row is None:
        session.add(InstanceRow(identity=identity, since=now))
        return True
    return row.identity == identity


def at_home(session: Session, identity: str) -> bool:
    """Whether this database may send: asked in the very transaction that begins a send."""
    row = session.get(InstanceRow, 1)
    return row is not None and row.identity == identity


def release(session: Session, identity: str, *, now: datetime) -> bool:
    """Let this database send from here on, by a person's decision. Whether that changed anything."""
    row = session.get(InstanceRow, 1)
    if row is not None and row.identity == identity:
        return False
    if row is None:
        session.add(InstanceRow(identity=identity, since=now))
    else:
        row.identity, row.since = identity, now
    return True
