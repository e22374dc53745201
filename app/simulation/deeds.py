"""What people do at a step: book, confirm, come or stay away, do the work with its answers, sign a hold.

Before anything is recorded people see what its gates want, and say it. What a gate still refuses is tried again when
it was too early, overridden by who may, or ends otherwise; a refusal that no gate gives is a fault and counted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.simulation import timing
from app.simulation.cohort import Answered
from app.simulation.holds import settle_hold
from pathway import events as e
from pathway.gates import holds, unmet
from pathway.ground import procedure_start
from pathway.lifecycle import Assignment
from pathway.protocol import Answer, Outcome, StepRule
from pathway.referral import Fact
from pathway.refusal import Refused
from pathway.state import Step

if TYPE_CHECKING:
    from app.simulation.life import Life

_TOO_EARLY = 2
"""So often somebody tries again at a gate before he asks for an override."""
_MISSES = 3
"""So often a patient is offered another date before he is given up."""
_LATE_TO_CONFIRM = timedelta(hours=40)
_FAR = 14
_OF_THE_SLOT = frozenset({"procedure", "hold_start", "slot"})
"""What is counted from these cannot be done before there is a slot."""


def do(life: Life, step: Step, what: str) -> None:
    """Somebody has come to this step. Whatever is refused for no gate's sake is counted as a fault."""
    try:
        _DEEDS[what](life, step)
    except Refused as refused:
        life.surprised(refused, f"{what} {step.ref}")
        life.leaves(step)


# --- visits -----------------------------------------------------------------------------------------------


def _book(life: Life, step: Step) -> None:
    """The desk gives a slot; while its gates are not met only a provisional one."""
    protocol = life.world.ground.protocol
    habit = life.world.habits[step.key]
    if habit.gives_up and life.misses.get(step.key, 0) >= _MISSES:
        _give_up(life, step, habit.gives_up)
        return
    confirmed = not _unmet(life, protocol.step(step.key).book_gates)
    desk = life.world.actor(protocol.messaging.desk)
    life.does(e.VisitBooked(by=desk, step=step.key, start=_slot(life, step), confirmed=confirmed))
    life.works(desk.functions[0], "bookings")


def _slot(life: Life, step: Step) -> Any:
    """Inside the window where it can be: so far ahead as is usual, else anywhere from its earliest day to its due."""
    world, ref = life.world, f"{step.key}/{step.occurrence}"
    revision = step.visit.revision if step.visit else 0
    name = f"{ref}/slot/{revision}"
    habit, task = world.habits[step.key], life.tasks.get(step.ref)
    soonest = life.now + timedelta(days=1)
    earliest = max(task.not_before, soonest) if task and task.not_before else soonest
    due = task.at if task and task.at and task.at > earliest else earliest + timedelta(days=_FAR)
    if habit.slot:
        when = max(life.now + timing.spread(life, habit.slot, name), earliest)
    else:
        when = earliest + (due - earliest) * (0.85 * life.dice.roll(name))
    if step.key == world.ground.protocol.procedure_step and life.patient.drugs:
        offset = max(drug.last_intake_offset_days for drug in life.patient.drugs)
        when = max(when, life.now + timedelta(days=offset + 5))
    start = world.hours.slot(world.hours.day_of(when), habit.at, life.dice.roll(f"{name}/hour"))
    if start < earliest:
        start = world.hours.slot(
            world.hours.day_of(earliest) + timedelta(days=1), habit.at, life.dice.roll(f"{name}/hour")
        )
    return start


def _confirm(life: Life, step: Step) -> None:
    """Confirmed when its gates are met, moved when they cannot be in time, else looked at again."""
    visit = step.visit
    assert visit is not None
    protocol = life.world.ground.protocol
    desk = life.world.actor(protocol.messaging.desk)
    if not _unmet(life, protocol.step(step.key).book_gates):
        life.does(e.VisitBooked(by=desk, step=step.key, start=visit.start, end=visit.end, confirmed=True))
        life.works(desk.functions[0], "bookings")
    elif visit.start - life.now < _LATE_TO_CONFIRM:
        life.tally.add("count", "procedures moved before they were confirmed")
        life.does(e.VisitBooked(by=desk, step=step.key, start=_slot(life, step), confirmed=False))
        life.works(desk.functions[0], "bookings")
    else:
        when = life.world.hours.next_working_day(life.now, life.dice.roll(f"{step.ref}/confirm/{life.now}"))
        life.again(step, min(when, visit.start - timedelta(hours=30)))


def _attend(life: Life, step: Step) -> None:
    """The day of the visit: the patient comes and it is done, or he does not and the desk notes it."""
    habit = life.world.habits[step.key]
    missed = life.misses.get(step.key, 0)
    if any(timing.happens(life, rate, f"{step.ref}/{missed}") for rate in habit.misses):
        life.misses[step.key] = missed + 1
        desk = life.world.actor(life.world.ground.protocol.messaging.desk)
        life.tally.add("no-show", step.key)
        life.does(e.VisitMissed(by=desk, step=step.key))
        return
    if step.key == life.world.ground.protocol.procedure_step:
        _begin(life, step)
    else:
        _complete(life, step)


def _give_up(life: Life, step: Step, key: str) -> None:
    """The patient has missed it too often: formally so, and the rest goes on."""
    rule = life.world.ground.protocol.step(step.key)
    outcome = rule.outcome(key)
    if outcome is not None:
        _record(life, step, life.world.who_does(rule), outcome, _answers(life, step, rule, outcome))


def _begin(life: Life, step: Step) -> None:
    """The procedure begins, or what stands in its way today costs it its slot."""
    rule = life.world.ground.protocol.step(step.key)
    role = life.world.who_does(rule)
    try:
        life.does(e.StepStarted(by=life.world.actor(role), step=step.key))
    except Refused as refused:
        if refused.gate is None and not life.on_hold:
            raise
        life.tally.add("gate", refused.gate or "on hold")
        life.does(e.VisitCancelled(by=life.world.actor(role), step=step.key, reason="not ready"))


# --- work -------------------------------------------------------------------------------------------------


def _complete(life: Life, step: Step) -> None:
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
    outcome = _outcome(life, step, rule)
    life.violated = []
    data = _answers(life, step, rule, outcome)
    gates = (*outcome.gates, *(() if step.started else rule.start_gates))
    learn(life, gates, role, besides=frozenset(answer.key for answer in rule.answers))
    try:
        _record(life, step, role, outcome, data)
    except Refused as refused:
        if refused.gate is None:
            raise
        life.tally.add("gate", refused.gate)
        _stopped(life, step, rule, outcome, data, refused.gate)
        return
    _afterwards(life, step)


def _record(life: Life, step: Step, role: str, outcome: Outcome, data: dict[str, Any]) -> None:
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
        timing.goes_wrong(life)


def _stopped(
    life: Life, step: Step, rule: StepRule, outcome: Outcome, data: dict[str, Any], gate: str
) -> None:
    """A gate said no: another outcome when an answer failed it; else later, then by override, then another outcome."""
    ref = (step.key, step.occurrence)
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
        life.tally.fault("stuck at a gate", life.patient.number, f"{step.ref} at {gate}")
        life.leaves(step)
        return
    instead = others[0]
    asked = {answer.key for answer in rule.answers}
    kept = {key: value for key, value in data.items() if key != "revisit"}
    more = _answers(life, step, rule, instead)
    _record(
        life,
        step,
        life.world.who_does(rule),
        instead,
        {**{k: v for k, v in more.items() if k in asked}, **kept},
    )


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


def _take_up(life: Life, step: Step) -> None:
    """Suspended work is handed to whoever took the patient over: it will not be done here."""
    rule = life.world.ground.protocol.step(step.key)
    role = life.world.who_does(rule)
    if not rule.waivable:
        life.does(e.StepReleased(by=life.world.actor(role), step=step.key, occurrence=step.occurrence))
        return
    life.does(
        e.StepWaived(
            by=life.world.actor(role),
            step=step.key,
            occurrence=step.occurrence,
            reason="handed over with the patient",
        )
    )
    life.tally.add("count", "suspended steps waived")
    life.works(role, "tasks")


# --- what is said -----------------------------------------------------------------------------------------


def _outcome(life: Life, step: Step, rule: StepRule) -> Outcome:
    """The first that happens by habit, else the protocol's first that no habit gives a chance."""
    habit = life.world.habits[step.key]
    for key, rate in habit.outcomes.items():
        found = rule.outcome(key)
        if found is not None and timing.happens(life, rate, f"{step.ref}/{key}"):
            return found
    return next((one for one in rule.outcomes if one.key not in habit.outcomes), rule.outcomes[0])


def _answers(life: Life, step: Step, rule: StepRule, outcome: Outcome) -> dict[str, Any]:
    """What is asked and can be said: by habit, as the gates want it, or as the outcome requires."""
    habits = life.world.habits[step.key].answers
    data: dict[str, Any] = {}
    for answer in rule.answers:
        if answer.when is not None and not holds(answer.when, life.pathway, life.world.ground):
            continue
        habit, required = habits.get(answer.key), outcome.key in answer.required_for
        if habit is not None:
            value = _by_habit(life, step, answer, habit)
        elif answer.kind == "date" and answer.key == "revisit":
            value = (
                life.world.hours.day_of(life.now + timing.spread(life, "revisit", step.ref)).isoformat()
                if required
                else None
            )
        elif answer.fact and life.world.wanted.asked(answer.key) and not _known(life, answer.key):
            value = life.world.wanted.value(answer.key, life.patient, life.pathway, life.world.ground)
        elif required:
            value = life.world.wanted.plain(answer.key, life.pathway, life.world.ground)
        else:
            value = None
        if value is not None:
            data[answer.key] = value
    return data


def _known(life: Life, key: str) -> bool:
    """Whether it was said already, and lately enough for whoever asks."""
    fact = life.pathway.fact(key)
    return fact is not None and not life.world.wanted.ages(key)


def _by_habit(life: Life, step: Step, answer: Answer, habit: Answered) -> Any:
    name = f"{step.ref}/{answer.key}"
    wanted, here = life.world.wanted, (life.pathway, life.world.ground)
    if habit.violates is not None:
        if timing.happens(life, habit.violates, name):
            life.violated.append(answer.key)
            return wanted.violation(answer.key, *here)
        return wanted.value(answer.key, life.patient, *here)
    if habit.chance is not None:
        return timing.happens(life, habit.chance, name)
    if habit.choices:
        picked = (key for key, rate in habit.choices.items() if timing.happens(life, rate, f"{name}/{key}"))
        return next(picked, answer.choice_keys[0])
    if habit.spread is not None and answer.kind in ("date", "instant"):
        when = life.now + timing.spread(life, habit.spread, name)
        return life.world.hours.day_of(when).isoformat() if answer.kind == "date" else when.isoformat()
    if habit.spread is not None:
        low, high = answer.at_least, answer.at_most
        number = round(timing.amount(life, habit.spread, name), 1)
        return min(max(number, low if low is not None else number), high if high is not None else number)
    return habit.value


def learn(life: Life, gates: tuple[str, ...], role: str, *, besides: frozenset[str] = frozenset()) -> None:
    """Record what these gates want to know and nobody has said yet, where it can be known."""
    found: dict[str, Any] = {}
    for key in gates:
        for one in unmet(life.world.ground.protocol.gate(key), life.pathway, life.world.ground):
            offered = life.world.wanted.supply(one.need.when, life.patient, life.pathway, life.world.ground)
            found |= {name: value for name, value in (offered or {}).items() if name not in besides}
    if found:
        actor = life.world.actor(role)
        facts = tuple(Fact(key, value, life.now, actor.name, "simulation") for key, value in found.items())
        life.does(e.FactsRecorded(by=actor, facts=facts))


def _unmet(life: Life, gates: tuple[str, ...]) -> bool:
    return any(unmet(life.world.ground.protocol.gate(key), life.pathway, life.world.ground) for key in gates)


def _tomorrow(life: Life, step: Step) -> Any:
    luck = life.dice.roll(f"{step.ref}/tomorrow/{life.tries.get((step.key, step.occurrence), 0)}")
    role = life.world.who_does(life.world.ground.protocol.step(step.key))
    later = life.now + timing.spread(life, "tries_again", f"{step.ref}/again")
    return life.world.hours.of(role, later, luck)


_DEEDS: dict[str, Callable[[Life, Step], None]] = {
    "book": _book,
    "confirm": _confirm,
    "attend": _attend,
    "finish": _complete,
    "do": _complete,
    "take_up": _take_up,
}
