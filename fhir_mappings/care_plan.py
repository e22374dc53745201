"""The pathway itself: a CarePlan that holds its requests and Tasks together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fhir_mappings.patient import condition_reference, patient_reference
from fhir_mappings.read import Json
from fhir_mappings.site import Site, fhir_id
from fhir_mappings.write import instant, period, pruned
from pathway.ground import Ground
from pathway.reasons import reason
from pathway.state import Pathway, PathwayStatus

PLAN_STATUS: dict[PathwayStatus, str] = {
    PathwayStatus.ACTIVE: "active",
    PathwayStatus.ON_HOLD: "on-hold",
    PathwayStatus.COMPLETED: "completed",
    PathwayStatus.ENDED: "revoked",
}


def care_plan(pathway: Pathway, ground: Ground, activities: Sequence[Json], site: Site) -> Json:
    """The CarePlan. ``activities`` are references to its ServiceRequests and Tasks; they do not point back."""
    protocol = ground.protocol
    return pruned(
        {
            "resourceType": "CarePlan",
            "id": fhir_id(pathway.id),
            "identifier": [site.identifier("pathway", pathway.id)],
            "instantiatesCanonical": [f"{protocol.url}|{pathway.protocol_version}"],
            "status": PLAN_STATUS[pathway.status],
            "intent": "plan",
            "title": protocol.title.fr,
            "subject": patient_reference(pathway),
            "period": period(pathway.referred, _ended(pathway)),
            "created": instant(pathway.referred),
            "author": site.reference(),
            "addresses": [condition_reference(pathway)],
            "activity": [{"reference": each} for each in activities],
            "note": [{"text": _why(pathway, ground)}],
        }
    )


def _ended(pathway: Pathway) -> datetime | None:
    """When the last step was settled; ``as_of`` goes on after the end, for facts are still heard."""
    if pathway.runs:
        return None
    settled = [step.settled for step in pathway.steps if step.settled is not None]
    return max([pathway.referred, *settled])


def _why(pathway: Pathway, ground: Ground) -> str:
    """CarePlan has no statusReason in R4: the end and its reason, or why it pauses, are a note."""
    end = ground.protocol.ends.get(pathway.end or "")
    why = reason(pathway.reason, ground.protocol).fr
    return " : ".join(filter(None, (end.title.fr if end else "", why)))
