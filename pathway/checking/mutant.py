"""A protocol with one fault put in, to see whether the checker finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pathway.protocol import Gate, Protocol, StepRule

T = TypeVar("T")


@dataclass(frozen=True)
class Mutant:
    """One seeded fault. ``kind`` is what was done, ``where`` the place by keys, ``touches`` the steps it concerns."""

    kind: str
    where: str
    protocol: Protocol
    texts: Mapping[str, Any]
    touches: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """``drop-rung steps.review.ladder.mdt``."""
        return f"{self.kind} {self.where}"


Mutator = Callable[[Protocol, Mapping[str, Any]], Iterator[Mutant]]


def without(items: tuple[T, ...], index: int) -> tuple[T, ...]:
    """The tuple without one of its members."""
    return (*items[:index], *items[index + 1 :])


def swapped(items: tuple[T, ...], one: int, other: int) -> tuple[T, ...]:
    """The tuple with two of its members in each other's place."""
    changed = list(items)
    changed[one], changed[other] = changed[other], changed[one]
    return tuple(changed)


def with_step(protocol: Protocol, rule: StepRule, **changes: Any) -> Protocol:
    """The protocol with one step changed."""
    steps = tuple(replace(one, **changes) if one.key == rule.key else one for one in protocol.steps)
    return replace(protocol, steps=steps)


def with_gate(protocol: Protocol, gate: Gate, **changes: Any) -> Protocol:
    """The protocol with one gate changed."""
    gates = tuple(replace(one, **changes) if one.key == gate.key else one for one in protocol.gates)
    return replace(protocol, gates=gates)


def asking(protocol: Protocol, gate: Gate) -> frozenset[str]:
    """The steps that ask a gate."""
    return frozenset(
        rule.key
        for rule in protocol.steps
        if gate.key
        in (*rule.start_gates, *rule.book_gates, *(key for one in rule.outcomes for key in one.gates))
    )
