"""References in the text of a resource, put right without reading and writing it again: nothing else changes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

_SAID = re.compile(r'(?<!\\)("reference"[ \t\r\n]*:[ \t\r\n]*)("(?:[^"\\]|\\.)*")')
"""A member ``reference`` that is a string. Within a string its quotes would be escaped, so none is found there."""


def references(text: str) -> list[str]:
    """Every literal reference in this JSON text, in its order."""
    return [json.loads(match[2]) for match in _SAID.finditer(text)]


def linked(text: str, place: Callable[[str], str | None]) -> str:
    """The same text, each literal reference replaced by what ``place`` says of it; None leaves it as it is."""

    def put(match: re.Match[str]) -> str:
        said = place(json.loads(match[2]))
        return match[0] if said is None else match[1] + json.dumps(said, ensure_ascii=False)

    return _SAID.sub(put, text)
