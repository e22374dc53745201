"""From a rule to a day: on the centre's calendar where the text counts days, in real hours where it counts hours."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import count
from math import ceil

from pathway.calendar import Calendar
from pathway.holding.answer import LastIntake
from pathway.holding.asked import Drug
from pathway.holding.profile import Clock, Clocks, Rule

HOUR = timedelta(hours=1)


def last_intake(
    rule: Rule, drug: Drug, procedure: datetime, calendar: Calendar, clocks: Clocks
) -> LastIntake | None:
    """The last intake that this rule allows before ``procedure`` (UTC); None when it gives no delay.

    Days are counted on the calendar, never as hours x 24, so a change of clocks moves nothing; hours are elapsed.
    """
    if rule.offset is not None:
        earliest = None if rule.max_offset is None else _by_days(rule.max_offset, drug, procedure, calendar)
        return _by_days(rule.offset, drug, procedure, calendar, earliest)
    if rule.hours is not None:
        far = rule.max_hours
        earliest = None if far is None else _by_hours(far, drug, procedure, calendar, clocks)
        return _by_hours(rule.hours, drug, procedure, calendar, clocks, earliest)
    return None


def held_days(rule: Rule, found: LastIntake | None) -> int:
    """What the drug adds to the longest delay: its days, or its hours as calendar days back, rounded up."""
    if found is None:
        return 0
    hours = rule.max_hours or rule.hours
    return max(found.longest_offset_days, ceil(hours / 24) if hours else 0)


def _by_days(
    offset: int, drug: Drug, procedure: datetime, calendar: Calendar, earliest: LastIntake | None = None
) -> LastIntake:
    day = calendar.day(procedure) - timedelta(days=offset)
    return LastIntake(day, offset, clock=_clock(drug), earliest=earliest)


def _clock(drug: Drug) -> Clock:
    """The last dose of that day, as the drug is taken."""
    if drug.taken is not None:
        return drug.taken
    return "evening" if drug.frequency in ("twice", "thrice") else "usual"


def _by_hours(
    hours: float,
    drug: Drug,
    procedure: datetime,
    calendar: Calendar,
    clocks: Clocks,
    earliest: LastIntake | None = None,
) -> LastIntake:
    """The last usual dose at or before the limit; where the hours of the doses are unknown, the limit's own day."""
    limit = procedure - hours * HOUR
    day, clock = calendar.day(limit), _clock(drug)
    doses = _doses(drug, clocks)
    if doses:
        day, clock = _dose_before(limit, doses, calendar)
    offset = (calendar.day(procedure) - day).days
    return LastIntake(day, offset, limit, clock, earliest)


def _doses(drug: Drug, clocks: Clocks) -> tuple[tuple[Clock, time], ...]:
    morning: tuple[Clock, time] = ("morning", clocks.morning)
    evening: tuple[Clock, time] = ("evening", clocks.evening)
    if drug.frequency == "twice":
        return evening, morning
    if drug.taken == "morning":
        return (morning,)
    if drug.taken == "evening" or is_taken_for_evening(drug):
        return (evening,)
    return ()


def is_taken_for_evening(drug: Drug) -> bool:
    """Whether a drug is taken once a day and nobody says when: the evening is assumed, and the signer warned."""
    return drug.frequency == "once" and drug.taken is None


def _dose_before(
    limit: datetime, doses: tuple[tuple[Clock, time], ...], calendar: Calendar
) -> tuple[date, Clock]:
    last = calendar.day(limit)
    for back in count():
        day = last - timedelta(days=back)
        for clock, wall in doses:
            if calendar.at(day, wall) <= limit:
                return day, clock
    raise AssertionError("a usual dose precedes every instant")
