"""Stop this drug, take it again: one Task a drug, and only once a named signer has signed it.

The Task is named by the instant of the signature, so a plan signed again is other Tasks: the old ones stay
cancelled, and nothing that was withdrawn comes back to life.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from fhir_mappings.codes import ATC
from fhir_mappings.patient import patient_reference
from fhir_mappings.read import Json
from fhir_mappings.site import Site, fhir_id
from fhir_mappings.task import TASK_CODE
from fhir_mappings.write import concept, instant, period, pruned
from pathway.ground import Ground
from pathway.state import HeldDrug, HoldStatus, Pathway, PathwayStatus, Step

RESUMPTION_STEP = "resumption_order"
"""The step whose completion is the signed order to resume; its first date or instant is the first intake."""

_WORDS = {"suspend": "Suspendre", "resume": "Reprendre"}


def hold_tasks(pathway: Pathway, ground: Ground, site: Site) -> Iterator[Json]:
    """A ``suspend`` Task for each drug of the signed plan, and a ``resume`` Task once that is ordered too.

    After the plan has expired its Tasks are said once more, cancelled, with the reason.
    """
    hold = pathway.hold
    if hold.signed is None or hold.status not in (HoldStatus.SIGNED, HoldStatus.EXPIRED):
        return
    order = pathway.done(RESUMPTION_STEP) if hold.status is HoldStatus.SIGNED else None
    for number, drug in enumerate(hold.drugs, start=1):
        last = _last_intake(pathway, drug, ground)
        inputs = [
            ("signed-text", "Consigne signée", {"valueString": hold.text}),
            ("signer", "Signataire", {"valueString": hold.signer}),
            ("signed", "Signée le", {"valueDateTime": instant(hold.signed)}),
        ]
        status, reason, changed = _suspend_status(pathway, ground)
        yield _task("suspend", pathway, drug, number, site) | pruned(
            {
                "status": status,
                "statusReason": {"text": reason},
                "authoredOn": instant(hold.signed),
                "lastModified": instant(max(hold.signed, changed or hold.signed)),
                "restriction": {"period": period(None, last)},
                "input": _inputs(inputs, site),
            }
        )
        if order is not None and order.settled is not None:
            yield _resume(pathway, drug, number, order, ground, site)


def _suspend_status(pathway: Pathway, ground: Ground) -> tuple[str, str, datetime | None]:
    """Status, reason and the instant of the last change. Once the procedure is done the hold was carried out."""
    hold = pathway.hold
    if hold.status is HoldStatus.EXPIRED:
        again = pathway.last(ground.protocol.hold.step)
        return "cancelled", hold.reason or "le plan d'arrêt a expiré", again.created if again else None
    procedure = pathway.done(ground.protocol.procedure_step)
    if procedure is not None:
        return "completed", "", procedure.touched
    if not pathway.runs:
        return "cancelled", "le parcours est terminé", _ended(pathway)
    return "ready", "", None


def _ended(pathway: Pathway) -> datetime | None:
    return max((step.touched for step in pathway.steps if step.touched), default=None)


def _resume(pathway: Pathway, drug: HeldDrug, number: int, order: Step, ground: Ground, site: Site) -> Json:
    assert order.settled is not None
    ordered = order.settled
    inputs = [
        ("signer", "Signataire", {"valueString": order.by}),
        ("signed", "Signée le", {"valueDateTime": instant(ordered)}),
    ]
    status = {PathwayStatus.COMPLETED: "completed", PathwayStatus.ENDED: "cancelled"}.get(
        pathway.status, "ready"
    )
    changed = order.touched if status == "ready" else _ended(pathway)
    return _task("resume", pathway, drug, number, site) | pruned(
        {
            "status": status,
            "statusReason": {"text": "le parcours est terminé" if status == "cancelled" else ""},
            "authoredOn": instant(ordered),
            "lastModified": instant(max(ordered, changed or ordered)),
            "restriction": {"period": period(None, _first_intake(order, ground))},
            "input": _inputs(inputs, site),
        }
    )


def _task(code: str, pathway: Pathway, drug: HeldDrug, number: int, site: Site) -> Json:
    assert pathway.hold.signed is not None
    signed = pathway.hold.signed.astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")
    patient = patient_reference(pathway)
    medication = concept(drug.text, {"system": ATC, "code": drug.atc} if drug.atc else {})
    return {
        "resourceType": "Task",
        "id": fhir_id(pathway.id, code, signed, number),
        "identifier": [site.identifier("task", f"{pathway.id}/{code}/{signed}/{number}")],
        "groupIdentifier": site.identifier("pathway", pathway.id),
        # The referral's medication list stays the hospital's; what the plan means by this drug travels inside.
        "contained": [
            {
                "resourceType": "MedicationStatement",
                "id": "drug",
                "status": "active",
                "medicationCodeableConcept": medication,
                "subject": patient,
            }
        ],
        "intent": "order",
        "code": concept(f"{_WORDS[code]} {drug.text}", {"system": TASK_CODE, "code": code}),
        "focus": {"reference": "#drug"},
        "for": patient,
        "requester": site.reference(),
        "owner": patient,
    }


def _inputs(named: list[tuple[str, str, dict[str, Any]]], site: Site) -> list[Json]:
    return [
        {"type": concept(text, site.coding("hold", code)), **value}
        for code, text, value in named
        if all(value.values())
    ]


def _last_intake(pathway: Pathway, drug: HeldDrug, ground: Ground) -> datetime | None:
    """The end of the day of the last intake, in the centre's zone, as an instant."""
    start = pathway.hold.procedure_start
    if start is None:
        return None
    day = ground.calendar.day(start) - timedelta(days=drug.last_intake_offset_days)
    return ground.calendar.end_of(day)


def _first_intake(order: Step, ground: Ground) -> datetime | None:
    rule = ground.protocol.step(order.key)
    for answer in rule.answers:
        value = order.data.get(answer.key)
        if not isinstance(value, str):
            continue
        if answer.kind == "instant":
            return datetime.fromisoformat(value)
        if answer.kind == "date":
            return ground.calendar.at(date.fromisoformat(value), time(0))
    return None
