"""Conditions as formulas over subjects, and whether they can be true: some value of everything that is not fixed.

Gates ask of facts that people record at any time. The checker takes them as free: a formula *can* be true when some
value of each free subject, the same wherever the formula asks for it, makes it true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pathway.checking.regions import ALL_STOPPED, CAUSE, HOLD, UNSETTLED, Known, Regions, Subject, marks
from pathway.condition import Condition
from pathway.protocol import Protocol
from pathway.state import HoldStatus


@dataclass(frozen=True, eq=False)
class Atom:
    """A question about one subject."""

    subject: Subject
    test: Callable[[Any], bool]


@dataclass(frozen=True, eq=False)
class All:
    """Every one of these is true; true when there is none."""

    of: tuple[Formula, ...]


@dataclass(frozen=True, eq=False)
class Some:
    """At least one of these is true."""

    of: tuple[Formula, ...]


@dataclass(frozen=True, eq=False)
class No:
    """This is not true."""

    of: Formula


Formula = Atom | All | Some | No


def formula(condition: Condition, protocol: Protocol) -> Formula:
    """What ``gates.holds`` asks, as far as it can be told without a clock."""
    found: list[Formula] = []
    if condition.fact is not None:
        found.append(Atom(("fact", condition.fact), _of_fact(condition)))
    if condition.taken:
        (mark,) = (one for one in marks(condition) if one.startswith("taken "))
        found.append(Atom(("fact", "antithrombotics"), lambda region: mark in region.marks))
    if condition.step is not None and condition.rule is None:
        found.append(Atom(("step", condition.step), _of_step(condition.outcome)))
    if condition.hold:
        found.append(Atom(HOLD, lambda region: HoldStatus(region).is_one_of(condition.hold)))
    if condition.cause:
        found.append(Atom(CAUSE, lambda region: region in condition.cause))
    if condition.held:
        found.append(Atom(("held", *condition.held), bool))
    if condition.any_of:
        found.append(Some(tuple(formula(one, protocol) for one in condition.any_of)))
    found += [No(formula(one, protocol)) for one in condition.none_of]
    if condition.rule is not None:
        found.append(_of_rule(condition, protocol))
    return found[0] if len(found) == 1 else All(tuple(found))


def _of_rule(condition: Condition, protocol: Protocol) -> Formula:
    rule = str(condition.rule)
    measure = f"{condition.days} d {condition.hours} h"
    free = Atom(("rule", rule, condition.step or "", measure), bool)
    if rule == "antithrombotics-answered":
        return Atom(("fact", "antithrombotics"), _is_answer)
    if rule == "drawn-for-procedure":
        return All(())  # a mark of the fact, which the condition names
    if rule == "held-drugs-have-resumption":
        nothing_held = Atom(HOLD, lambda region: region in ("not-required", "rejected"))
        return Some((nothing_held, Atom(("ever", condition.step or ""), bool)))
    if rule == "days-before-procedure":
        return All((Atom(("ever", condition.step or ""), bool), free))
    if rule in ("observed-since-procedure", "observations-complete"):
        return All((Atom(("ever", protocol.procedure_step), bool), free))
    return free


def _is_answer(region: Known) -> bool:
    """As ``completeness.unanswered`` has it: a list on which every drug was stopped is no answer."""
    return region.is_known and region.value != ALL_STOPPED


def _of_step(outcomes: tuple[str, ...]) -> Callable[[Any], bool]:
    if outcomes:
        wanted = frozenset(f"={key}" for key in outcomes)
        return lambda region: region in wanted
    return lambda region: region not in UNSETTLED


def _of_fact(condition: Condition) -> Callable[[Any], bool]:
    asked = marks(condition)

    def test(region: Known) -> bool:
        value = region.value
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
        return (
            region.is_known
            and (condition.is_ is None or value == condition.is_)
            and (condition.at_least is None or number >= condition.at_least)
            and (condition.at_most is None or number <= condition.at_most)
            and (condition.max_age_days is None or region.age <= condition.max_age_days)
            and all(mark in region.marks for mark in asked if not mark.startswith("taken "))
        )

    return test


def atoms(asked: Formula) -> Iterator[Atom]:
    """Every question in a formula."""
    if isinstance(asked, Atom):
        yield asked
    elif isinstance(asked, No):
        yield from atoms(asked.of)
    else:
        for one in asked.of:
            yield from atoms(one)


class Question:
    """A formula, with the subjects it asks about and, of each, one region for every way it can answer."""

    def __init__(self, asked: Formula, regions: Regions) -> None:
        self.asked = asked
        self._regions = regions
        self._tests: dict[Subject, list[Atom]] = {}
        for atom in atoms(asked):
            self._tests.setdefault(atom.subject, []).append(atom)
        self.subjects = tuple(self._tests)
        self._distinct: dict[Subject, tuple[Any, ...]] = {}

    def can_be_true(self, fixed: Mapping[Subject, Any]) -> dict[Subject, Any] | None:
        """Values of the free subjects that make it true, or None. What the formula never comes to ask is left out."""
        stack: list[dict[Subject, Any]] = [{}]
        while stack:
            chosen = stack.pop()
            try:
                if _is_true(self.asked, fixed, chosen):
                    return chosen
            except _Unchosen as free:
                stack += [{**chosen, free.subject: region} for region in self._tellable(free.subject)]
        return None

    def _tellable(self, subject: Subject) -> tuple[Any, ...]:
        if subject not in self._distinct:
            seen: dict[tuple[bool, ...], Any] = {}
            for region in self._regions.of(subject):
                seen.setdefault(tuple(atom.test(region) for atom in self._tests[subject]), region)
            self._distinct[subject] = tuple(seen.values())
        return self._distinct[subject]


class _Unchosen(Exception):
    """A free subject that has to be chosen before the formula can be answered."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self.subject = subject


def _is_true(asked: Formula, fixed: Mapping[Subject, Any], chosen: Mapping[Subject, Any]) -> bool:
    if isinstance(asked, Atom):
        if asked.subject in fixed:
            return asked.test(fixed[asked.subject])
        if asked.subject in chosen:
            return asked.test(chosen[asked.subject])
        raise _Unchosen(asked.subject)
    if isinstance(asked, No):
        return not _is_true(asked.of, fixed, chosen)
    if isinstance(asked, All):
        return all(_is_true(one, fixed, chosen) for one in asked.of)
    return any(_is_true(one, fixed, chosen) for one in asked.of)
