"""A protocol as a drawing in SVG that a clinician would print: a lane for each track, arrows by outcome, ends named.

Nothing is carried by colour alone, every text is text, and the whole has a title and a description.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from app.describe.arrows import Ports, draw_arrows
from app.describe.graph import Box, Note, arrows, boxes, stacked
from app.describe.layout import Layout, lay_out
from app.describe.lettering import Line, wrapped
from app.describe.words import Said
from pathway.protocol import Protocol

WIDTH = 208
"""Of a box, in pixels."""
PAD = 10
BETWEEN = 54
"""Between two rows: room for arrows and the names of outcomes."""
TOP = 128
MARGIN = 16

STYLE = """
text{font:12px "Helvetica Neue",Arial,"DejaVu Sans",sans-serif;fill:#16242b}
.h{font-size:20px;font-weight:700}.lane{font-size:14px;font-weight:700;fill:#1d4f63}
.t{font-size:13px;font-weight:700}.s{font-size:11px;fill:#3d4f58}.n{font-size:10.5px}.g{font-size:10px;font-weight:700}
.l{font-size:10.5px;font-weight:700;fill:#1d4f63}
.band{fill:#f3f6f7}.band.odd{fill:#fff}.edge{fill:none;stroke:#c3ced3}
.box{fill:#fff;stroke:#1d4f63;stroke-width:1.4}.visit{stroke-width:2.4}.hold{stroke-width:2.4;stroke-dasharray:6 3}
.gate{fill:#e4eff3;stroke:#1d4f63}.arrow{fill:none;stroke:#3d4f58;stroke-width:1.4}
.arrow.bygate{stroke:#1d4f63;stroke-width:2.4}
.halo{fill:#fff;opacity:.9}.mark{fill:none;stroke:#8c1127;stroke-width:1.4}.mark.end{fill:#8c1127}
.mark.again,.mark.tells,.mark.pause,.mark.opens{stroke:#1d4f63}
"""


@dataclass(frozen=True)
class Drawn:
    """A box with its lines and its height."""

    box: Box
    lines: tuple[Line, ...]
    height: float


def svg(protocol: Protocol, language: str = "fr") -> str:
    """The drawing as an SVG document, in ``fr`` or ``en``. The same protocol gives the same bytes."""
    said = Said(protocol, language)
    every = {box.key: _drawn(box) for box in boxes(said)}
    flow = [one.box for one in every.values() if not one.box.on_demand]
    stacks, known = stacked(flow, arrows(said))
    heights = {one.key: sum(every[box.key].height for box in one.boxes) for one in stacks}
    lanes = [lane for lane in protocol.tracks if any(one.lane == lane for one in stacks)]
    low = frozenset(one.key for one in stacks if len(one.boxes) > 1)
    place = lay_out(
        {one.key: one.lane for one in stacks},
        lanes,
        [(one.source, one.target) for one in known],
        WIDTH,
        left=MARGIN,
        lowest=low,
    )
    rows = {key: height for key, height in heights.items() if key not in low}
    tops, bottom = _rows(rows, place)
    bottom = max([bottom, *(tops[place.ranks[key]] + heights[key] + 24 for key in low)])
    ends = {rank: tops[rank] + _height(rank, rows, place) for rank in tops}
    gates = {one.key: len(one.boxes[0].gates) for one in stacks}
    ports = Ports(place=place, tops=tops, heights=heights, row_ends=ends, width=WIDTH, gates=gates)
    wide = max(right for _, right in place.lanes.values()) + MARGIN
    demand, lower = _on_demand([one for one in every.values() if one.box.on_demand], said, bottom + 14, wide)
    legend, tall = _legend(said, lower + 18, wide)
    parts = [_head(said, wide, tall + MARGIN), *_bands(said, lanes, place, bottom)]
    parts += draw_arrows(known, ports)
    for stack in stacks:
        rank = place.ranks[stack.key]
        left, top = place.x[stack.key, rank] - WIDTH / 2, tops[rank]
        for box in stack.boxes:
            parts.append(_box(every[box.key], left, top))
            top += every[box.key].height
    parts += [*demand, *legend, "</svg>"]
    return "\n".join(parts) + "\n"


def _rows(heights: Mapping[str, float], place: Layout) -> tuple[dict[int, float], float]:
    """The top of each row, and where the last one ends."""
    tops, at = {}, float(TOP)
    for rank in range(place.last_rank + 1):
        tops[rank] = at
        at += _height(rank, heights, place) + BETWEEN
    return tops, at - BETWEEN + 24


def _height(rank: int, heights: Mapping[str, float], place: Layout) -> float:
    return max((height for key, height in heights.items() if place.ranks[key] == rank), default=0)


# --- a box ------------------------------------------------------------------------------------------------


def _drawn(box: Box) -> Drawn:
    room = WIDTH - 2 * PAD
    lines: list[Line] = []
    lines += [Line(text, "t", 16) for text in wrapped(box.title, room, 13, bold=True)]
    lines += [Line(text, "s", 14) for text in wrapped(box.who, room, 11)]
    lines += [Line(text, "s", 14) for text in wrapped(box.due, room, 11)]
    for note in box.notes:
        first, *rest = wrapped(note.text, room - 14, 10.5) or [""]
        lines.append(Line(first, "n", 15, note.mark))
        lines += [Line(text, "n", 13, "", indent=14) for text in rest]
    return Drawn(box, tuple(lines), sum(line.height for line in lines) + 2 * PAD)


def _box(one: Drawn, left: float, top: float) -> str:
    box = one.box
    round_ = 16 if box.kind == "visit" else 4
    spoken = ". ".join(filter(None, (box.title, box.who, box.due, *(note.text for note in box.notes))))
    parts = [
        f'<g aria-label={quoteattr(spoken)} role="listitem">',
        f'<rect class="box {box.kind}" x="{left:.0f}" y="{top:.0f}" width="{WIDTH}" height="{one.height:.0f}" '
        f'rx="{round_}"/>',
    ]
    at = top + PAD
    for line in one.lines:
        at += line.height
        x = left + PAD + line.indent
        if line.mark:
            parts.append(_mark(line.mark, x + 4, at - 4))
            x += 14
        parts.append(f'<text class="{line.style}" x="{x:.0f}" y="{at - 3:.0f}">{escape(line.text)}</text>')
    parts += _gates(box, left, top)
    parts.append("</g>")
    return "\n".join(parts)


def _gates(box: Box, left: float, top: float) -> list[str]:
    """The gates before a step, on the upper edge of its box."""
    parts, at = [], left + WIDTH - 6
    for key in reversed(box.gates):
        wide = 12 + 6.6 * len(key)
        at -= wide
        parts.append(
            f'<rect class="gate" x="{at:.0f}" y="{top - 9:.0f}" width="{wide - 3:.0f}" height="17" rx="3"/>'
            f'<text class="g" x="{at + (wide - 3) / 2:.0f}" y="{top + 3:.0f}" text-anchor="middle">{escape(key)}</text>'
        )
    return parts


def _mark(kind: str, x: float, y: float) -> str:
    """A small sign before a note: a filled square ends, a ring repeats, bars pause, an envelope tells."""
    shapes = {
        "end": f'<rect class="mark end" x="{x - 4:.0f}" y="{y - 4:.0f}" width="8" height="8"/>',
        "again": f'<circle class="mark again" cx="{x:.0f}" cy="{y:.0f}" r="4"/>',
        "pause": f'<path class="mark pause" d="M{x - 2:.0f} {y - 4:.0f}v8m4 -8v8"/>',
        "tells": f'<path class="mark tells" d="M{x - 5:.0f} {y - 4:.0f}h10v8h-10zl5 4l5 -4"/>',
        "opens": f'<path class="mark opens" d="M{x - 4:.0f} {y:.0f}h8m-4 -4v8"/>',
    }
    return shapes[kind]


# --- around the boxes -------------------------------------------------------------------------------------


def _head(said: Said, wide: float, tall: float) -> str:
    protocol = said.protocol
    name = f"{said.text(protocol.title)} {protocol.version}"
    about = said("drawn").format(steps=len(protocol.steps), tracks=len(protocol.tracks))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {tall:.0f}" width="{wide:.0f}" '
        f'height="{tall:.0f}" role="img" lang="{said.language}" aria-labelledby="name about">\n'
        f'<title id="name">{escape(said("diagram") + said.colon + name)}</title>\n'
        f'<desc id="about">{escape(about)}</desc>\n'
        f"<style>{STYLE}</style>\n"
        f'<rect width="{wide:.0f}" height="{tall:.0f}" fill="#fff"/>\n'
        f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="#16242b"/></marker></defs>\n'
        f'<text class="h" x="{MARGIN}" y="34">{escape(name)}</text>\n'
        + "\n".join(
            f'<text class="s" x="{MARGIN}" y="{52 + 14 * number}">{escape(line)}</text>'
            for number, line in enumerate(wrapped(said.note, wide - 2 * MARGIN, 11))
        )
    )


def _bands(said: Said, lanes: list[str], place: Layout, bottom: float) -> list[str]:
    """A ground for each lane, with the name of its track."""
    parts = []
    for number, lane in enumerate(lanes):
        left, right = place.lanes[lane]
        odd = " odd" if number % 2 else ""
        parts.append(
            f'<rect class="band{odd}" x="{left:.0f}" y="{TOP - 50}" width="{right - left:.0f}" '
            f'height="{bottom - TOP + 50:.0f}"/>'
            f'<rect class="edge" x="{left:.0f}" y="{TOP - 50}" width="{right - left:.0f}" '
            f'height="{bottom - TOP + 50:.0f}"/>'
        )
        title = wrapped(said.text(said.protocol.tracks[lane]), right - left - 16, 14, bold=True)
        parts += [
            f'<text class="lane" x="{left + 10:.0f}" y="{TOP - 32 + 16 * line:.0f}">{escape(text)}</text>'
            for line, text in enumerate(title[:2])
        ]
    return parts


def _on_demand(ones: Sequence[Drawn], said: Said, top: float, wide: float) -> tuple[list[str], float]:
    """Work that exists only when it is asked for, track by track in columns; and where it ends."""
    if not ones:
        return [], top
    columns = max(1, int((wide - 2 * MARGIN) // (WIDTH + 12)))
    parts = [f'<text class="lane" x="{MARGIN + 10}" y="{top + 22:.0f}">{escape(said("On demand"))}</text>']
    ends = [top + 36.0] * columns
    for lane, title in said.protocol.tracks.items():
        of_lane = [one for one in ones if one.box.lane == lane]
        if not of_lane:
            continue
        start = max(ends)
        parts.append(
            f'<text class="s" x="{MARGIN + 10}" y="{start + 10:.0f}">{escape(said.text(title))}</text>'
        )
        ends = [start + 20.0] * columns
        for one in of_lane:
            column = ends.index(min(ends))
            parts.append(_box(one, MARGIN + 6 + column * (WIDTH + 12), ends[column]))
            ends[column] += one.height + 12
    return parts, max(ends)


def _legend(said: Said, top: float, wide: float) -> tuple[list[str], float]:
    """What the signs mean; and where it ends."""
    signs: tuple[tuple[Note | str, str], ...] = (
        ("visit", said("visit")),
        ("task", said("task")),
        ("hold", said("hold")),
        ("gate", said("gate")),
        (Note("end", ""), said("ends the pathway")),
        (Note("again", ""), said("repeats")),
        (Note("opens", ""), said("asks for")),
        (Note("pause", ""), said("suspends")),
        (Note("tells", ""), said("tells")),
    )
    parts, x, y = (
        [f'<text class="t" x="{MARGIN}" y="{top + 13:.0f}">{escape(said("Legend"))}</text>'],
        90.0,
        top,
    )
    for sign, word in signs:
        room = 40 + 7 * len(word)
        if x + room > wide - MARGIN:
            x, y = 90.0, y + 22
        if isinstance(sign, Note):
            parts.append(_mark(sign.mark, x + 10, y + 9))
        elif sign == "gate":
            parts.append(f'<rect class="gate" x="{x:.0f}" y="{y:.0f}" width="20" height="17" rx="3"/>')
        else:
            round_ = 8 if sign == "visit" else 2
            parts.append(
                f'<rect class="box {sign}" x="{x:.0f}" y="{y + 1:.0f}" width="22" height="15" rx="{round_}"/>'
            )
        parts.append(f'<text class="s" x="{x + 28:.0f}" y="{y + 13:.0f}">{escape(word)}</text>')
        x += room
    return parts, y + 24
