"""A stent, an infarction, a clot or a stroke not long before: then the procedure waits, or somebody weighs it."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

from pathway.holding.asked import Drug, Inputs
from pathway.holding.profile import Profile, RecentEvent


def recent_events(
    drug: Drug, drugs: tuple[Drug, ...], profile: Profile, inputs: Inputs, procedure: date
) -> Iterator[tuple[RecentEvent, date]]:
    """The events that weigh on this drug at a procedure on that day, each with the first day on which it is past."""
    for rule in profile.recent:
        day = _day(rule, inputs)
        if day is None or not _concerns(rule, drug, drugs):
            continue
        over = (
            day + timedelta(days=rule.days) if rule.days is not None else months_after(day, rule.months or 0)
        )
        if procedure < over:
            yield rule, over


def months_after(day: date, months: int) -> date:
    """The same day so many calendar months later; the last of the month where that day does not exist."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    month += 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _day(rule: RecentEvent, inputs: Inputs) -> date | None:
    if rule.event == "high-risk-stent":
        return inputs.stent if inputs.high_risk_stent else None
    days: dict[str, date | None] = {
        "stent": inputs.stent,
        "mi": inputs.mi,
        "vte": inputs.vte,
        "stroke": inputs.stroke,
    }
    return days[rule.event]


def _concerns(rule: RecentEvent, drug: Drug, drugs: tuple[Drug, ...]) -> bool:
    if rule.indications and drug.indication not in rule.indications:
        return False
    if drug.atc.startswith(rule.drugs):
        return True
    return bool(rule.beside) and drug.atc.startswith(rule.beside) and _any_of(rule.drugs, drugs)


def _any_of(prefixes: tuple[str, ...], drugs: tuple[Drug, ...]) -> bool:
    return any(drug.atc.startswith(prefixes) for drug in drugs)
