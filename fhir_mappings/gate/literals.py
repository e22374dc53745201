"""The type that a literal reference names: `Patient/1`, `https://h.example/r4/Patient/1`, `Patient?name=x`."""

from __future__ import annotations

import re

_LITERAL = re.compile(
    r"(?:https?://.*/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:#.*)?"
)
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?\S+")


def named_type(literal: str) -> str | None:
    """The name in the place of the type, be it one of R4 or not; None where there is no such place."""
    found = _LITERAL.fullmatch(literal) or _CONDITIONAL.fullmatch(literal)
    return found[1] if found else None
