"""Events at random, such as a ward could send: mostly sensible, sometimes not, for any protocol.

The values that pass the gates are worked out from the gates, so that histories get to the end.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from pathway import events as e
from pathway.checking.question import All, No
from pathway.checking.reading import Reading
from pathway.checking.regions import CAUSE, Known, parts
from pathway.hold_plan import HeldDrug
from pathway.lifecycle import LIVE, SETTLED, StepStatus
from pathway.protocol import Answer, StepRule
from pathway.referral import CAUSES, Contact, Fact, Fracture, Party, Person, Referral
from pathway.state import Actor, Pathway, PathwayStatus, Step

_DRUGS: tuple[Any, ...] = (
    [],
    [{"atc": "B01AF02", "text": "apixaban", "status": "active"}],
    [{"atc": "B01AC06", "text": "aspirin", "status": "stopped"}],
)
_HOURS = (0, 0, 0, 0.2, 1, 5, 20, 26, 24 * 4, 24 * 15)


class Dice:
    """Referrals and events for the pathways of one protocol. The same seed gives the same ones."""

    def __init__(self, reading: Reading, random: Random) -> None:
        self.protocol = reading.protocol
        self._random = random
        self._steps = [rule.key for rule in self.protocol.steps]
        self._asked_for = [rule.key for rule in self.protocol.steps if rule.on_demand]
        self._passing = _passing(reading)
        self._everybody = tuple(Actor(name, "clinician", tuple(self.protocol.roles)) for name in ("A", "B"))
        self._nobody = Actor("Personne")

    def referral(self, at: datetime) -> Referral:
        """Somebody is referred, with or without an answer about antithrombotics."""
        pick = self._random.choice
        facts = [Fact("pain_nrs", pick((3, 8)), at, "referrer", "referral")]
        if self._random.random() < 0.9:
            facts.append(Fact("antithrombotics", pick(_DRUGS), at, "referrer", "referral"))
        onset = at.date() - timedelta(days=pick((3, 30, 60)))
        return Referral(
            key="random",
            identifier=None,
            requester=Party("referrer"),
            patient=Person((), "Exemple", "Jeanne", date(1947, 5, 2), contact=Contact(mobile="+33600000001")),
            fracture=Fracture(onset=pick((onset, onset, None)), cause=pick(CAUSES)),
            facts=tuple(facts),
            authored=at,
        )

    def time(self) -> timedelta:
        """How long nothing happens."""
        return timedelta(hours=self._random.choice(_HOURS))

    def event(self, pathway: Pathway, now: datetime) -> e.Event:
        """Something happens to this pathway, now."""
        by = self._nobody if self._random.random() < 0.02 else self._random.choice(self._everybody)
        if pathway.status is PathwayStatus.ON_HOLD and self._random.random() < 0.4:
            return e.PathwayResumed(by=by)
        live = [step for step in pathway.steps if step.status in LIVE]
        if live and self._random.random() < 0.7:
            return self._about(self._random.choice(live), pathway, now, by)
        return self._random.choice(self._others)(self, pathway, now, by)

    # --- about a step that is being waited for ---

    def _about(self, step: Step, pathway: Pathway, now: datetime, by: Actor) -> e.Event:
        rule, chance = self.protocol.step(step.key), self._random.random()
        if rule.kind == "hold":
            return self._of_the_hold(pathway, now, by)
        if rule.kind == "visit" and (step.visit is None or not step.visit.stands) and chance < 0.7:
            return self._booking(step, now, by)
        if chance < 0.12 and step.key == self.protocol.procedure_step:
            return e.StepStarted(by=by, step=step.key)
        if chance < 0.2 and rule.start_gates:
            keys = [
                gate for gate in rule.start_gates if self.protocol.gate(gate).override
            ] or rule.start_gates
            return e.GateOverridden(by=by, gate=self._random.choice(list(keys)), reason="because")
        return self._completion(rule, step, now, by)

    def _completion(self, rule: StepRule, step: Step, now: datetime, by: Actor) -> e.Event:
        outcome = rule.outcomes[0] if self._random.random() < 0.8 else self._random.choice(rule.outcomes)
        if outcome.end is not None and self._random.random() < 0.7:  # so that histories grow long
            outcome = rule.outcomes[0]
        if outcome.gates and self._random.random() < 0.2:
            return e.GateOverridden(by=by, gate=self._random.choice(outcome.gates), reason="because")
        data = {answer.key: self._value(answer, now) for answer in rule.answers}
        if self._random.random() < 0.1:
            data = dict(list(data.items())[: len(data) // 2])
        return e.StepCompleted(
            by=by, step=step.key, occurrence=step.occurrence, outcome=outcome.key, data=data
        )

    def _value(self, answer: Answer, now: datetime) -> Any:
        if answer.key in self._passing and answer.fact and self._random.random() < 0.97:
            return self._passing[answer.key]
        if answer.kind == "table":
            return [{column.key: self._value(column, now) for column in answer.columns}]
        low = answer.at_least if answer.at_least is not None else 0
        high = answer.at_most if answer.at_most is not None else low + 10
        values: dict[str, Callable[[], Any]] = {
            "number": lambda: self._random.choice((low, (low + high) / 2, high)),
            "text": lambda: "x",
            "yes-no": lambda: self._random.random() < 0.5,
            "date": lambda: (now.date() + timedelta(days=self._random.choice((-5, 40)))).isoformat(),
            "instant": lambda: (now + timedelta(hours=self._random.choice((-3, 30)))).isoformat(),
            "choice": lambda: self._random.choice(answer.choice_keys),
        }
        return values[answer.kind]()

    def _booking(self, step: Step, now: datetime, by: Actor) -> e.Event:
        days = self._random.choice((3, 8, 12, 20)) if step.key == self.protocol.procedure_step else 2
        start = now + timedelta(days=days, hours=self._random.choice((0, 1)))
        confirmed = self._random.random() < 0.5
        return e.VisitBooked(by=by, step=step.key, start=start, confirmed=confirmed)

    def _of_the_hold(self, pathway: Pathway, now: datetime, by: Actor) -> e.Event:
        days = self._random.choice((0, 1, 3, 7))
        drugs = (HeldDrug("drug", days, self._random.choice(("", "B01AF02"))),)
        if self._random.random() < 0.03:
            return e.HoldRejected(by=by, reason="no", revisit=now.date())
        events: tuple[e.Event, ...] = (
            e.HoldProposed(by=by, drugs=drugs),
            e.HoldSigned(by=by, drugs=drugs, text="as said"),
            e.HoldNotRequired(by=by),
            e.HoldNotRequired(by=by),
        )
        return self._random.choice(events)

    # --- anything else ---

    def _about_any_step(self, pathway: Pathway, now: datetime, by: Actor) -> e.Event:
        step = self._random.choice(pathway.steps)
        which: dict[str, Any] = {"by": by, "step": step.key, "occurrence": step.occurrence}
        kinds: tuple[Callable[[], e.Event], ...] = (
            lambda: e.StepHeld(**which, reason="pause"),
            lambda: e.StepReleased(**which),
            lambda: e.StepFailed(**which, reason="failed"),
            lambda: e.StepRejected(**which, reason="no"),
            lambda: e.StepWaived(**which, reason="not needed"),
            lambda: e.StepStarted(**which),
            lambda: e.StepAccepted(**which, owner="A"),
            lambda: self._completion(self.protocol.step(step.key), step, now, by),
        )
        if step.status is StepStatus.ON_HOLD and self._random.random() < 0.6:
            return e.StepReleased(**which)
        return self._random.choice(kinds)()

    def _about_a_visit(self, pathway: Pathway, now: datetime, by: Actor) -> e.Event:
        visited = [step for step in pathway.steps if step.visit is not None and step.status not in SETTLED]
        if not visited:
            return self._facts(pathway, now, by)
        step = self._random.choice(visited)
        return self._random.choice(
            (
                e.VisitArrived(by=by, step=step.key),
                e.VisitMissed(by=by, step=step.key),
                e.VisitCancelled(by=by, step=step.key, reason="moved"),
                self._booking(step, now, by),
                self._booking(step, now, by),
            )
        )

    def _facts(self, pathway: Pathway, now: datetime, by: Actor) -> e.Event:
        known = [*self.protocol.facts, *self._passing, "antithrombotics", "weight_kg"]
        key = self._random.choice(known)
        value = self._passing.get(key, 1)
        if key == "antithrombotics":
            value = self._random.choice(_DRUGS)
        at = now - timedelta(days=self._random.choice((0, 0, 0, 1, 400)))
        return e.FactsRecorded(by=by, facts=(Fact(key, value, at, "laboratory", "Observation"),))

    def _of_the_pathway(self, pathway: Pathway, now: datetime, by: Actor) -> e.Event:
        if pathway.status is PathwayStatus.ON_HOLD:
            return e.PathwayResumed(by=by)
        if self._random.random() < 0.85:
            return self._facts(pathway, now, by)
        chosen = self._random.random()
        if chosen < 0.75:
            return e.PathwayHeld(by=by, reason="pause", revisit=now.date() + timedelta(days=9))
        if chosen < 0.8:
            return e.PatientDied(by=by)
        end = self._random.choice(list(self.protocol.ends))
        return e.PathwayEnded(by=by, end=end, reason="ended", revisit=now.date() + timedelta(days=9))

    def _asked(self, pathway: Pathway, now: datetime, by: Actor) -> e.Event:
        if not self._asked_for:
            return self._facts(pathway, now, by)
        return e.StepAsked(by=by, step=self._random.choice(self._asked_for), reason="wanted")

    def _watch(self, pathway: Pathway, now: datetime, by: Actor) -> e.Event:
        watch = self.protocol.surveillance
        if watch is None or self._random.random() < 0.7:
            return self._facts(pathway, now, by)
        values = {
            item.key: self._random.random() < 0.1 if item.kind == "yes-no" else (item.at_least or 0) + 1
            for item in watch.items
            if self._random.random() < 0.7
        }
        return e.ObservationsRecorded(by=by, values=values, reason="" if values else "asleep")

    _others: tuple[Callable[[Dice, Pathway, datetime, Actor], e.Event], ...] = (
        _about_any_step,
        _about_any_step,
        _about_any_step,
        _about_a_visit,
        _about_a_visit,
        _facts,
        _of_the_pathway,
        _asked,
        _watch,
    )


def _passing(reading: Reading) -> dict[str, Any]:
    """Values of facts with which every gate passes and nothing is found, as far as facts can make it."""
    protocol = reading.protocol
    needs = [need.when for gate in protocol.gates for need in protocol.gate(gate.key).needs]
    all_met = reading.ask(All(tuple(reading.formula(need) for need in needs)))
    # The fracture's cause is not for anybody to choose, nor is what the patient takes.
    chosen = all_met.can_be_true({CAUSE: "osteoporotic"}) or {}
    found = {
        subject: region for subject, region in chosen.items() if isinstance(region, Known) and region.is_known
    }
    for flag in protocol.red_flags:
        absent = reading.ask(No(reading.formula(flag.when)))
        for key in sorted({one.fact for one in parts(flag.when) if one.fact is not None}):
            values = sorted(reading.regions.of(("fact", key)), key=lambda region: region.value is not False)
            for region in () if ("fact", key) in found else values:
                if region.is_known and absent.can_be_true({**found, ("fact", key): region}) is not None:
                    found["fact", key] = region
                    break
    passing = {subject[1]: region.value for subject, region in found.items()}
    return {key: value for key, value in passing.items() if isinstance(value, bool | int | float)}
