"""One resource of each type that ``/fhir`` serves, with something under every search parameter, tied together."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

SYSTEM = "https://hopital.example/id"
AT = "2027-03-02T08:30:00+01:00"
PERIOD = {"start": "2027-03-02T08:30:00+01:00", "end": "2027-03-02T09:00:00+01:00"}


def ref(type_: str) -> Json:
    return {"reference": f"{type_}/ex-{type_.lower()}"}


def code(said: str, system: str = "http://loinc.org") -> Json:
    return {"coding": [{"system": system, "code": said}], "text": said}


PATIENT = ref("Patient")
NAMED = {"identifier": {"system": SYSTEM, "value": "a-party"}, "display": "Somebody elsewhere"}
TERMS = "http://terminology.hl7.org/CodeSystem"

_SAID: dict[str, Json] = {
    "Patient": {
        "birthDate": "1950-06-01",
        "name": [{"family": "Exemple", "given": ["Ada"]}],
        "link": [{"other": {"reference": "Patient/ex-other"}, "type": "seealso"}],
    },
    "Organization": {"active": True, "name": "Hôpital d'exemple"},
    "Practitioner": {"active": True, "name": [{"family": "Rey"}]},
    "PractitionerRole": {
        "active": True,
        "practitioner": ref("Practitioner"),
        "organization": ref("Organization"),
    },
    "CareTeam": {"status": "active", "subject": PATIENT},
    "Condition": {
        "clinicalStatus": code("active", f"{TERMS}/condition-clinical"),
        "code": code("M80.0", "http://hl7.org/fhir/sid/icd-10"),
        "subject": PATIENT,
    },
    "ServiceRequest": {
        "requisition": {"system": SYSTEM, "value": "requisition"},
        "status": "active",
        "intent": "order",
        "code": code("71651007", "http://snomed.info/sct"),
        "subject": PATIENT,
        "authoredOn": AT,
    },
    "CarePlan": {
        "status": "active",
        "intent": "plan",
        "subject": PATIENT,
        "period": PERIOD,
        "instantiatesCanonical": ["https://hopital.example/PlanDefinition/x|3"],
        "activity": [{"reference": ref("Task")}],
    },
    "Task": {
        "status": "requested",
        "intent": "order",
        "priority": "urgent",
        "businessStatus": code("waiting", f"{SYSTEM}/stage"),
        "code": code("fulfill", "http://hl7.org/fhir/CodeSystem/task-code"),
        "groupIdentifier": {"system": SYSTEM, "value": "group"},
        "performerType": [code("radiologist", f"{SYSTEM}/role")],
        "for": PATIENT,
        "owner": ref("Organization"),
        "focus": ref("ServiceRequest"),
        "basedOn": [ref("CarePlan"), NAMED],
        "partOf": [{"reference": "Task/ex-parent"}],
        "authoredOn": AT,
        "lastModified": AT,
        "executionPeriod": PERIOD,
        "restriction": {"period": PERIOD},
    },
    "Schedule": {
        "active": True,
        "actor": [ref("Practitioner")],
        "planningHorizon": PERIOD,
        "serviceType": [code("57", f"{TERMS}/service-type")],
    },
    "Slot": {
        "schedule": ref("Schedule"),
        "status": "free",
        "start": "2027-03-02T08:30:00+01:00",
        "end": "2027-03-02T09:00:00+01:00",
        "serviceType": [code("57", f"{TERMS}/service-type")],
        "appointmentType": code("ROUTINE", f"{TERMS}/v2-0276"),
    },
    "Appointment": {
        "status": "booked",
        "slot": [ref("Slot")],
        "basedOn": [ref("ServiceRequest")],
        "start": "2027-03-02T08:30:00+01:00",
        "end": "2027-03-02T09:00:00+01:00",
        "participant": [
            {"actor": PATIENT, "status": "accepted"},
            {"actor": ref("Practitioner"), "status": "accepted"},
        ],
    },
    "AppointmentResponse": {
        "appointment": ref("Appointment"),
        "actor": PATIENT,
        "participantStatus": "accepted",
    },
    "CommunicationRequest": {
        "status": "active",
        "subject": PATIENT,
        "occurrenceDateTime": AT,
        "authoredOn": AT,
    },
    "Communication": {
        "status": "completed",
        "subject": PATIENT,
        "basedOn": [ref("CommunicationRequest")],
        "sent": AT,
    },
    "Observation": {
        "status": "final",
        "category": [code("laboratory", f"{TERMS}/observation-category")],
        "code": code("6301-6"),
        "subject": PATIENT,
        "effectiveDateTime": AT,
        "valueQuantity": {"value": 1.10, "unit": "1"},
    },
    "DiagnosticReport": {
        "status": "final",
        "category": [code("PAT", f"{TERMS}/v2-0074")],
        "code": code("60568-3"),
        "subject": PATIENT,
        "basedOn": [ref("ServiceRequest")],
        "effectiveDateTime": AT,
    },
    "Procedure": {
        "status": "completed",
        "code": code("71651007", "http://snomed.info/sct"),
        "subject": PATIENT,
        "basedOn": [ref("ServiceRequest")],
        "performedPeriod": PERIOD,
    },
    "Encounter": {
        "status": "finished",
        "class": {"system": f"{TERMS}/v3-ActCode", "code": "IMP"},
        "subject": PATIENT,
        "appointment": [ref("Appointment")],
        "period": PERIOD,
    },
    "MedicationStatement": {
        "status": "active",
        "medicationCodeableConcept": code("B01AF02", "http://www.whocc.no/atc"),
        "subject": PATIENT,
    },
    "MedicationRequest": {
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": code("B01AF02", "http://www.whocc.no/atc"),
        "subject": PATIENT,
    },
    "QuestionnaireResponse": {"status": "completed", "subject": PATIENT, "authored": AT},
    "Flag": {"status": "active", "code": code("a-flag"), "subject": PATIENT},
    "AdverseEvent": {
        "actuality": "actual",
        "category": [code("medication-mishap", f"{TERMS}/adverse-event-category")],
        "event": code("an-event"),
        "seriousness": code("serious", f"{TERMS}/adverse-event-seriousness"),
        "outcome": code("resolved", f"{TERMS}/adverse-event-outcome"),
        "subject": PATIENT,
        "date": AT,
    },
    "Subscription": {
        "status": "requested",
        "reason": "An example",
        "criteria": "Task?status=requested",
        "channel": {"type": "rest-hook", "endpoint": "https://hopital.example/hook"},
    },
    "RequestGroup": {"status": "active", "intent": "order", "subject": PATIENT},
    "Provenance": {
        "target": [PATIENT, ref("Task")],
        "occurredDateTime": AT,
        "recorded": AT,
        "agent": [{"who": ref("Organization")}],
    },
    "PlanDefinition": {
        "url": "https://hopital.example/PlanDefinition/x",
        "version": "3",
        "status": "active",
        "name": "Example",
    },
    "ActivityDefinition": {
        "url": "https://hopital.example/ActivityDefinition/x",
        "version": "3",
        "status": "active",
        "name": "Example",
    },
}
_ONE = ("QuestionnaireResponse", "AdverseEvent")
_NONE = ("Provenance", "Subscription")
"""Types whose identifier is one and not a list, or that have none."""


def example(type_: str, id_: str | None = None, **said: Any) -> Json:
    """A resource of this type that passes the gate, ``ex-<type>`` unless another id is given."""
    identifier = {"system": SYSTEM, "value": f"{type_}-1"}
    named: Json = {"identifier": identifier if type_ in _ONE else [identifier]}
    if type_ in _NONE:
        named = {}
    return {"resourceType": type_, "id": id_ or f"ex-{type_.lower()}", **named, **_SAID[type_], **said}


TYPES = tuple(_SAID)
OTHERS = (
    {"resourceType": "Patient", "id": "ex-other", "name": [{"family": "Exemple"}]},
    {
        "resourceType": "Task",
        "id": "ex-parent",
        "status": "draft",
        "intent": "order",
        "for": {"reference": "Patient/ex-other"},
    },
)
"""What the examples refer to beside each other."""
