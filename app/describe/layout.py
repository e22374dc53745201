"""Where boxes and arrows go: a lane for each track, a row for each rank, room for arrows that pass.

The method is Sugiyama's, with lanes: ranks by the longest way to a box, a place kept in every row that an arrow
crosses, rows ordered by where their neighbours lie. Small enough to keep; no library lays out lanes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Spot = tuple[str, int]
"""A box (rank of its own), or the place where an arrow passes a row: its name and the rank."""

PASS = 20
"""Width in which an arrow passes a row."""
GAP = 18
"""Between two boxes of a row."""
_BELOW = "|"
"""After the name of a box: the room that it takes in a row beneath its own."""
_GRID = 6
"""Middles lie on it, so that what is nearly beneath another is beneath it."""


@dataclass
class Layout:
    """Ranks of the boxes, rows of spots for each lane, and the middle of each spot (x, pixels)."""

    ranks: dict[str, int]
    rows: dict[tuple[str, int], list[Spot]]
    x: dict[Spot, float]
    lanes: dict[str, tuple[float, float]]
    ways: dict[tuple[str, str], list[Spot]] = field(default_factory=dict)

    @property
    def last_rank(self) -> int:
        """The lowest row."""
        return max(self.ranks.values(), default=0)


def lay_out(
    lane_of: Mapping[str, str],
    lanes: Sequence[str],
    arrows: Sequence[tuple[str, str]],
    width: float,
    *,
    left: float = 0,
    per_row: int = 2,
    lowest: frozenset[str] = frozenset(),
) -> Layout:
    """A layout of these boxes, all of one ``width``, at most ``per_row`` of a lane beside each other.

    ``arrows`` lead to no box from itself, not even round about. Those ``lowest`` lie beneath all others.
    """
    ranks = _ranks(list(lane_of), arrows)
    _spread(ranks, lane_of, arrows, per_row)
    _place_loose(ranks, lane_of, arrows, per_row)
    _sink(ranks, lane_of, lowest)
    ways = _ways(ranks, lane_of, arrows)
    rows: dict[tuple[str, int], list[Spot]] = defaultdict(list)
    lane_of_spot: dict[Spot, str] = {}
    for key, lane in lane_of.items():
        rows[lane, ranks[key]].append((key, ranks[key]))
        lane_of_spot[key, ranks[key]] = lane
    for (source, target), way in ways.items():
        lane = lane_of[source]
        for spot in way[1:-1]:
            if lane != lane_of[target]:
                lane = _lane_of_pass(spot[1], lane_of[source], lane_of[target], rows, lane_of)
            rows[lane, spot[1]].append(spot)
            lane_of_spot[spot] = lane
    trails = _trails(ranks, lane_of, lowest)
    for trail in trails:
        for spot in trail[1:]:
            rows[lane_of[trail[0][0]], spot[1]].append(spot)
    neighbours = _neighbours([*ways.values(), *trails])
    _order(rows, neighbours, lanes, ranks)
    edges = _lane_edges(rows, lanes, width, left)
    x = _positions(rows, neighbours, edges, width, lane_of)
    return Layout(ranks, dict(rows), x, edges, ways)


def _ranks(keys: list[str], arrows: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest way to each box; a box that nothing leads to lies just above what it leads to."""
    ranks = dict.fromkeys(keys, 0)
    for _ in keys:
        for source, target in arrows:
            ranks[target] = max(ranks[target], ranks[source] + 1)
    led_to = {target for _, target in arrows}
    for key in keys:
        following = [ranks[target] for source, target in arrows if source == key]
        if key not in led_to and following:
            ranks[key] = min(following) - 1
    return ranks


def _spread(
    ranks: dict[str, int], lane_of: Mapping[str, str], arrows: Sequence[tuple[str, str]], per_row: int
) -> None:
    """Where a lane has more boxes in a row than it may, those that lead nowhere, or least far, go a row down."""
    depth = _ranks(list(lane_of), [(target, source) for source, target in arrows])
    rank = 0
    while rank <= max(ranks.values(), default=0):
        for lane in dict.fromkeys(lane_of.values()):
            here = [key for key in lane_of if lane_of[key] == lane and ranks[key] == rank]
            here.sort(key=lambda key: -depth[key])
            for key in here[per_row:]:
                ranks[key] += 1
        for _ in lane_of:
            for source, target in arrows:
                ranks[target] = max(ranks[target], ranks[source] + 1)
        rank += 1


def _place_loose(
    ranks: dict[str, int], lane_of: Mapping[str, str], arrows: Sequence[tuple[str, str]], per_row: int
) -> None:
    """Boxes without arrows go beneath the last row of their lane."""
    tied = {key for pair in arrows for key in pair}
    loose: dict[str, int] = defaultdict(int)
    for key, lane in lane_of.items():
        if key in tied or len(lane_of) == 1:
            continue
        lowest = max(
            (ranks[other] for other in lane_of if other in tied and lane_of[other] == lane), default=-1
        )
        ranks[key] = lowest + 1 + loose[lane] // per_row
        loose[lane] += 1


def _sink(ranks: dict[str, int], lane_of: Mapping[str, str], lowest: frozenset[str]) -> None:
    """The lowest boxes, which lead nowhere, under all others of their lane."""
    bottoms = dict.fromkeys(lane_of.values(), 0)
    for key, rank in ranks.items():
        if key not in lowest:
            bottoms[lane_of[key]] = max(bottoms[lane_of[key]], rank + 1)
    for key in lowest:
        ranks[key] = max(ranks[key], bottoms[lane_of[key]])


def _ways(
    ranks: Mapping[str, int], lane_of: Mapping[str, str], arrows: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], list[Spot]]:
    """Each arrow as the spots it goes through: its source, a place in every row between, its target."""
    ways = {}
    for source, target in arrows:
        first, last = ranks[source], ranks[target]
        between: list[Spot] = [(f"{source}>{target}", rank) for rank in range(first + 1, last)]
        ways[source, target] = [(source, first), *between, (target, last)]
    return ways


def _lane_of_pass(
    rank: int,
    source: str,
    target: str,
    rows: Mapping[tuple[str, int], list[Spot]],
    lane_of: Mapping[str, str],
) -> str:
    """In which lane an arrow passes a row: in that of its target as soon as there is room, and then to the end."""

    def boxes(lane: str) -> int:
        return sum(1 for name, _ in rows.get((lane, rank), ()) if name in lane_of)

    return target if boxes(target) <= boxes(source) else source


def _trails(ranks: Mapping[str, int], lane_of: Mapping[str, str], lowest: frozenset[str]) -> list[list[Spot]]:
    """The rows that the lowest boxes reach down into, however high they are: nothing passes there."""
    last = max((rank for key, rank in ranks.items() if key not in lowest), default=0)
    return [
        [(key, ranks[key]), *((f"{key}{_BELOW}", rank) for rank in range(ranks[key] + 1, last + 1))]
        for key in lane_of
        if key in lowest
    ]


def _neighbours(ways: Sequence[Sequence[Spot]]) -> dict[Spot, list[Spot]]:
    found: dict[Spot, list[Spot]] = defaultdict(list)
    for way in ways:
        for one, other in pairwise(way):
            found[one].append(other)
            found[other].append(one)
    return found


def _order(
    rows: dict[tuple[str, int], list[Spot]],
    neighbours: Mapping[Spot, list[Spot]],
    lanes: Sequence[str],
    ranks: Mapping[str, int],
) -> None:
    """Order each row by the middle of its neighbours, down and up again until it settles."""
    last = max(ranks.values(), default=0)
    for sweep in range(8):
        places = _places(rows, lanes)
        order = range(last + 1) if sweep % 2 == 0 else range(last, -1, -1)
        for rank in order:
            for lane in lanes:
                row = rows.get((lane, rank))
                if row and len(row) > 1:
                    row.sort(key=lambda spot: _middle(spot, neighbours, places))
            places = _places(rows, lanes)
    for (_, rank), row in sorted(rows.items(), key=lambda each: each[0][1]):
        if any(name.endswith(_BELOW) for name, _ in row):  # nothing may change sides behind a box
            places = _places(rows, lanes)
            row.sort(key=lambda spot, above=rank - 1: _above(spot, above, neighbours, places))  # type: ignore[misc]


def _above(
    spot: Spot, rank: int, neighbours: Mapping[Spot, list[Spot]], places: Mapping[Spot, float]
) -> float:
    """The place of what lies above a spot; its own where nothing does."""
    found = [places[one] for one in neighbours.get(spot, ()) if one[1] == rank and one in places]
    return found[0] if found else places[spot]


def _places(rows: Mapping[tuple[str, int], list[Spot]], lanes: Sequence[str]) -> dict[Spot, float]:
    """Each spot's place along its row, lanes far apart."""
    return {
        spot: number * 100 + index / max(len(row), 1)
        for (lane, _), row in rows.items()
        for number in [lanes.index(lane)]
        for index, spot in enumerate(row, start=1)
    }


def _middle(spot: Spot, neighbours: Mapping[Spot, list[Spot]], places: Mapping[Spot, float]) -> float:
    near = [places[other] for other in neighbours.get(spot, ()) if other in places]
    return sum(near) / len(near) if near else places[spot]


def _size(spot: Spot, width: float) -> float:
    """How wide a spot is: a box, or the place of an arrow."""
    return PASS if ">" in spot[0] else width


def _span(row: Sequence[Spot], width: float) -> float:
    return sum(_size(spot, width) for spot in row) + GAP * max(len(row) - 1, 0)


def _lane_edges(
    rows: Mapping[tuple[str, int], list[Spot]], lanes: Sequence[str], width: float, left: float
) -> dict[str, tuple[float, float]]:
    """Left and right of each lane: as wide as its widest row."""
    edges, at = {}, left
    for lane in lanes:
        widest = max((_span(row, width) for (name, _), row in rows.items() if name == lane), default=0)
        edges[lane] = (at, at + widest + 2 * GAP)
        at += widest + 2 * GAP
    return edges


def _positions(
    rows: Mapping[tuple[str, int], list[Spot]],
    neighbours: Mapping[Spot, list[Spot]],
    edges: Mapping[str, tuple[float, float]],
    width: float,
    lane_of: Mapping[str, str],
) -> dict[Spot, float]:
    """The middle of each spot: near its neighbours, apart from the others of its row, within its lane."""
    x: dict[Spot, float] = {}
    for (lane, _), row in rows.items():
        first, last = edges[lane]
        at = (first + last - _span(row, width)) / 2
        for spot in row:
            size = _size(spot, width)
            x[spot] = at + size / 2
            at += size + GAP
    for sweep in range(12):
        for lane, rank in sorted(rows, key=lambda each: each[1], reverse=sweep % 2 == 1):
            row = rows[lane, rank]
            wanted = [_wanted(spot, neighbours, x, lane_of, lane) for spot in row]
            _settle(row, wanted, x, edges[lane], width)
    return {spot: round(middle / _GRID) * _GRID for spot, middle in x.items()}


def _wanted(
    spot: Spot,
    neighbours: Mapping[Spot, list[Spot]],
    x: Mapping[Spot, float],
    lane_of: Mapping[str, str],
    lane: str,
) -> float:
    """Where a spot would lie if it were alone: amid its neighbours, those of its own lane first.

    Where an arrow passes, it goes straight on from the row above.
    """
    near = neighbours.get(spot, [])
    if spot[0] not in lane_of:
        above = [x[one] for one in near if one[1] < spot[1]]
        return above[0] if above else x[spot]
    own = [x[one] for one in near if lane_of.get(one[0]) == lane]
    found = own or [x[one] for one in near]
    return sum(found) / len(found) if found else x[spot]


def _settle(
    row: Sequence[Spot],
    wanted: Sequence[float],
    x: dict[Spot, float],
    edges: tuple[float, float],
    width: float,
) -> None:
    """Give each spot its wish as far as the others and the lane leave room."""
    sizes = [_size(spot, width) for spot in row]
    placed: list[float] = []
    low = edges[0] + GAP
    for number, (size, wish) in enumerate(zip(sizes, wanted, strict=True)):
        rest = sum(sizes[number + 1 :]) + GAP * (len(sizes) - number - 1)
        high = edges[1] - GAP - rest - size
        at = min(max(wish - size / 2, low), max(high, low))
        placed.append(at + size / 2)
        low = at + size + GAP
    x.update(zip(row, placed, strict=True))
