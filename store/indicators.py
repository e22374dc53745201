"""What the indicators read: pathways that have moved since a period began, with their lines, a few hundred at a time.

Nothing is decoded and nothing is kept beside the history: a figure is always computed from what went through the
door, so that there is no second count to disagree with it. ``docs/indicators.md`` says what 20,000 pathways take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session, col

from pathway.indicators.course import HEARD, Line
from store.tables import HistoryRow, PathwayRow

AT_ONCE = 400
"""Pathways read together: some megabytes of JSON, and fewer values than SQLite takes in one statement."""


@dataclass(frozen=True, slots=True)
class Read:
    """One pathway as it is stored: its state as plain data, and the lines of its history that indicators read.

    ``digest`` names the protocol it is pinned to; ``next_fracture`` is the day of the fracture of the first later
    pathway that names this one as its previous.
    """

    id: str
    digest: str
    state: dict[str, Any]
    lines: Sequence[Line]
    next_fracture: date | None


def stream(session: Session, *, since: datetime) -> Iterator[Read]:
    """Every pathway whose last event is at or after ``since`` (UTC); what lies earlier cannot count from then on."""
    followed = _followed(session)
    last = ""
    while rows := _pathways(session, since, after=last):
        lines = _lines(session, [row.id for row in rows])
        for row in rows:
            yield Read(row.id, row.protocol_digest, row.state, lines.get(row.id, ()), followed.get(row.id))
        last = rows[-1].id


def _pathways(session: Session, since: datetime, *, after: str) -> Sequence[Row[Any]]:
    query = (
        select(col(PathwayRow.id), col(PathwayRow.protocol_digest), col(PathwayRow.state))
        .where(col(PathwayRow.as_of) >= since, col(PathwayRow.id) > after)
        .order_by(col(PathwayRow.id))
        .limit(AT_ONCE)
    )
    return session.execute(query).all()


def _lines(session: Session, ids: Sequence[str]) -> dict[str, list[Line]]:
    query = (
        select(
            col(HistoryRow.pathway_id),
            col(HistoryRow.recorded),
            col(HistoryRow.occurred),
            col(HistoryRow.event),
        )
        .where(col(HistoryRow.pathway_id).in_(ids), col(HistoryRow.type).in_(HEARD))
        .order_by(col(HistoryRow.pathway_id), col(HistoryRow.seq))
    )
    found: dict[str, list[Line]] = {}
    for id_, recorded, occurred, event in session.execute(query):
        found.setdefault(id_, []).append(Line(recorded.astimezone(UTC), occurred.astimezone(UTC), event))
    return found


def line_of(row: HistoryRow) -> Line:
    """A line of the history as the indicators read it."""
    return Line(row.recorded.astimezone(UTC), row.occurred.astimezone(UTC), row.event)


def _followed(session: Session) -> dict[str, date]:
    """The day of the fracture that the next pathway of the same person treats, by the pathway before it."""
    previous = col(PathwayRow.state)["previous"].as_string()
    onset = col(PathwayRow.state)["fracture"]["onset"].as_string()
    query = select(previous, onset).where(previous.is_not(None), onset.is_not(None))
    found: dict[str, date] = {}
    for id_, told in session.execute(query):
        day = date.fromisoformat(told)
        found[id_] = min(day, found.get(id_, day))
    return found
