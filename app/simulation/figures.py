"""From what was counted to what is reported: every figure once, with its section and its name, whatever the format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.simulation.cohort import Cohort
from app.simulation.tally import Tally
from pathway.indicators.definition import Definitions

KINDS = ("tasks", "visits", "bookings", "observations", "alerts", "calls", "letters")
"""The kinds of work, in the order in which they are shown."""

_TOP = 12
_NOT_COUNTED = ("completeness", "caseload")  # of a register's fields and of a region, not of a cohort


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the report. ``value`` None: there is nobody to measure. ``of`` are those it is measured on."""

    section: str
    key: str
    title: str
    value: float | None
    digits: int = 0
    of: int | None = None


Rungs = Sequence[tuple[str, str]]
"""Rungs to name one by one: level, and step and key."""


def figures(tally: Tally, cohort: Cohort, definitions: Definitions | None, rungs: Rungs) -> list[Figure]:
    """Every figure but the work, in the order of the report."""
    return [
        *_cohort(tally),
        *_ends(tally),
        *_delays(tally, cohort),
        *_cancelled(tally, cohort),
        *_messages(tally),
        *_alerts(tally, rungs),
        *_indicators(tally, definitions),
        *_checks(tally),
    ]


def work(tally: Tally) -> dict[str, dict[str, dict[int, int]]]:
    """``{role: {kind: {week: count}}}``, weeks from 0."""
    found: dict[str, dict[str, dict[int, int]]] = {}
    for (role, week, kind), count in tally.under("work").items():
        found.setdefault(str(role), {}).setdefault(str(kind), {})[int(week)] = count
    return dict(sorted(found.items(), key=lambda pair: -_sum(pair[1])))


def a_week(kinds: dict[str, dict[int, int]], weeks: int, kind: str | None = None) -> float:
    """Work that each week of referrals brings, sooner or later: all of it, divided by the weeks of referrals."""
    return (_sum(kinds) if kind is None else sum(kinds.get(kind, {}).values())) / weeks


def busiest(kinds: dict[str, dict[int, int]]) -> int:
    """The most that fell on one week."""
    return max(by_week(kinds).values(), default=0)


def by_week(kinds: dict[str, dict[int, int]]) -> dict[int, int]:
    """All kinds of work together, by week."""
    found: dict[int, int] = {}
    for weeks in kinds.values():
        for week, count in weeks.items():
            found[week] = found.get(week, 0) + count
    return dict(sorted(found.items()))


def _sum(kinds: dict[str, dict[int, int]]) -> int:
    return sum(count for weeks in kinds.values() for count in weeks.values())


def _cohort(tally: Tally) -> Iterator[Figure]:
    patients = tally.total("patients")
    yield Figure("Cohort", "patients", "Patients", patients)
    yield Figure("Cohort", "events", "Events through decide and plan", tally.total("events"))
    yield Figure("Cohort", "procedures", "Procedures", _procedures(tally))


def _procedures(tally: Tally) -> int:
    return tally.total("procedures")


def _ends(tally: Tally) -> Iterator[Figure]:
    patients = tally.total("patients")
    for (end,), count in sorted(tally.under("end").items(), key=lambda pair: (-pair[1], pair[0])):
        yield Figure("Ends", str(end), str(end).replace("_", " "), count, of=patients)


def _delays(tally: Tally, cohort: Cohort) -> Iterator[Figure]:
    for delay in cohort.delays:
        hours = {int(key[0]): count for key, count in tally.under("delay", delay.key).items()}
        number = sum(hours.values())
        days = {share: _percentile(hours, share) for share in (0.5, 0.9)}
        yield Figure("Delays, days", f"{delay.key}.median", f"{delay.title}: median", days[0.5], 1, number)
        yield Figure(
            "Delays, days", f"{delay.key}.p90", f"{delay.title}: 9 in 10 within", days[0.9], 1, number
        )
        for limit in delay.within:
            # Counted in calendar days at the centre elsewhere; here in whole days of 24 hours.
            met = sum(count for hour, count in hours.items() if hour < (limit + 1) * 24)
            share = 100 * met / number if number else None
            title = f"{delay.title}: within {limit} d, %"
            yield Figure("Delays, days", f"{delay.key}.within_{limit}", title, share, 1, number)


def _percentile(hours: dict[int, int], share: float) -> float | None:
    """In days; the smallest value that so many do not exceed."""
    left = share * sum(hours.values())
    for hour in sorted(hours):
        left -= hours[hour]
        if left <= 0:
            return hour / 24
    return None


def _cancelled(tally: Tally, cohort: Cohort) -> Iterator[Figure]:
    section = "Cancelled on the day"
    total = tally.total("cancelled on the day")
    days = total + _procedures(tally)
    yield Figure(section, "all", "All", total, of=days)
    yield Figure(section, "share", "In 100 procedure days", 100 * total / days if days else None, 1, days)
    causes = {*cohort.causes.values(), "no-show", "other", "the pathway ended"}
    for cause in sorted(causes):
        yield Figure(section, cause, f"For: {cause}", tally.total("cancelled on the day", cause), of=days)


def _messages(tally: Tally) -> Iterator[Figure]:
    section = "Messages to patients"
    for channel in ("sms", "email"):
        yield Figure(section, channel, f"{channel}: left", tally.total("sent", channel))
        lost = tally.total("undelivered", channel)
        yield Figure(section, f"{channel}.undelivered", f"{channel}: not delivered", lost)
    templates: dict[str, int] = {}
    for (_, template), count in tally.under("sent").items():
        templates[str(template)] = templates.get(str(template), 0) + count
    for template, count in sorted(templates.items(), key=lambda pair: (-pair[1], pair[0])):
        yield Figure(section, f"template.{template}", f"Text: {template}", count)


def busiest_rungs(tallies: Sequence[Tally]) -> list[tuple[str, str]]:
    """Those that fired most often, over all variants."""
    fired: dict[tuple[str, str], int] = {}
    for tally in tallies:
        for (level, rung), count in tally.under("rung").items():
            key = (str(level), str(rung))
            fired[key] = fired.get(key, 0) + count
    return sorted(fired, key=lambda key: (-fired[key], key))[:_TOP]


def _alerts(tally: Tally, rungs: Rungs) -> Iterator[Figure]:
    section = "Reminders and escalations"
    for level in ("reminder", "overdue", "escalation", "red"):
        yield Figure(section, level, level, tally.total("rung", level))
    for level, rung in rungs:
        count = tally.total("rung", level, rung)
        yield Figure(section, f"{level}.{rung}", f"Most often: {rung} ({level})", count)


def _indicators(tally: Tally, definitions: Definitions | None) -> Iterator[Figure]:
    if definitions is None:
        return
    for indicator in definitions.indicators:
        if indicator.rule is not None and indicator.rule.name in _NOT_COUNTED:
            continue
        yes, no = (tally.total("indicator", indicator.key, said) for said in ("yes", "no"))
        title = indicator.title.en
        if indicator.median is not None:
            tenths = {int(key[0]): n for key, n in tally.under("indicator value", indicator.key).items()}
            middle = _percentile({value * 24: count for value, count in tenths.items()}, 0.5)
            value = middle / 10 if middle is not None else None
            yield Figure("Indicators", indicator.key, f"{title}: median, {indicator.unit}", value, 1, yes)
        else:
            share = 100 * yes / (yes + no) if yes + no else None
            yield Figure("Indicators", indicator.key, f"{title}: %", share, 1, yes + no)


def _checks(tally: Tally) -> Iterator[Figure]:
    section = "Gates and checks"
    for (gate,), count in tally.under("gate").items():
        yield Figure(section, f"gate.{gate}", f"Stopped at {gate}", count)
    for (gate,), count in tally.under("override").items():
        yield Figure(section, f"override.{gate}", f"Overridden: {gate}", count)
    for (what,), count in tally.under("no-show").items():
        yield Figure(section, f"no-show.{what}", f"Did not come: {what}", count)
    for (what,), count in tally.under("count").items():
        yield Figure(section, f"count.{what}", str(what)[:1].upper() + str(what)[1:], count)
    yield Figure(section, "faults", "Faults: unexpected refusals, waits for ever", tally.total("fault"))
