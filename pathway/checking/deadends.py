"""Dead ends, steps that never open, outcomes that nobody can record, ends that nothing leads to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pathway.checking.exploring import Explored
from pathway.checking.fault import Fault
from pathway.checking.moves import is_over, spoken
from pathway.checking.reading import Reading
from pathway.checking.regions import DONE, NOT_ASKED, UNSETTLED, WAITING


def dead_ends(found: Explored) -> Iterator[Fault]:
    """The nearest state from which neither an end nor the completion can be reached by the steps' own outcomes.

    That a person may end any pathway by hand at any time does not count.
    """
    if not found.is_complete:
        steps = ", ".join(found.slice.steps)
        yield Fault("too-large", "steps", f"{steps} together have more than {len(found.states)} states.")
        return
    back = found.before()
    alive = {number for number, state in enumerate(found.states) if is_over(state)}
    left = list(alive)
    while left:
        for number in back[left.pop()]:
            if number not in alive:
                alive.add(number)
                left.append(number)
    dead = next((number for number in range(len(found.states)) if number not in alive), None)
    if dead is None:
        return
    stuck = _stuck(found, dead)
    who = ", ".join(_waits(found, key) for key in stuck) or "the pathway can be neither completed nor ended"
    yield Fault(
        "dead-end", f"steps.{stuck[0]}" if stuck else "steps", f"a dead end: {who}.", found.path(dead)
    )


def _stuck(found: Explored, start: int) -> list[str]:
    """The unsettled steps of a state that stay unsettled wherever it goes from there."""
    reached, left = {start}, [start]
    while left:
        for _, to in found.leads[left.pop()]:
            if to not in reached:
                reached.add(to)
                left.append(to)
    return [
        key
        for place, key in enumerate(found.slice.steps)
        if all(found.states[number][place] in UNSETTLED - {NOT_ASKED} for number in reached)
    ]


def _waits(found: Explored, key: str) -> str:
    opened = any(
        state[place] not in (WAITING, NOT_ASKED)
        for place in (found.slice.steps.index(key),)
        for state in found.states
        if not is_over(state)
    )
    how = "is open and can never be settled" if opened else "waits for ever"
    return f"{spoken(key)} {how}"


def unreached(reading: Reading, everything: Iterable[Explored]) -> Iterator[Fault]:
    """What no path comes to: steps, outcomes and ends. What hangs on such a step is not told again."""
    protocol = reading.protocol
    never_open: set[str] = set()
    never_so: set[tuple[str, str]] = set()
    for found in everything:
        opened, recorded = set(), set()
        for moves in found.leads:
            for move, _ in moves:
                if move.kind in ("opens", "asked"):
                    opened.add(move.step)
                if move.outcome is not None:
                    recorded.add((move.step, move.outcome.key))
        never_open |= set(found.slice.steps) - opened
        never_so |= {
            (key, outcome.key) for key in found.slice.steps for outcome in protocol.step(key).outcomes
        } - recorded
    roots = [key for key in never_open if not reading.needs[key] & never_open] or sorted(never_open)
    for key in sorted(roots):
        yield Fault("never-opens", f"steps.{key}", "never opens, whatever happens.")
    for key, outcome in sorted(never_so):
        if key not in never_open:
            yield Fault(
                "never-recorded",
                f"steps.{key}.outcomes.{outcome}",
                "can never be recorded: its gates can never be met, or the hold plan knows no such outcome.",
            )
    yield from _ends(reading, never_so)


def _ends(reading: Reading, never_so: set[tuple[str, str]]) -> Iterator[Fault]:
    """Every named end is brought by an outcome or a finding, or stated by hand."""
    protocol = reading.protocol
    brought = {
        outcome.end
        for rule in protocol.steps
        for outcome in rule.outcomes
        if (rule.key, outcome.key) not in never_so
    }
    brought |= {flag.end for flag in protocol.red_flags}
    for key in protocol.ends:
        if key not in brought and key not in protocol.safety.by_hand:
            yield Fault(
                "end-not-reached",
                f"ends.{key}",
                "no outcome of a step leads there; give one, or list it in safety.by_hand if a person states it.",
            )
    if "deceased" not in protocol.ends:
        yield Fault("end-not-reached", "ends", "there is no end deceased, and a death ends the pathway so.")
    for key in protocol.safety.by_hand:
        if key not in protocol.ends:
            yield Fault("end-not-reached", f"safety.by_hand.{key}", "is no end of the protocol.")


def always_done(found: Explored, key: str, other: str) -> bool:
    """Whether ``other`` is done whenever ``key`` opens, in a slice that holds both."""
    if other not in found.slice.steps:
        return False
    place = found.slice.index["step", other]
    opening = (
        number
        for number, moves in enumerate(found.leads)
        if any(m.kind == "opens" and m.step == key for m, _ in moves)
    )
    return all(
        found.states[number][place] == DONE or found.states[number][place][0] == "=" for number in opening
    )
