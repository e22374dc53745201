"""An AppointmentResponse: somebody who takes part accepts, declines, is not sure, or proposes another time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fhir_mappings.read import Json, instant, text_at
from pathway import events as e
from pathway.lifecycle import VisitStatus
from pathway.state import Actor, Step

DECLINED = "décliné"


def response_event(
    resource: Json, step: Step, *, by: Actor, occurred: datetime | None = None
) -> e.StepEvent | None:
    """What this answer brings to the visit of the step; None when it changes nothing.

    Another time than the one that stands is a counter-proposal: the visit is proposed again, at that time, and
    everybody has to answer anew. So has everybody when one is not sure. One who declines gives the slot up.
    """
    visit = step.visit
    if visit is None or visit.status not in (VisitStatus.PENDING, VisitStatus.BOOKED):
        return None
    about: dict[str, Any] = {"by": by, "occurred": occurred, "step": step.key, "occurrence": step.occurrence}
    status = text_at(resource, "participantStatus") or ""
    start, end = (instant(resource.get(name), UTC) for name in ("start", "end"))
    if start is not None and start != visit.start:
        length = visit.end - visit.start
        return e.VisitBooked(
            start=start, end=end or start + length, place=visit.place, confirmed=False, **about
        )
    if status == "declined":
        return e.VisitCancelled(reason=text_at(resource, "comment") or DECLINED, **about)
    confirmed = {"accepted": True, "tentative": False, "needs-action": False}.get(status)
    if confirmed is None or confirmed == (visit.status is VisitStatus.BOOKED):
        return None
    return e.VisitBooked(
        start=visit.start, end=visit.end, place=visit.place, confirmed=confirmed, slot=visit.slot, **about
    )
