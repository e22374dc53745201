"""plan(pathway) → everything that this state calls for: tasks, visits, deadlines, messages, calls. Pure.

The plan depends on the state alone, never on how it came about. Items are named by what they are
(``step/occurrence/kind/name``), with the revision of the slot they speak of where there is one, so that
planning twice names the same things. ``diff`` says what a new plan changes in an old one, row by row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pathway.courses import Course
from pathway.flags import Flag, flags_of_the_whole
from pathway.ground import Ground
from pathway.known import Known, known
from pathway.ladders import APART, put_off
from pathway.messages import calls_of_none
from pathway.notices import notices_of_the_end
from pathway.pieces import apart_piece, items_of_course, work_out_pieces
from pathway.planned import Item, Kind, in_order
from pathway.state import Pathway

PLANNER = "1"
"""The version of this planner; raised when the same state would be planned otherwise."""

__all__ = ["PLANNER", "Change", "Item", "Kind", "Plan", "diff", "plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is called for. ``items`` are to exist; ``late`` came too late to be worth sending, and why."""

    items: tuple[Item, ...]
    late: tuple[Item, ...] = ()
    flags: tuple[Flag, ...] = ()

    def by_key(self) -> dict[str, Item]:
        """The items by their key."""
        return {item.key: item for item in self.items}


def plan(pathway: Pathway, ground: Ground) -> Plan:
    """Every task, visit, deadline, message and call that this state calls for, earliest first."""
    notes = known(pathway, ground)
    if notes.plan is None:
        notes.plan = _plan(notes, pathway, ground)
    return notes.plan


def _plan(notes: Known, pathway: Pathway, ground: Ground) -> Plan:
    work_out_pieces(notes, pathway, ground)
    pieces = [piece for piece in notes.pieces if piece is not None]
    items = [item for piece in pieces for item in piece.items]
    for kind in APART:
        items += apart_piece(kind, notes, pathway, ground).items
    if pathway.snoozed:
        again = Course(ladders=tuple(put_off(pathway, ground)))
        items += items_of_course(again, notes, pathway, ground)
    items += [*calls_of_none(pathway, ground), *notices_of_the_end(pathway, ground)]
    items.sort(key=in_order)
    late = tuple(item for piece in pieces for item in piece.late)
    of_visits = [flag for piece in pieces for flag in piece.flags]
    return Plan(tuple(items), late, (*flags_of_the_whole(pathway, ground), *of_visits))


class How(StrEnum):
    """What a change does to one planned thing."""

    ADDED = "added"
    MOVED = "moved"
    CHANGED = "changed"
    SETTLED = "settled"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the difference between two plans: what, old, new, why. Instants are UTC."""

    what: str
    how: How
    kind: Kind
    step: str
    old: datetime | None
    new: datetime | None
    why: str
    data: dict[str, Any] = field(default_factory=dict)


def diff(before: Plan, after: Plan, pathway: Pathway) -> tuple[Change, ...]:
    """What ``after``, the plan of ``pathway``, changes in ``before``, in the order of the dates.

    A thing that only took a new slot revision is one row (moved), not a withdrawal and an addition. What is gone
    because it was done is settled, not withdrawn.
    """
    done = {f"{step.ref}/{kind}" for step in pathway.steps if step.is_settled for kind in ("task", "visit")}
    done |= {one.key for one in pathway.fired} | {one.key for one in pathway.called}
    old = {_timeless(item): item for item in before.items}
    new = {_timeless(item): item for item in after.items}
    rows = []
    for name in old.keys() | new.keys():
        was, now = old.get(name), new.get(name)
        if was is None and now is not None:
            rows.append(_row(name, How.ADDED, now, None, now))
        elif now is None and was is not None:
            how = How.SETTLED if name in done or was.key in done else How.WITHDRAWN
            rows.append(_row(name, how, was, was, None))
        elif was is not None and now is not None and was != now:
            how = How.MOVED if was.at != now.at else How.CHANGED
            if how is How.MOVED or was.key != now.key or was.live != now.live or was.data != now.data:
                rows.append(_row(name, how, now, was, now))
    return tuple(sorted(rows, key=lambda row: ((row.new or row.old) is None, row.new or row.old, row.what)))


def _row(name: str, how: How, item: Item, was: Item | None, now: Item | None) -> Change:
    return Change(
        what=name,
        how=how,
        kind=item.kind,
        step=item.step,
        old=was.at if was else None,
        new=now.at if now else None,
        why=item.why,
        data=item.data,
    )


def _timeless(item: Item) -> str:
    head, _, tail = item.key.partition("@")
    return head + ("/" + tail.partition("/")[2] if "/" in tail else "")
