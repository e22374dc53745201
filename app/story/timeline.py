"""What happened, told from the ledger's own rows: events, messages with their words, what was due and what was late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.story.scene import Scene
from pathway.planned import Kind
from store.ledger import history
from store.tables import HistoryRow, OwedRow


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened (UTC), of a kind: referral, event, task, visit, message, page, alert, call, refused."""

    at: datetime
    kind: str
    text: str
    detail: str = ""


def timeline(session: Session, scene: Scene) -> list[Entry]:
    """Everything that happened on the pathway of this scene, in the order of the instants."""
    assert scene.pathway is not None
    entries = [entry for row in history(session, scene.pathway.id) for entry in _of_event(row, scene)]
    entries += [entry for row in scene.rows for entry in _of_row(row, scene)]
    return sorted(entries, key=lambda entry: entry.at)


def _of_event(row: HistoryRow, scene: Scene) -> Iterator[Entry]:
    if row.type == "RungFired":
        key, person = row.event["key"], row.event.get("person")
        yield Entry(row.recorded, "alert", key, f"to {person}" if person else "nobody on call")
        return
    said = {k: v for k, v in row.event.items() if k not in ("type", "by", "occurred")}
    yield Entry(row.recorded, "event", f"{row.type} by {row.by}", _spoken(said))
    for change in row.changes:
        if change["kind"] in (Kind.TASK, Kind.VISIT) and _matters(change):
            yield Entry(row.recorded, change["kind"], _changed(change, scene))


def _matters(change: dict[str, Any]) -> bool:
    """Not what has no date yet, and not what the event itself has just settled."""
    return bool(change.get("old") or change.get("new")) and change["how"] != "settled"


def _changed(change: dict[str, Any], scene: Scene) -> str:
    def wall(value: str | None) -> str:
        return scene.wall(datetime.fromisoformat(value)) if value else "no date"

    dates = wall(change.get("new")) if change["how"] == "added" else wall(change.get("old"))
    if change["how"] == "moved":
        dates = f"{wall(change.get('old'))} → {wall(change.get('new'))}"
    return f"{change['what']} {change['how']}: {dates}"


def _of_row(row: OwedRow, scene: Scene) -> Iterator[Entry]:
    if row.kind in (Kind.MESSAGE, Kind.PAGE):
        at = row.begun or row.settled
        if at is None:
            return
        name = f"{row.data.get('template')} by {row.channel}: {row.status}"
        words = f"{row.subject}: {row.text}" if row.subject else row.text or ""
        yield Entry(at, row.kind, name, words if row.begun else row.reason)
    elif row.kind in (Kind.CALL, Kind.LETTER) and row.at is not None and row.at <= scene.now:
        yield Entry(row.at, row.kind, f"{row.key}: {row.status}", row.why)


def _spoken(said: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in said.items() if value not in (None, {}, []))
