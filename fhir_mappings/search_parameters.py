"""What each resource type is found by, and where in a resource that stands: one table for whoever keeps or asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["token", "reference", "date", "uri"]

_R4 = "http://hl7.org/fhir/SearchParameter/"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter: its kind, where its values stand, and its definition (None: it is ours, see the site).

    ``paths`` are element names joined by dots; a list on the way is gone through. ``targets`` are the types a
    reference may be to: the ones meant where a bare id is asked for; none said: any. ``uri`` is a whole URI, or a
    canonical with its version. ``declared`` is the kind that R4 gives it, where that is another.
    """

    name: str
    kind: Kind
    paths: tuple[str, ...]
    definition: str | None
    targets: tuple[str, ...] = ()
    declared: str = ""


def _token(name: str, *paths: str, of: str) -> Parameter:
    return Parameter(name, "token", paths or (name,), f"{_R4}{of}-{name}")


def _date(name: str, *paths: str, of: str) -> Parameter:
    return Parameter(name, "date", paths or (name,), f"{_R4}{of}-{name}")


def _reference(name: str, *paths: str, of: str, to: tuple[str, ...] = ()) -> Parameter:
    return Parameter(name, "reference", paths or (name,), f"{_R4}{of}-{name}", to)


def _identifier(of: str) -> Parameter:
    return _token("identifier", of=of)


def _patient(of: str, path: str = "subject") -> Parameter:
    return _reference("patient", path, of=of, to=("Patient",))


def _subject(of: str) -> Parameter:
    return _reference("subject", of=of, to=("Patient", "Group", "Device", "Location"))


_CODE = _token("code", of="clinical")
_STATUS = "status"
_DOERS = (
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "CareTeam",
    "HealthcareService",
    "Patient",
    "Device",
)

DUE = Parameter("due", "date", ("restriction.period.end",), None)
NOT_BEFORE = Parameter("not-before", "date", ("restriction.period.start",), None)
_DUE_VISIT = Parameter("due", "date", ("start",), None)
_DUE_MESSAGE = Parameter("due", "date", ("occurrenceDateTime",), None)

PARAMETERS: dict[str, tuple[Parameter, ...]] = {
    "Patient": (
        _identifier("Patient"),
        Parameter("birthdate", "date", ("birthDate",), _R4 + "individual-birthdate"),
        _reference("link", "link.other", of="Patient", to=("Patient", "RelatedPerson")),
    ),
    "Condition": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("Condition"),
        _CODE,
        _token("clinical-status", "clinicalStatus", of="Condition"),
    ),
    "ServiceRequest": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("ServiceRequest"),
        _token(_STATUS, of="ServiceRequest"),
        _token("intent", of="ServiceRequest"),
        _CODE,
        Parameter("authored", "date", ("authoredOn",), _R4 + "ServiceRequest-authored"),
        _token("requisition", of="ServiceRequest"),
    ),
    "CarePlan": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("CarePlan"),
        _token(_STATUS, of="CarePlan"),
        _token("intent", of="CarePlan"),
        Parameter(
            "activity-reference", "reference", ("activity.reference",), _R4 + "CarePlan-activity-reference"
        ),
        Parameter("date", "date", ("period",), _R4 + "clinical-date"),
        Parameter(
            "instantiates-canonical",
            "uri",
            ("instantiatesCanonical",),
            _R4 + "CarePlan-instantiates-canonical",
            declared="reference",
        ),
    ),
    "Task": (
        _identifier("Task"),
        Parameter("patient", "reference", ("for",), _R4 + "Task-patient", ("Patient",)),
        Parameter("subject", "reference", ("for",), _R4 + "Task-subject", ("Patient",)),
        _token(_STATUS, of="Task"),
        DUE,
        NOT_BEFORE,
        _token("code", of="Task"),
        _token("business-status", "businessStatus", of="Task"),
        _token("group-identifier", "groupIdentifier", of="Task"),
        _token("intent", of="Task"),
        _token("priority", of="Task"),
        _token("performer", "performerType", of="Task"),
        _reference("owner", of="Task", to=_DOERS),
        _reference("focus", of="Task"),
        _reference("based-on", "basedOn", of="Task"),
        _reference("part-of", "partOf", of="Task", to=("Task",)),
        _date("authored-on", "authoredOn", of="Task"),
        _date("modified", "lastModified", of="Task"),
        _date("period", "executionPeriod", of="Task"),
    ),
    "Appointment": (
        _identifier("Appointment"),
        _reference("patient", "participant.actor", of="Appointment", to=("Patient",)),
        _reference("actor", "participant.actor", of="Appointment"),
        _token(_STATUS, of="Appointment"),
        _DUE_VISIT,
        _date("date", "start", of="Appointment"),
        _reference("slot", of="Appointment", to=("Slot",)),
        _reference("based-on", "basedOn", of="Appointment", to=("ServiceRequest",)),
        _token("part-status", "participant.status", of="Appointment"),
    ),
    "AppointmentResponse": (
        _identifier("AppointmentResponse"),
        _reference("appointment", of="AppointmentResponse", to=("Appointment",)),
        _reference("actor", of="AppointmentResponse"),
        _token("part-status", "participantStatus", of="AppointmentResponse"),
    ),
    "CommunicationRequest": (
        _identifier("CommunicationRequest"),
        _patient("CommunicationRequest"),
        _subject("CommunicationRequest"),
        _token(_STATUS, of="CommunicationRequest"),
        _DUE_MESSAGE,
        _date("authored", "authoredOn", of="CommunicationRequest"),
    ),
    "Communication": (
        _identifier("Communication"),
        _patient("Communication"),
        _subject("Communication"),
        _token(_STATUS, of="Communication"),
        _reference("based-on", "basedOn", of="Communication"),
        _date("sent", of="Communication"),
    ),
    "Slot": (
        _identifier("Slot"),
        _reference("schedule", of="Slot", to=("Schedule",)),
        _token(_STATUS, of="Slot"),
        _date("start", of="Slot"),
        Parameter("service-type", "token", ("serviceType",), _R4 + "Slot-service-type"),
        Parameter("appointment-type", "token", ("appointmentType",), _R4 + "Slot-appointment-type"),
    ),
    "Schedule": (
        _identifier("Schedule"),
        _reference("actor", of="Schedule"),
        _token("active", of="Schedule"),
        Parameter("date", "date", ("planningHorizon",), _R4 + "Schedule-date"),
        Parameter("service-type", "token", ("serviceType",), _R4 + "Schedule-service-type"),
    ),
    "Observation": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("Observation"),
        _token(_STATUS, of="Observation"),
        _CODE,
        _token("category", of="Observation"),
        Parameter(
            "date",
            "date",
            ("effectiveDateTime", "effectivePeriod", "effectiveInstant"),
            _R4 + "clinical-date",
        ),
    ),
    "DiagnosticReport": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("DiagnosticReport"),
        _token(_STATUS, of="DiagnosticReport"),
        _CODE,
        _token("category", of="DiagnosticReport"),
        _reference("based-on", "basedOn", of="DiagnosticReport", to=("ServiceRequest", "CarePlan")),
        Parameter("date", "date", ("effectiveDateTime", "effectivePeriod"), _R4 + "clinical-date"),
    ),
    "Procedure": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("Procedure"),
        _token(_STATUS, of="Procedure"),
        _CODE,
        _reference("based-on", "basedOn", of="Procedure", to=("ServiceRequest", "CarePlan")),
        Parameter("date", "date", ("performedDateTime", "performedPeriod"), _R4 + "clinical-date"),
    ),
    "Encounter": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("Encounter"),
        _token(_STATUS, of="Encounter"),
        _token("class", of="Encounter"),
        _reference("appointment", of="Encounter", to=("Appointment",)),
        Parameter("date", "date", ("period",), _R4 + "clinical-date"),
    ),
    "MedicationStatement": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("MedicationStatement"),
        Parameter("status", "token", ("status",), _R4 + "medications-status"),
        Parameter("code", "token", ("medicationCodeableConcept",), _R4 + "clinical-code"),
    ),
    "MedicationRequest": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("MedicationRequest"),
        Parameter("status", "token", ("status",), _R4 + "medications-status"),
        _token("intent", of="MedicationRequest"),
        Parameter("code", "token", ("medicationCodeableConcept",), _R4 + "clinical-code"),
    ),
    "QuestionnaireResponse": (
        _identifier("QuestionnaireResponse"),
        _patient("QuestionnaireResponse"),
        _subject("QuestionnaireResponse"),
        _token(_STATUS, of="QuestionnaireResponse"),
        _date("authored", of="QuestionnaireResponse"),
    ),
    "Practitioner": (_identifier("Practitioner"), _token("active", of="Practitioner")),
    "PractitionerRole": (
        _identifier("PractitionerRole"),
        _token("active", of="PractitionerRole"),
        _reference("practitioner", of="PractitionerRole", to=("Practitioner",)),
        _reference("organization", of="PractitionerRole", to=("Organization",)),
    ),
    "Organization": (_identifier("Organization"), _token("active", of="Organization")),
    "CareTeam": (
        _identifier("clinical"),
        _patient("clinical"),
        _subject("CareTeam"),
        _token(_STATUS, of="CareTeam"),
    ),
    "AdverseEvent": (
        _reference("subject", of="AdverseEvent", to=("Patient",)),
        _date("date", of="AdverseEvent"),
        _token("actuality", of="AdverseEvent"),
    ),
    "Flag": (_identifier("Flag"), _patient("clinical"), _subject("Flag")),
    "Provenance": (
        _reference("target", of="Provenance"),
        _reference("patient", "target", of="Provenance", to=("Patient",)),
        _reference("agent", "agent.who", of="Provenance"),
        _date("recorded", of="Provenance"),
        Parameter("when", "date", ("occurredDateTime", "occurredPeriod"), _R4 + "Provenance-when"),
    ),
    "RequestGroup": (
        _identifier("RequestGroup"),
        _patient("RequestGroup"),
        _subject("RequestGroup"),
        _token(_STATUS, of="RequestGroup"),
    ),
    "Subscription": (
        _token(_STATUS, of="Subscription"),
        Parameter("type", "token", ("channel.type",), _R4 + "Subscription-type"),
    ),
    "PlanDefinition": (
        _identifier("PlanDefinition"),
        _token(_STATUS, of="PlanDefinition"),
        _token("version", of="PlanDefinition"),
        Parameter("url", "uri", ("url",), _R4 + "PlanDefinition-url"),
    ),
    "ActivityDefinition": (
        _identifier("ActivityDefinition"),
        _token(_STATUS, of="ActivityDefinition"),
        _token("version", of="ActivityDefinition"),
        Parameter("url", "uri", ("url",), _R4 + "ActivityDefinition-url"),
    ),
}
"""By type. What every type is found by beside these (``_id``, ``_lastUpdated``) is the keeper's to add."""
