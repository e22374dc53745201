"""Real pathways driven by random events, beside the explored states: none may ever be anywhere else.

What the checker proves, it proves of the states that it explored. That ``decide`` never leaves them is looked for here,
event by event, over as many as one has the patience for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from pathway import events as e
from pathway.checking.dice import Dice
from pathway.checking.exploring import Explored
from pathway.checking.moves import State, standing
from pathway.decide import decide
from pathway.enrolment import enrol
from pathway.ground import Ground
from pathway.refusal import Refused
from pathway.state import Pathway

_START = datetime(2027, 2, 1, 9, tzinfo=UTC)
_TOLD_EVERY = 1000
_LONGEST = 400
"""Events after which a pathway is left for another, so that all ages of a pathway are visited."""


@dataclass
class Roamed:
    """What random events came to. ``outside`` says, for each escape, the slice, the state and the events."""

    events: int = 0
    accepted: int = 0
    pathways: int = 0
    visited: list[set[State]] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    @property
    def states(self) -> int:
        """The distinct explored states that real pathways have been in, over all slices."""
        return sum(len(states) for states in self.visited)


def roam(ground: Ground, explored: Iterable[Explored], *, events: int, seed: int) -> Iterator[Roamed]:
    """Send so many random events to real pathways. The tally now and then, and at the end or the first escape."""
    slices = tuple(explored)
    reading = slices[0].slice.reading
    tally = Roamed(visited=[set() for _ in slices])
    dice = Dice(reading, Random(seed))  # noqa: S311  chance, not secrecy
    pathway, now, history = _new(dice, ground), _START, ["referred"]
    while tally.events < events:
        if not history or len(history) > _LONGEST or (not pathway.runs and tally.events % 3 == 0):
            pathway, now, history = _new(dice, ground), _START, ["referred"]
            tally.pathways += 1
        now += dice.time()
        event = dice.event(pathway, now)
        tally.events += 1
        try:
            pathway = decide(pathway, event, ground, at=now)
        except Refused:
            continue
        tally.accepted += 1
        history.append(_told(event))
        seen = standing(pathway, reading)
        for found, visited in zip(slices, tally.visited, strict=True):
            state = found.slice.seen(seen)
            if state not in found.number:
                steps = ", ".join(found.slice.steps)
                tally.outside.append(f"{state} of {steps} is not explored. After: {' → '.join(history)}.")
            visited.add(state)
        if tally.outside:
            break
        if tally.accepted % _TOLD_EVERY == 0:
            yield tally
    yield tally


def _new(dice: Dice, ground: Ground) -> Pathway:
    return enrol("random", "random", dice.referral(_START), ground, at=_START)


def _told(event: e.Event) -> str:
    """The event in short: ``StepCompleted triage accepted``."""
    said = (getattr(event, name, None) for name in ("step", "outcome", "gate", "end"))
    return " ".join((type(event).__name__, *(str(one) for one in said if one)))
