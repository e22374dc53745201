"""What ``/fhir`` says of itself: the CapabilityStatement, printed from the table, and our own SearchParameters."""

from __future__ import annotations

from importlib.metadata import version

from app.fhir.answer import Json
from app.fhir.dates import PREFIXES
from app.fhir.filters import MODIFIERS
from app.fhir.served import SERVED, SYSTEM, Served
from fhir_mappings.search_parameters import PARAMETERS, Parameter
from fhir_mappings.site import Site
from fhir_mappings.subscribing import topic

PUBLISHED = "2026-11-20"
"""The day on which what is served last changed."""
ID = "jalon"
"""The one CapabilityStatement that can be read by id: the same that ``metadata`` answers."""

_SECURITY = (
    "A bearer token: one made by the centre (jalon user token), or a JWT of an issuer that it has configured, limited"
    " by its scopes. A signed-in session may read. A system moves a Task as its owner, its requester or a member of"
    " its queue, as its token says."
)
_REST = (
    "What is not written here is not served, and answers 404 or 405 with an OperationOutcome. Unknown search"
    " parameters are ignored and missing from the self link; with Prefer: handling=strict they are refused (400)."
    " Chained searches, _has and :iterate are always refused."
)
_POSTED = (
    "A referral (a ServiceRequest for vertebroplasty with its Patient, Condition, Observations, MedicationStatements"
    " and requester, in a transaction or a message) starts a pathway. 201: it has started (Location: its CarePlan);"
    " 200: heard before; 202: a coordinator completes it."
)
_SYSTEM = {
    "transaction": f"All of it or nothing; urn:uuid references are resolved. {_POSTED}",
    "batch": "Each entry for itself.",
    "history-system": "Asked by _since and _count, the latest first, in pages.",
}
_WRITTEN = (
    "What another system writes is kept byte for byte, but for id, meta.versionId and meta.lastUpdated. If-Match is"
    " honoured (412)."
)
_HEARD = (
    "Of ours, what is written is heard as what has happened (received, accepted, started, completed, booked, moved,"
    " cancelled): it never overwrites the rest, and the table of moves by role refuses what cannot follow. "
)
_MOVED = ("Task", "Appointment")


_SMART = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
            "code": "SMART-on-FHIR",
        }
    ],
    "text": "SMART Backend Services",
}


def statement(site: Site, base: str, *, smart: bool = False) -> Json:
    """The CapabilityStatement of this installation, served at ``base``. ``smart``: tokens of others are taken."""
    security: Json = {"cors": False, "description": _SECURITY}
    if smart:
        security["service"] = [_SMART]
    return {
        "resourceType": "CapabilityStatement",
        "id": ID,
        "url": f"{site.system}/CapabilityStatement/{ID}",
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
                "documentation": _REST,
                "security": security,
                "resource": [_resource(site, one) for one in SERVED],
                "interaction": [{"code": code, "documentation": _SYSTEM[code]} for code in SYSTEM],
            }
        ],
    }


_TOPICS = (
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
    "capabilitystatement-subscriptiontopic-canonical"
)


def _resource(site: Site, served: Served) -> Json:
    said: Json = {
        "type": served.type,
        "interaction": [{"code": code} for code in served.interactions],
        "versioning": "versioned" if "vread" in served.interactions else "no-version",
    }
    if "create" in served.interactions:
        said["documentation"] = (_HEARD if served.type in _MOVED else "") + _WRITTEN
        said |= {
            "updateCreate": served.update_create,
            "conditionalCreate": served.conditional_create,
            "conditionalUpdate": served.conditional_update,
        }
    if "vread" in served.interactions:
        said |= {"readHistory": True, "conditionalRead": "not-match"}
    said["conditionalDelete"] = "not-supported"
    if "search-type" in served.interactions:
        if served.includes:
            said["searchInclude"] = list(served.includes)
        if served.reverse_includes:
            said["searchRevInclude"] = list(served.reverse_includes)
        said["searchParam"] = [_parameter(site, one, served.kept) for one in served.searched_by.values()]
    if served.type == "Subscription":
        said["extension"] = [{"url": _TOPICS, "valueCanonical": topic(site)}]
    if served.operations:
        said["operation"] = [
            {"name": name, "definition": definition or _own_operation(site, served.type, name)}
            for name, definition in served.operations
        ]
    return said


def _own_operation(site: Site, type_: str, name: str) -> str:
    return f"{site.system}/OperationDefinition/{type_}-{name}"


def _parameter(site: Site, parameter: Parameter, kept: bool) -> Json:
    definition = parameter.definition or f"{site.system}/SearchParameter/{parameter.name}"
    said = {
        "name": parameter.name,
        "definition": definition,
        "type": parameter.declared or parameter.kind,
    }
    if not kept:  # the trace is asked by dates and plain values
        plain = ", ".join(prefix for prefix in PREFIXES if prefix != "ne")
        return {**said, "documentation": f"Prefixes: {plain}."} if parameter.kind == "date" else said
    return {**said, "documentation": modifiers(parameter)} if modifiers(parameter) else said


def modifiers(parameter: Parameter) -> str:
    """What may stand after the name or before the value, in words."""
    said = []
    if not parameter.name.startswith("_"):
        names = [f":{one}" for one in MODIFIERS[parameter.kind]]
        said.append("Modifiers: " + ", ".join(names + [":[type]"] * (parameter.kind == "reference")) + ".")
    if parameter.kind == "date":
        said.append(f"Prefixes: {', '.join(PREFIXES)}.")
    return " ".join(said)


_MEANING = {
    "due": "When the work is due, the visit begins or the message is to leave.",
    "not-before": "The earliest moment at which the work may be done.",
}
_EXPRESSIONS = {"occurrenceDateTime": "occurrence.as(dateTime)"}
"""How FHIRPath says an element whose name depends on its type."""


def search_parameter(site: Site, name: str) -> Json | None:
    """Our own SearchParameter of that id: ``due`` or ``not-before``; None for any other."""
    ours = [
        (type_, one)
        for type_, parameters in PARAMETERS.items()
        for one in parameters
        if one.name == name and one.definition is None
    ]
    if not ours:
        return None
    paths = [f"{type_}.{_EXPRESSIONS.get(path, path)}" for type_, one in ours for path in one.paths]
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
        "base": [type_ for type_, _ in ours],
        "type": "date",
        "expression": " | ".join(paths),
        "multipleOr": True,
        "multipleAnd": True,
        "comparator": list(PREFIXES),
        "modifier": list(MODIFIERS["date"]),
    }
