"""Dates as a search says them: a year, a month, a day or an instant, each a span of time to compare with."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import cast, get_args

from store.search import Prefix, Span

_SAID = re.compile(
    r"(?P<prefix>[a-z]{2})?"
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:T(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,6})\d*)?)?"
    r"(?P<zone>Z|[+ -]\d{2}:\d{2})?)?)?)?"
)
PREFIXES: tuple[str, ...] = get_args(Prefix)


def span(said: str, zone: tzinfo) -> Span:
    """What ``ge2027-03`` compares with: the prefix (``eq`` when none) and the span that the date covers.

    A date without an offset is one in ``zone``, the centre's. ValueError with a sentence when it is no date.
    """
    match = _SAID.fullmatch(said)
    if match is None:
        raise ValueError("it is no date; write it like 2027-03, ge2027-03-09 or lt2027-03-09T08:30:00Z")
    prefix = match["prefix"] or "eq"
    if prefix not in PREFIXES:
        raise ValueError(f"its prefix must be one of {', '.join(PREFIXES)}")
    try:
        start, end = _covered(match, zone)
    except (ValueError, OverflowError):
        raise ValueError("there is no such date; correct it") from None
    return Span(cast(Prefix, prefix), start.astimezone(UTC), end.astimezone(UTC))


def _covered(match: re.Match[str], zone: tzinfo) -> tuple[datetime, datetime]:
    year, month, day = (int(match[name] or 1) for name in ("year", "month", "day"))
    if not 1900 <= year < 2200:
        raise ValueError(year)
    if match["hour"] is None:
        start = datetime(year, month, day, tzinfo=zone)
        if match["day"]:
            following = datetime(year, month, day) + timedelta(days=1)  # noqa: DTZ001 - a wall date, zoned below
            return start, following.replace(tzinfo=zone)
        if match["month"]:
            return start, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
        return start, datetime(year + 1, 1, 1, tzinfo=zone)
    fraction = match["fraction"] or ""
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    micro = int(fraction.ljust(6, "0")) if fraction else 0
    start = datetime(year, month, day, hour, minute, second, micro, tzinfo=_offset(match["zone"], zone))
    return start.astimezone(UTC), start.astimezone(UTC) + _precision(match["second"], fraction)


def _precision(second: str | None, fraction: str) -> timedelta:
    if second is None:
        return timedelta(minutes=1)
    return timedelta(seconds=1) if not fraction else timedelta(microseconds=10 ** (6 - len(fraction)))


def _offset(said: str | None, zone: tzinfo) -> tzinfo:
    if said is None:
        return zone
    # A plus sign in a URL is a space to whoever forgets to escape it.
    return cast(tzinfo, datetime.strptime(said.replace(" ", "+"), "%z").tzinfo)
