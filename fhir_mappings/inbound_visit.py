"""An Appointment made or changed by a hospital: booked, moved, arrived, cancelled, missed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fhir_mappings.heard import Heard, immutable, not_kept, refusal, relative, said_reason
from fhir_mappings.outcome import Issue, error, information
from fhir_mappings.read import Json, instant, object_at, objects_at, text_at
from pathway import events as e
from pathway.state import Actor, Step

IMMUTABLE = ("identifier", "basedOn")
_KEPT = frozenset(IMMUTABLE) | {
    "resourceType",
    "id",
    "meta",
    "text",
    "status",
    "cancelationReason",
    "start",
    "end",
    "minutesDuration",
    "participant",
    "slot",
    "created",
}

NO_REASON = "annulé par l'hôpital"
"""A hospital need not say why it cancels, and the slot is gone all the same."""


def appointment_event(
    current: Json | None, incoming: Json, step: Step, *, by: Actor, occurred: datetime | None = None
) -> Heard:
    """What this Appointment brings to the step. ``current`` is our projection, None while there was no slot.

    ``incoming`` is the whole Appointment, already well-formed (``validate.check``). An arrival at another hour
    than the one that stood is a move and an arrival: two events.
    """
    if current is not None:
        broken = [*immutable(current, incoming, *IMMUTABLE), *_another_patient(current, incoming)]
        if broken:
            return refusal(*broken)
    about: dict[str, Any] = {"by": by, "occurred": occurred, "step": step.key, "occurrence": step.occurrence}
    was = text_at(current, "status")
    status = text_at(incoming, "status") or ""
    stood = was in ("pending", "booked", "arrived")
    notes = list(not_kept(current, incoming, _KEPT)) if current else []
    if status in ("cancelled", "entered-in-error"):
        reason = said_reason(incoming.get("cancelationReason")) or NO_REASON
        return Heard((e.VisitCancelled(reason=reason, **about),) if stood else (), tuple(notes))
    if status == "noshow":
        return Heard((e.VisitMissed(**about),) if was != "noshow" else (), tuple(notes))
    if status == "waitlist":
        return refusal(_unheld(status))
    slot = _slot(incoming, current)
    if isinstance(slot, Issue):
        return refusal(slot)
    came = status in ("arrived", "checked-in", "fulfilled")
    if status == "fulfilled":
        said = "The visit counts as fulfilled here once its Task is completed with an outcome."
        notes.append(information(said, "Appointment.status"))
    if came and was in ("arrived", "fulfilled"):
        return Heard((), tuple(notes))
    confirmed = status not in ("pending", "proposed")
    events: list[e.Event] = []
    taken = _taken(incoming)
    unchanged = (
        current is not None
        and stood
        and slot == _slot(current, current)
        and confirmed == (was != "pending")
        and taken in ("", _taken(current))
    )
    if not unchanged:
        start, end, place = slot
        events.append(
            e.VisitBooked(start=start, end=end, place=place, confirmed=confirmed, slot=taken, **about)
        )
    if came:
        events.append(e.VisitArrived(**about))
    return Heard(tuple(events), tuple(notes))


def _slot(appointment: Json, current: Json | None) -> tuple[datetime, datetime, str] | Issue:
    """Start, end and place; a feed that names no place has not changed it."""
    start, end = (instant(appointment.get(name), UTC) for name in ("start", "end"))
    if start is None or end is None:
        missing = "Appointment.start" if start is None else "Appointment.end"
        return error("required", f"{missing} is needed to hold a slot; add it, with its offset.", missing)
    return start, end, _place(appointment) or _place(current or {})


def _taken(appointment: Json) -> str:
    """The hospital's Slot that the visit takes; one that takes several is known by the first."""
    slots = (text_at(each, "reference") or "" for each in objects_at(appointment, "slot"))
    return next((slot for slot in slots if slot), "")


def _place(appointment: Json) -> str:
    """Where, in words that may be told to the patient: the display of the Location that takes part."""
    for each in objects_at(appointment, "participant"):
        actor = object_at(each, "actor")
        if text_at(actor, "type") == "Location" or relative(actor).startswith("Location/"):
            return text_at(actor, "display") or ""
    return ""


def _another_patient(current: Json, incoming: Json) -> list[Issue]:
    """The patient of a visit never changes; a feed that leaves out the participant has not changed it."""
    ours, theirs = (_patients(each) for each in (current, incoming))
    if theirs and not ours & theirs:
        sentence = "Appointment.participant names another patient; make another Appointment for them."
        return [error("business-rule", sentence, "Appointment.participant")]
    return []


def _patients(appointment: Json) -> set[str]:
    actors = {relative(object_at(each, "actor")) for each in objects_at(appointment, "participant")}
    return {actor for actor in actors if actor.startswith("Patient/")}


def _unheld(status: str) -> Issue:
    sentence = (
        f"An Appointment that is {status} holds no slot; send it once it is proposed, pending or booked."
    )
    return error("not-supported", sentence, "Appointment.status")
