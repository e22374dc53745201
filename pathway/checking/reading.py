"""A protocol read for checking: the questions that its steps and gates ask, and which steps hang on which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from pathway.checking.question import All, Atom, Formula, No, Question, formula
from pathway.checking.regions import BEGUN, OPEN, WAITING, Regions, parts
from pathway.condition import Condition
from pathway.protocol import Gate, Outcome, Protocol, StepRule

_WAITED_FOR = frozenset({WAITING, OPEN, BEGUN})
_NEEDS_HOLD = frozenset({"held-drugs-have-resumption"})


def groups(gate: Gate) -> tuple[tuple[str, ...], ...]:
    """Groups of roles of which one person each must override the gate; none when nobody may."""
    return gate.both or ((gate.override,) if gate.override else ())


class Reading:
    """One protocol, with its questions made once."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.regions = Regions(protocol)
        self._questions: dict[tuple[object, ...], Question] = {}

    # --- questions ---

    def opens(self, rule: StepRule) -> Question:
        """Whether everything that the step waits for is so."""
        return self._once(("opens", rule.key), self._all(rule.after))

    def drops(self, rule: StepRule) -> Question:
        """Whether nothing that the step waits for can still come, and it is not so."""
        settled = tuple(self._is_decided(one) for one in rule.after)
        return self._once(("drops", rule.key), All((*settled, No(self._all(rule.after)))))

    def passes(self, gates: tuple[str, ...]) -> Question:
        """Whether these gates let pass: every need that nobody may override is met."""
        return self._once(("passes", gates), self.asked(gates, passable=lambda _: True))

    def states_hold(self, outcome: Outcome) -> Question:
        """Whether a signer may state this outcome of the hold plan: its gates, and what the event itself asks."""
        asked = self.asked(outcome.gates, passable=lambda _: True)
        if outcome.key == "not_required":
            asked = All((asked, formula(Condition(rule="antithrombotics-answered"), self.protocol)))
        return self._once(("states", outcome.key), asked)

    def procedure_is_over(self) -> Question:
        """Whether the procedure has been done."""
        return self._once(("over",), Atom(("ever", self.protocol.procedure_step), bool))

    def ask(self, asked: Formula) -> Question:
        """A question of one's own."""
        return Question(asked, self.regions)

    def asked(self, gates: Iterable[str], *, passable: Callable[[Gate], bool]) -> Formula:
        """What these gates ask but for the needs that may be overridden; ``passable`` says at which gates."""
        needs = []
        for key in gates:
            gate = self.protocol.gate(key)
            free = bool(groups(gate)) and passable(gate)
            needs += [need for need in gate.needs if need.never_override or not free]
        return All(tuple(formula(need.when, self.protocol) for need in needs))

    def formula(self, condition: Condition) -> Formula:
        """The condition as a formula."""
        return formula(condition, self.protocol)

    def _once(self, key: tuple[object, ...], asked: Formula) -> Question:
        if key not in self._questions:
            self._questions[key] = Question(asked, self.regions)
        return self._questions[key]

    def _all(self, conditions: tuple[Condition, ...]) -> Formula:
        return All(tuple(formula(one, self.protocol) for one in conditions))

    def _is_decided(self, condition: Condition) -> Formula:
        """Like ``decide._is_decided``: the steps that it asks about are no longer waited for."""
        steps = [one.step for one in parts(condition) if one.step is not None]
        return All(tuple(Atom(("step", key), lambda region: region not in _WAITED_FOR) for key in steps))

    # --- what hangs on what ---

    @cached_property
    def gated(self) -> frozenset[str]:
        """Steps of which it matters that they have begun."""
        protocol = self.protocol
        return frozenset(
            {protocol.procedure_step, *(rule.key for rule in protocol.steps if rule.start_gates)}
        )

    @cached_property
    def asked_whether_ever_done(self) -> frozenset[str]:
        """Steps of which a rule asks whether they were done, be it an earlier time."""
        rules = ("days-before-procedure", "held-drugs-have-resumption")
        named = {one.step for one in self.regions.conditions if one.rule in rules and one.step is not None}
        return frozenset({*named, self.protocol.procedure_step})

    @cached_property
    def relying(self) -> tuple[str, ...]:
        """Steps that are done again when a hold plan expires, as ``moves.expire_hold`` has it."""
        protocol = self.protocol
        return tuple(
            rule.key
            for rule in protocol.steps
            if any(one.step == protocol.hold.step for one in rule.after)
            and rule.key != protocol.procedure_step
        )

    @cached_property
    def checks(self) -> tuple[str, ...]:
        """Steps that are done again for another date of the procedure, as ``moves.procedure_moved`` has it."""
        rule = self.protocol.step(self.protocol.procedure_step)
        needs = [need for key in rule.start_gates for need in self.protocol.gate(key).needs]
        booked = {need.when.step for key in rule.book_gates for need in self.protocol.gate(key).needs}
        return tuple(sorted({need.when.step for need in needs if need.when.step} - booked))

    @cached_property
    def needs(self) -> dict[str, frozenset[str]]:
        """The steps on which each step hangs: asked for by what opens it or by its gates, or bringing it back."""
        found = {rule.key: set(self._asked_by(rule)) - {rule.key} for rule in self.protocol.steps}
        for rule in self.protocol.steps:
            for outcome in rule.outcomes:
                for key in outcome.repeat:
                    if key != rule.key:
                        found[key].add(rule.key)
        hold, procedure = self.protocol.hold.step, self.protocol.procedure_step
        for key in {hold, *self.relying, *self.checks} - {procedure}:
            found[key].add(procedure)
        for key in {*self.relying, *self.checks} - {hold}:
            found[key].add(hold)
        return {key: frozenset(steps) for key, steps in found.items()}

    def opens_behind(self, key: str) -> frozenset[str]:
        """The steps that a step waits for before it opens, and those that they wait for."""
        found: set[str] = set()
        left = [key]
        while left:
            for condition in self.protocol.step(left.pop()).after:
                new = {one.step for one in parts(condition) if one.step is not None} - found
                found |= new
                left += new
        return frozenset(found)

    def _asked_by(self, rule: StepRule) -> Iterator[str]:
        for condition in rule.after:
            yield from self.steps_of(condition)
        keys = {*rule.start_gates, *(key for outcome in rule.outcomes for key in outcome.gates)}
        for key in sorted(keys):
            for need in self.protocol.gate(key).needs:
                yield from self.steps_of(need.when)

    def steps_of(self, condition: Condition) -> Iterator[str]:
        """The steps that a condition asks about; the hold plan is the step that settles it."""
        for one in parts(condition):
            if one.step is not None:
                yield one.step
            if one.hold or one.rule in _NEEDS_HOLD:
                yield self.protocol.hold.step
            if one.rule in ("observed-since-procedure", "observations-complete"):
                yield self.protocol.procedure_step
