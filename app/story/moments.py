"""When something happens in a story: a wall time in the centre, dated or counted from today.

``2027-02-16 09:30`` · ``2027-02-16`` · ``day -12 10:00`` (calendar days from today) · ``workday -12 10:00`` (the 12th
working day before today) · ``now -3 h`` (real hours or minutes from now).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from pathway.calendar import Calendar

RIGHT = "like “2027-02-16 09:30”, “day -12 10:00”, “workday -12 10:00” or “now -3 h”"
_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{1,2}:\d{2}))?")
_COUNTED = re.compile(r"(day|workday) ?([+-]?\d{1,4})(?: (\d{1,2}:\d{2}))?")
_FROM_NOW = re.compile(r"now(?: ?([+-]\d{1,5}) ?(h|min))?")


@dataclass(frozen=True, slots=True)
class Said:
    """A moment as it was written. ``wall`` is None when only the day was given."""

    day: date | None = None
    count: int = 0
    unit: str = ""
    wall: time | None = None


def parse(text: str) -> Said:
    """What was written. Raises ValueError saying what would be right."""
    try:
        if match := _DATED.fullmatch(text):
            return Said(day=date.fromisoformat(match[1]), wall=_wall(match[2]))
        if match := _COUNTED.fullmatch(text):
            return Said(count=int(match[2]), unit=match[1], wall=_wall(match[3]))
        if match := _FROM_NOW.fullmatch(text):
            return Said(count=int(match[1] or 0), unit=match[2] or "min")
    except ValueError:
        pass
    raise ValueError(f"expected a moment {RIGHT}, got “{text}”")


def _wall(text: str | None) -> time | None:
    return time.fromisoformat(text.zfill(5)) if text else None


@dataclass(frozen=True, slots=True)
class Days:
    """What turns moments into instants: the centre's calendar, and the instant that counts as now (UTC)."""

    calendar: Calendar
    now: datetime

    def instant(self, text: str) -> datetime:
        """The instant (UTC) of a moment; the end of the day when no time is given."""
        said = parse(text)
        if said.unit in ("h", "min"):
            return self.now + timedelta(minutes=said.count * (60 if said.unit == "h" else 1))
        day = self._day(said)
        return self.calendar.end_of(day) if said.wall is None else self.calendar.at(day, said.wall)

    def day(self, text: str) -> date:
        """The calendar day of a moment in the centre."""
        said = parse(text)
        return self.calendar.day(self.instant(text)) if said.unit in ("h", "min") else self._day(said)

    def is_a_day(self, text: str) -> bool:
        """Whether only a day was written, no time."""
        said = parse(text)
        return said.wall is None and said.unit not in ("h", "min")

    def start(self, text: str) -> datetime:
        """Like ``instant``, but the beginning of the day when no time is given."""
        return self.calendar.at(self.day(text), time(0)) if self.is_a_day(text) else self.instant(text)

    def _day(self, said: Said) -> date:
        if said.day is not None:
            return said.day
        today = self.calendar.day(self.now)
        if said.unit == "workday":
            return self.calendar.add_working_days(today, said.count)
        return today + timedelta(days=said.count)
