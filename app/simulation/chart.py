"""The work by role and week as an SVG: a panel for each role, stacked by kind, or two variants as two lines."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import ceil, log10

from app.simulation.figures import KINDS, by_week, work
from app.simulation.report import Report

_PANEL_W, _PANEL_H = 330, 150
_LEFT, _TOP, _GAP = 56, 110, 34
_COLUMNS = 3
_INK, _GRID, _PAPER = "#1f2933", "#d9dee3", "#ffffff"
_OF_KINDS = dict(
    zip(KINDS, ("#0b5394", "#4ba3c3", "#9fc5a8", "#c9b79c", "#d1495b", "#edae49", "#7d6b91"), strict=True)
)
_OF_VARIANTS = (("#0b5394", ""), ("#d1495b", ' stroke-dasharray="5 3"'))

Weeks = dict[int, int]


def svg(report: Report) -> str:
    """The chart as a document of its own, readable without colours thanks to its labels and dashes."""
    columns = [work(variant.tally) for variant in report.variants]
    roles = list(dict.fromkeys(role for column in columns for role in column))
    last = max(
        (week for column in columns for kinds in column.values() for week in by_week(kinds)), default=0
    )
    rows = ceil(len(roles) / _COLUMNS) or 1
    width = _LEFT + _COLUMNS * (_PANEL_W + _GAP)
    height = _TOP + rows * (_PANEL_H + 2 * _GAP)
    title = "Work by role and week" + (
        ": " + " and ".join(variant.name for variant in report.variants) if len(columns) > 1 else ""
    )
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="11" role="img" aria-labelledby="title about">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="about">{escape(report.title)}</desc>',
        f'<rect width="{width}" height="{height}" fill="{_PAPER}"/>',
        f'<text x="{_LEFT}" y="30" font-size="18" font-weight="600" fill="{_INK}">{escape(title)}</text>',
        f'<text x="{_LEFT}" y="50" fill="{_INK}">{escape(report.title)}</text>',
        *_legend(report),
    ]
    for number, role in enumerate(roles):
        x = _LEFT + number % _COLUMNS * (_PANEL_W + _GAP)
        y = _TOP + number // _COLUMNS * (_PANEL_H + 2 * _GAP)
        out.append(f'<g transform="translate({x} {y})">')
        out += _panel(role, [column.get(role, {}) for column in columns], last)
        out.append("</g>")
    out.append("</svg>")
    return "\n".join(out) + "\n"


def _legend(report: Report) -> Iterator[str]:
    x = _LEFT
    if len(report.variants) == 1:
        for kind, colour in _OF_KINDS.items():
            yield f'<rect x="{x}" y="64" width="12" height="12" fill="{colour}"/>'
            yield f'<text x="{x + 17}" y="74" fill="{_INK}">{kind}</text>'
            x += 30 + 7 * len(kind)
        return
    for variant, (colour, dash) in zip(report.variants, _OF_VARIANTS, strict=False):
        yield f'<line x1="{x}" y1="70" x2="{x + 26}" y2="70" stroke="{colour}" stroke-width="2.5"{dash}/>'
        yield f'<text x="{x + 32}" y="74" fill="{_INK}">{escape(variant.name)}</text>'
        x += 50 + 7 * len(variant.name)


def _panel(role: str, variants: list[dict[str, Weeks]], last: int) -> Iterator[str]:
    top = _nice(max((count for kinds in variants for count in by_week(kinds).values()), default=1))
    yield f'<text x="0" y="-8" font-weight="600" fill="{_INK}">{escape(role.replace("_", " "))}</text>'
    for part in (0, 0.5, 1):
        y = _PANEL_H * (1 - part)
        yield f'<line x1="0" y1="{y:g}" x2="{_PANEL_W}" y2="{y:g}" stroke="{_GRID}"/>'
        yield f'<text x="-6" y="{y + 4:g}" text-anchor="end" fill="{_INK}">{top * part:,.3g}</text>'
    for week in range(0, last + 1, 13 if last > 26 else 4):
        x = _x(week, last)
        yield f'<text x="{x:.1f}" y="{_PANEL_H + 15}" text-anchor="middle" fill="{_INK}">{week}</text>'
    if len(variants) == 1:
        yield from _stack(variants[0], last, top)
    else:
        for kinds, (colour, dash) in zip(variants, _OF_VARIANTS, strict=False):
            points = _points(by_week(kinds), last, top)
            yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}/>'
    if last:
        yield f'<text x="{_PANEL_W}" y="{_PANEL_H + 28}" text-anchor="end" fill="{_INK}">week</text>'


def _stack(kinds: dict[str, Weeks], last: int, top: float) -> Iterator[str]:
    base = [0] * (last + 1)
    for kind, colour in _OF_KINDS.items():
        if kind not in kinds:
            continue
        upper = [low + kinds[kind].get(week, 0) for week, low in enumerate(base)]
        there = [f"{_x(week, last):.1f},{_y(count, top):.1f}" for week, count in enumerate(upper)]
        back = [f"{_x(week, last):.1f},{_y(base[week], top):.1f}" for week in range(last, -1, -1)]
        yield f'<polygon points="{" ".join([*there, *back])}" fill="{colour}"><title>{kind}</title></polygon>'
        base = upper


def _points(weeks: Weeks, last: int, top: float) -> str:
    return " ".join(f"{_x(week, last):.1f},{_y(weeks.get(week, 0), top):.1f}" for week in range(last + 1))


def _x(week: int, last: int) -> float:
    return _PANEL_W * week / max(last, 1)


def _y(count: float, top: float) -> float:
    return _PANEL_H * (1 - count / top)


def _nice(most: float) -> float:
    """The next round number above."""
    power = 10 ** int(log10(max(most, 1)))
    return float(next(power * step for step in (1, 2, 3, 4, 5, 6, 8, 10) if power * step >= most))
