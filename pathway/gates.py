"""Conditions and gates: is this true of the pathway now, and if not, which sentence says so?

The content of G1–G6 is in the protocol file. This module knows only how to ask: a fact, its value and its
age, a step and its outcome, the hold plan's state, and a few rules about dates that a comparison cannot say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from pathway.calendar import add_months
from pathway.completeness import NO_LONGER_TAKEN, unanswered
from pathway.ground import Ground, hold_start, procedure_start
from pathway.hanging import EVERYTHING, hanging
from pathway.hold_plan import HoldStatus
from pathway.known import since
from pathway.lifecycle import StepStatus
from pathway.protocol import Condition, Gate, Need, RuleName
from pathway.records import Override
from pathway.state import Pathway
from pathway.watch import missing_sets, recent_red


@dataclass(frozen=True, slots=True)
class Unmet:
    """A need of a gate that is not met, by its index in the gate."""

    index: int
    need: Need


def unmet(gate: Gate, pathway: Pathway, ground: Ground) -> tuple[Unmet, ...]:
    """What still stands in the way at this gate; empty when it is met or what fails was overridden.

    What was overridden for one date of the procedure is asked again for another.
    """
    passed = overridden(gate, pathway, ground)
    findings = _findings_at(gate, pathway, ground)
    found = []
    for index, need in enumerate(gate.needs):
        if index not in passed:
            is_there = findings.get(index)
            met = holds(need.when, pathway, ground) if is_there is None else not is_there
            if not met:
                found.append(Unmet(index, need))
    return tuple(found)


def _findings_at(gate: Gate, pathway: Pathway, ground: Ground) -> dict[int, bool]:
    """Of the findings that stop this gate, by the index of their need, those that need not be asked for anew."""
    keys = ground.protocol.findings_at(gate)
    news = since(pathway, ground) if keys else EVERYTHING
    if news == EVERYTHING:
        return {}
    asked = hanging(ground.protocol).findings
    there = {one.key for one in pathway.flagged}
    return {index: key in there for index, key in keys.items() if not asked[key] & news}


def overridden(gate: Gate, pathway: Pathway, ground: Ground) -> frozenset[int]:
    """The needs of the gate, by index, that stand passed on somebody's responsibility for the present date."""
    start = procedure_start(pathway, ground.protocol)
    given = [one for one in pathway.overrides if one.gate == gate.key and one.procedure in (None, start)]
    needs = {index for one in given for index in one.needs if index < len(gate.needs)}
    return frozenset(
        index
        for index in needs
        if not gate.needs[index].never_override
        and (not gate.both or _each_by_another(gate.both, [one for one in given if index in one.needs]))
    )


def _each_by_another(groups: tuple[tuple[str, ...], ...], given: list[Override]) -> bool:
    """Whether every group of roles has an override of its own, no person counted twice."""
    if not groups:
        return True
    return any(
        _each_by_another(groups[1:], [other for other in given if other.by != one.by])
        for one in given
        if any(function in groups[0] for function in one.functions)
    )


def holds(condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    """Whether every part of the condition is true of the pathway at ``as_of``."""
    parts = condition.__dict__.get("_parts")
    if parts is None:
        parts = condition.__dict__["_parts"] = tuple(_parts(condition))
    for part in parts:  # noqa: SIM110 - asked some twenty times an event: a generator costs more than the questions
        if not part(condition, pathway, ground):
            return False
    return True


Part = Callable[[Condition, Pathway, Ground], bool]


def _parts(condition: Condition) -> Iterator[Part]:
    """The questions that this condition asks."""
    if condition.fact is not None:
        yield _how_of_a_fact(condition)
    if condition.step is not None and condition.rule is None:
        yield _step_holds
    if condition.hold:
        yield lambda asked, pathway, _: pathway.hold.status.is_one_of(asked.hold)
    if condition.cause:
        yield lambda asked, pathway, _: pathway.fracture.cause in asked.cause
    if condition.held:
        yield lambda asked, pathway, _: _is_held(asked.held, pathway)
    if condition.taken:
        yield lambda asked, pathway, _: _is_taken(asked.taken, pathway)
    if condition.any_of:
        yield _any_holds
    if condition.none_of:
        yield _none_holds
    if condition.rule is not None:
        yield RULES[condition.rule]


def _how_of_a_fact(condition: Condition) -> Part:
    """Most ask only that a fact be known, or be so; the rest ask for its size or its age, too."""
    sized = condition.at_least is not None or condition.at_most is not None
    aged = condition.max_age_days is not None or condition.older_than_days is not None
    if sized or aged or condition.older_than_months is not None:
        return _fact_holds
    return _fact_is_known if condition.is_ is None else _fact_is


def _fact_is_known(condition: Condition, pathway: Pathway, _: Ground) -> bool:
    return pathway.fact(condition.fact or "") is not None


def _fact_is(condition: Condition, pathway: Pathway, _: Ground) -> bool:
    fact = pathway.fact(condition.fact or "")
    return fact is not None and bool(fact.value == condition.is_)


def _any_holds(condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    return any(holds(one, pathway, ground) for one in condition.any_of)


def _none_holds(condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    return not any(holds(one, pathway, ground) for one in condition.none_of)


def _fact_holds(condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    fact = pathway.fact(condition.fact or "")
    if fact is None:
        return False
    if condition.is_ is not None and fact.value != condition.is_:
        return False
    if condition.at_least is not None and not (_number(fact.value) >= condition.at_least):
        return False
    if condition.at_most is not None and not (_number(fact.value) <= condition.at_most):
        return False
    if condition.max_age_days is not None:
        seen_from = procedure_start(pathway, ground.protocol) or pathway.as_of
        age = ground.calendar.day(seen_from) - ground.calendar.day(fact.at)
        if age > timedelta(days=condition.max_age_days):
            return False
    if condition.older_than_days is not None or condition.older_than_months is not None:
        return _is_older(fact.value, condition, pathway, ground)
    return True


def _is_older(value: object, condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    """Whether the day that a fact says lies so long before the procedure, or before now while there is none."""
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None:
        return False
    seen_from = ground.calendar.day(procedure_start(pathway, ground.protocol) or pathway.as_of)
    limit = add_months(day, condition.older_than_months or 0) + timedelta(days=condition.older_than_days or 0)
    return seen_from >= limit


def _number(value: object) -> float:
    """NaN for what is no number, so that no bound is ever met by it."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")


def _step_holds(condition: Condition, pathway: Pathway, _: Ground) -> bool:
    step = pathway.last(condition.step or "")
    if step is None or not step.is_settled:
        return False
    if condition.outcome:
        return step.status is StepStatus.DONE and step.outcome in condition.outcome
    return True


def _is_held(prefixes: tuple[str, ...], pathway: Pathway) -> bool:
    """Whether the plan holds a drug of these ATC classes; a drug without a code may be any."""
    return any(not drug.atc or drug.atc.startswith(prefixes) for drug in pathway.hold.drugs)


def _is_taken(prefixes: tuple[str, ...], pathway: Pathway) -> bool:
    """Whether an antithrombotic of these ATC classes is taken now, as far as we were told."""
    fact = pathway.fact("antithrombotics")
    drugs = fact.value if fact is not None and isinstance(fact.value, list) else []
    return any(
        isinstance(drug, dict)
        and drug.get("status") not in NO_LONGER_TAKEN
        and str(drug.get("atc", "")).startswith(prefixes)
        for drug in drugs
    )


def _antithrombotics_answered(_: Condition, pathway: Pathway, __: Ground) -> bool:
    """Somebody has said what the patient takes against clotting now: drugs, or explicitly none."""
    return not unanswered(pathway.fact("antithrombotics"))


def _fracture_recent(condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    """The fracture was at most ``days`` calendar days old when the patient was referred."""
    onset = pathway.fracture.onset
    if onset is None or pathway.fracture.cause == "neoplastic":
        return False
    return ground.calendar.day(pathway.referred) - onset <= timedelta(days=condition.days or 0)


def _fracture_older(condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    """The fracture is more than ``days`` calendar days old at the procedure, or now while there is none."""
    onset = pathway.fracture.onset
    if onset is None or pathway.fracture.cause == "neoplastic":
        return False
    seen_from = procedure_start(pathway, ground.protocol) or pathway.as_of
    return ground.calendar.day(seen_from) - onset > timedelta(days=condition.days or 0)


def _drawn_for_procedure(condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    """Blood was drawn for this procedure: the day before or the same day.

    When the day before is no working day: on the last working day before it, and again on the day itself
    (RFE GIHP/SFAR 2026: INR the day before).
    """
    start = procedure_start(pathway, ground.protocol)
    if start is None:
        return False
    calendar = ground.calendar
    day = calendar.day(start)
    eve = day - timedelta(days=1)
    drawn = {calendar.day(fact.at) for fact in pathway.facts if fact.key == condition.fact}
    if calendar.is_working(eve):
        return bool(drawn & {day, eve})
    last = calendar.add_working_days(day, -1)
    return day in drawn and any(last <= one < day for one in drawn)


def _days_before_procedure(condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    """The step was done at least ``days`` calendar days before the procedure."""
    done = pathway.done(condition.step or "")
    start = procedure_start(pathway, ground.protocol)
    if done is None or done.settled is None or start is None:
        return False
    gap = ground.calendar.day(start) - ground.calendar.day(done.settled)
    return gap >= timedelta(days=condition.days or 0)


def _hold_time_left(_: Condition, pathway: Pathway, ground: Ground) -> bool:
    """The first last intake of the hold is not past, or was respected: the plan signed for this slot still runs."""
    first = hold_start(pathway, ground)
    if first is None:
        return True
    hold = pathway.hold
    if hold.stands and hold.signed and ground.calendar.day(hold.signed) <= first:
        return True
    return first >= ground.calendar.day(pathway.as_of)


def _held_drugs_have_resumption(condition: Condition, pathway: Pathway, _: Ground) -> bool:
    """Nothing had to be held, or the order to resume is signed: the step that the condition names is done."""
    if pathway.hold.status in (HoldStatus.NOT_REQUIRED, HoldStatus.REJECTED):
        return True
    return pathway.done(condition.step or "") is not None


def _slot_stands(_: Condition, pathway: Pathway, ground: Ground) -> bool:
    """A procedure slot stands."""
    return procedure_start(pathway, ground.protocol) is not None


def _observations_complete(_: Condition, pathway: Pathway, ground: Ground) -> bool:
    """Every set of observations whose time has come was recorded or explained, and the last one recorded."""
    return not missing_sets(pathway, ground)


def _may_be_pregnant(condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    """Not known to be male, and younger than ``years``: only then is the question asked."""
    person = pathway.patient
    if person.gender == "male":
        return False
    return ground.calendar.day(pathway.as_of) < add_months(person.birth_date, 12 * (condition.years or 0))


def _no_red_alarm(condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    """No urgent alarm in the last ``hours``, and none that nobody has answered."""
    return not recent_red(pathway, ground, timedelta(hours=condition.hours or 0))


def _observed_hours(condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    """At least ``hours``, or ``days`` x 24, real hours have passed since the end of the procedure."""
    done = pathway.done(ground.protocol.procedure_step)
    if done is None or done.settled is None:
        return False
    hours = condition.hours if condition.hours is not None else 24 * (condition.days or 1)
    return pathway.as_of - done.settled >= timedelta(hours=hours)


RULES: dict[RuleName, Callable[[Condition, Pathway, Ground], bool]] = {
    "antithrombotics-answered": _antithrombotics_answered,
    "drawn-for-procedure": _drawn_for_procedure,
    "fracture-older": _fracture_older,
    "fracture-recent": _fracture_recent,
    "may-be-pregnant": _may_be_pregnant,
    "no-red-alarm": _no_red_alarm,
    "observations-complete": _observations_complete,
    "days-before-procedure": _days_before_procedure,
    "hold-time-left": _hold_time_left,
    "held-drugs-have-resumption": _held_drugs_have_resumption,
    "procedure-slot-stands": _slot_stands,
    "observed-since-procedure": _observed_hours,
}
