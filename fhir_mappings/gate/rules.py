"""The invariants of R4 as Python functions, each registered under the key that R4 gave it.

R4 publishes them as FHIRPath (`data/invariants.json`, `data/further-types.json`); evaluating those takes a hundred
times as long. `tests/fhir/test_gate_invariants.py` holds each function against the published expression. A rule is
asked only of an object whose own elements are well-formed, so it need not doubt their types. Published as errors and
as warnings; a warning refuses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_mappings.outcome import Issue
from fhir_mappings.read import Json

Kept = Callable[[Json], bool]
Broken = Callable[[Json], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One invariant. `broken` gives the places below an object that break it (`""`: the object itself), or none."""

    key: str
    broken: Broken
    sentence: str
    severity: str = "error"

    def issues(self, value: Json, where: str) -> list[Issue]:
        """One issue for each place that breaks it, the object being at `where`."""
        said = f"{self.sentence} ({self.key})"
        return [
            Issue(self.severity, "invariant", said, (f"{where}.{place}" if place else where,))
            for place in self.broken(value)
        ]


RULES: dict[str, tuple[Rule, ...]] = {}
"""By the path of the shape they are asked of, such as `Task` or `Appointment.participant`."""


def rule(
    path: str, key: str, sentence: str, at: str = "", *, severity: str = "error"
) -> Callable[[Kept], Kept]:
    """Register the function below, which says whether an object keeps it, as the invariant `key` of `path`; `at` is
    the element it is about."""

    def register(kept: Kept) -> Kept:
        def broken(value: Json) -> Sequence[str]:
            return () if kept(value) else (at,)

        _add(path, Rule(key, broken, sentence, severity))
        return kept

    return register


def rule_of_parts(path: str, key: str, sentence: str) -> Callable[[Broken], Broken]:
    """The same for a function that names the places that break it, such as `entry[3].request`."""

    def register(broken: Broken) -> Broken:
        _add(path, Rule(key, broken, sentence))
        return broken

    return register


def _add(path: str, made: Rule) -> None:
    RULES[path] = (*RULES.get(path, ()), made)


def has(value: Json, *names: str) -> bool:
    """Whether any of these elements is there, be it only by an extension on a primitive."""
    return any(name in value or f"_{name}" in value for name in names)


def choice(value: Json, base: str) -> bool:
    """Whether the choice element `base[x]` is there, in whatever type."""
    start = len(base)
    return any(
        name.lstrip("_").startswith(base) and name.lstrip("_")[start : start + 1].isupper() for name in value
    )


def parts(value: Json, name: str) -> list[Json]:
    """The objects of a repeating element."""
    found = value.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def coded(concept: Any, system: str, *codes: str) -> bool:
    """Whether a CodeableConcept has one of these codes of this system."""
    return isinstance(concept, dict) and any(
        each.get("system") == system and each.get("code") in codes for each in parts(concept, "coding")
    )


def distinct(values: list[Any]) -> bool:
    """Whether nothing is there twice."""
    return len(set(values)) == len(values)
