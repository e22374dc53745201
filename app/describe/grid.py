"""A Markdown table from rows."""

from __future__ import annotations

from collections.abc import Iterable

from app.describe.words import Said


def grid(said: Said, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """The rows under their heads, which are said in the reader's language. Bars in cells are escaped."""
    lines = ["| " + " | ".join(said(head) for head in heads) + " |", "|" + "---|" * len(heads)]
    cells = ([cell.replace("|", "\\|").replace("\n", " ").strip() for cell in row] for row in rows)
    lines += ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join(lines)


def section(said: Said, title: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """A heading and its table; nothing when there is no row."""
    found = list(rows)
    return [f"## {said(title)}", grid(said, heads, found)] if found else []
