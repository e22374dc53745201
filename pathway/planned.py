"""One thing that a plan calls for, and the kinds there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import inf
from operator import attrgetter
from typing import Any


class Kind(StrEnum):
    """``task`` and ``visit`` exist; a ``rung`` is an event to come; the rest is carried out."""

    TASK = "task"
    VISIT = "visit"
    RUNG = "rung"
    MESSAGE = "message"
    PAGE = "page"
    CALL = "call"
    LETTER = "letter"


@dataclass(frozen=True, init=False)
class Item:
    """A planned thing. ``at`` is when it is due (a task), stands (a visit) or fires; all instants are UTC.

    ``until`` is when it becomes useless. ``role`` is who does it or is told; empty for a message to the
    patient. ``why`` is the rule that set the date, as the protocol says it. ``data`` is what carrying it out
    needs: template, channel, slot.
    """

    key: str
    kind: Kind
    at: datetime | None
    until: datetime | None = None
    not_before: datetime | None = None
    why: str = ""
    role: str = ""
    step: str = ""
    live: bool = True
    data: dict[str, Any] = field(default_factory=dict)

    def __init__(
        self,
        key: str,
        kind: Kind,
        at: datetime | None,
        until: datetime | None = None,
        not_before: datetime | None = None,
        why: str = "",
        role: str = "",
        step: str = "",
        live: bool = True,
        data: dict[str, Any] | None = None,
    ) -> None:
        # Dozens of them are made for every plan: all fields are set in one go.
        held = {
            "key": key,
            "kind": kind,
            "at": at,
            "until": until,
            "not_before": not_before,
            "why": why,
            "role": role,
            "step": step,
            "live": live,
            "data": {} if data is None else data,
            "order": (inf if at is None else at.timestamp(), key),
        }
        object.__setattr__(self, "__dict__", held)


in_order: Callable[[Item], tuple[float, str]] = attrgetter("order")
"""By what a plan is sorted: the earliest first, what has no date last."""
