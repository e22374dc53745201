"""A pathway's state as FHIR R4: every resource that says it, as plain dicts, the same for the same state."""

from __future__ import annotations

from fhir_mappings.appointment import appointment
from fhir_mappings.care_plan import care_plan
from fhir_mappings.hold_task import hold_tasks
from fhir_mappings.patient import condition, patient
from fhir_mappings.read import Json
from fhir_mappings.service_request import is_ordered, service_request
from fhir_mappings.site import Site
from fhir_mappings.task import task
from fhir_mappings.watched import watched
from fhir_mappings.write import reference
from pathway.ground import Ground
from pathway.plan import Plan
from pathway.planned import Kind
from pathway.state import Pathway


def project(pathway: Pathway, ground: Ground, plan: Plan, site: Site) -> list[Json]:
    """The resources that say this state, in the order in which they depend on each other.

    ``plan`` is the plan of this very state: due dates are read from it and never computed twice. Ids are
    ``{pathway}-{step}-{occurrence}``; references between them are relative. There is no ``meta``: version and
    date belong to whoever keeps them. A step that nothing happened to gives the same dict as before.
    """
    rows = {item.step: item for item in plan.items if item.kind is Kind.TASK}
    requests: list[Json] = []
    visits: list[Json] = []
    tasks: list[Json] = []
    for step in pathway.steps:
        rule, row = ground.protocol.step(step.key), rows.get(step.ref)
        if is_ordered(rule):
            requests.append(service_request(pathway, step, rule, row, site))
        if made := appointment(pathway, step, ground, site):
            visits.append(made)
        tasks.append(task(pathway, step, ground, row, site))
    tasks += hold_tasks(pathway, ground, site)
    watch = list(watched(pathway, ground, site))
    owed = (*requests, *tasks, *(each for each in watch if each["resourceType"] == "Task"))
    activities = [reference(each["resourceType"], each["id"]) for each in owed]
    return [
        patient(pathway, site),
        condition(pathway, site),
        *requests,
        *visits,
        *tasks,
        *watch,
        care_plan(pathway, ground, activities, site),
    ]
