"""What a token may do, as SMART says it: ``system/Task.read`` (version 1) and ``system/Task.rs`` (version 2).

Scopes of a patient or of a user (``patient/…``, ``user/…``) say nothing to a system that speaks for itself, and
neither do those with a condition (``…?category=…``): granting less than was said is safe, granting more is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LETTERS = "cruds"
"""Create, read, update, delete, search: the letters of version 2, in the order they must be written in."""

VERSION_1 = {"read": "rs", "write": "cud", "*": LETTERS}

LETTER_OF = {
    "create": "c",
    "read": "r",
    "vread": "r",
    "history-instance": "r",
    "update": "u",
    "patch": "u",
    "delete": "d",
    "search-type": "s",
    "history-type": "s",
}
"""The interactions of a CapabilityStatement → the letter that permits them."""

_SCOPE = re.compile(r"system/(\*|[A-Z][A-Za-z]+)\.(read|write|\*|c?r?u?d?s?)")


def letters(scope: str) -> tuple[str, str] | None:
    """The type (``*`` for all) and the letters of one scope of a system; None for what says nothing to one."""
    match = _SCOPE.fullmatch(scope)
    if match is None or not match[2]:
        return None
    return match[1], VERSION_1.get(match[2], match[2])


def permits(scopes: Iterable[str], type_: str, interaction: str) -> bool:
    """Whether these scopes let a system do this to resources of this type.

    An interaction that has no letter (an operation, a transaction as such) is permitted to whoever may do everything.
    """
    wanted = LETTER_OF.get(interaction, LETTERS)
    return not set(wanted) - _granted(scopes, type_)


def missing(asked: Iterable[str], granted: Iterable[str]) -> list[str]:
    """Those of the scopes asked for that the granted ones do not cover, whichever version each speaks."""
    have = list(granted)
    return [scope for scope in asked if not _covers(have, scope)]


def beyond(asked: Iterable[str], granted: Iterable[str]) -> list[str]:
    """Those of the granted scopes that nobody asked for."""
    return missing(granted, asked)


def _covers(scopes: list[str], scope: str) -> bool:
    said = letters(scope)
    if said is None:
        return scope in scopes
    return not set(said[1]) - _granted(scopes, said[0])


def _granted(scopes: Iterable[str], type_: str) -> set[str]:
    """The letters that hold for this type. What is asked for all types must be granted for all of them."""
    found: set[str] = set()
    for scope in scopes:
        said = letters(scope)
        if said is not None and said[0] in ("*", type_):
            found |= set(said[1])
    return found
