"""Invariants of what is planned, asked for and done: tasks, visits, plans, requests, observations, conditions."""

from __future__ import annotations

from typing import Any

from fhir_mappings.gate.moments import is_after
from fhir_mappings.gate.rules import choice, coded, has, parts, rule, rule_of_parts
from fhir_mappings.read import Json

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


@rule("Task", "inv-1", "Task.lastModified is before Task.authoredOn; correct it.", "lastModified")
def inv_1(task: Json) -> bool:
    return not is_after(task.get("authoredOn"), task.get("lastModified"))


@rule("Appointment.participant", "app-1", "Appointment.participant needs a type or an actor; add one.")
def app_1(participant: Json) -> bool:
    return has(participant, "type", "actor")


@rule_of_parts("Appointment", "app-2", "Appointment has only one of start and end; add the other.")
def app_2(appointment: Json) -> list[str]:
    missing = [name for name in ("start", "end") if not has(appointment, name)]
    return missing if len(missing) == 1 else []


@rule(
    "Appointment",
    "app-3",
    "Appointment needs start and end unless it is proposed, cancelled or on the waitlist; add them.",
    "start",
)
def app_3(appointment: Json) -> bool:
    timeless = appointment.get("status") in ("proposed", "cancelled", "waitlist")
    return timeless or (has(appointment, "start") and has(appointment, "end"))


@rule(
    "Appointment",
    "app-4",
    "Appointment.cancelationReason is only for cancelled or noshow; remove it or set the status.",
    "cancelationReason",
)
def app_4(appointment: Json) -> bool:
    # The published text of the rule says "no-show"; the code of the value set is noshow.
    return not has(appointment, "cancelationReason") or appointment.get("status") in ("cancelled", "noshow")


# R4 has this rule for Periods alone; a visit or a slot that ends before it starts is as wrong.
@rule("Appointment", "start-end", "Appointment ends before it starts; correct its start or its end.")
@rule("Slot", "start-end", "Slot ends before it starts; correct its start or its end.")
def ends_after_start(visit: Json) -> bool:
    return not is_after(visit.get("start"), visit.get("end"))


@rule("AppointmentResponse", "apr-1", "AppointmentResponse needs a participantType or an actor; add one.")
def apr_1(response: Json) -> bool:
    return has(response, "participantType", "actor")


@rule("CarePlan.activity", "cpl-3", "CarePlan.activity has both reference and detail; keep one.")
def cpl_3(activity: Json) -> bool:
    return not (has(activity, "detail") and has(activity, "reference"))


@rule("ServiceRequest", "prr-1", "ServiceRequest.orderDetail needs a code; add it.", "code")
def prr_1(request: Json) -> bool:
    return not has(request, "orderDetail") or has(request, "code")


@rule(
    "RequestGroup.action", "rqg-1", "RequestGroup.action has a resource or actions; give exactly one of them."
)
def rqg_1(action: Json) -> bool:
    return has(action, "resource") != has(action, "action")


@rule(
    "MedicationAdministration.dosage",
    "mad-1",
    "MedicationAdministration.dosage needs a dose or a rate; add one.",
)
def mad_1(dosage: Json) -> bool:
    return has(dosage, "dose") or choice(dosage, "rate")


@rule("Goal.target", "gol-1", "Goal.target with a detail needs a measure; add it.", "measure")
def gol_1(target: Json) -> bool:
    return not choice(target, "detail") or has(target, "measure")


# --- findings ---------------------------------------------------------------------------------------------


@rule(
    "Observation",
    "obs-6",
    "Observation has a value and a dataAbsentReason; keep one of them.",
    "dataAbsentReason",
)
def obs_6(observation: Json) -> bool:
    return not (has(observation, "dataAbsentReason") and choice(observation, "value"))


@rule(
    "Observation",
    "obs-7",
    "A component with the code of its Observation excludes a value beside it; move the value into the component.",
    "component",
)
def obs_7(observation: Json) -> bool:
    if not choice(observation, "value"):
        return True
    own = [_bare(each) for each in parts(observation.get("code") or {}, "coding")]
    return not any(
        _bare(coding) in own
        for component in parts(observation, "component")
        for coding in parts(component.get("code") or {}, "coding")
    )


def _bare(coding: Json) -> Any:
    """A Coding to compare by: FHIRPath compares all of it but its id."""
    return {name: value for name, value in coding.items() if name != "id"}


@rule("Observation.referenceRange", "obs-3", "A reference range needs low, high or text; add one.")
def obs_3(range_: Json) -> bool:
    return has(range_, "low", "high", "text")


@rule("Condition.stage", "con-1", "Condition.stage needs a summary or an assessment; add one.")
def con_1(stage: Json) -> bool:
    return has(stage, "summary", "assessment")


@rule("Condition.evidence", "con-2", "Condition.evidence needs a code or a detail; add one.")
def con_2(evidence: Json) -> bool:
    return has(evidence, "code", "detail")


# con-3, a warning, asks `category.select($this='problem-list-item').empty()`: a CodeableConcept is never equal to a
# string, but the comparison gives false and not nothing, so every category calls for a clinicalStatus.
@rule(
    "Condition",
    "con-3",
    "A Condition with a category should have a clinicalStatus unless it was entered in error; add it.",
    "clinicalStatus",
    severity="warning",
)
def con_3(condition: Json) -> bool:
    mistaken = coded(condition.get("verificationStatus"), VERIFICATION, "entered-in-error")
    return has(condition, "clinicalStatus") or mistaken or not has(condition, "category")


@rule(
    "Condition",
    "con-4",
    "Condition.clinicalStatus must be inactive, resolved or remission once abated; set it.",
    "clinicalStatus",
)
def con_4(condition: Json) -> bool:
    over = coded(condition.get("clinicalStatus"), CLINICAL, "resolved", "remission", "inactive")
    return over or not choice(condition, "abatement")


@rule(
    "Condition",
    "con-5",
    "A Condition entered in error has no clinicalStatus; remove it.",
    "clinicalStatus",
)
def con_5(condition: Json) -> bool:
    mistaken = coded(condition.get("verificationStatus"), VERIFICATION, "entered-in-error")
    return not (mistaken and has(condition, "clinicalStatus"))


@rule(
    "AllergyIntolerance",
    "ait-1",
    "AllergyIntolerance.clinicalStatus is needed unless it was entered in error; add it.",
    "clinicalStatus",
)
def ait_1(allergy: Json) -> bool:
    return has(allergy, "clinicalStatus") or coded(
        allergy.get("verificationStatus"), ALLERGY, "entered-in-error"
    )


@rule(
    "AllergyIntolerance",
    "ait-2",
    "An AllergyIntolerance entered in error has no clinicalStatus; remove it.",
    "clinicalStatus",
)
def ait_2(allergy: Json) -> bool:
    mistaken = coded(allergy.get("verificationStatus"), ALLERGY, "entered-in-error")
    return not (mistaken and has(allergy, "clinicalStatus"))
