"""What ``/fhir`` says of itself: the CapabilityStatement, printed from the table, and our own SearchParameters."""

from __future__ import annotations

from importlib.metadata import version

from app.fhir.answer import Json
from app.fhir.dates import PREFIXES
from app.fhir.served import DUE, EVERYWHERE, NOT_BEFORE, SERVED, Parameter, Served
from fhir_mappings.site import Site

PUBLISHED = "2026-11-20"
"""The day on which what is served last changed."""

_SECURITY = (
    "A bearer token made by the centre (jalon user token) for systems; a signed-in session may read. A system moves a"
    " Task as its owner, its requester or a member of its queue, as its token says."
)
_REFERRAL = (
    "The only transaction understood is a referral: a ServiceRequest for vertebroplasty with its Patient, Condition,"
    " Observations, MedicationStatements and requester. A message Bundle with the same content is understood too."
    " 201: the pathway has started (Location: its CarePlan); 200: heard before; 202: a coordinator completes it."
)
_UPDATE = (
    "What is written is heard as what has happened (received, accepted, started, completed, booked, moved, cancelled):"
    " it never overwrites the rest. If-Match is honoured (412) and may be left out, for the table of moves by role"
    " refuses what cannot follow. A conditional update names the resource by the identifier that we gave it."
)


def statement(site: Site, base: str) -> Json:
    """The CapabilityStatement of this installation, served at ``base``."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": PUBLISHED,
        "publisher": site.name,
        "kind": "instance",
        "software": {"name": "Jalon", "version": version("jalon")},
        "implementation": {"description": f"Vertebroplasty pathways of {site.name}", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": ["application/json-patch+json"],
        "rest": [
            {
                "mode": "server",
                "security": {"cors": False, "description": _SECURITY},
                "resource": [_resource(site, one) for one in SERVED],
                "interaction": [{"code": "transaction", "documentation": _REFERRAL}],
            }
        ],
    }


def _resource(site: Site, served: Served) -> Json:
    said: Json = {
        "type": served.type,
        "interaction": [{"code": code} for code in served.interactions],
        "versioning": "versioned" if served.parameters else "no-version",
    }
    if "search-type" in served.interactions:
        said["searchParam"] = [_parameter(site, one) for one in (*EVERYWHERE, *served.parameters)]
    if "read" in served.interactions and served.parameters:
        said["conditionalRead"] = "not-match"
    if "update" in served.interactions:
        said |= {"documentation": _UPDATE, "updateCreate": False, "conditionalUpdate": True}
    return said


def _parameter(site: Site, parameter: Parameter) -> Json:
    definition = parameter.definition or f"{site.system}/SearchParameter/{parameter.name}"
    return {"name": parameter.name, "definition": definition, "type": parameter.kind}


_EXPRESSIONS = {
    "due": {
        "Task": "Task.restriction.period.end",
        "Appointment": "Appointment.start",
        "CommunicationRequest": "CommunicationRequest.occurrence.as(dateTime)",
    },
    "not-before": {"Task": "Task.restriction.period.start"},
}
_MEANING = {
    "due": "When the work is due, the visit begins or the message is to leave.",
    "not-before": "The earliest moment at which the work may be done.",
}


def search_parameter(site: Site, name: str) -> Json | None:
    """Our own SearchParameter of that id: ``due`` or ``not-before``; None for any other."""
    parameter = next((one for one in (DUE, NOT_BEFORE) if one.name == name), None)
    if parameter is None:
        return None
    expressions = _EXPRESSIONS[name]
    return {
        "resourceType": "SearchParameter",
        "id": name,
        "url": f"{site.system}/SearchParameter/{name}",
        "version": "1.0.0",
        "name": name.replace("-", " ").title().replace(" ", ""),
        "status": "active",
        "date": PUBLISHED,
        "publisher": site.name,
        "description": _MEANING[name],
        "code": name,
        "base": [one.type for one in SERVED if parameter in one.parameters],
        "type": "date",
        "expression": " | ".join(expressions[one.type] for one in SERVED if parameter in one.parameters),
        "multipleOr": True,
        "multipleAnd": True,
        "comparator": list(PREFIXES),
    }
