"""The peer ``python-statemachine``: a state chart, an instance a patient; steps open by eventless transitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from statemachine.io import create_machine_class_from_definition

from benchmarks.peers.wards import (
    PLACES,
    Act,
    Guard,
    Refusal,
    Ward,
    by_track,
    completing,
    gates,
    opening,
)
from pathway.protocol import Protocol, StepRule


def line(states: int, count: int) -> list[Any]:
    """So many patients in the first of these states; ``go`` moves them to the next."""
    last = states - 1
    definition: dict[str, Any] = {
        f"s{number}": {"initial": number == 0, "on": {"go": [{"target": f"s{number + 1}"}]}}
        for number in range(last)
    }
    kind: Any = create_machine_class_from_definition("Line", {**definition, f"s{last}": {"final": True}})
    return [kind() for _ in range(count)]


def drive_line(patients: Sequence[Any], moves: int) -> None:
    """Every patient through all moves."""
    for patient in patients:
        for _ in range(moves):
            patient.go()


def lives(protocol: Protocol, wards: Sequence[Ward]) -> list[Any]:
    """A patient for every ward book (their model), with a parallel region for every track and step."""
    tracks = {
        track: {"parallel": True, "states": {rule.key: _region(rule, protocol) for rule in rules}}
        for track, rules in by_track(protocol).items()
    }
    pathway: Any = {"pathway": {"initial": True, "parallel": True, "states": tracks}}
    kind: Any = create_machine_class_from_definition(
        "Tracks", pathway, validate_final_reachability=False, validate_trap_states=False
    )
    return [kind(model=ward) for ward in wards]


def _region(rule: StepRule, protocol: Protocol) -> dict[str, Any]:
    key = rule.key
    moves: dict[str, dict[str, Any]] = {
        f"complete_{key}": _to(key, "done", completing(protocol, key)),
        f"book_{key}": _to(key, "scheduled", gates(protocol, rule.book_gates)),
        f"propose_{key}": _to(key, "scheduled", gates(protocol, ())),
        f"start_{key}": _to(key, "started", gates(protocol, rule.start_gates)),
    }
    places: dict[str, Any] = {f"{key}__{place}": {} for place in PLACES}
    places[f"{key}__waiting"] = {
        "initial": True,
        "transitions": [_to(key, "open", opening(protocol, key))],
    }
    for place in ("open", "scheduled"):
        places[f"{key}__{place}"] = {"on": {name: [dict(move)] for name, move in moves.items()}}
    places[f"{key}__started"] = {"on": {f"complete_{key}": [dict(moves[f"complete_{key}"])]}}
    return {"states": places}


def _to(key: str, place: str, guard: Guard) -> dict[str, Any]:
    return {"target": f"{key}__{place}", "cond": _of_model(guard)}


def _of_model(guard: Guard) -> Callable[[Ward], bool]:
    """The guard under the parameter name by which the library hands it the ward book."""

    def asked(model: Ward) -> bool:
        return guard(model)

    return asked


def drive(patients: Sequence[Any], acts: Sequence[Act]) -> None:
    """Every act to every patient; what it opens, opens by itself."""
    for patient in patients:
        for act in acts:
            act.tell(patient.model)
            patient.send(act.trigger)
        for act in acts:
            if act.verb == "complete" and f"{act.step}__done" not in patient.configuration_values:
                raise Refusal(act.trigger)


def done(patient: Any) -> set[str]:
    """The steps that this patient has done."""
    return {
        value.removesuffix("__done") for value in patient.configuration_values if value.endswith("__done")
    }
