"""Going everywhere a slice can go, breadth first, so that the path kept to each state is a shortest one."""

from __future__ import annotations

from dataclasses import dataclass, field

from pathway.checking.moves import Move, Slice, State, ended

MOST_STATES = 400_000
"""A slice with more is not explored to its end: it is told as a fault, for nothing is proven of it."""


@dataclass(eq=False)
class Explored:
    """All states of a slice, in the order in which they were found, and the moves between them."""

    slice: Slice
    states: list[State] = field(default_factory=list)
    number: dict[State, int] = field(default_factory=dict)
    from_: list[tuple[int, Move] | None] = field(default_factory=list)
    leads: list[list[tuple[Move, int]]] = field(default_factory=list)
    is_complete: bool = True

    def path(self, number: int) -> tuple[str, ...]:
        """The shortest way to a state, as a person would say it."""
        said = []
        step = self.from_[number]
        while step is not None:
            said.append(step[1].said)
            step = self.from_[step[0]]
        return tuple(one for one in reversed(said) if one)

    def before(self) -> list[list[int]]:
        """For each state, those that lead to it."""
        back: list[list[int]] = [[] for _ in self.states]
        for number, moves in enumerate(self.leads):
            for _, to in moves:
                back[to].append(number)
        return back


def explore(one: Slice, most: int = MOST_STATES) -> Explored:
    """Every state that the slice can reach from its first one."""
    found = Explored(one, [one.initial], {one.initial: 0}, [None])
    for number, state in enumerate(found.states):  # grows while it is read
        moves = []
        for move, new in one.following(state):
            to = found.number.get(new)
            if to is None:
                to = found.number[new] = len(found.states)
                found.states.append(new)
                found.from_.append((number, move))
            moves.append((move, to))
        found.leads.append(moves)
        if len(found.states) > most:
            found.is_complete = False
            return found
    _by_hand(found)
    return found


def _by_hand(found: Explored) -> None:
    """Add the ends that a person may state at any time: no move of the protocol leads there."""
    for end in found.slice.reading.protocol.ends:
        if ended(end) not in found.number:
            found.number[ended(end)] = len(found.states)
            found.states.append(ended(end))
            found.from_.append(None)
            found.leads.append([])
