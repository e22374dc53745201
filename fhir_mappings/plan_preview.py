"""What would begin, said without beginning it: a CarePlan that is a proposal, with everything in it contained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fhir_mappings.read import Json
from fhir_mappings.write import pruned

_CONTAINED = ("Condition", "ServiceRequest", "Task")
_NAMES = ("identifier", "groupIdentifier", "requisition")
"""What would make others take these for something that is there."""


def preview(said: Iterable[Json], *, subject: Json, notes: Sequence[str]) -> Json:
    """The CarePlan of these resources of a pathway that has not begun, as a draft proposal.

    Its fracture, orders and Tasks are contained and bear no identifiers. ``subject`` is the reference to the patient
    and ``notes`` what whoever would begin it has to know.
    """
    resources = list(said)
    plan = next(one for one in resources if one["resourceType"] == "CarePlan")
    within = [one for one in resources if one["resourceType"] in _CONTAINED]
    patients = [one["id"] for one in resources if one["resourceType"] == "Patient"]
    turned: dict[str, Json] = {
        f"{one['resourceType']}/{one['id']}": {"reference": f"#{one['id']}"} for one in within
    }
    # A Task and the order that it carries out bear one id, and contained resources share one space of ids.
    requests = {f"ServiceRequest/{one['id']}" for one in within if one["resourceType"] == "ServiceRequest"}
    turned |= {name: {"reference": f"#{_order(name.partition('/')[2])}"} for name in requests}
    turned |= {f"Patient/{id_}": subject for id_ in patients}
    contained = []
    for one in within:
        inner = {name: value for name, value in one.items() if name not in _NAMES}
        if one["resourceType"] == "ServiceRequest":
            inner["id"] = _order(one["id"])
        contained.append(_turned(inner, turned))
    outer = {name: value for name, value in plan.items() if name not in (*_NAMES, "id", "resourceType")}
    proposal = {**_turned(outer, turned), "status": "draft", "intent": "proposal"}
    proposal["note"] = [*proposal.get("note", []), *({"text": one} for one in notes)]
    return pruned({"resourceType": "CarePlan", "contained": contained, **proposal})


def _order(id_: str) -> str:
    return f"{id_[:58]}-order"


def _turned(value: Any, turned: dict[str, Json]) -> Any:
    if isinstance(value, list):
        return [_turned(each, turned) for each in value]
    if isinstance(value, dict):
        if (other := turned.get(str(value.get("reference")))) is not None:
            return {**{name: each for name, each in value.items() if name != "reference"}, **other}
        return {name: _turned(each, turned) for name, each in value.items()}
    return value
