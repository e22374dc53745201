"""The piece of a plan that one step calls for, noted beside the state until something it hangs on changes."""

from __future__ import annotations

from datetime import datetime, timedelta

from pathway.courses import Course, Standing, course_at
from pathway.flags import Flag, visit_flags
from pathway.ground import Ground
from pathway.known import Known
from pathway.ladders import alert_of, apart, pending
from pathway.lifecycle import SETTLED, StepStatus
from pathway.messages import pages_of, said_of
from pathway.notices import notices_of, notices_of_rungs
from pathway.planned import Item, Kind
from pathway.state import Pathway, Step


class Piece:
    """What one step calls for. From ``until`` on (UTC) it calls for something else, though nothing may happen.

    ``refs`` are what it speaks of, by the first two parts of its keys, where that is not the step itself.
    """

    __slots__ = ("flags", "items", "late", "refs", "until")

    def __init__(
        self,
        items: list[Item],
        late: tuple[Item, ...] = (),
        flags: tuple[Flag, ...] = (),
        until: datetime | None = None,
        refs: frozenset[str] = frozenset(),
    ) -> None:
        self.items = items
        self.late = late
        self.flags = flags
        self.until = until
        self.refs = refs


def work_out_pieces(notes: Known, pathway: Pathway, ground: Ground) -> None:
    """Note what every step calls for, where that is not noted or has changed by itself meanwhile."""
    pieces, now = notes.pieces, pathway.as_of
    for place, found in enumerate(pieces):
        if found is None or (found.until is not None and found.until <= now):
            pieces[place] = _piece(place, notes, pathway, ground)


def _piece(place: int, notes: Known, pathway: Pathway, ground: Ground) -> Piece:
    step = pathway.steps[place]
    said = said_of(step, pathway, ground)
    items = [*said.wanted, *notices_of(step, pathway, ground)]
    if step.status in SETTLED:
        if not items and not said.turns:
            return _NOTHING
        return Piece(items, said.late, (), pathway.as_of if said.drifts else _next(said.turns, pathway))
    course = course_at(place, notes, pathway, ground)
    items.append(_task(step, course, ground))
    if step.visit is not None and step.visit.stands:
        items.append(_visit(step, ground))
    turns = [*said.turns, *_turns(course, notes, pathway, ground)]
    items += items_of_course(course, notes, pathway, ground)
    until = pathway.as_of if said.drifts else _next(turns, pathway)
    return Piece(items, said.late, visit_flags(step, pathway, ground), until)


def apart_piece(kind: str, notes: Known, pathway: Pathway, ground: Ground) -> Piece:
    """What the ladders of this kind call for that are of no step, from the notes or worked out and noted."""
    found = notes.apart_pieces.get(kind)
    if found is None or (found.until is not None and found.until <= pathway.as_of):
        course = apart(kind, notes, pathway, ground)
        if not course.ladders:
            return _NOTHING
        items = items_of_course(course, notes, pathway, ground)
        refs = frozenset("/".join(one.key.split("/", 2)[:2]) for rungs in course.ladders for one in rungs)
        found = Piece(items, until=_next(_turns(course, notes, pathway, ground), pathway), refs=refs)
        notes.apart_pieces[kind] = found
    return found


_NOTHING = Piece([])


def _turns(course: Course, notes: Known, pathway: Pathway, ground: Ground) -> list[datetime]:
    """Every instant at which a rung is due, is said again after it was put off, or its page is too old."""
    life = timedelta(hours=ground.protocol.messaging.page_life_hours)
    rungs = [standing for one in course.ladders for standing in one]
    turns = [standing.moment.instant for standing in rungs]
    turns += [fired.at + life for one in rungs if (fired := notes.fired.get(one.key))]
    return turns + [one.until for one in pathway.snoozed]


def items_of_course(course: Course, notes: Known, pathway: Pathway, ground: Ground) -> list[Item]:
    """What its ladders call for: the rungs to come, and the pages, letters and calls of those that have fired."""
    items: list[Item] = []
    for rungs in course.ladders:
        for standing in pending(rungs, notes.fired, pathway.as_of):
            item = course.items.get(standing.key)
            if item is None:
                item = course.items[standing.key] = _rung(standing)
            items.append(item)
        if not notes.fired.keys().isdisjoint([standing.key for standing in rungs]):
            if alert := alert_of(rungs, notes.fired, pathway, ground):
                items += pages_of(alert, pathway, ground)
            items += notices_of_rungs(rungs, pathway, ground)
    return items


def _rung(standing: Standing) -> Item:
    return Item(
        key=standing.key,
        kind=Kind.RUNG,
        at=standing.moment.instant,
        why=standing.moment.why,
        role=standing.rung.to,
        step=standing.step,
        data={"level": standing.rung.level},
    )


def _task(step: Step, course: Course, ground: Ground) -> Item:
    """A waiting step has its date already if it can be known."""
    return Item(
        key=f"{step.ref}/task",
        kind=Kind.TASK,
        at=course.due.instant if course.due else None,
        not_before=course.earliest.instant if course.earliest else None,
        why=course.due.why if course.due else "",
        role=ground.protocol.step(step.key).performer,
        step=step.ref,
        live=step.status not in (StepStatus.WAITING, StepStatus.ON_HOLD),
    )


def _visit(step: Step, ground: Ground) -> Item:
    assert step.visit is not None
    return Item(
        key=f"{step.ref}/visit@{step.visit.revision}",
        kind=Kind.VISIT,
        at=step.visit.start,
        until=step.visit.end,
        why=step.visit.status.value,
        role=ground.protocol.step(step.key).performer,
        step=step.ref,
        data={"place": step.visit.place},
    )


def _next(turns: tuple[datetime, ...] | list[datetime], pathway: Pathway) -> datetime | None:
    """The first of these instants that is still to come."""
    now = pathway.as_of
    ahead = [one for one in turns if one > now]
    return min(ahead) if ahead else None
