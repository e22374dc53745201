"""The peer ``transitions``: one Machine that all models share; for the protocol a hierarchical, parallel one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from transitions import Machine
from transitions.extensions import HierarchicalMachine
from transitions.extensions.nesting import NestedState

from benchmarks.peers.wards import (
    PLACES,
    STANDING,
    Act,
    Refusal,
    Ward,
    by_track,
    completing,
    gates,
    on_the_way,
    opening,
)
from pathway.protocol import Protocol


class Patient:
    """A model: ``transitions`` gives it its state and its triggers."""

    def __init__(self, ward: Ward | None = None) -> None:
        self.ward = ward


def line(states: int, count: int) -> list[Any]:
    """So many patients in the first of these states; ``go`` moves them to the next."""
    names = [f"s{number}" for number in range(states)]
    machine = Machine(model=None, states=names, initial=names[0], auto_transitions=False)
    for here, there in pairwise(names):
        machine.add_transition("go", here, there)
    patients = [Patient() for _ in range(count)]
    machine.add_model(patients)
    return patients


def drive_line(patients: Sequence[Any], moves: int) -> None:
    """Every patient through all moves."""
    for patient in patients:
        for _ in range(moves):
            patient.go()


class Place(NestedState):  # type: ignore[misc]
    """A nested state, named with a character that no step has in its key."""

    separator = "/"


class Tracks(HierarchicalMachine):  # type: ignore[misc]
    """A machine of such places."""

    state_cls = Place


def lives(protocol: Protocol, wards: Sequence[Ward]) -> list[Any]:
    """A patient for every ward book, on one machine with a parallel region for every track and step."""
    tracks = [
        {
            "name": track,
            "parallel": [{"name": rule.key, "initial": PLACES[0], "children": PLACES} for rule in rules],
        }
        for track, rules in by_track(protocol).items()
    ]
    machine = Tracks(
        model=None,
        states=[{"name": "pathway", "parallel": tracks}],
        initial="pathway",
        auto_transitions=False,
        ignore_invalid_triggers=True,
    )
    for rule in on_the_way(protocol):
        here = f"pathway/{rule.track}/{rule.key}/"
        standing = [here + place for place in STANDING]
        for trigger, sources, target, guard in (
            ("settle", [here + "waiting"], "open", opening(protocol, rule.key)),
            (f"complete_{rule.key}", standing, "done", completing(protocol, rule.key)),
            (f"book_{rule.key}", standing[:2], "scheduled", gates(protocol, rule.book_gates)),
            (f"propose_{rule.key}", standing[:2], "scheduled", gates(protocol, ())),
            (f"start_{rule.key}", standing[:2], "started", gates(protocol, rule.start_gates)),
        ):
            machine.add_transition(trigger, sources, here + target, conditions=guard)
    patients = [Patient(ward) for ward in wards]
    machine.add_model(patients)
    for patient in patients:
        patient.settle(patient.ward)  # type: ignore[attr-defined]
    return patients


def drive(patients: Sequence[Any], acts: Sequence[Act]) -> None:
    """Every act to every patient, and after each what it opens."""
    for patient in patients:
        for act in acts:
            act.tell(patient.ward)
            if act.step and not patient.trigger(act.trigger, patient.ward):
                raise Refusal(act.trigger)
            patient.settle(patient.ward)


def done(patient: Any) -> set[str]:
    """The steps that this patient has done."""
    found, left = set(), [patient.state]
    while left:
        place = left.pop()
        if isinstance(place, list):
            left += place
        elif place.endswith("/done"):
            found.add(place.split("/")[2])
    return found
