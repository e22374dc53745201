"""Work that somebody owes: one Task for every occurrence of every step, open or not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fhir_mappings.patient import patient_reference
from fhir_mappings.read import Json
from fhir_mappings.service_request import is_ordered, is_paused, performer, request_reference, step_codings
from fhir_mappings.site import Site, fhir_id
from fhir_mappings.write import concept, instant, party, period, pruned, reference
from pathway.ground import Ground
from pathway.lifecycle import Assignment, StepStatus
from pathway.planned import Item
from pathway.protocol import Answer, StepRule
from pathway.protocol_words import answered
from pathway.reasons import reason
from pathway.state import Pathway, Step

TASK_CODE = "http://hl7.org/fhir/CodeSystem/task-code"
UCUM = "http://unitsofmeasure.org"

_S = StepStatus
TASK_STATUS: dict[StepStatus, str] = {
    _S.WAITING: "draft",
    _S.SCHEDULED: "accepted",
    _S.MISSED: "accepted",
    _S.IN_PROGRESS: "in-progress",
    _S.ON_HOLD: "on-hold",
    _S.DONE: "completed",
    _S.WAIVED: "cancelled",
    _S.CANCELLED: "cancelled",
    _S.REJECTED: "rejected",
    _S.FAILED: "failed",
}
OPEN_STATUS: dict[Assignment, str] = {
    Assignment.REQUESTED: "requested",
    Assignment.RECEIVED: "received",
    Assignment.ACCEPTED: "accepted",
    Assignment.GIVEN: "ready",
}
"""An open step by who has taken it: asked, seen, taken, or given from the start."""


def task_status(status: StepStatus, assignment: Assignment) -> str:
    """The R4 task-status of a step. *Missed* is none of its states: the Task stays open."""
    return TASK_STATUS.get(status) or OPEN_STATUS[assignment]


def task_reference(pathway: Pathway, step: Step) -> Json:
    """The reference to the Task of this occurrence."""
    return reference("Task", fhir_id(pathway.id, step.key, step.occurrence))


def task(pathway: Pathway, step: Step, ground: Ground, item: Item | None, site: Site) -> Json:
    """The Task of one occurrence. ``item`` is its row of the plan: its window, and none once it is settled."""
    rule = ground.protocol.step(step.key)
    created = step.created or pathway.referred
    paused = is_paused(pathway, step)
    said: Json = {
        "resourceType": "Task",
        "id": fhir_id(pathway.id, step.key, step.occurrence),
        "identifier": [site.identifier("task", f"{pathway.id}/{step.ref}")],
        "groupIdentifier": site.identifier("pathway", pathway.id),
        "status": "on-hold" if paused else task_status(step.status, step.assignment),
        "statusReason": _reason(pathway, step, ground, paused=paused),
        "businessStatus": business_status(pathway, step, rule, item, site),
        "intent": "order",
        "priority": pathway.priority,
        "code": _code(rule, site),
        "description": rule.title.fr,
        "for": patient_reference(pathway),
        "authoredOn": instant(created),
        "lastModified": instant(max(created, step.touched or created)),
        "requester": site.reference(),
        "performerType": [performer(rule, site)],
        "executionPeriod": _execution(step),
        "output": _outputs(pathway, step, ground, site),
    }
    if is_ordered(rule):
        said["focus"] = request_reference(pathway, step)
    if step.owner:
        said["owner"] = party(step.owner)
    window = (item.not_before, item.at) if item is not None else (step.was_not_before, step.was_due)
    said["restriction"] = {"period": period(*window)}
    return pruned(said)


def _code(rule: StepRule, site: Site) -> Json:
    fulfil = [{"system": TASK_CODE, "code": "fulfill"}] if is_ordered(rule) else []
    return concept(rule.title.fr, *fulfil, *step_codings(rule, site)[:1])


def _reason(pathway: Pathway, step: Step, ground: Ground, *, paused: bool) -> Json | None:
    if paused:
        why = reason(pathway.reason, ground.protocol).fr
        return {"text": f"Parcours en pause : {why}" if why else "Parcours en pause"}
    if step.status in (_S.ON_HOLD, _S.WAIVED, _S.CANCELLED, _S.REJECTED, _S.FAILED):
        return {"text": reason(step.reason or step.status.value, ground.protocol).fr}
    return None


# --- the pathway's own stage ------------------------------------------------------------------------------

STAGES: dict[str, str] = {
    "waiting": "en attente d'une étape précédente",
    "open": "à faire",
    "scheduled": "rendez-vous pris",
    "in-progress": "en cours",
    "on-hold": "en pause",
    "missed": "rendez-vous manqué",
    "overdue": "en retard",
    "waived": "dispensée",
    "cancelled": "annulée",
    "rejected": "refusée",
    "failed": "non aboutie",
}
"""Our stages: a step's status, and *overdue* for what is past its due date at the last event and still awaited."""


def business_status(pathway: Pathway, step: Step, rule: StepRule, item: Item | None, site: Site) -> Json:
    """The stage, or once it is done the outcome. It never contradicts ``status``: overdue work is still open."""
    if step.status is _S.DONE:
        return outcome_concept(step, rule, site)
    late = item is not None and item.at is not None and item.at <= pathway.as_of
    awaited = step.status in (_S.OPEN, _S.SCHEDULED, _S.IN_PROGRESS)
    stage = "overdue" if late and awaited and not is_paused(pathway, step) else step.status.value
    return concept(STAGES[stage], site.coding("stage", stage))


def outcome_concept(step: Step, rule: StepRule, site: Site) -> Json:
    """The outcome as a concept of our coding."""
    outcome = rule.outcome(step.outcome or "")
    if outcome is None:
        return concept("faite", site.coding("stage", "done"))
    return concept(outcome.title.fr, site.coding("outcome", outcome.key, outcome.title.en))


def _execution(step: Step) -> Json | None:
    """The actual times: from the start, to the end of what was carried out."""
    ended = step.settled if step.started or step.status is _S.DONE else None
    return period(step.started, ended)


# --- results ----------------------------------------------------------------------------------------------


def _outputs(pathway: Pathway, step: Step, ground: Ground, site: Site) -> list[Json]:
    rule = ground.protocol.step(step.key)
    outputs: list[Json] = []
    if step.visit is not None:
        made = reference("Appointment", fhir_id(pathway.id, step.key, step.occurrence))
        outputs.append(_output(site, "appointment", "Rendez-vous", valueReference=made))
    if step.status is _S.DONE:
        outcome = outcome_concept(step, rule, site)
        outputs.append(_output(site, "outcome", "Issue", valueCodeableConcept=outcome))
        asked = {answer.key: answer for answer in rule.answers}
        outputs += [
            {
                "type": concept(asked[key].title.fr, site.coding("answer", key)),
                **answer_value(asked[key], value, ground, site),
            }
            for key, value in step.data.items()
            if key in asked
        ]
    return outputs


def _output(site: Site, code: str, text: str, **value: Json) -> Json:
    return {"type": concept(text, site.coding("output", code)), **value}


def answer_value(answer: Answer, value: Any, ground: Ground, site: Site) -> Json:
    """An answer as the value[x] of its kind: a choice as a concept of ours, a table in words."""
    if answer.kind == "number":
        if not answer.unit:
            return {"valueDecimal": value}
        return {"valueQuantity": {"value": value, "unit": answer.unit, "system": UCUM, "code": answer.unit}}
    if answer.kind == "yes-no":
        return {"valueBoolean": value}
    if answer.kind == "date":
        return {"valueDate": value}
    if answer.kind == "instant":
        return {"valueDateTime": instant(datetime.fromisoformat(value))}
    if answer.kind == "choice":
        title = answer.choice_title(value)
        return {"valueCodeableConcept": concept(title.fr, site.coding("choice", value, title.en))}
    if answer.kind == "table":
        return {"valueString": answered(answer, value, ground.calendar).fr}
    return {"valueString": value}
