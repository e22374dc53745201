"""A line of the trace as an AuditEvent: who read or wrote what of whom, and when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_mappings.read import Json
from fhir_mappings.site import Site
from fhir_mappings.write import instant, pruned, reference

_TYPE = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_REST = {"system": _TYPE, "code": "rest", "display": "RESTful Operation"}
_SIGNING_IN = {"system": _DICOM, "code": "110114", "display": "User Authentication"}
_ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_AGENT = "http://terminology.hl7.org/CodeSystem/extra-security-role-type"

ACTIONS = {"read": "R", "write": "U", "export": "R", "send": "E", "erase": "D"}
"""Our verbs as the codes of R4; a verb that is none of them (sign-in) is an execution."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the trace. ``at`` is UTC; ``what`` and ``detail`` are empty once the patient was erased."""

    id: str
    at: datetime
    actor: str
    role: str
    action: str
    what: str
    patient_id: str | None
    detail: Mapping[str, Any]
    readable: bool = True


def audit_event(line: Line, site: Site) -> Json:
    """The AuditEvent of a line. What was read is an entity with its details as text; the patient is another."""
    signing = line.action.startswith("sign-")
    return pruned(
        {
            "resourceType": "AuditEvent",
            "id": line.id,
            "type": _SIGNING_IN if signing else _REST,
            "subtype": [site.coding("audit", line.action)],
            "action": ACTIONS.get(line.action, "E"),
            "recorded": instant(line.at),
            "outcome": "0",
            "agent": [
                {
                    "type": None if line.role == "system" else _coded(_AGENT, "humanuser"),
                    "role": [{"coding": [site.coding("account", line.role)]}] if line.role else None,
                    "who": {"display": line.actor},
                    "name": line.actor,
                    "requestor": True,
                }
            ],
            "source": {"observer": site.reference()},
            "entity": [_patient(line), _thing(line)],
        }
    )


def _patient(line: Line) -> Json | None:
    if line.patient_id is None:
        return None
    return {
        "what": reference("Patient", line.patient_id),
        "type": {"system": _ENTITY, "code": "1", "display": "Person"},
        "role": {"system": _ROLE, "code": "1", "display": "Patient"},
    }


def _thing(line: Line) -> Json:
    details = [
        {"type": name, "valueString": said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)}
        for name, said in sorted(line.detail.items())
        if said not in (None, "", [], {})
    ]
    return {
        "type": {"system": _ENTITY, "code": "2", "display": "System Object"},
        "name": line.what or ("" if line.readable else "erased with the patient's key"),
        "detail": details,
    }


def _coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}
