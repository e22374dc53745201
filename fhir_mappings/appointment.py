"""A visit: one Appointment for each occurrence of a step, whatever its slot; moved, it stays the same one."""

from __future__ import annotations

from fhir_mappings.patient import condition_reference, patient_reference
from fhir_mappings.read import Json
from fhir_mappings.service_request import performer, request_reference, step_codings
from fhir_mappings.site import Site, fhir_id
from fhir_mappings.write import concept, instant, period, pruned
from pathway.anchors import due, resolve
from pathway.ground import Ground
from pathway.lifecycle import VisitStatus
from pathway.reasons import reason
from pathway.state import Pathway, Step

_V = VisitStatus
ANSWERED: dict[VisitStatus, str] = {
    _V.PENDING: "needs-action",
    _V.BOOKED: "accepted",
    _V.ARRIVED: "accepted",
    _V.FULFILLED: "accepted",
    _V.CANCELLED: "declined",
    _V.NOSHOW: "accepted",
}
"""participant.status. A slot that is only proposed, or was moved and awaits its gates, needs an answer again."""


def appointment(pathway: Pathway, step: Step, ground: Ground, site: Site) -> Json | None:
    """The Appointment of this occurrence; None while it never had a slot. ``start`` and ``end`` are instants."""
    visit = step.visit
    if visit is None:
        return None
    rule, answered = ground.protocol.step(step.key), ANSWERED[visit.status]
    said: Json = {
        "resourceType": "Appointment",
        "id": fhir_id(pathway.id, step.key, step.occurrence),
        "identifier": [site.identifier("appointment", f"{pathway.id}/{step.ref}")],
        "status": visit.status.value,
        "serviceType": [concept(rule.title.fr, *step_codings(rule, site))],
        "reasonReference": [condition_reference(pathway)],
        "description": rule.title.fr,
        "start": instant(visit.start),
        "end": instant(visit.end),
        "requestedPeriod": [_window(pathway, step, ground)] if visit.status is _V.PENDING else None,
        "slot": [{"reference": visit.slot}] if visit.slot and visit.stands else None,
        "basedOn": [request_reference(pathway, step)],
        "participant": [
            {"actor": patient_reference(pathway), "required": "required", "status": answered},
            {"type": [performer(rule, site)], "required": "required", "status": answered},
        ],
    }
    if visit.status in (_V.CANCELLED, _V.NOSHOW):
        why = reason(visit.reason or visit.status.value, ground.protocol)
        said["cancelationReason"] = concept(why.fr)
    if visit.place:
        place = {"type": "Location", "display": visit.place}
        said["participant"].append({"actor": place, "required": "required", "status": answered})
    return pruned(said)


def _window(pathway: Pathway, step: Step, ground: Ground) -> Json:
    """When the visit is wanted: the window of its step, as far as it is known. Said while nothing is settled."""
    earliest = ground.protocol.step(step.key).window.earliest
    opening = resolve(earliest, step, pathway, ground) if earliest else None
    limit = due(step, pathway, ground)
    start, end = (moment.instant if moment else None for moment in (opening, limit))
    return period(start, end) or {}
