"""How something counts: yes or no, left out and why, not recorded, or pending until its limit is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pathway.indicators.questions import Answered


class Counts(StrEnum):
    """How something counts. Only the first two make a figure; ``pending``: the limit is not over yet."""

    YES = "yes"
    NO = "no"
    EXCLUDED = "excluded"
    NOT_RECORDED = "not-recorded"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Contribution:
    """One thing counted. ``day`` (at the centre) decides its period, ``why`` names what excludes it.

    ``part`` is what a figure can be taken apart by: a drug, a cause, a field.
    """

    day: date
    counts: Counts
    value: float | None = None
    why: str = ""
    part: str = ""


def counted(answer: Answered) -> Counts:
    """Yes, no, or not recorded."""
    return Counts.NOT_RECORDED if answer is None else Counts.YES if answer else Counts.NO
