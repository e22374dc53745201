"""The code systems of elements that say a bare code: R4 binds them, so ``system|code`` may name the system."""

from __future__ import annotations

_HL7 = "http://hl7.org/fhir/"
_REQUEST = (_HL7 + "request-status",)
_INTENT = (_HL7 + "request-intent",)
_PUBLISHED = (_HL7 + "publication-status",)
_ATTENDANCE = (_HL7 + "participationstatus",)

IMPLIED: dict[tuple[str, str], tuple[str, ...]] = {
    ("ServiceRequest", "status"): _REQUEST,
    ("ServiceRequest", "intent"): _INTENT,
    ("CarePlan", "status"): _REQUEST,
    ("CarePlan", "intent"): _INTENT,
    ("Task", "status"): (_HL7 + "task-status",),
    ("Task", "intent"): (_HL7 + "task-intent", *_INTENT),
    ("Task", "priority"): (_HL7 + "request-priority",),
    ("Appointment", "status"): (_HL7 + "appointmentstatus",),
    ("Appointment", "part-status"): _ATTENDANCE,
    ("AppointmentResponse", "part-status"): _ATTENDANCE,
    ("CommunicationRequest", "status"): _REQUEST,
    ("Communication", "status"): (_HL7 + "event-status",),
    ("Slot", "status"): (_HL7 + "slotstatus",),
    ("Observation", "status"): (_HL7 + "observation-status",),
    ("DiagnosticReport", "status"): (_HL7 + "diagnostic-report-status",),
    ("Procedure", "status"): (_HL7 + "event-status",),
    ("Encounter", "status"): (_HL7 + "encounter-status",),
    ("MedicationStatement", "status"): (_HL7 + "CodeSystem/medication-statement-status",),
    ("MedicationRequest", "status"): (_HL7 + "CodeSystem/medicationrequest-status",),
    ("MedicationRequest", "intent"): (_HL7 + "CodeSystem/medicationrequest-intent",),
    ("QuestionnaireResponse", "status"): (_HL7 + "questionnaire-answers-status",),
    ("AdverseEvent", "actuality"): (_HL7 + "adverse-event-actuality",),
    ("CareTeam", "status"): (_HL7 + "care-team-status",),
    ("RequestGroup", "status"): _REQUEST,
    ("Subscription", "status"): (_HL7 + "subscription-status",),
    ("Subscription", "type"): (_HL7 + "subscription-channel-type",),
    ("PlanDefinition", "status"): _PUBLISHED,
    ("ActivityDefinition", "status"): _PUBLISHED,
}
"""By type and search parameter; from the required bindings of R4."""
