"""The watch after the procedure, as a protocol says it: what is looked at, how often, and what raises an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pathway.refusal import Text


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that the ward looks at: ``kind`` number or yes-no, with its UCUM unit and LOINC code where known."""

    key: str
    title: Text
    kind: Literal["number", "yes-no"]
    unit: str = ""
    code: str = ""
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """Observation sets at equal distances: ``count`` of them, ``every`` minutes, the first ``start`` minutes after T0.

    T0 is the end of cement injection. A set that is missing is told to the ward ``amber`` minutes after its time and
    again, urgently, after ``red`` minutes. ``items`` are what is looked at; a set without those that are ``needed`` is
    still missing.
    """

    key: str
    title: Text
    start: int
    every: int
    count: int
    items: tuple[str, ...]
    amber: int
    red: int
    source: str
    needed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sign:
    """What in an observation set raises an alarm. Every part that is given must hold.

    ``falls_by``, ``rises_by``: against the baseline, the first set that is recorded. ``is_new``: true now and not at
    the baseline. ``times``: so many sets in a row. ``from_minutes``, ``to_minutes``: only so long after T0.
    """

    item: str
    is_: bool | None = None
    at_least: float | None = None
    at_most: float | None = None
    falls_by: float | None = None
    rises_by: float | None = None
    is_new: bool = False
    times: int = 1
    from_minutes: int | None = None
    to_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """A threshold: which signs, who hears at once, how fast somebody must answer, and who hears if nobody does.

    Unacknowledged, it is said again every ``acknowledge_minutes``, ``rounds`` times in all, the last time also to
    ``last_to``. ``holds`` puts the pathway on hold (reason ``complication``). ``opens`` are the steps it calls for.
    """

    key: str
    title: Text
    level: Literal["red", "escalation", "overdue"]
    any_of: tuple[Sign, ...]
    to: tuple[str, ...]
    acknowledge_minutes: int
    source: str
    rounds: int = 3
    last_to: tuple[str, ...] = ()
    holds: bool = False
    opens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surveillance:
    """The watch after the procedure: what is looked at, how often, and what raises an alarm.

    ``charge`` is the role that hears of a missing set.
    """

    step: str
    charge: str
    items: tuple[Observation, ...]
    rounds: tuple[Round, ...]
    alarms: tuple[AlarmRule, ...]
    source: str

    def item(self, key: str) -> Observation | None:
        """The thing looked at under that key, or None."""
        return next((one for one in self.items if one.key == key), None)

    def alarm(self, key: str) -> AlarmRule | None:
        """The alarm of that key, or None."""
        return next((one for one in self.alarms if one.key == key), None)
