"""How wide a text is, near enough to wrap it: SVG breaks no lines, and nobody knows the reader's font."""

from __future__ import annotations

from dataclasses import dataclass

_NARROW = frozenset("iljtfrI.,:;'’!|()[] ·-")
_WIDE = frozenset("mwMWÉÈÀŒ%@—→≥≤ABCDEFGHKNOPQRSTUVXYZ")


@dataclass(frozen=True)
class Line:
    """A line of a box: its style, its height, and a mark before it where it is a note."""

    text: str
    style: str
    height: float
    mark: str = ""
    indent: float = 0


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The width in pixels, rather too much than too little."""
    units = sum(0.37 if char in _NARROW else 0.8 if char in _WIDE else 0.62 for char in text)
    return units * size * (1.1 if bold else 1.0)


def wrapped(text: str, room: float, size: float, *, bold: bool = False) -> list[str]:
    """The text in lines of at most ``room`` pixels; a word that is longer has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size, bold=bold) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
