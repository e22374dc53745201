"""What is owed: the rows of a plan, and how a new plan changes them without ever losing one that has begun."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlmodel import Session, col, select

from pathway.plan import Plan
from pathway.planned import Item, Kind
from pathway.records import Told
from pathway.state import Pathway
from store.projection import MessageView
from store.tables import OwedRow

LIVE = ("planned", "sending")
_LEFT = ("sending", "sent", "uncertain")


def rows_of(session: Session, pathway_id: str) -> list[OwedRow]:
    """Every row of a pathway, settled ones included, oldest generation first."""
    query = (
        select(OwedRow)
        .where(OwedRow.pathway_id == pathway_id)
        .order_by(col(OwedRow.generation), col(OwedRow.id))
    )
    return list(session.exec(query))


def told(rows: list[OwedRow]) -> tuple[Told, ...]:
    """The slots the patient was told of: by a message that has left, or may have, or by a person."""
    speaking = {row.key: row.data for row in rows if "slot_step" in row.data}
    found = {
        Told(
            step=slot["slot_step"],
            occurrence=slot["slot_occurrence"],
            revision=slot["slot_revision"],
            start=datetime.fromisoformat(slot["slot_start"]),
            place=slot["slot_place"],
            standing=slot.get("slot_standing", True),
        )
        for row in rows
        # A call in place of a message that did not arrive says what that message was to say.
        if _was_said(row) and (slot := speaking.get(row.key) or speaking.get(row.data.get("about", "")))
    }
    return tuple(sorted(found, key=lambda one: (one.step, one.occurrence, one.revision, one.standing)))


def said(rows: list[OwedRow]) -> tuple[str, ...]:
    """The keys of the messages that have left, or may have left."""
    return tuple(sorted({row.key for row in rows if row.kind == Kind.MESSAGE and row.status in _LEFT}))


def _was_said(row: OwedRow) -> bool:
    if row.kind == Kind.MESSAGE:
        return row.status in _LEFT
    return row.kind in (Kind.CALL, Kind.LETTER) and row.status == "settled"


def apply(
    session: Session, rows: list[OwedRow], pathway: Pathway, plan: Plan, *, now: datetime
) -> list[OwedRow]:
    """Make the live rows those of the plan. Returns the rows that changed.

    A row being sent is left alone: it is in flight, and a correction follows if it should not have been.
    """
    latest = {row.key: row for row in rows}
    wanted = plan.by_key()
    changed = []
    for item in plan.items:
        row = latest.get(item.key)
        if row is None or row.status == "withdrawn":
            row = _new(item, pathway, generation=row.generation + 1 if row else 1)
            session.add(row)
            changed.append(row)
        elif row.status == "planned" and planned_item(row) != item:
            write(row, item)
            changed.append(row)
    for key, row in latest.items():
        if row.status == "planned" and key not in wanted:
            row.status, row.reason = _why_gone(row, pathway, now)
            row.settled = now
            changed.append(row)
    for item in plan.late:
        if item.key not in latest:
            row = _new(item, pathway)
            row.status, row.settled, row.reason = "too-late", now, item.why
            session.add(row)
            changed.append(row)
    return changed


def view(row: OwedRow) -> MessageView:
    """A message row as a projection sees it."""
    assert row.at is not None
    return MessageView(
        key=row.key,
        generation=row.generation,
        pathway_id=row.pathway_id,
        patient_id=row.patient_id,
        channel=row.data.get("channel", ""),
        status=row.status,
        at=row.at,
        until=row.until,
        sent=row.settled if row.status == "sent" else None,
        reason=row.reason,
        subject=row.subject,
        text=row.text,
        slot_step=row.data.get("slot_step"),
        slot_occurrence=row.data.get("slot_occurrence"),
    )


def tag_of(pathway_id: str, key: str, generation: int) -> str:
    """The name a message goes out under: the same for every attempt, and saying nothing to who reads it."""
    return "jalon-" + hashlib.sha256(f"{pathway_id}\n{key}\n{generation}".encode()).hexdigest()[:32]


def _new(item: Item, pathway: Pathway, generation: int = 1) -> OwedRow:
    row = OwedRow(
        pathway_id=pathway.id,
        patient_id=pathway.patient_id,
        key=item.key,
        generation=generation,
        kind=item.kind.value,
        tag=tag_of(pathway.id, item.key, generation),
    )
    write(row, item)
    return row


def write(row: OwedRow, item: Item) -> None:
    """Let the row say what the plan says of it. A new hour in the plan is a new hour to be claimed at."""
    if row.at != item.at:
        row.next_at = item.at
    row.at, row.until, row.not_before = item.at, item.until, item.not_before
    row.live, row.why, row.role, row.step = item.live, item.why, item.role, item.step
    row.data = dict(item.data)
    row.channel = item.data.get("channel", "") if item.kind in (Kind.MESSAGE, Kind.PAGE) else ""


def _why_gone(row: OwedRow, pathway: Pathway, now: datetime) -> tuple[str, str]:
    """What a row becomes that the plan no longer calls for."""
    if row.kind == Kind.RUNG:
        fired = {one.key: one for one in pathway.fired}
        if row.key in fired:
            return ("passed-over", "a later one was due") if fired[row.key].passed_over else ("fired", "")
    if row.kind in (Kind.TASK, Kind.VISIT):
        key, _, occurrence = row.step.partition("/")
        step = pathway.at(key, int(occurrence))
        if step is not None and step.is_settled:
            return "settled", step.status.value
    if row.kind in (Kind.CALL, Kind.LETTER) and row.key in {one.key for one in pathway.called}:
        return "settled", "done by a person"
    if row.until is not None and row.until <= now:
        return "too-late", "no longer useful"
    if not pathway.runs:
        return "withdrawn", f"the pathway ended: {pathway.end}" if pathway.end else "the pathway is complete"
    return "withdrawn", "the plan changed"


def planned_item(row: OwedRow) -> Item:
    """The planned thing that a row is."""
    return Item(
        key=row.key,
        kind=Kind(row.kind),
        at=row.at,
        until=row.until,
        not_before=row.not_before,
        why=row.why,
        role=row.role,
        step=row.step,
        live=row.live,
        data=dict(row.data),
    )
