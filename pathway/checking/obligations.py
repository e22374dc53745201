"""What must be true before something happens, looked for on every path that leads to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pathway.checking.exploring import Explored
from pathway.checking.fault import Fault
from pathway.checking.moves import COMPLETED, Move, is_over, spoken
from pathway.checking.question import All, Formula, No, Question
from pathway.checking.reading import Reading, groups
from pathway.checking.regions import NOT_ASKED, OPEN, UNSETTLED, Known, Subject
from pathway.checking.slices import hangs_on
from pathway.condition import Condition
from pathway.protocol import Gate
from pathway.safety import BOOKED
from pathway.safety import COMPLETED as WHEN_COMPLETED

Explore = Callable[[frozenset[str]], Explored]
Groups = tuple[tuple[str, ...], ...]
Passable = Callable[[Gate], bool]


@dataclass(frozen=True)
class _Violation:
    """A path on which something that must be so is not, and how that looks."""

    path: tuple[str, ...]
    how: str


def broken(reading: Reading, explore: Explore, near: frozenset[str] = frozenset()) -> Iterator[Fault]:
    """The obligations that some path breaks, the shortest such path with each; and what nobody may pass as stated.

    With ``near``, only those at a moment of these steps.
    """
    for one in reading.protocol.safety.obligations:
        where = f"safety.obligations.{one.key}"
        for moment in one.before:
            for asked in one.needs if not near or _step_of(moment) in near else ():
                violation = _first_in_each(reading, explore, asked, moment, _not_allowed(one.override))
                if violation is not None:
                    said = f"“{one.title.en}” is not kept: {violation.how}."
                    yield Fault("obligation", where, said, violation.path)
                elif one.override and not _can_be_passed(reading, explore, asked, moment, one.override):
                    who = " and ".join(" or ".join(group) for group in one.override)
                    said = f"“{one.title.en}” may be passed by {who}, but no gate lets them ({moment})."
                    yield Fault("obligation", where, said)


def _first_in_each(
    reading: Reading, explore: Explore, asked: Condition, moment: str, passable: Passable, *, sizes: int = 3
) -> _Violation | None:
    """A violation that stays one however much is looked at along with it; None as soon as it does not.

    A small slice leaves much free, so what cannot happen in it cannot happen at all. What can happen in it is looked
    for again in a larger one, where less is free; ``sizes`` of them at most.
    """
    violation = None
    for steps in islice(_larger_and_larger(reading, asked, moment), sizes):
        found = explore(steps)
        if not found.is_complete:
            break
        violation = _Looking(reading, found, asked, moment).first(passable)
        if violation is None:
            return None
    return violation


def _can_be_passed(
    reading: Reading, explore: Explore, asked: Condition, moment: str, override: Groups
) -> bool:
    """Whether these people can override whatever gate stands in the way."""

    def passable(gate: Gate) -> bool:
        return _within(override, groups(gate))

    return _first_in_each(reading, explore, asked, moment, passable, sizes=2) is not None


def _not_allowed(override: Groups) -> Passable:
    """Gates that people may override who may not pass the obligation: their needs are no safeguard of it."""
    return lambda gate: not _within(groups(gate), override)


def opened_early(reading: Reading, explore: Explore, near: frozenset[str] = frozenset()) -> Iterator[Fault]:
    """Steps that can open although something that they must wait for is not so; with ``near``, only of these."""
    for kept in reading.protocol.safety.steps:
        for condition in kept.opens_after if not near or kept.step in near else ():
            early = None
            for steps in _larger_and_larger(reading, condition, kept.step):
                found = explore(steps)
                if found.is_complete:
                    early = _opening(reading, found, kept.step, condition)
                if early is None or not found.is_complete:
                    break
            if early is not None:
                said = f"can open too early: {early.how}."
                yield Fault("opens-early", f"steps.{kept.step}.after", said, early.path)


def _opening(reading: Reading, found: Explored, key: str, condition: Condition) -> _Violation | None:
    """A shortest path on which the step opens and the condition is not so."""
    not_so = No(reading.formula(condition))
    after = reading.protocol.step(key).after
    asked = reading.ask(All((*(reading.formula(one) for one in after), not_so)))
    for number, leads in enumerate(found.leads):
        opens = any(move.kind == "opens" and move.step == key for move, _ in leads)
        if opens and found.slice.allows(asked, found.states[number]):
            chosen = asked.can_be_true(found.slice.fixed(found.states[number])) or {}
            return _Violation(found.path(number), _while(condition, found, number, chosen))
    return None


def _within(inner: Groups, outer: Groups) -> bool:
    """Whether whoever satisfies ``inner`` (one person of each group) satisfies ``outer`` as well."""
    return (
        bool(inner) and bool(outer) and all(any(set(one) <= set(group) for one in inner) for group in outer)
    )


def _larger_and_larger(reading: Reading, condition: Condition, moment: str) -> Iterator[frozenset[str]]:
    """Slices in which to look: the steps that are named, those with what the condition's hang on, and with all."""
    asked, named = set(reading.steps_of(condition)), set()
    if moment != WHEN_COMPLETED:
        named.add(_step_of(moment))
    tracks = frozenset(reading.protocol.step(key).track for key in asked | named)
    sizes = (
        asked | named,
        hangs_on(reading, asked, tracks) | named,
        hangs_on(reading, asked | named, tracks),
    )
    yield from dict.fromkeys(frozenset(steps) for steps in sizes)


def _step_of(moment: str) -> str:
    """The step of a moment; ``completed`` has none."""
    return moment.removeprefix(f"{BOOKED} ").partition(".")[0]


class _Looking:
    """The search for a path to one moment on which one condition is not so."""

    def __init__(self, reading: Reading, found: Explored, asked: Condition, moment: str) -> None:
        self.reading, self.found, self.asked, self.moment = reading, found, asked, moment
        self.not_so = No(reading.formula(asked))

    def first(self, passable: Passable) -> _Violation | None:
        """The shortest, where the needs of ``passable`` gates stop nobody unless they are never overridden."""
        if self.moment == WHEN_COMPLETED:
            return self._completed()
        if self.moment.startswith(f"{BOOKED} "):
            return self._booked(self.moment.removeprefix(f"{BOOKED} "), passable)
        key, _, outcome = self.moment.partition(".")
        found, place = self.found, self.found.slice.index["step", key]
        moves = [move for move in found.slice.moves if _is_at(move, key, outcome)]
        questions = {
            move: self.reading.ask(All((self._gates(move, passable), self.not_so))) for move in moves
        }
        for number, state in enumerate(found.states):
            for move in () if is_over(state) else moves:
                if state[place] in move.from_ and (how := self._how(number, questions[move])) is not None:
                    return _Violation((*found.path(number), move.said), f"{move.said} can be recorded {how}")
        return None

    def _completed(self) -> _Violation | None:
        asked = self.reading.ask(self.not_so)
        for number, moves in enumerate(self.found.leads):
            if any(self.found.states[to] == COMPLETED for _, to in moves):
                how = self._how(number, asked)
                if how is not None:
                    return _Violation(self.found.path(number), f"the pathway is completed {how}")
        return None

    def _booked(self, key: str, passable: Passable) -> _Violation | None:
        gates = self.reading.asked(self.reading.protocol.step(key).book_gates, passable=passable)
        asked, place = self.reading.ask(All((gates, self.not_so))), self.found.slice.index["step", key]
        for number, state in enumerate(self.found.states):
            if not is_over(state) and state[place] == OPEN and (how := self._how(number, asked)) is not None:
                return _Violation(
                    self.found.path(number), f"the slot of {spoken(key)} can be confirmed {how}"
                )
        return None

    def _gates(self, move: Move, passable: Passable) -> Formula:
        asked = self.reading.asked(move.gates, passable=passable)
        if move.kind == "hold" and move.outcome is not None and move.outcome.key == "not_required":
            return All((asked, self.reading.formula(Condition(rule="antithrombotics-answered"))))
        return asked

    def _how(self, number: int, question: Question) -> str | None:
        """How things stand in this state when the question is answered yes; None when it cannot be."""
        if not self.found.slice.allows(question, self.found.states[number]):
            return None
        chosen = question.can_be_true(self.found.slice.fixed(self.found.states[number]))
        return _while(self.asked, self.found, number, chosen or {})


def _is_at(move: Move, key: str, outcome: str) -> bool:
    """Whether a move is the moment asked for. What has begun was asked when it began."""
    if move.step != key or move.kind not in ("done", "hold", "begun"):
        return False
    if outcome:
        return move.outcome is not None and move.outcome.key == outcome
    return move.kind == "begun" or (move.outcome is not None and OPEN in move.from_)


def _while(condition: Condition, found: Explored, number: int, chosen: dict[Subject, Any]) -> str:
    """How things stand that the condition asks about: “while temperature c is unknown and biopsy ack is waiting”."""
    known = {**found.slice.fixed(found.states[number]), **chosen}
    asked = found.slice.reading.ask(found.slice.reading.formula(condition)).subjects
    said = [_said(subject, known[subject]) for subject in asked if subject in known]
    return "while " + " and ".join(said) if said else "whatever is known"


def _said(subject: Subject, region: Any) -> str:
    name = (
        spoken(subject[1])
        if len(subject) > 1
        else {"hold": "the hold plan", "cause": "the cause"}[subject[0]]
    )
    if isinstance(region, Known):
        if not region.is_known:
            return f"{name} is unknown"
        age = f", {region.age} days old" if region.age else ""
        return f"{name} is {region.value!r}{age}"
    if subject[0] == "ever":
        return f"{name} was {'' if region else 'never '}done"
    if subject[0] in ("rule", "held"):
        return f"{' '.join(spoken(one) for one in subject[1:] if one)} is {'' if region else 'not '}so"
    where = str(region).removeprefix("=")
    return (
        f"{name} is {spoken(where)}" if region not in UNSETTLED - {NOT_ASKED} else f"{name} is still {where}"
    )
