"""What people do at a step: the work with its answers, and what follows when a gate says no.

Before anything is recorded people see what its gates want, and say it. What a gate still refuses is tried again when
it was too early, overridden by who may, or ends otherwise; a refusal that no gate gives is a fault and counted.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.simulation import fate, timing
from app.simulation.answering import answers, learn, outcome_of, waits_for_others
from app.simulation.holds import settle_hold
from app.simulation.satisfy import steps_of
from pathway import events as e
from pathway.gates import unmet
from pathway.ground import procedure_start
from pathway.lifecycle import LIVE, Assignment
from pathway.protocol import Outcome, StepRule
from pathway.refusal import Refused
from pathway.state import Step

if TYPE_CHECKING:
    from app.simulation.life import Life

_TOO_EARLY = 2
"""So often somebody tries again at a gate before he asks for an override."""
_LOOKS_AGAIN = timedelta(days=3)
"""How long somebody leaves it alone while others are still at what a gate waits for."""
_OF_THE_SLOT = frozenset({"procedure", "hold_start", "slot"})
"""What is counted from these cannot be done before there is a slot."""


def complete(life: Life, step: Step) -> None:
    """The work is done with an outcome and its answers, once what its gates want is known."""
    world, protocol = life.world, life.world.ground.protocol
    rule = protocol.step(step.key)
    if rule.kind == "hold":
        settle_hold(life, step)
        return
    task = life.tasks.get(step.ref)
    if rule.window.earliest is not None and step.started is None and rule.kind != "visit":
        waits = rule.window.earliest.from_ in _OF_THE_SLOT and procedure_start(life.pathway, protocol) is None
        if waits or (task is not None and task.not_before and task.not_before > life.now):
            later = _tomorrow(life, step)
            life.again(step, max(later, task.not_before) if task and task.not_before else later)
            return
    role = world.who_does(rule)
    actor = world.actor(role)
    if step.assignment in (Assignment.REQUESTED, Assignment.RECEIVED):
        life.does(e.StepAccepted(by=actor, step=step.key, occurrence=step.occurrence, owner=actor.name))
    outcome = outcome_of(life, step, rule)
    gates = (*outcome.gates, *(() if step.started else rule.start_gates))
    later = _tomorrow(life, step)
    in_time = task is None or task.at is None or later < task.at
    if in_time and waits_for_others(life, step, gates):
        life.again(step, later)
        return
    life.violated = []
    data = answers(life, step, rule, outcome)
    learn(life, gates, role, besides=frozenset(answer.key for answer in rule.answers))
    try:
        record(life, step, role, outcome, data)
    except Refused as refused:
        if refused.gate is None:
            raise
        life.tally.add("gate", refused.gate)
        _stopped(life, step, rule, outcome, data, refused.gate)
        return
    _afterwards(life, step)


def record(life: Life, step: Step, role: str, outcome: Outcome, data: dict[str, Any]) -> None:
    """Somebody of this role records the outcome, and it is counted as their work. Raises Refused."""
    life.does(
        e.StepCompleted(
            by=life.world.actor(role),
            step=step.key,
            occurrence=step.occurrence,
            outcome=outcome.key,
            data=data,
        )
    )
    visit = life.world.ground.protocol.step(step.key).kind == "visit"
    life.works(role, "visits" if visit else "tasks")
    life.tally.add("outcome", step.key, outcome.key)


def _afterwards(life: Life, step: Step) -> None:
    protocol = life.world.ground.protocol
    if step.key != protocol.procedure_step or protocol.surveillance is not None:
        return  # where there is a watch, it is the watch that sees it
    if timing.happens(life, "complication", step.ref):
        fate.goes_wrong(life)


def _stopped(
    life: Life, step: Step, rule: StepRule, outcome: Outcome, data: dict[str, Any], gate: str
) -> None:
    """A gate said no: another outcome when an answer failed it; else later, then by override, then another outcome."""
    ref = (step.key, step.occurrence)
    if not life.violated and _is_under_way(life, gate):
        leaves = timedelta(0) if timing.is_at_once(life, step) else _LOOKS_AGAIN
        life.again(step, _tomorrow(life, step) + leaves)
        return
    tries = life.tries[ref] = life.tries.get(ref, 0) + 1
    if not life.violated and tries <= _TOO_EARLY:
        life.again(step, _tomorrow(life, step))
        return
    if not life.violated and _override(life, gate):
        life.again(step, life.now + timedelta(minutes=10))
        return
    others = [one for one in rule.outcomes if gate not in one.gates and one is not outcome]
    others.sort(key=lambda one: one.end is not None)
    if gate in rule.start_gates or not others:
        give_way(life, gate, step)
        return
    data = {**answers(life, step, rule, others[0]), **data}  # what was found stays as it was found
    record(life, step, life.world.who_does(rule), others[0], data)


def _is_under_way(life: Life, key: str) -> bool:
    """Whether what the gate waits for is still being done by others: a biopsy taken again, a review to come."""
    open_needs = unmet(life.world.ground.protocol.gate(key), life.pathway, life.world.ground)
    asked = {step for one in open_needs for step in steps_of(one.need.when)}
    return any(step.key in asked for step in life.pathway.unsettled())


def give_way(life: Life, key: str, step: Step) -> None:
    """A finding that nobody may pass ends the pathway as it says, or defers it. Anything else is left to its ladder."""
    world, protocol = life.world, life.world.ground.protocol
    there = {flagged.key for flagged in life.pathway.flagged}
    stops = [flag for flag in protocol.red_flags if flag.key in there and key in flag.stops]
    end = next((flag.end for flag in stops if flag.end), "deferred")
    if not stops or end not in protocol.ends:
        life.leaves(step)
        return
    actor = world.actor(world.who_does(protocol.step(protocol.procedure_step)))
    revisit = world.hours.day_of(life.now + timing.spread(life, "revisit", key))
    life.tally.add("count", f"pathways that gave way at {key}")
    life.does(e.PathwayEnded(by=actor, end=end, reason=f"{key} cannot be met", revisit=revisit))


def _override(life: Life, key: str) -> bool:
    """Those who may pass the gate do, in their own names. False when nobody may."""
    gate = life.world.ground.protocol.gate(key)
    open_needs = unmet(gate, life.pathway, life.world.ground)
    groups = gate.both or ((gate.override,) if gate.override else ())
    if not groups or any(one.need.never_override for one in open_needs):
        return False
    for roles in groups:
        life.does(e.GateOverridden(by=life.world.actor(roles[0]), gate=key, reason="decided case by case"))
    life.tally.add("override", key)
    return True


def take_up(life: Life, step: Step) -> None:
    """Suspended work: left alone while anything else goes on, then handed over with the patient, or taken up again."""
    if any(other.status in LIVE for other in life.pathway.unsettled()) or life.on_hold:
        life.again(step, _tomorrow(life, step) + timedelta(days=14))
        return
    rule = life.world.ground.protocol.step(step.key)
    role = life.world.who_does(rule)
    by, occurrence = life.world.actor(role), step.occurrence
    if rule.waivable and step.reason in life.world.cohort.handed_over:
        life.does(
            e.StepWaived(by=by, step=step.key, occurrence=occurrence, reason="handed over with the patient")
        )
        life.tally.add("count", "suspended steps handed over")
    else:
        life.does(e.StepReleased(by=by, step=step.key, occurrence=occurrence))
    life.works(role, "tasks")


def _tomorrow(life: Life, step: Step) -> datetime:
    luck = life.dice.roll(f"{step.ref}/tomorrow/{life.tries.get((step.key, step.occurrence), 0)}")
    role = life.world.who_does(life.world.ground.protocol.step(step.key))
    later = life.now + timing.spread(life, "tries_again", f"{step.ref}/again")
    return life.world.hours.of(role, later, luck)
