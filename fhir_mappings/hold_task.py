"""Stop this drug, take it again: one Task a drug, and only once a named signer has signed it.

The Task is named by the instant of the signature, so a plan signed again is other Tasks: the old ones stay
cancelled, and nothing that was withdrawn comes back to life.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from fhir_mappings.codes import ATC
from fhir_mappings.patient import patient_reference
from fhir_mappings.read import Json
from fhir_mappings.site import Site, fhir_id
from fhir_mappings.task import TASK_CODE
from fhir_mappings.write import concept, instant, period, pruned
from pathway.ground import Ground
from pathway.hold_plan import HeldDrug, HoldPlan, HoldStatus
from pathway.reasons import reason as words
from pathway.state import Pathway, Step

RESUMPTION_STEP = "resumption_order"
"""The step whose completion is the signed order to resume; its first instant or day is the first intake."""

CONFIRMATION_STEP = "resumption_done"
"""The step that says whether the drug was taken again."""

_WORDS = {"suspend": "Suspendre", "resume": "Reprendre"}


def hold_tasks(pathway: Pathway, ground: Ground, site: Site) -> Iterator[Json]:
    """A ``suspend`` Task for each drug of the signed plan, and a ``resume`` Task once that is ordered too.

    A plan that has expired stays said, cancelled, with the reason, also when another has taken its place; one that a
    dose broke is said to have failed.
    """
    hold, order = pathway.hold, pathway.done(RESUMPTION_STEP)
    for plan in (*hold.earlier, hold):
        if plan.signed is not None and plan.status in _SIGNED:
            for number, drug in enumerate(plan.drugs, start=1):
                yield _suspend(plan, pathway, drug, number, plan.signed, ground, site)
    for number, drug in enumerate(hold.drugs, start=1):
        if order is not None and (first := _first_intake(order, ground)):
            yield _resume(pathway, drug, number, order, first, ground, site)


# --- stop it ----------------------------------------------------------------------------------------------


_SIGNED = (
    HoldStatus.SIGNED,
    HoldStatus.MODIFIED,
    HoldStatus.BREACHED,
    HoldStatus.EXPIRED,
    HoldStatus.SUPERSEDED,
)


def _suspend(
    hold: HoldPlan,
    pathway: Pathway,
    drug: HeldDrug,
    number: int,
    signed: datetime,
    ground: Ground,
    site: Site,
) -> Json:
    status, reason, changed = _suspend_status(hold, pathway, ground)
    return _task("suspend", pathway, drug, number, signed, site) | pruned(
        {
            "status": status,
            "statusReason": {"text": reason},
            "lastModified": instant(max(signed, changed or signed)),
            "restriction": {"period": period(None, _last_intake(hold, drug, ground))},
            "input": _inputs(hold.text, hold.signer, signed, site),
        }
    )


def _suspend_status(hold: HoldPlan, pathway: Pathway, ground: Ground) -> tuple[str, str, datetime | None]:
    """Status, reason and the instant of the last change. Once the procedure is done the hold was carried out."""
    if hold.status in (HoldStatus.EXPIRED, HoldStatus.SUPERSEDED):
        why = words(hold.reason, ground.protocol).fr or "le plan d'arrêt a expiré"
        return "cancelled", why, hold.ended
    if hold.status is HoldStatus.BREACHED:
        return "failed", "une dose a été prise après la limite signée", hold.breached
    procedure = pathway.done(ground.protocol.procedure_step)
    if procedure is not None:
        return "completed", "", procedure.touched
    if not pathway.runs:
        return "cancelled", "le parcours est terminé", _ended(pathway)
    return "ready", "", None


def _last_intake(hold: HoldPlan, drug: HeldDrug, ground: Ground) -> datetime | None:
    """The end of the day of the last intake, in the centre's zone, as an instant; earlier where hours count."""
    start = hold.procedure_start
    if drug.not_after is not None:
        return drug.not_after
    if start is None:
        return None
    day = ground.calendar.day(start) - timedelta(days=drug.last_intake_offset_days)
    return ground.calendar.end_of(day)


# --- take it again ----------------------------------------------------------------------------------------


def _resume(
    pathway: Pathway, drug: HeldDrug, number: int, order: Step, first: datetime, ground: Ground, site: Site
) -> Json:
    ordered = order.settled or pathway.referred
    status, reason, changed = _resume_status(pathway, order, ground)
    asked = ground.protocol.step(order.key).answers
    texts = [order.data.get(answer.key, "") for answer in asked if answer.kind == "text"]
    return _task("resume", pathway, drug, number, ordered, site) | pruned(
        {
            "status": status,
            "statusReason": {"text": reason},
            "lastModified": instant(max(ordered, changed or ordered)),
            "restriction": {"period": period(None, first)},
            "input": _inputs(next(filter(None, texts), ""), order.by, ordered, site),
        }
    )


def _resume_status(pathway: Pathway, order: Step, ground: Ground) -> tuple[str, str, datetime | None]:
    answer = pathway.done(CONFIRMATION_STEP)
    if answer is not None:
        if answer.outcome == "resumed":
            return "completed", "", answer.touched
        outcome = ground.protocol.step(answer.key).outcome(answer.outcome or "")
        return "cancelled", outcome.title.fr if outcome else "non repris", answer.touched
    if not pathway.runs:
        return "cancelled", "le parcours est terminé", _ended(pathway)
    return "ready", "", order.touched


def _first_intake(order: Step, ground: Ground) -> datetime | None:
    """The instant of the first intake; a day is meant from its first minute in the centre's zone."""
    for answer in ground.protocol.step(order.key).answers:
        value = order.data.get(answer.key)
        if isinstance(value, str) and answer.kind == "instant":
            return datetime.fromisoformat(value)
        if isinstance(value, str) and answer.kind == "date":
            return ground.calendar.at(date.fromisoformat(value), time(0))
    return None


# --- what both say ----------------------------------------------------------------------------------------


def _task(code: str, pathway: Pathway, drug: HeldDrug, number: int, signed: datetime, site: Site) -> Json:
    stamp = signed.astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")
    patient = patient_reference(pathway)
    medication = concept(drug.text, {"system": ATC, "code": drug.atc} if drug.atc else {})
    return {
        "resourceType": "Task",
        "id": fhir_id(pathway.id, code, stamp, number),
        "identifier": [site.identifier("task", f"{pathway.id}/{code}/{stamp}/{number}")],
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
        "authoredOn": instant(signed),
        "requester": site.reference(),
        "owner": patient,
    }


def _inputs(text: str, signer: str, signed: datetime, site: Site) -> list[Json]:
    """The exact text that was signed, by whom and when."""
    named: tuple[tuple[str, str, Json], ...] = (
        ("signed-text", "Consigne signée", {"valueString": text}),
        ("signer", "Signataire", {"valueString": signer}),
        ("signed", "Signée le", {"valueDateTime": instant(signed)}),
    )
    return [
        {"type": concept(label, site.coding("hold", code)), **value}
        for code, label, value in named
        if all(value.values())
    ]


def _ended(pathway: Pathway) -> datetime | None:
    return max((step.touched for step in pathway.steps if step.touched), default=None)
