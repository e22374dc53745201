"""What people answer at a step, with which outcome, and what they find out before a gate asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.simulation import timing
from app.simulation.cohort import Answered
from pathway import events as e
from pathway.gates import holds, unmet
from pathway.lifecycle import LIVE
from pathway.protocol import Answer, Outcome, StepRule
from pathway.referral import Fact
from pathway.state import Step

if TYPE_CHECKING:
    from app.simulation.life import Life


def outcome_of(life: Life, step: Step, rule: StepRule) -> Outcome:
    """The first that happens by habit, else the protocol's first that no habit gives a chance."""
    habit = life.world.habits[step.key]
    for key, rate in habit.outcomes.items():
        found = rule.outcome(key)
        if found is not None and _is_so(life, rate, f"{step.ref}/{key}"):
            return found
    return next((one for one in rule.outcomes if one.key not in habit.outcomes), rule.outcomes[0])


def _is_so(life: Life, named: str, of: str) -> bool:
    """Whether it happens by chance, or a step has ended so (``step=outcome``)."""
    step, equals, outcome = named.partition("=")
    if not equals:
        return timing.happens(life, named, of)
    done = life.pathway.done(step)
    return done is not None and done.outcome == outcome


def answers(life: Life, step: Step, rule: StepRule, outcome: Outcome) -> dict[str, Any]:
    """What is asked and can be said: by habit, as the gates want it, or as the outcome requires."""
    habits = life.world.habits[step.key].answers
    data: dict[str, Any] = {}
    for answer in rule.answers:
        if answer.when is not None and not holds(answer.when, life.pathway, life.world.ground):
            continue
        habit, required = habits.get(answer.key), outcome.key in answer.required_for
        if habit is not None:
            value = _by_habit(life, step, answer, habit, outcome)
        elif answer.kind == "date" and answer.key == "revisit":
            value = (
                life.world.hours.day_of(life.now + timing.spread(life, "revisit", step.ref)).isoformat()
                if required
                else None
            )
        elif (
            answer.fact and life.world.wanted.asked(answer.key) and (required or not _known(life, answer.key))
        ):
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


def _by_habit(life: Life, step: Step, answer: Answer, habit: Answered, outcome: Outcome) -> Any:
    name = f"{step.ref}/{answer.key}"
    wanted, here = life.world.wanted, (life.pathway, life.world.ground)
    if habit.fails_for:
        failing = outcome.key in habit.fails_for
        return (
            wanted.violation(answer.key, *here) if failing else wanted.value(answer.key, life.patient, *here)
        )
    if habit.by_violation:
        failed = (habit.by_violation[one] for one in life.violated if one in habit.by_violation)
        return next(failed, habit.value)
    for setting, rates in habit.by_setting.items():
        if (rate := rates.get(life.world.settings.get(setting, ""))) is not None:
            return timing.happens(life, rate, name)
    if habit.violates is not None:
        if timing.happens(life, habit.violates, name):
            life.violated.append(answer.key)
            if life.world.cohort.rates[habit.violates].per == "time":
                _recovers(life, answer, name)
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


def _recovers(life: Life, answer: Answer, name: str) -> None:
    """What failed a gate on one day is better some days later, and somebody notes it (the fever is gone)."""

    def noted() -> None:
        if life.pathway.runs and answer.fact and life.pathway.fact(answer.key) is not None:
            value = life.world.wanted.value(answer.key, life.patient, life.pathway, life.world.ground)
            by = life.world.actor(life.world.ground.protocol.messaging.desk)
            life.does(
                e.FactsRecorded(by=by, facts=(Fact(answer.key, value, life.now, by.name, "simulation"),))
            )

    when = life.now + timing.spread(life, "recovers", name)
    life.at(timing.desk_hours(life, when, name), noted)


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


def is_unmet(life: Life, gates: tuple[str, ...]) -> bool:
    """Whether something still stands in the way at one of these gates."""
    return any(unmet(life.world.ground.protocol.gate(key), life.pathway, life.world.ground) for key in gates)


def waits_for_others(life: Life, step: Step, gates: tuple[str, ...]) -> bool:
    """Whether somebody else is about to find out what these gates want to know."""
    facts = {
        fact
        for key in gates
        for one in unmet(life.world.ground.protocol.gate(key), life.pathway, life.world.ground)
        for fact in life.world.wanted.facts_of(one.need.when)
        if life.pathway.fact(fact) is None
    }
    if not facts:
        return False
    return any(
        answer.key in facts
        for other in life.pathway.unsettled()
        if other.status in LIVE and other.key != step.key
        for answer in life.world.ground.protocol.step(other.key).answers
    )
