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
from pathway.hold_plan import HoldStatus
from pathway.protocol import Protocol


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
    measure = f"{condition.days} d {condition.hours} h {condition.years} y"
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


def conjuncts(asked: Formula) -> Iterator[Formula]:
    """The parts of a formula that must each be true."""
    if isinstance(asked, All):
        for one in asked.of:
            yield from conjuncts(one)
    elif isinstance(asked, No) and isinstance(asked.of, Some):
        for one in asked.of.of:
            yield from conjuncts(No(one))
    elif isinstance(asked, No) and isinstance(asked.of, No):
        yield from conjuncts(asked.of.of)
    else:
        yield asked


class Question:
    """A formula, with the subjects it asks about and, of each, one region for every way it can answer."""

    def __init__(self, asked: Formula, regions: Regions) -> None:
        self._regions = regions
        self._tests: dict[Subject, list[Atom]] = {}
        self._conjuncts = tuple(
            (one, tuple(dict.fromkeys(atom.subject for atom in atoms(one)))) for one in conjuncts(asked)
        )
        for atom in atoms(asked):
            self._tests.setdefault(atom.subject, []).append(atom)
        self.subjects = tuple(self._tests)
        self._distinct: dict[Subject, tuple[Any, ...]] = {}

    def can_be_true(self, fixed: Mapping[Subject, Any]) -> dict[Subject, Any] | None:
        """Values of the free subjects that make it true, or None. A subject that does not matter may be left out.

        Parts that share no free subject are answered each by itself: what one needs is no matter to the other.
        """
        found: dict[Subject, Any] = {}
        for group in self._groups(fixed):
            chosen = self._choose(group, fixed, {})
            if chosen is None:
                return None
            found |= chosen
        return found

    def _groups(self, fixed: Mapping[Subject, Any]) -> list[list[Formula]]:
        """The conjuncts, those together that share a free subject."""
        groups: list[tuple[set[Subject], list[Formula]]] = []
        for one, subjects in self._conjuncts:
            free = {subject for subject in subjects if subject not in fixed}
            joined, apart = (free, [one]), []
            for group in groups:
                if group[0] & free:
                    joined = (joined[0] | group[0], [*group[1], *joined[1]])
                else:
                    apart.append(group)
            groups = [*apart, joined]
        return [group for _, group in groups]

    def _choose(
        self, group: list[Formula], fixed: Mapping[Subject, Any], chosen: dict[Subject, Any]
    ) -> dict[Subject, Any] | None:
        """``chosen`` and more, so that every part is true; the part with the fewest ways is tried first."""
        left = []
        for one in group:
            truth = _truth(one, fixed, chosen)
            if truth is False:
                return None
            if truth is None:
                left.append(one)
        if not left:
            return chosen
        free = min((self._free(one, fixed, chosen) for one in left), key=len)
        for region in self._tellable(free[0]):
            found = self._choose(left, fixed, {**chosen, free[0]: region})
            if found is not None:
                return found
        return None

    @staticmethod
    def _free(one: Formula, fixed: Mapping[Subject, Any], chosen: Mapping[Subject, Any]) -> list[Subject]:
        asked = dict.fromkeys(atom.subject for atom in atoms(one))
        return [subject for subject in asked if subject not in fixed and subject not in chosen]

    def _tellable(self, subject: Subject) -> tuple[Any, ...]:
        if subject not in self._distinct:
            seen: dict[tuple[bool, ...], Any] = {}
            for region in self._regions.of(subject):
                seen.setdefault(tuple(atom.test(region) for atom in self._tests[subject]), region)
            self._distinct[subject] = tuple(seen.values())
        return self._distinct[subject]


def _truth(asked: Formula, fixed: Mapping[Subject, Any], chosen: Mapping[Subject, Any]) -> bool | None:
    """True, False, or None while a free subject decides."""
    if isinstance(asked, Atom):
        if asked.subject in fixed:
            return asked.test(fixed[asked.subject])
        return asked.test(chosen[asked.subject]) if asked.subject in chosen else None
    if isinstance(asked, No):
        truth = _truth(asked.of, fixed, chosen)
        return None if truth is None else not truth
    truths = [_truth(one, fixed, chosen) for one in asked.of]
    decisive = isinstance(asked, Some)
    if decisive in truths:
        return decisive
    return None if None in truths else not decisive
