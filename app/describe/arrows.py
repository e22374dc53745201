"""Arrows between boxes: one port for each outcome, its name beneath it, and a smooth way through the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape

from app.describe.graph import Arrow
from app.describe.layout import Layout
from app.describe.lettering import width

Point = tuple[float, float]
_SIZE = 10.5
_CLASSES = {"opens": "arrow", "gate": "arrow bygate"}


@dataclass(frozen=True)
class Ports:
    """Where rows and boxes lie, so that arrows find their ends."""

    place: Layout
    tops: Mapping[int, float]
    heights: Mapping[str, float]
    row_ends: Mapping[int, float]
    width: float
    gates: Mapping[str, int]

    def middle(self, key: str) -> float:
        """The middle of a box."""
        return self.place.x[key, self.place.ranks[key]]

    def foot(self, key: str) -> float:
        """Its lower edge."""
        return self.tops[self.place.ranks[key]] + self.heights[key]

    def head(self, key: str) -> float:
        """Its upper edge."""
        return self.tops[self.place.ranks[key]]


def draw_arrows(arrows: Sequence[Arrow], ports: Ports) -> list[str]:
    """Every arrow as a path, then the names of the outcomes they leave by."""
    leaving, names = _leaving(arrows, ports)
    arriving = _arriving(arrows, ports)
    paths = [_path(one, leaving[one], arriving[one], ports) for one in arrows]
    return [*paths, *names]


def _leaving(arrows: Sequence[Arrow], ports: Ports) -> tuple[dict[Arrow, Point], list[str]]:
    """From where on the lower edge each arrow leaves: those of one outcome together; and the outcomes' names."""
    groups: dict[str, dict[tuple[str, str], list[Arrow]]] = defaultdict(lambda: defaultdict(list))
    for one in arrows:
        groups[one.source][one.label, one.kind].append(one)
    points: dict[Arrow, Point] = {}
    names: list[str] = []
    for source, by_label in groups.items():
        order = sorted(by_label.items(), key=lambda each: _aim(each[1], ports))
        spread = ports.width - 40
        for number, ((label, _), ones) in enumerate(order):
            x = ports.middle(source) - spread / 2 + spread * (number + 1) / (len(order) + 1)
            y = ports.foot(source)
            for one in ones:
                points[one] = (x, y)
            if label:
                names.append(_name(label, x, y + 15))
    return points, names


def _aim(ones: Sequence[Arrow], ports: Ports) -> float:
    """Where these arrows go first, so that they cross as little as they can."""
    first = [ports.place.x[ports.place.ways[one.source, one.target][1]] for one in ones]
    return sum(first) / len(first)


def _arriving(arrows: Sequence[Arrow], ports: Ports) -> dict[Arrow, Point]:
    """Where on the upper edge each arrow arrives, in the order from which they come."""
    by_target: dict[str, list[Arrow]] = defaultdict(list)
    for one in arrows:
        by_target[one.target].append(one)
    points = {}
    for target, ones in by_target.items():
        ones.sort(key=lambda one: ports.place.x[ports.place.ways[one.source, one.target][-2]])
        spread = min(ports.width - 80, 26 * (len(ones) - 1))
        for number, one in enumerate(ones):
            share = number / (len(ones) - 1) - 0.5 if len(ones) > 1 else 0
            clear = ports.middle(target) - 14 * ports.gates.get(target, 0)  # of the gates on its upper edge
            points[one] = (clear + spread * share, ports.head(target) - 2)
    return points


def _path(one: Arrow, start: Point, end: Point, ports: Ports) -> str:
    """From port to port through the places kept for it: straight through rows, curved between them."""
    points = [start, (start[0], ports.row_ends[ports.place.ranks[one.source]] + 18)]
    for spot in ports.place.ways[one.source, one.target][1:-1]:
        x, rank = ports.place.x[spot], spot[1]
        points += [(x, ports.tops[rank] - 10), (x, ports.row_ends[rank] + 10)]
    points.append(end)
    said = [f"M{points[0][0]:.0f} {points[0][1]:.0f}"]
    for (x0, y0), (x1, y1) in pairwise(points):
        if abs(x0 - x1) < 1:
            said.append(f"L{x1:.0f} {y1:.0f}")
        else:
            bend = (y1 - y0) / 2
            said.append(f"C{x0:.0f} {y0 + bend:.0f} {x1:.0f} {y1 - bend:.0f} {x1:.0f} {y1:.0f}")
    return f'<path class="{_CLASSES[one.kind]}" d="{"".join(said)}" marker-end="url(#tip)"/>'


def _name(label: str, x: float, y: float) -> str:
    """The name of an outcome on a light ground, so that it is read over an arrow."""
    wide = width(label, _SIZE, bold=True) + 6
    return (
        f'<rect class="halo" x="{x - wide / 2:.0f}" y="{y - 10:.0f}" width="{wide:.0f}" height="14"/>'
        f'<text class="l" x="{x:.0f}" y="{y + 1:.0f}" text-anchor="middle">{escape(label)}</text>'
    )
