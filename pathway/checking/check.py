"""check(protocol) → a report: how many states were visited, what was left apart, and the faults found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from pathway.checking.asking import unasked
from pathway.checking.deadends import always_done, dead_ends, unreached
from pathway.checking.exploring import Explored, explore
from pathway.checking.fault import Fault
from pathway.checking.keeping import lost
from pathway.checking.moves import Slice
from pathway.checking.obligations import broken, opened_early
from pathway.checking.reading import Reading
from pathway.checking.slices import hangs_on, slices
from pathway.checking.texts import unsaid
from pathway.checking.waits import unheard
from pathway.protocol import Protocol
from pathway.protocol_names import complaints

MOST_TO_LOOK_THROUGH = 60_000
"""A path to a moment that a smaller slice shows is looked for in a larger one only up to so many states."""

REDUCED = (
    "Steps are explored along their own track and the main line, with the steps of the main line that ask about them; "
    "what those ask of another track is left free, for that track is explored itself.",
    "Scheduled, missed and paused steps count as open, waived and dropped ones as set aside, a pathway on hold as "
    "active: the difference takes nothing away from what can happen.",
    "Outcomes that no condition asks for count as one.",
    "Facts, dates and clocks are free: at each question every answer is taken that somebody could record, "
    "one value for each way that the conditions can tell them apart.",
    "After an end by name, what is left to do is not explored: each end is one state.",
)
"""What the exploration does not tell apart, in sentences."""


@dataclass(frozen=True)
class SliceReport:
    """Steps that were explored together, and how many states and moves they have."""

    steps: tuple[str, ...]
    states: int
    moves: int


@dataclass(frozen=True)
class Report:
    """What the checker found. ``states`` counts every state of every slice."""

    faults: tuple[Fault, ...]
    slices: tuple[SliceReport, ...]
    explored: tuple[Explored, ...] = ()
    reduced: tuple[str, ...] = REDUCED

    @property
    def states(self) -> int:
        """The states visited, over all slices."""
        return sum(one.states for one in self.slices)

    @property
    def moves(self) -> int:
        """The moves tried between them."""
        return sum(one.moves for one in self.slices)


class Checker:
    """One protocol under examination; slices are explored once and kept."""

    def __init__(self, protocol: Protocol, *, look_through: int = MOST_TO_LOOK_THROUGH) -> None:
        self.reading = Reading(protocol)
        self._look_through = look_through
        self._explored: dict[frozenset[str], Explored] = {}
        self._looked: dict[frozenset[str], Explored] = {}

    def explore(self, steps: frozenset[str]) -> Explored:
        """The slice of these steps, explored once."""
        if steps not in self._explored:
            self._explored[steps] = explore(Slice(self.reading, steps))
        return self._explored[steps]

    def look(self, steps: frozenset[str]) -> Explored:
        """The slice of these steps as far as one looks for the path to a moment: the larger ones are given up."""
        if steps in self._explored:
            return self._explored[steps]
        if steps not in self._looked:
            self._looked[steps] = explore(Slice(self.reading, steps), self._look_through)
        return self._looked[steps]

    def everything(self) -> tuple[Explored, ...]:
        """Every slice of the protocol."""
        for steps in slices(self.reading):
            self.explore(steps)
        return tuple(self._explored.values())

    def always_done(self, key: str, other: str) -> bool:
        """Whether ``other`` is done whenever ``key`` opens."""
        tracks = frozenset({self.reading.protocol.step(one).track for one in (key, other)})
        return always_done(self.explore(hangs_on(self.reading, [key], tracks)), key, other)

    def faults(self, texts: Mapping[str, Any] | None = None) -> Iterator[Fault]:
        """Every fault, what is seen without exploring first. Without ``texts``, messages are not looked at."""
        protocol = self.reading.protocol
        yield from unheard(protocol, self.always_done)
        yield from lost(protocol)
        if texts is not None:
            yield from unsaid(protocol, texts)
        yield from unasked(self.reading)
        everything = self.everything()
        for found in everything:
            yield from dead_ends(found)
        yield from unreached(self.reading, everything)
        yield from broken(self.reading, self.look)
        yield from opened_early(self.reading, self.look)

    def first_fault(
        self, texts: Mapping[str, Any] | None = None, near: frozenset[str] = frozenset()
    ) -> Fault | None:
        """Some fault, if there is one: looked for first where nothing has to be explored and ``near`` these steps."""
        protocol = self.reading.protocol
        for named in complaints(protocol):
            return Fault("name", named.path, _sentence(named.problem))
        at_once = chain(lost(protocol), unsaid(protocol, texts or {}) if texts is not None else ())
        for fault in chain(at_once, unheard(protocol, self.always_done), unasked(self.reading)):
            return fault
        if near:
            touched = (self.explore(steps) for steps in slices(self.reading) if steps & near)
            for fault in chain(
                opened_early(self.reading, self.look, near),
                broken(self.reading, self.look, near),
                *map(dead_ends, touched),
            ):
                return fault
        return next(self.faults(texts), None)

    def report(self, texts: Mapping[str, Any] | None = None) -> Report:
        """All faults and what was explored for them."""
        faults = distinct(self.faults(texts))
        explored = (*self._explored.values(), *(one for one in self._looked.values() if one.is_complete))
        return Report(
            faults,
            tuple(
                SliceReport(one.slice.steps, len(one.states), sum(len(moves) for moves in one.leads))
                for one in explored
            ),
            explored,
        )


def check(protocol: Protocol, texts: Mapping[str, Any] | None = None) -> Report:
    """What is wrong with a protocol whose names all lead somewhere.

    ``texts`` are those of the messages: ``{template: {language: {way: text}}}``. A name that leads nowhere is told
    alone: nothing can be explored before it is put right.
    """
    named = tuple(Fault("name", one.path, _sentence(one.problem)) for one in complaints(protocol))
    return Report(named, ()) if named else Checker(protocol).report(texts)


def distinct(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Each fault once, in the order found."""
    return tuple(dict.fromkeys(faults))


def _sentence(problem: str) -> str:
    return problem if problem.endswith(".") else f"{problem}."
