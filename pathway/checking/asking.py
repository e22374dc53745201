"""Gates that nobody asks, needs that can never be met, facts that nobody is asked for by then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pathway.checking.fault import Fault
from pathway.checking.question import All
from pathway.checking.reading import Reading
from pathway.checking.regions import parts
from pathway.condition import Condition
from pathway.protocol import StepRule

_FROM_THE_REFERRAL = frozenset({"antithrombotics"})
"""Facts that every referral is asked for (``completeness.py``)."""


def unasked(reading: Reading) -> Iterator[Fault]:
    """Gates, needs and days to look again that cannot do their work."""
    protocol = reading.protocol
    asked: dict[str, list[StepRule]] = {gate.key: [] for gate in protocol.gates}
    for rule in protocol.steps:
        outcomes = (key for outcome in rule.outcomes for key in outcome.gates)
        for key in dict.fromkeys((*rule.book_gates, *rule.start_gates, *outcomes)):
            asked[key].append(rule)
    for gate in protocol.gates:
        where = f"gates.{gate.key}"
        if not asked[gate.key]:
            yield Fault("gate-not-asked", where, "no step asks it, so it stops nothing.")
        for index, need in enumerate(protocol.gate(gate.key).needs):
            if reading.ask(reading.formula(need.when)).can_be_true({}) is None:
                said = f"“{need.reason.en}” can never be met: no answer has such a value."
                yield Fault("need-never-met", f"{where}.needs[{index}]", said)
            yield from _nobody_says(reading, f"{where}.needs[{index}]", need.when, asked[gate.key])
        together = All(tuple(reading.formula(need.when) for need in protocol.gate(gate.key).needs))
        if reading.ask(together).can_be_true({}) is None:
            said = "its needs contradict each other, so that it is only ever passed by overriding it."
            yield Fault("need-never-met", f"{where}.needs", said)
    for flag in protocol.red_flags:
        if reading.ask(reading.formula(flag.when)).can_be_true({}) is None:
            yield Fault(
                "need-never-met", f"red_flags.{flag.key}", "can never be found: no answer has such a value."
            )
    for rule in protocol.steps:
        yield from _look_again(reading, rule)


def _nobody_says(
    reading: Reading, where: str, condition: Condition, asked: Iterable[StepRule]
) -> Iterator[Fault]:
    """A fact that a gate asks for is known from outside, or an answer of a step that need not wait for that gate."""
    protocol = reading.protocol
    named = {one.fact for one in parts(condition) if one.fact is not None}
    named -= {*protocol.facts, *_FROM_THE_REFERRAL}
    for rule in asked:
        later = {one.key for one in protocol.steps if rule.key in reading.opens_behind(one.key)}
        said = {
            answer.key
            for one in protocol.steps
            if one.key not in later
            for answer in one.answers
            if answer.fact
        }
        for fact in sorted(named - said):
            yield Fault(
                "fact-not-asked",
                where,
                f"asks for {fact} when {rule.key} is done, and nobody is asked for it by then; "
                "add it to the answers of a step, or to facts if it comes from outside.",
            )


def _look_again(reading: Reading, rule: StepRule) -> Iterator[Fault]:
    """An outcome whose end is looked at again asks for the day, and none else does."""
    asks = next((answer for answer in rule.answers if answer.key == "revisit"), None)
    for outcome in rule.outcomes:
        end = reading.protocol.ends[outcome.end] if outcome.end else None
        needed = asks is not None and outcome.key in asks.required_for
        where = f"steps.{rule.key}.outcomes.{outcome.key}"
        if end is not None and end.looks_again and not needed and rule.kind != "hold":
            said = f"ends as {outcome.end}, which is looked at again: ask for revisit, required for it."
            yield Fault("no-revisit", where, said)
        if needed and not (end is not None and end.looks_again):
            said = "asks for the day to look again, and the pathway is not looked at again after it."
            yield Fault("no-revisit", where, said)
