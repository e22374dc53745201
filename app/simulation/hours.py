"""When people work: an instant moved into office hours on working days, or left alone for who works day and night."""

from __future__ import annotations

from datetime import date, datetime, time

from app.simulation.cohort import Cohort
from pathway.calendar import Calendar

_QUARTER = 15


class Hours:
    """The centre's calendar with the cohort's office hours. Instants are aware and UTC."""

    def __init__(self, calendar: Calendar, cohort: Cohort) -> None:
        self.calendar = calendar
        self._from, self._to = cohort.office
        self._minutes = _minute(self._to) - _minute(self._from)
        self._always = frozenset(cohort.day_and_night)
        self._start = self.midnight(cohort.start)

    def week(self, instant: datetime) -> int:
        """The week of the simulation, from 0; weeks begin on Monday at midnight of the first week's clock."""
        return (instant - self._start).days // 7

    def midnight(self, day: date) -> datetime:
        """The instant at which that day begins at the centre."""
        return self.calendar.at(day, time(0))

    def of(self, role: str, instant: datetime, luck: float) -> datetime:
        """The first moment from ``instant`` on at which this role works."""
        return instant if role in self._always else self.office(instant, luck)

    def office(self, instant: datetime, luck: float) -> datetime:
        """``instant`` in office hours; else a moment of the next working day that ``luck`` (0 to 1) picks."""
        local = self.calendar.local(instant)
        day, wall = local.date(), local.time().replace(tzinfo=None)
        working = self.calendar.is_working(day)
        if working and self._from <= wall <= self._to:
            return instant
        if not (working and wall < self._from):
            day = self.calendar.add_working_days(day, 1)
        return self._moment(day, luck)

    def slot(self, day: date, at: tuple[time, ...], luck: float) -> datetime:
        """A slot on that day, or the next working day: at one of these hours, else on a quarter of an office hour."""
        if not self.calendar.is_working(day):
            day = self.calendar.add_working_days(day, 1)
        if at:
            return self.calendar.at(day, at[int(luck * len(at))])
        quarters = self._minutes // _QUARTER
        return self.calendar.at(day, _wall(_minute(self._from) + _QUARTER * int(luck * quarters)))

    def next_working_day(self, instant: datetime, luck: float) -> datetime:
        """A moment of the next working day."""
        return self._moment(self.calendar.add_working_days(self.calendar.day(instant), 1), luck)

    def _moment(self, day: date, luck: float) -> datetime:
        return self.calendar.at(day, _wall(_minute(self._from) + int(luck * self._minutes)))

    def day_of(self, instant: datetime) -> date:
        """The calendar day of an instant at the centre."""
        return self.calendar.day(instant)


def _minute(wall: time) -> int:
    return wall.hour * 60 + wall.minute


def _wall(minute: int) -> time:
    return time(minute // 60, minute % 60)
