"""From "three days before the procedure at 10:00" to an instant, when its anchor is known."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from pathway.calendar import Calendar
from pathway.gates import holds
from pathway.ground import Ground, hold_start, last_intakes, procedure_slot
from pathway.hold_plan import HoldStatus
from pathway.lifecycle import StepStatus, VisitStatus
from pathway.protocol import Offset
from pathway.state import Pathway, Step


class Moment(NamedTuple):
    """An instant (UTC) and where it comes from. ``revision`` is set when it hangs on a slot that can move."""

    instant: datetime
    why: str
    revision: str = ""


class _Anchor(NamedTuple):
    """A day in the centre, an instant, or an instant whose day is asked for when it is needed."""

    day: date | None
    instant: datetime | None
    revision: str = ""


_UNASKED = _Anchor(None, None)


def due(step: Step, pathway: Pathway, ground: Ground) -> Moment | None:
    """When a step is due: the earliest offset of its window whose anchor is known, else the window's ``otherwise``.

    None only for a step that waits, before anything it counts from is known.
    """
    return Reckoning(step, pathway, ground).due()


def resolve(offset: Offset, step: Step, pathway: Pathway, ground: Ground) -> Moment | None:
    """The moment an offset means for this occurrence; None while its anchor is unknown or it does not apply."""
    return Reckoning(step, pathway, ground).moment(offset)


def resolve_all(offset: Offset, step: Step, pathway: Pathway, ground: Ground) -> tuple[Moment, ...]:
    """Like ``resolve``, but ``last_intake`` gives one moment a day on which a drug is taken for the last time."""
    return Reckoning(step, pathway, ground).moments(offset)


def spoken(offset: Offset) -> str:
    """The offset as the table says it: ``procedure -3 d 10:00``."""
    return offset.spoken


class Reckoning:
    """The dates of one occurrence in one state, with every anchor looked up once."""

    __slots__ = ("_anchors", "_due", "_ground", "_pathway", "_step")

    def __init__(self, step: Step, pathway: Pathway, ground: Ground) -> None:
        self._step = step
        self._pathway = pathway
        self._ground = ground
        self._anchors: dict[str, _Anchor | None] = {}
        self._due: tuple[Moment | None] | None = None

    def due(self) -> Moment | None:
        """See ``due``."""
        if self._due is None:
            window = self._ground.protocol.step(self._step.key).window
            found = None
            for offset in window.due:
                moment = self.moment(offset)
                if moment is not None and (found is None or moment.instant < found.instant):
                    found = moment
            if found is None and window.otherwise is not None:
                found = self.moment(window.otherwise)
            self._due = (found,)
        return self._due[0]

    def moment(self, offset: Offset) -> Moment | None:
        """See ``resolve``."""
        if offset.first and self._step.occurrence > 1:
            return None
        if offset.when is not None and not holds(offset.when, self._pathway, self._ground):
            return None
        name = offset.from_
        anchor = self._anchors.get(name, _UNASKED)
        if anchor is _UNASKED:
            anchor = self._anchors[name] = self._anchor(name)
        if anchor is None:
            return None
        instant = _count(offset, anchor, self._ground.calendar)
        if offset.but_not_before is not None:
            floor = self.moment(offset.but_not_before)
            if floor is not None and floor.instant > instant:
                return floor
        return Moment(instant, offset.spoken, anchor.revision)

    def moments(self, offset: Offset) -> tuple[Moment, ...]:
        """See ``resolve_all``."""
        if offset.from_ != "last_intake":
            moment = self.moment(offset)
            return (moment,) if moment else ()
        pathway, ground = self._pathway, self._ground
        slot = procedure_slot(pathway, ground.protocol)
        revision = slot[1] if slot else ""
        return tuple(
            Moment(_count(offset, _Anchor(day, None), ground.calendar), offset.spoken, revision)
            for day in last_intakes(pathway, ground)
        )

    def _anchor(self, name: str) -> _Anchor | None:
        head, _, tail = name.partition(":")
        step, pathway, ground = self._step, self._pathway, self._ground
        if head == "due":
            moment = self.due()
            return _Anchor(None, moment.instant, moment.revision) if moment else None
        if head == "referral":
            return _Anchor(None, pathway.referred)
        if head == "fracture":
            onset = pathway.fracture.onset
            return _Anchor(onset, None) if onset and pathway.fracture.cause != "neoplastic" else None
        if head == "opened":
            return _Anchor(None, step.opened) if step.opened else None
        if head == "asked":
            return _Anchor(step.asked_for, None) if step.asked_for else None
        if head == "slot":
            visit = step.visit
            if visit is None or not visit.stands:
                return None
            return _Anchor(None, visit.start, f"{step.occurrence}.{visit.revision}")
        if head == "missed":
            visit = step.visit
            if (
                visit is None
                or visit.status is not VisitStatus.NOSHOW
                or step.status is not StepStatus.MISSED
            ):
                return None
            return _Anchor(None, visit.start, f"{step.occurrence}.{visit.revision}")
        if head == "procedure":
            found = procedure_slot(pathway, ground.protocol)
            return _Anchor(None, *found) if found else None
        if head == "hold_start":
            day, found = hold_start(pathway, ground), procedure_slot(pathway, ground.protocol)
            return _Anchor(day, None, found[1]) if day and found else None
        if head in ("breached", "refused"):
            instant = hold_alarm(head, pathway)
            return _Anchor(None, instant, f"h{pathway.hold.revision}") if instant else None
        if head == "done":
            done = pathway.done(tail)
            return _Anchor(None, done.settled) if done and done.settled else None
        if head == "data":
            return _recorded(tail, pathway)
        return None


def _count(offset: Offset, anchor: _Anchor, calendar: Calendar) -> datetime:
    day, instant = anchor.day, anchor.instant
    if offset.span is not None:
        if instant is None:
            assert day is not None
            instant = calendar.at(day, _MIDNIGHT)
        return instant + offset.span
    if instant is not None and offset.at is None and not offset.days and offset.working_days is None:
        return instant
    if day is None:
        assert instant is not None
        day = calendar.day(instant)
    if offset.working_days is not None:
        day = calendar.add_working_days(day, offset.working_days)
        return calendar.at(day, offset.at or calendar.business_close)
    if offset.days:
        day += timedelta(days=offset.days)
    if offset.at is not None:
        return calendar.at(day, offset.at)
    if instant is None:
        return calendar.end_of(day)
    return calendar.at(day, calendar.local(instant).time())


_MIDNIGHT = time(0)


def hold_alarm(name: str, pathway: Pathway) -> datetime | None:
    """When a dose broke the hold plan that stands so (``breached``), or the calculator gave no date (``refused``)."""
    hold = pathway.hold
    if name == "breached":
        return hold.breached if hold.status is HoldStatus.BREACHED else None
    without = hold.answer is not None and hold.answer.status in ("refused", "defer")
    return hold.since if without and hold.status is HoldStatus.PROPOSED else None


def _recorded(place: str, pathway: Pathway) -> _Anchor | None:
    key, _, name = place.partition(".")
    done = pathway.done(key)
    value = done.data.get(name) if done else None
    if not isinstance(value, str):
        return None
    if len(value) == len("2027-03-16"):
        return _Anchor(date.fromisoformat(value), None)
    return _Anchor(None, datetime.fromisoformat(value))
