"""What one pathway has gone through, read straight from its stored state and the lines of its history.

Thousands of pathways make one figure, so nothing here is decoded that nobody asks for: a ``Course`` holds the plain
data that ``pathway.codec`` wrote and reads a date when a question needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from pathway.calendar import Calendar
from pathway.codec import encode
from pathway.protocol import Protocol
from pathway.state import Pathway

Data = Mapping[str, Any]

HEARD = (
    "VisitBooked",
    "VisitCancelled",
    "VisitMissed",
    "StepStarted",
    "StepCompleted",
    "HoldSigned",
    "HoldNotRequired",
    "HoldRejected",
    "PathwayEnded",
    "PatientDied",
)
"""The lines of a history that indicators read; what else happens, the state tells."""

OR_ELSE = " else "


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a history: when it was recorded, when it really happened (UTC), and the event as plain data."""

    recorded: datetime
    occurred: datetime
    event: Data

    @property
    def type(self) -> str:
        """The event's name."""
        return str(self.event.get("type"))


@dataclass(frozen=True)
class Course:
    """One pathway as the indicators see it.

    ``lines`` are those of ``HEARD``, oldest first. ``next_fracture`` is the day of the fracture that a later pathway,
    linked to this one, treats. ``exclusions`` keeps which of the file's were found to hold.
    """

    state: Data
    lines: Sequence[Line]
    protocol: Protocol
    calendar: Calendar
    next_fracture: date | None = None
    exclusions: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)
    _days: dict[str, date | None] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def steps(self) -> dict[str, list[Data]]:
        """Every occurrence of every step, by key, first occurrence first."""
        found: dict[str, list[Data]] = {}
        for step in self.state.get("steps", ()):
            found.setdefault(step["key"], []).append(step)
        for occurrences in found.values():
            occurrences.sort(key=lambda step: step.get("occurrence", 1))
        return found

    def done(self, key: str, outcomes: Sequence[str] = ()) -> Data | None:
        """The latest time the step was done, if it was with one of these outcomes (any when none is given)."""
        for step in reversed(self.steps.get(key, ())):
            if step.get("status") == "done":
                return step if not outcomes or step.get("outcome") in outcomes else None
        return None

    def knows(self, ref: str) -> bool:
        """Whether the protocol of this pathway has the step that a moment speaks of."""
        head, _, tail = ref.partition(":")
        key = tail.partition("=")[0].partition(".")[0]
        return head not in ("done", "start", "data") or self.protocol.has_step(key)

    def day(self, ref: str) -> date | None:
        """The calendar day, at the centre, of a moment; None when it has not come or nobody knows it.

        Moments: ``referral``, ``fracture``, ``next_fracture``, ``death``, ``done:STEP``, ``start:STEP`` (both may ask
        for outcomes: ``done:dxa=done|seen``), ``data:STEP.ANSWER`` and ``fact:KEY`` (a day that was recorded).
        ``A else B`` is the first of them that is known.
        """
        if ref not in self._days:
            days = (self._day(one) for one in ref.split(OR_ELSE))
            self._days[ref] = next((day for day in days if day is not None), None)
        return self._days[ref]

    def _day(self, ref: str) -> date | None:
        head, _, tail = ref.partition(":")
        if head == "referral":
            return self.calendar.day(_instant(self.state["referred"]))
        if head == "fracture":
            return _as_day(self.state.get("fracture", {}).get("onset"), self.calendar)
        if head == "next_fracture":
            return self.next_fracture
        if head == "death":
            return self.died
        if head == "fact":
            fact = self.fact(tail)
            return _as_day(fact.get("value"), self.calendar) if fact else None
        if head == "data":
            key, _, name = tail.partition(".")
            step = self.done(key)
            return _as_day(step.get("data", {}).get(name), self.calendar) if step else None
        key, _, wanted = tail.partition("=")
        step = self.done(key, wanted.split("|") if wanted else ())
        if step is None:
            return None
        instant = start_of(step) if head == "start" else settled(step)
        return self.calendar.day(instant) if instant else None

    def fact(self, key: str, before: datetime | None = None) -> Data | None:
        """The latest fact of that key, in time and then as heard, among those true before an instant."""
        found = None
        for fact in self.state.get("facts", ()):
            if fact["key"] != key or (before is not None and _instant(fact["at"]) >= before):
                continue
            if found is None or _instant(fact["at"]) >= _instant(found["at"]):
                found = fact
        return found

    @cached_property
    def end(self) -> str | None:
        """The named end, where it has one."""
        end = self.state.get("end")
        return str(end) if end else None

    @cached_property
    def ended(self) -> date | None:
        """The day on which it came to its named end."""
        if self.end is None:
            return None
        told = self.state.get("ended") or self.state["as_of"]
        if self.end == "deceased" and self.died:
            return self.died
        return self.calendar.day(_instant(told))

    @cached_property
    def died(self) -> date | None:
        """The day of death, if one was recorded."""
        deaths = [line.occurred for line in self.lines if line.type == "PatientDied"]
        return self.calendar.day(min(deaths)) if deaths else None

    @cached_property
    def held(self) -> Sequence[Data]:
        """The drugs of the last hold plan that was signed."""
        signed = [line for line in self.lines if line.type == "HoldSigned"]
        return list(signed[-1].event.get("drugs", ())) if signed else []


def course_of(
    pathway: Pathway, lines: Sequence[Line], protocol: Protocol, calendar: Calendar, **more: Any
) -> Course:
    """The course of a pathway that is at hand as a value."""
    heard = [line for line in lines if line.type in HEARD]
    return Course(encode(pathway), heard, protocol, calendar, **more)


def start_of(step: Data) -> datetime | None:
    """When an occurrence began: its start, else its slot's, else when it was settled."""
    visit = step.get("visit") or {}
    told = step.get("started") or visit.get("start") or step.get("settled")
    return _instant(told) if told else None


def settled(step: Data) -> datetime | None:
    """When an occurrence really ended."""
    return _instant(step["settled"]) if step.get("settled") else None


def _instant(told: str | datetime) -> datetime:
    return told if isinstance(told, datetime) else datetime.fromisoformat(told)


def _as_day(told: Any, calendar: Calendar) -> date | None:
    """A day, written as a day or as an instant."""
    if isinstance(told, datetime):
        return calendar.day(told)
    if isinstance(told, date):
        return told
    if not isinstance(told, str) or len(told) < len("2027-03-16"):
        return None
    try:
        if len(told) == len("2027-03-16"):
            return date.fromisoformat(told)
        instant = datetime.fromisoformat(told)
    except ValueError:
        return None
    return calendar.day(instant) if instant.tzinfo else instant.date()
