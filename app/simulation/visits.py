"""What people do about a visit: give it a slot, confirm it, come or stay away, begin the procedure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.simulation import deeds, timing
from app.simulation.answering import answers, is_unmet
from pathway import events as e
from pathway.refusal import Refused
from pathway.state import Step

if TYPE_CHECKING:
    from app.simulation.life import Life

_MISSES = 3
"""So often a patient is offered another date before he is given up."""
_MOVES = 6
"""So often a procedure is given another date before somebody decides that it cannot be."""
_LATE_TO_CONFIRM = timedelta(hours=40)
_FAR = 14


def book(life: Life, step: Step) -> None:
    """The desk gives a slot; while its gates are not met only a provisional one."""
    protocol = life.world.ground.protocol
    habit = life.world.habits[step.key]
    if habit.gives_up and life.misses.get(step.key, 0) >= _MISSES:
        _give_up(life, step, habit.gives_up)
        return
    confirmed = not is_unmet(life, protocol.step(step.key).book_gates)
    desk = life.world.actor(protocol.messaging.desk)
    life.does(e.VisitBooked(by=desk, step=step.key, start=_slot(life, step), confirmed=confirmed))
    life.works(desk.functions[0], "bookings")


def _slot(life: Life, step: Step) -> datetime:
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


def confirm(life: Life, step: Step) -> None:
    """Confirmed when its gates are met, moved when they cannot be in time, else looked at again."""
    visit = step.visit
    assert visit is not None
    protocol = life.world.ground.protocol
    rule, desk = protocol.step(step.key), life.world.actor(protocol.messaging.desk)
    if not is_unmet(life, rule.book_gates):
        life.does(e.VisitBooked(by=desk, step=step.key, start=visit.start, end=visit.end, confirmed=True))
        life.works(desk.functions[0], "bookings")
    elif life.moves >= _MOVES:
        deeds.give_way(life, next(key for key in rule.book_gates if is_unmet(life, (key,))), step)
    elif visit.start - life.now < _LATE_TO_CONFIRM:
        life.moves += 1
        life.tally.add("count", "procedures moved before they were confirmed")
        life.does(e.VisitBooked(by=desk, step=step.key, start=_slot(life, step), confirmed=False))
        life.works(desk.functions[0], "bookings")
    else:
        when = life.world.hours.next_working_day(life.now, life.dice.roll(f"{step.ref}/confirm/{life.now}"))
        life.again(step, min(when, visit.start - timedelta(hours=30)))


def attend(life: Life, step: Step) -> None:
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
        deeds.complete(life, step)


def _give_up(life: Life, step: Step, key: str) -> None:
    """The patient has missed it too often: formally so, and the rest goes on."""
    rule = life.world.ground.protocol.step(step.key)
    outcome = rule.outcome(key)
    if outcome is not None:
        deeds.record(life, step, life.world.who_does(rule), outcome, answers(life, step, rule, outcome))


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
        life.moves += 1
        life.does(e.VisitCancelled(by=life.world.actor(role), step=step.key, reason="not ready"))
