"""When a step is due, said twice: exactly in an extension of ours, and in R4's own terms where those hold.

A Duration of R4 is real time: ``d`` is 24 hours in UCUM. So only real hours become ``relatedAction.offsetRange``.
Calendar days become the range of *dates* that HL7 Vulcan's schedule of activities has an extension for. Working days,
the hour of a day, "the earliest of" and conditional offsets have no place in R4: they stand in ours alone, and
nothing near them is put in their stead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fhir_mappings.plan_words import expression, part, quantity, whole
from fhir_mappings.read import Json
from fhir_mappings.site import Site
from pathway.protocol import Offset, Protocol, StepRule

ACCEPTABLE = "http://hl7.org/fhir/uv/vulcan-schedule/StructureDefinition/AcceptableOffsetRangeSoa"
"""HL7 Vulcan, Clinical Study Schedule of Activities 1.0.0: a Range on ``PlanDefinition.action.relatedAction``, the
acceptable dates."""

MILESTONES = ("referral", "fracture", "hold_start")
"""What a moment may be counted from that is no step and happens once a pathway; each is an action of its own."""


def window_extension(rule: StepRule, protocol: Protocol, site: Site) -> Json:
    """The window of a step, exactly: every ``due``, then ``otherwise`` and ``earliest`` where there are such."""
    window = rule.window
    named = [("due", one) for one in window.due]
    named += [("otherwise", window.otherwise)] if window.otherwise else []
    named += [("earliest", window.earliest)] if window.earliest else []
    return {
        "url": f"{site.system}/StructureDefinition/step-window",
        "extension": [{"url": name, "extension": list(_offset(one, protocol))} for name, one in named],
    }


def _offset(given: Offset, protocol: Protocol) -> Iterator[Json]:
    yield part("from", "String", given.from_)
    if given.hours is not None:
        yield part("hours", "Decimal", whole(given.hours))
    if given.days is not None:
        yield part("days", "Integer", given.days)
    if given.working_days is not None:
        yield part("working-days", "Integer", given.working_days)
    if given.at is not None:
        yield part("at", "Time", given.at.strftime("%H:%M:%S"))
    if given.when is not None:
        yield part("when", "Expression", expression(given.when, protocol))
    if given.first:
        yield part("first", "Boolean", True)
    if given.but_not_before is not None:
        yield {"url": "but-not-before", "extension": list(_offset(given.but_not_before, protocol))}
    if given.source:
        yield part("source", "String", given.source)


# --- the same in R4's own terms ---------------------------------------------------------------------------


@dataclass(slots=True)
class _Relation:
    """What is known of one action's place beside another: bounds in hours (real time) and in days (dates)."""

    hours: dict[str, float] = field(default_factory=dict)
    days: dict[str, float] = field(default_factory=dict)


def related_actions(rule: StepRule, protocol: Protocol, ids: dict[str, str]) -> list[Json]:
    """The steps that this one comes after, and its window where R4 can say it. ``ids`` are the actions' by key.

    Everything in it is true as it stands: an "after" only of what has happened when this step opens, a bound only
    where it holds for every patient and every occurrence.
    """
    found: dict[tuple[str, str], _Relation] = {}
    for asked in rule.after:
        if asked.step is not None and asked.rule is None:
            found.setdefault((ids[asked.step], "after-end"), _Relation())
    before = _certainly_before(rule, protocol)
    for given in rule.window.due:
        if given.when is None and not given.first and given.but_not_before is None:
            _bound(given, found, protocol, ids, before, latest=True)
    if (earliest := rule.window.earliest) is not None and earliest.when is None and not earliest.first:
        _bound(earliest, found, protocol, ids, before, latest=False)
    return [_said(action, relationship, known) for (action, relationship), known in found.items()]


def _certainly_before(rule: StepRule, protocol: Protocol) -> set[str]:
    """The steps that are settled whenever this one opens: those it waits for without an alternative, and theirs."""
    found: set[str] = set()
    left = [rule]
    while left:
        for asked in left.pop().after:
            if asked.step is not None and asked.rule is None and asked.step not in found:
                found.add(asked.step)
                left.append(protocol.step(asked.step))
    return found


def _bound(
    given: Offset,
    found: dict[tuple[str, str], _Relation],
    protocol: Protocol,
    ids: dict[str, str],
    before: set[str],
    *,
    latest: bool,
) -> None:
    head, _, tail = given.from_.partition(":")
    key = {"done": tail, "procedure": protocol.procedure_step}.get(head, head if head in MILESTONES else "")
    if not key or given.working_days is not None:
        return
    happened = key in before or key in ("referral", "fracture") or (not latest)
    if key == "hold_start":
        happened = happened or protocol.procedure_step in before
    of_a_day = key in ("fracture", "hold_start") or given.days is not None or given.at is not None
    number = given.hours if given.hours is not None else given.days or 0
    by_hours = given.hours is not None or not of_a_day
    after = number > 0 or (number == 0 and happened)
    if (after and not happened) or (not after and key in before):
        return
    place = ids[key], f"{'after' if after else 'before'}-{'end' if head == 'done' else 'start'}"
    if not after and not latest and place not in found:
        return  # "not earlier than the day before" alone does not say that it comes before at all
    relation = found.setdefault(place, _Relation())
    bounds = relation.hours if by_hours else relation.days
    # After: the latest moment is the high end. Before: it is the nearest, and so the low end.
    end = "high" if after is latest else "low"
    tighter = min if end == "high" else max
    bounds[end] = tighter(bounds.get(end, abs(number)), abs(number))


def _said(action: str, relationship: str, known: _Relation) -> Json:
    said: Json = {}
    if known.days and _in_order(known.days):
        said["extension"] = [{"url": ACCEPTABLE, "valueRange": _range(known.days, "d")}]
    said |= {"actionId": action, "relationship": relationship}
    if known.hours and _in_order(known.hours):
        said["offsetRange"] = _range(known.hours, "h")
    return said


def _in_order(bounds: dict[str, float]) -> bool:
    return bounds.get("low", 0) <= bounds.get("high", float("inf"))


def _range(bounds: dict[str, float], unit: str) -> Json:
    return {end: quantity(bounds[end], unit) for end in ("low", "high") if end in bounds}
