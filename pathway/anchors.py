"""From "three days before the procedure at 10:00" to an instant, when its anchor is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from pathway.calendar import Calendar
from pathway.gates import holds
from pathway.ground import Ground, hold_start, last_intakes, procedure_slot
from pathway.lifecycle import StepStatus, VisitStatus
from pathway.protocol import Offset
from pathway.state import HoldStatus, Pathway, Step


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant (UTC) and where it comes from. ``revision`` is set when it hangs on a slot that can move."""

    instant: datetime
    why: str
    revision: str = ""


@dataclass(frozen=True, slots=True)
class _Anchor:
    day: date
    instant: datetime | None
    revision: str = ""


def due(step: Step, pathway: Pathway, ground: Ground) -> Moment | None:
    """When a step is due: the earliest offset of its window whose anchor is known, else the window's ``otherwise``.

    None only for a step that waits, before anything it counts from is known.
    """
    window = ground.protocol.step(step.key).window
    moments = [moment for offset in window.due if (moment := resolve(offset, step, pathway, ground))]
    if not moments and window.otherwise is not None:
        return resolve(window.otherwise, step, pathway, ground)
    return min(moments, key=lambda moment: moment.instant, default=None)


def resolve(offset: Offset, step: Step, pathway: Pathway, ground: Ground) -> Moment | None:
    """The moment an offset means for this occurrence; None while its anchor is unknown or it does not apply."""
    if offset.first and step.occurrence > 1:
        return None
    if offset.when is not None and not holds(offset.when, pathway, ground):
        return None
    anchor = _anchor(offset.from_, step, pathway, ground)
    if anchor is None:
        return None
    moment = Moment(_count(offset, anchor, ground.calendar), spoken(offset), anchor.revision)
    if offset.but_not_before is not None:
        floor = resolve(offset.but_not_before, step, pathway, ground)
        return floor if floor is not None and floor.instant > moment.instant else moment
    return moment


def resolve_all(offset: Offset, step: Step, pathway: Pathway, ground: Ground) -> tuple[Moment, ...]:
    """Like ``resolve``, but ``last_intake`` gives one moment a day on which a drug is taken for the last time."""
    if offset.from_ != "last_intake":
        moment = resolve(offset, step, pathway, ground)
        return (moment,) if moment else ()
    revision = procedure_slot(pathway, ground.protocol)
    return tuple(
        Moment(
            _count(offset, _Anchor(day, None), ground.calendar),
            spoken(offset),
            revision[1] if revision else "",
        )
        for day in last_intakes(pathway, ground)
    )


def spoken(offset: Offset) -> str:
    """The offset as the table says it: ``procedure -3 d 10:00``."""
    parts = [offset.from_]
    for value, unit in ((offset.hours, "h"), (offset.days, "d"), (offset.working_days, "wd")):
        if value is not None:
            parts.append(f"{value:+g} {unit}")
    if offset.at:
        parts.append(offset.at.strftime("%H:%M"))
    return " ".join(parts)


def _count(offset: Offset, anchor: _Anchor, calendar: Calendar) -> datetime:
    if offset.hours is not None:
        instant = anchor.instant or calendar.at(anchor.day, time(0))
        return instant + timedelta(hours=offset.hours)
    if offset.working_days is not None:
        day = calendar.add_working_days(anchor.day, offset.working_days)
        return calendar.at(day, offset.at or calendar.business_close)
    day = anchor.day + timedelta(days=offset.days or 0)
    if offset.at is not None:
        return calendar.at(day, offset.at)
    if anchor.instant is None:
        return calendar.end_of(day)
    return anchor.instant if not offset.days else calendar.at(day, calendar.local(anchor.instant).time())


def _anchor(name: str, step: Step, pathway: Pathway, ground: Ground) -> _Anchor | None:
    head, _, tail = name.partition(":")
    calendar = ground.calendar
    if head == "referral":
        return _Anchor(calendar.day(pathway.referred), pathway.referred)
    if head == "fracture":
        onset = pathway.fracture.onset
        return _Anchor(onset, None) if onset and pathway.fracture.cause != "neoplastic" else None
    if head == "opened":
        return _Anchor(calendar.day(step.opened), step.opened) if step.opened else None
    if head == "asked":
        return _Anchor(step.asked_for, None) if step.asked_for else None
    if head == "due":
        moment = due(step, pathway, ground)
        return _Anchor(calendar.day(moment.instant), moment.instant, moment.revision) if moment else None
    if head == "slot":
        visit = step.visit
        if visit is None or not visit.stands:
            return None
        return _Anchor(calendar.day(visit.start), visit.start, f"{step.occurrence}.{visit.revision}")
    if head == "missed":
        visit = step.visit
        if visit is None or visit.status is not VisitStatus.NOSHOW or step.status is not StepStatus.MISSED:
            return None
        return _Anchor(calendar.day(visit.start), visit.start, f"{step.occurrence}.{visit.revision}")
    if head == "procedure":
        found = procedure_slot(pathway, ground.protocol)
        return _Anchor(calendar.day(found[0]), found[0], found[1]) if found else None
    if head == "hold_start":
        day, found = hold_start(pathway, ground), procedure_slot(pathway, ground.protocol)
        return _Anchor(day, None, found[1]) if day and found else None
    if head in ("breached", "refused"):
        instant = hold_alarm(head, pathway)
        return _Anchor(calendar.day(instant), instant, f"h{pathway.hold.revision}") if instant else None
    if head == "done":
        done = pathway.done(tail)
        return _Anchor(calendar.day(done.settled), done.settled) if done and done.settled else None
    if head == "data":
        return _recorded(tail, pathway, calendar)
    return None


def hold_alarm(name: str, pathway: Pathway) -> datetime | None:
    """When a dose broke the hold plan that stands so (``breached``), or the calculator gave no date (``refused``)."""
    hold = pathway.hold
    if name == "breached":
        return hold.breached if hold.status is HoldStatus.BREACHED else None
    without = hold.answer is not None and hold.answer.status in ("refused", "defer")
    return hold.since if without and hold.status is HoldStatus.PROPOSED else None


def _recorded(place: str, pathway: Pathway, calendar: Calendar) -> _Anchor | None:
    key, _, name = place.partition(".")
    done = pathway.done(key)
    value = done.data.get(name) if done else None
    if not isinstance(value, str):
        return None
    if len(value) == len("2027-03-16"):
        return _Anchor(date.fromisoformat(value), None)
    instant = datetime.fromisoformat(value)
    return _Anchor(calendar.day(instant), instant)
