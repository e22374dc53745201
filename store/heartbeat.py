"""Signs of life of the workers: when the last of them goes silent, everybody is told."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, func, select

from store.tables import HeartbeatRow


def beat(session: Session, worker: str, *, now: datetime) -> None:
    """This worker lives."""
    row = session.get(HeartbeatRow, worker)
    if row is None:
        session.add(HeartbeatRow(worker=worker, at=now))
    else:
        row.at = now


def last(session: Session) -> datetime | None:
    """When any worker last gave a sign of life; None when there never was one."""
    return session.exec(select(func.max(HeartbeatRow.at))).one()
