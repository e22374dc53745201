"""What a search asks, as plain values: conditions that must all hold, an order, and where to go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Prefix = Literal["eq", "ne", "gt", "ge", "lt", "le", "sa", "eb"]


@dataclass(frozen=True, slots=True)
class Span:
    """A comparison with a span of time, ``start`` included and ``end`` not (UTC): a date is a whole day."""

    prefix: Prefix
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Named:
    """A code, identifier or reference asked for.

    ``system`` None: in any system; empty: in none. ``value`` None: any value. Of a reference the system is the type.
    """

    system: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class Ids:
    """Has one of these ids."""

    either: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statuses:
    """Has one of these statuses; ``negated``: has none of them."""

    either: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """Is found by one of these under that parameter; ``negated``: by none of them."""

    param: str
    either: tuple[Named, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Dates:
    """Has a date under that parameter that compares so with one of these."""

    param: str
    either: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Updated:
    """Was last changed at an instant that compares so with one of these."""

    either: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """Has nothing under that parameter; ``missing`` False: has something. ``among`` is where it would stand."""

    param: str
    among: Literal["status", "tokens", "references", "dates"]
    missing: bool


Wanted = Ids | Statuses | Tokens | Dates | Updated | Missing


@dataclass(frozen=True, slots=True)
class Key:
    """What to sort by: ``_id``, ``_lastUpdated``, ``status``, or a parameter that is a date."""

    by: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: its last row's value of each sort key but the id (None where it has none), and its id."""

    values: tuple[datetime | str | None, ...]
    id: str


@dataclass(frozen=True, slots=True)
class Question:
    """A search of one type: everything ``wanted`` holds. Sorted by id where nothing else is said."""

    type: str
    wanted: tuple[Wanted, ...] = ()
    sort: tuple[Key, ...] = ()
    after: Place | None = None
    count: int = 50
