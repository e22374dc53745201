"""A hospital's Slot: read, marked, and taken together with its Appointment in one transaction on its own server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from fhir_mappings.inbound import our_codes
from fhir_mappings.read import Json, instant, objects_at, text_at
from fhir_mappings.site import Site
from fhir_mappings.write import concept, pruned
from fhir_mappings.write import instant as written
from pathway.referral import Identifier

Status = Literal["free", "busy", "busy-tentative"]
OURS_TO_MARK: tuple[Status, ...] = ("free", "busy", "busy-tentative")
"""What a visit may change. A Slot that its hospital has closed (busy-unavailable) or taken back stays so."""


@dataclass(frozen=True, slots=True)
class SlotSaid:
    """A Slot. ``steps`` are the steps it is kept for, none: any; ``schedule`` is a reference at its own server."""

    id: str
    status: str
    start: datetime
    end: datetime
    schedule: str
    steps: tuple[str, ...]
    note: str = ""


def read_slot(resource: Json, site: Site) -> SlotSaid | None:
    """What this Slot says; None when it does not say from when to when (UTC)."""
    start, end = (instant(resource.get(name), UTC) for name in ("start", "end"))
    id_ = text_at(resource, "id")
    if start is None or end is None or id_ is None or end <= start:
        return None
    kinds = [*objects_at(resource, "serviceType"), *objects_at(resource, "serviceCategory")]
    return SlotSaid(
        id_,
        text_at(resource, "status") or "",
        start,
        end,
        text_at(resource, "schedule", "reference") or "",
        tuple(code for each in kinds for code in our_codes(each, site.code_system("step"))),
        text_at(resource, "comment") or "",
    )


def place_of(schedule: Json) -> str:
    """Where the Slots of this Schedule are, in words that may be told: the display of its Location."""
    for actor in objects_at(schedule, "actor"):
        kind = (
            text_at(actor, "type")
            or (text_at(actor, "reference") or "").rpartition("/")[0].rpartition("/")[2]
        )
        if kind == "Location":
            return text_at(actor, "display") or ""
    return ""


def marked(resource: Json, status: Status) -> Json:
    """The Slot with another status; its ``meta`` is its server's to say."""
    return {**{name: value for name, value in resource.items() if name != "meta"}, "status": status}


@dataclass(frozen=True, slots=True)
class Marking:
    """A Slot that is to change its status, as it was read: the change fails when it has moved on since."""

    resource: Json
    etag: str | None
    status: Status

    @property
    def entry(self) -> Json:
        """The entry of a transaction."""
        url = f"Slot/{self.resource['id']}"
        request: Json = {"method": "PUT", "url": url}
        if self.etag:
            request["ifMatch"] = self.etag
        return {"resource": marked(self.resource, self.status), "request": request}


def booking(markings: Sequence[Marking], appointment: Json) -> Json:
    """The transaction that changes these Slots and the Appointment together, or none of them."""
    (own,) = objects_at(appointment, "identifier")
    url = f"Appointment?identifier={own['system']}|{own['value']}"
    put = {"resource": appointment, "request": {"method": "PUT", "url": url}}
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [*(one.entry for one in markings), put],
    }


def plain_appointment(
    site: Site,
    value: str,
    *,
    status: str,
    title: str,
    start: datetime,
    end: datetime,
    slot: str,
    patient: Sequence[Identifier],
    place: str = "",
    reason: str = "",
) -> Json:
    """Our Appointment with what a booking needs; all the rest is said with the pathway.

    ``value`` is that of our identifier, ``slot`` a reference at the server, none when it is cancelled.
    """
    answered: Mapping[str, str] = {"booked": "accepted", "cancelled": "declined"}
    said = answered.get(status, "needs-action")
    known = {"type": "Patient"} | (
        {"identifier": {"system": patient[0].system, "value": patient[0].value}} if patient else {}
    )
    participants: list[Json] = [{"actor": known, "required": "required", "status": said}]
    if place:
        participants.append(
            {"actor": {"type": "Location", "display": place}, "required": "required", "status": said}
        )
    return pruned(
        {
            "resourceType": "Appointment",
            "identifier": [site.identifier("appointment", value)],
            "status": status,
            "cancelationReason": concept(reason) if status == "cancelled" and reason else None,
            "description": title,
            "start": written(start),
            "end": written(end),
            "slot": [{"reference": slot}] if slot else None,
            "participant": participants,
        }
    )
