"""Dates of different precision compared: a year, a month, a day and an instant are spans of time.

Two of them are in the wrong order only when every instant of the one is after every instant of the other. A date
has no zone, so beside an instant it may begin 14 hours early and end 12 hours late.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

_EAST, _WEST = timedelta(hours=14), timedelta(hours=12)
_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


def is_after(first: Any, second: Any) -> bool:
    """Whether a date, dateTime or instant is certainly after another; False where that is not known."""
    one, other = _span(first), _span(second)
    if one is None or other is None:
        return False
    (start, _, one_zoned), (_, end, other_zoned) = one, other
    if one_zoned and not other_zoned:
        end += _WEST
    elif other_zoned and not one_zoned:
        start -= _EAST
    return start > end


def _span(value: Any) -> tuple[datetime, datetime, bool] | None:
    """The first and the last instant that it may mean, and whether it has an offset."""
    if not isinstance(value, str):
        return None
    try:
        if len(value) > 10:
            at = datetime.fromisoformat(value.replace(":60", ":59", 1) if ":60" in value else value)
            if at.tzinfo is None:
                return None
            return at.astimezone(UTC), at.astimezone(UTC), True
        pieces = [int(piece) for piece in value.split("-")]
        first = date(*[*pieces, 1, 1][:3])
        return _midnight(first), _midnight(_next(first, len(pieces))) - _TICK, False
    except (ValueError, OverflowError):
        return None


def _next(first: date, pieces: int) -> date:
    """The first day of the next year, month or day."""
    if pieces == 3:
        return first + _DAY
    if pieces == 2 and first.month < 12:
        return first.replace(month=first.month + 1)
    return first.replace(year=first.year + 1, month=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
