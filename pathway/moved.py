"""What a move onto another version changes for a patient, beside the rows of the plan: for a preview."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pathway.gates import unmet
from pathway.ground import Ground
from pathway.refusal import Text
from pathway.state import Pathway


@dataclass(frozen=True, slots=True)
class Stopped:
    """A need of a gate that stands in the way after the move and did not before."""

    gate: str
    reason: Text


@dataclass(frozen=True, slots=True)
class Compared:
    """What a move does beside the plan. Steps are ``step/n``; ``hold`` is the hold plan's status before and after."""

    added: tuple[str, ...]
    dropped: tuple[str, ...]
    stopped: tuple[Stopped, ...]
    hold: tuple[str, str] | None


def compared(before: Pathway, after: Pathway, old: Ground, new: Ground) -> Compared:
    """What the move changes: steps added and dropped, gates newly unmet on the way ahead, the hold plan."""
    had, has = {step.ref for step in before.steps}, {step.ref for step in after.steps}
    status = (before.hold.status.value, after.hold.status.value)
    return Compared(
        added=tuple(step.ref for step in after.steps if step.ref not in had),
        dropped=tuple(step.ref for step in before.steps if step.ref not in has),
        stopped=tuple(_newly_unmet(before, after, old, new)),
        hold=status if before.hold != after.hold else None,
    )


def _newly_unmet(before: Pathway, after: Pathway, old: Ground, new: Ground) -> Iterator[Stopped]:
    for key in _gates_ahead(after, new):
        there = unmet(old.protocol.gate(key), before, old) if old.protocol.has_gate(key) else ()
        known = [one.need.when for one in there]  # a condition may hold a list, which has no hash
        said = [one.need.reason for one in there]
        for one in unmet(new.protocol.gate(key), after, new):
            if one.need.when not in known and one.need.reason not in said:
                yield Stopped(key, one.need.reason)


def _gates_ahead(pathway: Pathway, ground: Ground) -> tuple[str, ...]:
    """The gates that guard what is still to be done, in the order of the protocol."""
    guarding: set[str] = set()
    for step in pathway.unsettled():
        rule = ground.protocol.step(step.key)
        guarding |= {*rule.book_gates, *rule.start_gates}
        guarding |= {key for outcome in rule.outcomes for key in outcome.gates}
    return tuple(gate.key for gate in ground.protocol.gates if gate.key in guarding)
