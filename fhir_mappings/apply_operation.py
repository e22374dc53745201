"""Our ``$apply`` as an OperationDefinition: R4's, with what a start needs and without what means nothing here."""

from __future__ import annotations

from fhir_mappings.read import Json
from fhir_mappings.site import Site

NAME = "PlanDefinition-apply"
R4 = "http://hl7.org/fhir/OperationDefinition/PlanDefinition-apply"

_DESCRIPTION = (
    "GET shows the CarePlan that would begin, as a draft proposal with its requests and Tasks contained, and stores"
    " nothing. POST begins it, once for a start-key: the same key again answers the same CarePlan (201 the first time,"
    " then 200), however many come at once; with another subject, fracture or plan it is refused (409). 202: a person"
    " decides first (something to be completed, or a pathway that runs for this fracture). Unlike R4's, POST affects"
    " state; planDefinition names a published version and carries none; encounter, practitioner, organization, user and"
    " setting are refused."
)


def apply_operation(site: Site) -> Json:
    """The OperationDefinition of ``PlanDefinition/$apply`` and ``PlanDefinition/{id}/$apply``."""
    return {
        "resourceType": "OperationDefinition",
        "id": NAME,
        "url": f"{site.system}/OperationDefinition/{NAME}",
        "version": "1.0.0",
        "name": "Apply",
        "title": "Apply a protocol to a patient",
        "status": "active",
        "kind": "operation",
        "publisher": site.name,
        "description": _DESCRIPTION,
        "affectsState": True,
        "code": "apply",
        "base": R4,
        "resource": ["PlanDefinition"],
        "system": False,
        "type": True,
        "instance": True,
        "parameter": [
            _in(
                "subject",
                1,
                "Reference",
                "The patient: a Reference, Patient/id, system|value, or the Patient itself.",
            ),
            _in(
                "condition",
                0,
                "Reference",
                "The fracture, referred to or itself. Not needed beside a request.",
            ),
            _in(
                "request",
                0,
                "Reference",
                "The ServiceRequest that refers the patient. Without it the caller refers.",
            ),
            _in(
                "url", 0, "canonical", "The protocol, with or without |version; without, the version in use."
            ),
            _in("planDefinition", 0, "string", "The same by its id here; not at the instance."),
            _in(
                "start-key", 0, "string", "POST only, and needed there: the caller's own name for this start."
            ),
            _in(
                "data",
                0,
                "Bundle",
                "POST only: a collection of what is referred to, and of what is known besides.",
            ),
            {
                "name": "return",
                "use": "out",
                "min": 1,
                "max": "1",
                "documentation": "The pathway; by GET the one that would begin.",
                "type": "CarePlan",
            },
        ],
    }


def _in(name: str, least: int, type_: str, words: str) -> Json:
    return {"name": name, "use": "in", "min": least, "max": "1", "documentation": words, "type": type_}
