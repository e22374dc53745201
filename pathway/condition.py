"""A small question about the state, as a protocol asks it: of a fact, a step, the hold plan, a date.

``gates.py`` knows how to answer it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pathway.copying import without_notes

RuleName = Literal[
    "antithrombotics-answered",
    "days-before-procedure",
    "drawn-for-procedure",
    "fracture-older",
    "fracture-recent",
    "held-drugs-have-resumption",
    "hold-time-left",
    "may-be-pregnant",
    "no-red-alarm",
    "observations-complete",
    "observed-since-procedure",
    "procedure-slot-stands",
]
"""Checks that a comparison cannot say; each is a function in ``gates.RULES``."""

HoldName = Literal[
    "unknown", "proposed", "signed", "modified", "not-required", "rejected", "expired", "breached"
]
"""States of the hold plan that may be asked for; ``signed`` is also one that was signed otherwise than proposed."""


@dataclass(frozen=True)
class Condition:
    """A small question about the state. Every part that is given must hold.

    ``fact`` with nothing else asks that it be known; ``is_`` compares, ``at_least``/``at_most`` bound it,
    ``max_age_days`` bounds its age at the procedure (or now while there is none). ``step`` asks that its last
    occurrence be settled, with one of ``outcome`` where given. ``hold`` asks for one of these hold states.
    ``cause`` asks for one of these causes of the fracture, ``held`` for a drug of the hold plan whose ATC code
    begins so (one without a code counts), ``taken`` for such a drug among the antithrombotics that are taken now.
    ``older_than_days`` and ``older_than_months`` ask of a fact that is a day that it lie at least so long (whole
    calendar months) before the procedure, or before now while there is none. ``any_of`` asks that at least one of
    its conditions hold, ``none_of`` that none does. ``rule`` names a check written in ``gates.py``, ``days``,
    ``hours`` and ``years`` are its measure.
    """

    fact: str | None = None
    is_: Any = None
    at_least: float | None = None
    at_most: float | None = None
    max_age_days: int | None = None
    step: str | None = None
    outcome: tuple[str, ...] = ()
    hold: tuple[HoldName, ...] = ()
    cause: tuple[Literal["osteoporotic", "neoplastic", "traumatic", "unknown"], ...] = ()
    held: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    older_than_days: int | None = None
    older_than_months: int | None = None
    any_of: tuple[Condition, ...] = ()
    none_of: tuple[Condition, ...] = ()
    rule: RuleName | None = None
    days: int | None = None
    hours: int | None = None
    years: int | None = None

    __getstate__ = without_notes
