"""Conditions and gates: is this true of the pathway now, and if not, which sentence says so?

The content of G1–G6 is in the protocol file. This module knows only how to ask: a fact, its value and its
age, a step and its outcome, the hold plan's state, and a few rules about dates that a comparison cannot say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from pathway.completeness import unanswered
from pathway.ground import Ground, hold_start, procedure_start
from pathway.lifecycle import StepStatus
from pathway.protocol import Condition, Gate, Need, RuleName
from pathway.state import HoldStatus, Pathway


@dataclass(frozen=True, slots=True)
class Unmet:
    """A need of a gate that is not met, by its index in the gate."""

    index: int
    need: Need


def unmet(gate: Gate, pathway: Pathway, ground: Ground) -> tuple[Unmet, ...]:
    """What still stands in the way at this gate; empty when it is met or what fails was overridden.

    What was overridden for one date of the procedure is asked again for another.
    """
    start = procedure_start(pathway, ground.protocol)
    passed = {
        index
        for override in pathway.overrides
        if override.gate == gate.key and override.procedure in (None, start)
        for index in override.needs
        if not gate.needs[index].never_override
    }
    return tuple(
        Unmet(index, need)
        for index, need in enumerate(gate.needs)
        if index not in passed and not holds(need.when, pathway, ground)
    )


def holds(condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    """Whether every part of the condition is true of the pathway at ``as_of``."""
    return (
        _fact_holds(condition, pathway, ground)
        and _step_holds(condition, pathway)
        and (not condition.hold or pathway.hold.status.value in condition.hold)
        and (not condition.cause or pathway.fracture.cause in condition.cause)
        and (not condition.held or _is_held(condition.held, pathway))
        and (not condition.any_of or any(holds(one, pathway, ground) for one in condition.any_of))
        and (condition.rule is None or RULES[condition.rule](condition, pathway, ground))
    )


def _fact_holds(condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    if condition.fact is None:
        return True
    fact = pathway.fact(condition.fact)
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
        return age <= timedelta(days=condition.max_age_days)
    return True


def _number(value: object) -> float:
    """NaN for what is no number, so that no bound is ever met by it."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")


def _step_holds(condition: Condition, pathway: Pathway) -> bool:
    if condition.step is None or condition.rule is not None:
        return True
    step = pathway.last(condition.step)
    if step is None or not step.is_settled:
        return False
    if condition.outcome:
        return step.status is StepStatus.DONE and step.outcome in condition.outcome
    return True


def _is_held(prefixes: tuple[str, ...], pathway: Pathway) -> bool:
    """Whether the plan holds a drug of these ATC classes; a drug without a code may be any."""
    return any(not drug.atc or drug.atc.startswith(prefixes) for drug in pathway.hold.drugs)


def _antithrombotics_answered(_: Condition, pathway: Pathway, __: Ground) -> bool:
    """Somebody has said what the patient takes against clotting now: drugs, or explicitly none."""
    return not unanswered(pathway.fact("antithrombotics"))


def _fracture_recent(condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    """The fracture was at most ``days`` calendar days old when the patient was referred."""
    onset = pathway.fracture.onset
    if onset is None or pathway.fracture.cause == "neoplastic":
        return False
    return ground.calendar.day(pathway.referred) - onset <= timedelta(days=condition.days or 0)


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
    if hold.status is HoldStatus.SIGNED and hold.signed and ground.calendar.day(hold.signed) <= first:
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


def _observed_hours(condition: Condition, pathway: Pathway, ground: Ground) -> bool:
    """At least ``days`` x 24 real hours have passed since the end of the procedure."""
    done = pathway.done(ground.protocol.procedure_step)
    if done is None or done.settled is None:
        return False
    return pathway.as_of - done.settled >= timedelta(hours=24 * (condition.days or 1))


RULES: dict[RuleName, Callable[[Condition, Pathway, Ground], bool]] = {
    "antithrombotics-answered": _antithrombotics_answered,
    "fracture-recent": _fracture_recent,
    "days-before-procedure": _days_before_procedure,
    "hold-time-left": _hold_time_left,
    "held-drugs-have-resumption": _held_drugs_have_resumption,
    "procedure-slot-stands": _slot_stands,
    "observed-since-procedure": _observed_hours,
}
