"""What is ordered: a ServiceRequest for every step that is a visit or names a code of its own."""

from __future__ import annotations

from fhir_mappings.patient import condition_reference, patient_reference
from fhir_mappings.read import Json
from fhir_mappings.site import Site, fhir_id
from fhir_mappings.write import concept, instant, period, pruned, reference
from pathway.lifecycle import LIVE, StepStatus
from pathway.planned import Item
from pathway.protocol import StepRule
from pathway.state import Pathway, PathwayStatus, Step

_S = StepStatus
REQUEST_STATUS: dict[StepStatus, str] = {
    _S.WAITING: "draft",
    _S.OPEN: "active",
    _S.SCHEDULED: "active",
    _S.IN_PROGRESS: "active",
    _S.MISSED: "active",
    _S.ON_HOLD: "on-hold",
    _S.DONE: "completed",
    _S.WAIVED: "revoked",
    _S.CANCELLED: "revoked",
    _S.REJECTED: "revoked",
    _S.FAILED: "revoked",
}
"""R4 request-status of a step. The request is an order from the start; what is not due yet is a draft of it."""


def is_paused(pathway: Pathway, step: Step) -> bool:
    """Whether the pause of the whole pathway holds this step; work in progress goes on, and waiting waits."""
    begun = step.status is _S.IN_PROGRESS
    return pathway.status is PathwayStatus.ON_HOLD and step.status in LIVE and not begun


def is_ordered(rule: StepRule) -> bool:
    """Whether this step is a service that somebody performs on the patient, and not desk work."""
    return rule.kind == "visit" or bool(rule.code)


def request_reference(pathway: Pathway, step: Step) -> Json:
    """The reference to the ServiceRequest of this occurrence."""
    return reference("ServiceRequest", fhir_id(pathway.id, step.key, step.occurrence))


def service_request(pathway: Pathway, step: Step, rule: StepRule, task: Item | None, site: Site) -> Json:
    """The order. ``occurrencePeriod`` is the window while it is awaited, then the slot it was done in."""
    if task is not None:
        when = period(task.not_before, task.at)
    else:
        when = period(step.visit.start, step.visit.end) if step.visit else None
    return pruned(
        {
            "resourceType": "ServiceRequest",
            "id": fhir_id(pathway.id, step.key, step.occurrence),
            "identifier": [site.identifier("request", f"{pathway.id}/{step.ref}")],
            "requisition": site.identifier("pathway", pathway.id),
            "status": "on-hold" if is_paused(pathway, step) else REQUEST_STATUS[step.status],
            "intent": "order",
            "priority": pathway.priority,
            "code": concept(rule.title.fr, *step_codings(rule, site)),
            "subject": patient_reference(pathway),
            "occurrencePeriod": when,
            "authoredOn": instant(step.created or pathway.referred),
            "requester": site.reference(),
            "performerType": performer(rule, site),
            "reasonReference": [condition_reference(pathway)],
        }
    )


def step_codings(rule: StepRule, site: Site) -> list[Json]:
    """Our code of the step, and the one the protocol gives it as ``system|code``."""
    codings = [site.coding("step", rule.key, rule.title.en)]
    system, bar, code = rule.code.rpartition("|")
    if bar and code:
        codings.append({"system": system, "code": code})
    return codings


def performer(rule: StepRule, site: Site) -> Json:
    """The role that does it, as a concept."""
    return concept(rule.performer, site.coding("role", rule.performer))
