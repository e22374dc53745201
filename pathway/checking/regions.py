"""What a condition can be asked of, and the values between which the conditions of a protocol can tell.

A *subject* is one thing that conditions ask about: a step, the hold plan, the cause of the fracture, a fact. Its
*regions* are the values it may have, as far as any condition can tell them apart: a temperature is unknown, at most
37.9 or more, of today or older. The checker takes one value of each region, which is as good as taking them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from pathway.condition import Condition
from pathway.hold_plan import HoldStatus
from pathway.protocol import Answer, Protocol
from pathway.referral import CAUSES

Subject = tuple[str, ...]
"""``("step", key)``, ``("ever", key)`` (it was done at least once), ``("hold",)``, ``("cause",)``, ``("fact", key)``,
``("held", …)`` (drugs of the hold plan), ``("rule", …)`` (a check written in ``gates.py``)."""

HOLD: Subject = ("hold",)
CAUSE: Subject = ("cause",)

NOT_ASKED, WAITING, OPEN, BEGUN = "not asked", "waiting", "open", "begun"
DONE, SET_ASIDE = "done", "set aside"
"""What the checker tells of a step. ``open`` is also scheduled, missed or paused; ``done`` is done with an outcome
that no condition asks for, else ``=outcome``; ``set aside`` is waived or dropped."""
UNSETTLED = frozenset({NOT_ASKED, WAITING, OPEN, BEGUN})

_ANTITHROMBOTICS = "antithrombotics"
_DRUGS, ALL_STOPPED = "drugs", "drugs that were all stopped"
_OTHER = "(anything else)"


@dataclass(frozen=True)
class Known:
    """A region of a fact: a value in it, its age in days at the procedure, and what only a longer look can tell."""

    value: Any = None
    age: int = 0
    marks: frozenset[str] = frozenset()
    is_known: bool = True


def every_condition(protocol: Protocol) -> Iterator[Condition]:
    """Every condition that decides what may happen, and those of the safety block, with all their parts."""
    for gate in protocol.gates:
        for need in protocol.gate(gate.key).needs:
            yield from parts(need.when)
    for step in protocol.steps:
        for one in step.after:
            yield from parts(one)
    for flag in protocol.red_flags:
        yield from parts(flag.when)
    for obligation in protocol.safety.obligations:
        for one in obligation.needs:
            yield from parts(one)
    for kept in protocol.safety.steps:
        for one in kept.opens_after:
            yield from parts(one)


def parts(condition: Condition) -> Iterator[Condition]:
    """A condition and all that it is made of."""
    yield condition
    for one in (*condition.any_of, *condition.none_of):
        yield from parts(one)


def marks(condition: Condition) -> tuple[str, ...]:
    """What a condition asks of a fact that neither its value nor its age tells the checker."""
    found = []
    if condition.older_than_days is not None or condition.older_than_months is not None:
        found.append(f"older than {condition.older_than_days or 0} d {condition.older_than_months or 0} m")
    if condition.rule == "drawn-for-procedure":
        found.append(condition.rule)
    if condition.taken:
        found.append("taken " + " ".join(condition.taken))
    return tuple(found)


class Regions:
    """The regions of every subject of one protocol."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.conditions = tuple(every_condition(protocol))
        self.outcomes = self._asked_outcomes()
        self._facts: dict[str, tuple[Known, ...]] = {}

    def _asked_outcomes(self) -> dict[str, frozenset[str]]:
        """The outcomes of each step that some condition asks for."""
        found: dict[str, set[str]] = {step.key: set() for step in self.protocol.steps}
        for one in self.conditions:
            if one.step in found:
                found[one.step].update(one.outcome)
        return {key: frozenset(outcomes) for key, outcomes in found.items()}

    def done(self, step: str, outcome: str | None) -> str:
        """The region of a step that is done so."""
        return f"={outcome}" if outcome in self.outcomes[step] else DONE

    def of(self, subject: Subject) -> tuple[Any, ...]:
        """The regions of a subject that may be anything."""
        kind = subject[0]
        if kind == "hold":
            return tuple(status.value for status in HoldStatus)
        if kind == "cause":
            return CAUSES
        if kind == "step":
            asked = (NOT_ASKED,) if self.protocol.step(subject[1]).on_demand else ()
            return (OPEN, *asked, SET_ASIDE, DONE, *(f"={key}" for key in sorted(self.outcomes[subject[1]])))
        if kind == "fact":
            if subject[1] not in self._facts:
                self._facts[subject[1]] = tuple(self._of_fact(subject[1]))
            return self._facts[subject[1]]
        return (True, False)

    def _of_fact(self, key: str) -> Iterator[Known]:
        """Unknown; and each value that somebody can record, fresh and too old, with each mark and without."""
        yield Known(is_known=False)
        asked = [one for one in self.conditions if one.fact == key or (one.taken and key == _ANTITHROMBOTICS)]
        ages = sorted({0, *(one.max_age_days + 1 for one in asked if one.max_age_days is not None)})
        named = sorted({mark for one in asked for mark in marks(one)})
        some = [frozenset(chosen) for size in range(len(named) + 1) for chosen in combinations(named, size)]
        for value, age, marked in product(self._values(key, asked), ages, some):
            if value in ([], ALL_STOPPED) and any(mark.startswith("taken ") for mark in marked):
                continue
            yield Known(value, age, marked)

    def _values(self, key: str, asked: list[Condition]) -> list[Any]:
        wanted: list[Any] = [one.is_ for one in asked if one.is_ is not None]
        bounds = {bound for one in asked for bound in (one.at_least, one.at_most) if bound is not None}
        numbers = sorted({number for bound in bounds for number in (bound - 1e-6, bound, bound + 1e-6)})
        if key == _ANTITHROMBOTICS:
            return [[], _DRUGS, ALL_STOPPED]
        answers = self.answers(key)
        if key in self.protocol.facts or not answers:
            return _distinct([*wanted, *numbers, _OTHER])
        return _distinct([value for answer in answers for value in _recordable(answer, wanted, numbers)])

    def answers(self, key: str) -> list[Answer]:
        """The answers of any step that record this fact."""
        return [one for step in self.protocol.steps for one in step.answers if one.fact and one.key == key]


def _recordable(answer: Answer, wanted: list[Any], numbers: list[float]) -> list[Any]:
    """Of the values that conditions can tell apart, those that this answer can give."""
    if answer.kind == "yes-no":
        return [True, False]
    if answer.kind == "choice":
        return list(answer.choice_keys)
    if answer.kind == "number":
        low = float("-inf") if answer.at_least is None else answer.at_least
        high = float("inf") if answer.at_most is None else answer.at_most
        inside = [number for number in numbers if low <= number <= high]
        edges = [edge for edge in (answer.at_least, answer.at_most) if edge is not None]
        return [*inside, *edges] or [_OTHER]
    return [*(value for value in wanted if isinstance(value, str)), _OTHER]


def _distinct(values: list[Any]) -> list[Any]:
    """Each value once; truth values are no numbers."""
    kept: list[Any] = []
    for value in values:
        if not any(type(value) is type(other) and value == other for other in kept):
            kept.append(value)
    return kept
