"""When people come to their work: from the cohort's delays, the step's window as it is planned, and their hours."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.simulation.world import World
from pathway.lifecycle import StepStatus, VisitStatus
from pathway.planned import Item, Kind
from pathway.state import Step

if TYPE_CHECKING:
    from app.simulation.life import Life

_AT_ONCE = timedelta(hours=12)
"""What is due so soon is done by whoever is on call."""
_UNIT = {"hours": 1.0, "days": 24.0, "number": 1.0}


def what_next(step: Step, world: World) -> tuple[str, datetime | None]:
    """What a live step waits for: to be done, booked, confirmed, attended (then), finished, or taken up again."""
    if step.status is StepStatus.ON_HOLD:
        return "take_up", None
    if step.status is StepStatus.IN_PROGRESS:
        return "finish", None
    if world.ground.protocol.step(step.key).kind != "visit":
        return "do", None
    visit = step.visit
    if visit is None or not visit.stands:
        return "book", None
    if visit.status is VisitStatus.PENDING:
        return "confirm", visit.start
    return "attend", visit.start


def when_next(life: Life, step: Step, what: str) -> datetime | None:
    """When somebody comes to it; None when it is forgotten until its ladder says so."""
    world, ref = life.world, f"{step.key}/{step.occurrence}"
    rule, habit = world.ground.protocol.step(step.key), world.habits[step.key]
    if what == "attend":
        assert step.visit is not None
        return step.visit.start
    if what == "finish":
        return (step.started or life.now) + timedelta(minutes=rule.minutes)
    if what == "take_up":
        return desk_hours(life, life.now + spread(life, "suspended", ref), ref)
    if what == "confirm":
        return desk_hours(life, life.now + spread(life, "tries_again", f"{ref}/confirm"), ref)
    if habit.forgets and happens(life, habit.forgets, f"{ref}/forgets"):
        return None
    if what == "book":
        name = f"{ref}/book/{life.misses.get(step.key, 0)}"
        when = life.now + spread(life, habit.books or "asks_for_a_slot", name)
        return desk_hours(life, when, name)
    return done_at(life, step)


def done_at(life: Life, step: Step) -> datetime:
    """Within the window the plan gives, or so long after it opened, or before it is due."""
    does = life.world.habits[step.key].does
    ref = f"{step.key}/{step.occurrence}"
    name = f"{ref}/do/{life.tries.get((step.key, step.occurrence), 0)}"
    task = life.tasks.get(ref)
    opened = step.opened or life.now
    earliest = task.not_before if task is not None and task.not_before else opened
    due = task.at if task is not None and task.at else None
    if does is not None:
        base = {"opened": opened, "due": due or opened, "earliest": earliest}[does.from_]
        lasts = spread(life, does.spread, name)
        when = base - lasts if does.before else base + lasts
    elif due is None or due <= earliest:
        when = earliest + spread(life, "tries_again", name)
    elif happens(life, "after_due", name):
        when = due + spread(life, "nudged", name)
    else:
        when = earliest + (due - earliest) * (0.05 + 0.8 * life.dice.roll(f"{name}/in the window"))
    when = max(when, earliest, life.now)
    if due is not None and due - opened <= _AT_ONCE:
        return when  # whoever is on call, at any hour
    role = life.world.who_does(life.world.ground.protocol.step(step.key))
    return life.world.hours.of(role, when, life.dice.roll(f"{name}/hour"))


def is_at_once(life: Life, step: Step) -> bool:
    """Whether it is due so soon after it opened that whoever is on call does it."""
    task = life.tasks.get(step.ref)
    return task is not None and task.at is not None and task.at - (step.opened or life.now) <= _AT_ONCE


def spread(life: Life, name: str, of: str) -> timedelta:
    """How long it takes this time."""
    one = life.world.cohort.spreads[name]
    return timedelta(hours=life.dice.skewed(one.median, one.p90, f"{of}/{name}") * _UNIT[one.unit])


def amount(life: Life, name: str, of: str) -> float:
    """How much it is this time, in the spread's own unit."""
    one = life.world.cohort.spreads[name]
    return life.dice.skewed(one.median, one.p90, f"{of}/{name}")


def happens(life: Life, rate: str, of: str) -> bool:
    """Whether it happens: once for all to this patient, or this time."""
    one = life.world.cohort.rates[rate]
    return life.dice.happens(one.value, rate if one.per == "patient" else f"{of}/{rate}")


def desk_hours(life: Life, when: datetime, of: str) -> datetime:
    """``when``, in the hours of the desk."""
    desk = life.world.ground.protocol.messaging.desk
    return life.world.hours.of(desk, when, life.dice.roll(f"{of}/desk"))


def call(life: Life, item: Item) -> datetime:
    """When somebody makes a call or writes a letter that is planned."""
    planned = item.at or life.now
    if item.kind is Kind.LETTER and planned > life.now:
        # Written ahead, for it must leave on its day.
        when = life.now + (planned - life.now) * (0.8 * life.dice.roll(f"{item.key}/letter"))
        return life.world.hours.of(item.role, when, life.dice.roll(f"{item.key}/call"))
    when = max(planned, life.now) + spread(life, "calls", item.key)
    return life.world.hours.of(item.role, when, life.dice.roll(f"{item.key}/call"))


def nudged(life: Life, ref: tuple[str, int]) -> datetime:
    """When somebody who was reminded comes to it."""
    name = f"{ref[0]}/{ref[1]}/nudged/{life.tries.get(ref, 0)}"
    when = life.now + spread(life, "nudged", name)
    role = life.world.who_does(life.world.ground.protocol.step(ref[0]))
    return life.world.hours.of(role, when, life.dice.roll(name))
