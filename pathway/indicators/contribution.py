"""What one pathway adds to one indicator, as far as is known at an instant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from pathway.indicators.counting import Contribution, Counts, counted
from pathway.indicators.course import Course
from pathway.indicators.definition import Definitions, Indicator, Median, Share
from pathway.indicators.questions import ask, is_over, number
from pathway.indicators.rules import RULES


def contributions(
    indicator: Indicator, course: Course, definitions: Definitions, now: datetime
) -> Iterator[Contribution]:
    """What this pathway adds to this indicator as far as is known at ``now`` (UTC): nothing, one thing or several."""
    if indicator.rule is not None:
        found = RULES[indicator.rule.name](indicator, indicator.rule, course, now)
        yield from _unless_left_out(found, indicator, course, definitions)
        return
    day = course.day(indicator.period)
    if day is not None:
        found = _of(indicator, course, day, course.calendar.day(now))
    elif indicator.period == "fracture":
        # Nobody noted the day of the fracture: shown where it can be put right, by the day of the referral.
        referred = course.day("referral")
        assert referred is not None
        found = iter([Contribution(referred, Counts.NOT_RECORDED)])
    else:
        return
    yield from _unless_left_out(found, indicator, course, definitions)


def _of(indicator: Indicator, course: Course, day: date, today: date) -> Iterator[Contribution]:
    """What a share or a median hears of this pathway; nothing when it is not asked of it."""
    said = indicator.share or indicator.median
    assert said is not None
    asked = ask(said.of, course) if said.of is not None else True
    if asked is False:
        return
    over = is_over(indicator.limit, course, today)
    if asked is None or over is None:
        yield Contribution(day, Counts.NOT_RECORDED)
    elif not over:
        yield Contribution(day, Counts.PENDING)
    elif isinstance(said, Share):
        yield Contribution(day, counted(ask(said.met, course)))
    else:
        value = _measured(said, course)
        yield Contribution(day, Counts.NOT_RECORDED if value is None else Counts.YES, value)


def _unless_left_out(
    found: Iterator[Contribution], indicator: Indicator, course: Course, definitions: Definitions
) -> Iterator[Contribution]:
    """What was found; of a pathway that is left out, that it is, once, however much it would have added."""
    first = next(found, None)
    if first is None:
        return
    out = _left_out(indicator, course, definitions)
    if out:
        yield Contribution(first.day, Counts.EXCLUDED, why=out)
        return
    yield first
    yield from found


def _left_out(indicator: Indicator, course: Course, definitions: Definitions) -> str:
    """The first exclusion that holds, or the end of the pathway that came before the limit; empty when none does."""
    for name in indicator.excludes:
        if name not in course.exclusions:  # several indicators leave out the same
            course.exclusions[name] = ask(definitions.exclusions[name].when, course) is True
        if course.exclusions[name]:
            return name
    if course.end in indicator.without_ends:
        start = course.day(indicator.limit.from_) if indicator.limit else None
        last = start + timedelta(days=indicator.limit.days) if indicator.limit and start else date.max
        if course.ended is None or course.ended <= last:
            return f"end:{course.end}"
    return ""


def _measured(median: Median, course: Course) -> float | None:
    """Days between the two moments, or how far the value fell from the first reading to the last."""
    if median.from_ is not None and median.to is not None:
        start, end = course.day(median.from_), course.day(median.to)
        return None if start is None or end is None else float((end - start).days)
    first, last = number(median.first, course), number(median.last, course)
    return None if first is None or last is None else first - last
