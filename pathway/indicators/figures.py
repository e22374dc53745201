"""From contributions to figures: one tally for each indicator, over one period of one centre."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from statistics import median, quantiles

from pathway.indicators.contribution import contributions
from pathway.indicators.counting import Contribution, Counts
from pathway.indicators.course import Course
from pathway.indicators.definition import Definitions, Indicator

_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both included, at the centre."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Figure:
    """One indicator over one period.

    ``value`` is a share (0 to 1), a median (days, points) or a number of fields; None when nothing was counted, which
    is never the same as nought. ``excluded`` counts by reason, ``parts`` gives (numerator, denominator) by drug, cause
    or field, ``quartiles`` the lower and the upper.
    """

    indicator: Indicator
    numerator: float
    denominator: float
    value: float | None
    excluded: dict[str, int]
    not_recorded: int
    pending: int
    parts: dict[str, tuple[int, int]]
    quartiles: tuple[float, float] | None = None

    @property
    def says(self) -> str:
        """``value``; else ``not-recorded`` when there were some of whom it is not known; else ``nobody``."""
        if self.value is not None:
            return "value"
        return "not-recorded" if self.not_recorded else "nobody"

    @property
    def on_target(self) -> bool | None:
        """Whether the target is reached; None where there is none, or nothing to judge."""
        target = self.indicator.target
        if target is None or self.value is None:
            return None
        return target.is_met(self.value)


@dataclass
class _Tally:
    yes: int = 0
    no: int = 0
    not_recorded: int = 0
    pending: int = 0
    values: list[float] = field(default_factory=list)
    excluded: dict[str, int] = field(default_factory=dict)
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, one: Contribution) -> None:
        if one.counts is Counts.EXCLUDED:
            self.excluded[one.why] = self.excluded.get(one.why, 0) + 1
        elif one.counts is Counts.NOT_RECORDED:
            self.not_recorded += 1
        elif one.counts is Counts.PENDING:
            self.pending += 1
        else:
            yes = one.counts is Counts.YES
            self.yes, self.no = self.yes + yes, self.no + (not yes)
            if one.value is not None:
                self.values.append(one.value)
            if one.part:
                met, asked = self.parts.get(one.part, (0, 0))
                self.parts[one.part] = met + yes, asked + 1


def figures(
    definitions: Definitions, courses: Iterable[Course], period: Period, now: datetime
) -> tuple[Figure, ...]:
    """Every indicator over this period, as far as is known at ``now`` (UTC). Walks the courses once."""
    tallies = {indicator.key: _Tally() for indicator in definitions.indicators}
    for course in courses:
        for indicator in definitions.indicators:
            for one in contributions(indicator, course, definitions, now):
                if one.day in period:
                    tallies[indicator.key].add(one)
    return tuple(_figure(indicator, tallies[indicator.key], period) for indicator in definitions.indicators)


def _figure(indicator: Indicator, tally: _Tally, period: Period) -> Figure:
    numerator: float = tally.yes
    denominator: float = tally.yes + tally.no
    value: float | None
    if indicator.median is not None:
        value = median(tally.values) if tally.values else None
    elif indicator.unit == "fields":
        assert indicator.rule is not None
        most = indicator.rule.missing_over or 0.0
        lacking = [key for key, (there, asked) in tally.parts.items() if (asked - there) / asked > most]
        numerator, denominator = len(lacking), len(tally.parts)
        value = float(len(lacking)) if tally.parts else None
    else:
        if indicator.rule is not None and indicator.rule.caseload_per_year:
            denominator = indicator.rule.caseload_per_year * period.days / _YEAR
        value = numerator / denominator if denominator else None
    return Figure(
        indicator=indicator,
        numerator=numerator,
        denominator=denominator,
        value=value,
        excluded=dict(sorted(tally.excluded.items())),
        not_recorded=tally.not_recorded,
        pending=tally.pending,
        parts=dict(sorted(tally.parts.items())),
        quartiles=_quartiles(tally.values),
    )


def _quartiles(values: list[float]) -> tuple[float, float] | None:
    if len(values) < 2:
        return None
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high
