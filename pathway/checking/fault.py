"""A fault of a protocol, as a sentence with the path that leads there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. ``rule`` names the check, ``where`` the place by keys (``steps.review.ladder``).

    ``path`` are the events that lead there, as a person would say them; empty when the place alone is at fault.
    """

    rule: str
    where: str
    problem: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = f"{self.where}: {self.problem}"
        return f"{said} After: {' → '.join(self.path)}." if self.path else said
