"""Wall time, working days and decent hours of one centre.

Instants are aware and UTC. Calendar offsets are wall time in the centre's zone, so 09:00 stays 09:00 over a
change of clocks; durations are real hours and belong to ``timedelta``. Holidays arrive as data, pinned with
the protocol, so that the same state gives the same plan next year.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from pathway.copying import without_notes

DAY = timedelta(days=1)
_END_OF_DAY = time(23, 59)
_KEPT = 1 << 16


def add_months(day: date, count: int) -> date:
    """The same day of the month ``count`` calendar months later; the month's last day where there is none."""
    month = day.month - 1 + count
    year, month = day.year + month // 12, month % 12 + 1
    return day.replace(year=year, month=month, day=min(day.day, monthrange(year, month)[1]))


@dataclass(frozen=True)
class Calendar:
    """The centre's zone, holidays and hours. ``decent_from``–``decent_to`` is when a patient may be written to."""

    zone: str
    holidays: frozenset[date]
    business_close: time
    decent_from: time
    decent_to: time

    __getstate__ = without_notes

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    # The same few days and hours are asked for again and again, so the latest answers are kept.

    @cached_property
    def _day_of(self) -> Callable[[datetime], date]:
        return lru_cache(_KEPT)(lambda instant: self.local(instant).date())

    @cached_property
    def _instant_of(self) -> Callable[[date, time, int], datetime]:
        zone = self._zone

        def instant(day: date, wall: time, _fold: int) -> datetime:
            return datetime.combine(day, wall, tzinfo=zone).astimezone(UTC)

        return lru_cache(_KEPT)(instant)

    @cached_property
    def _working_day(self) -> Callable[[date, int], date]:
        return lru_cache(_KEPT)(self._count_working_days)

    def local(self, instant: datetime) -> datetime:
        """The same instant on the centre's wall clock."""
        return instant.astimezone(self._zone)

    def day(self, instant: datetime) -> date:
        """The calendar day of an instant in the centre."""
        # Only of UTC: elsewhere two instants an hour apart can compare equal, when clocks go back.
        return self._day_of(instant) if instant.tzinfo is UTC else self.local(instant).date()

    def at(self, day: date, wall: time) -> datetime:
        """The UTC instant of a wall time; an hour that the spring change skips is taken an hour later."""
        return self._instant_of(day, wall, wall.fold)  # two times that differ in fold alone compare equal

    def end_of(self, day: date) -> datetime:
        """23:59 of that day in the centre: what "by the day" means here."""
        return self.at(day, _END_OF_DAY)

    def is_working(self, day: date) -> bool:
        """Monday to Friday, public holidays excepted."""
        return day.weekday() < 5 and day not in self.holidays

    def add_working_days(self, day: date, count: int) -> date:
        """The ``count``-th working day after (or, negative, before) ``day``."""
        return self._working_day(day, count)

    def _count_working_days(self, day: date, count: int) -> date:
        step = DAY if count >= 0 else -DAY
        left = abs(count)
        while left:
            day += step
            if self.is_working(day):
                left -= 1
        return day

    def decent(self, instant: datetime, *, any_day: bool = False) -> datetime:
        """The first moment from ``instant`` on at which a patient may be written to.

        Not before ``decent_from``, not from ``decent_to`` on, and not on Sundays and public holidays unless
        ``any_day`` (the day-before reminder and the day of a last intake). Centre default, unsourced.
        """
        local = self.local(instant)
        day, wall = local.date(), local.time().replace(tzinfo=None)
        if self._may_write(day, any_day):
            if wall < self.decent_from:
                return self.at(day, self.decent_from)
            if wall < self.decent_to:
                return instant
        day += DAY
        while not self._may_write(day, any_day):
            day += DAY
        return self.at(day, self.decent_from)

    def _may_write(self, day: date, any_day: bool) -> bool:
        return any_day or (day.weekday() != 6 and day not in self.holidays)
