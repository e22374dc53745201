"""Slots on a hospital's own server: read there, and taken there together with the Appointment in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fhir_mappings.heard import relative
from fhir_mappings.read import Json, objects_at, text_at
from fhir_mappings.site import Site
from fhir_mappings.slot import OURS_TO_MARK, Marking, SlotSaid, Status, booking, place_of, read_slot
from gateways.fhir_client import FhirClient
from gateways.ports import DeliveryFailed
from pathway.refusal import Refused, Text
from store.slots import GONE

_CONFLICTS = (409, 412)
_GONE = (404, 410)

NO_ANSWER = Text(
    fr="Le serveur de l'hôpital ne répond pas : rien n'est réservé. Réessayez dans un instant.",
    en="The hospital's server does not answer: nothing is booked. Try again in a moment.",
)


class NobodyKnows(Exception):
    """The server was asked and its answer is not known: the Slot may be ours. To be looked at again."""


@dataclass(frozen=True)
class There:
    """The Slots of one destination. ``schedules`` are those that it lets us book (``Schedule/bloc-1``)."""

    name: str
    client: FhirClient
    schedules: tuple[str, ...]
    site: Site

    def url(self, id_: str) -> str:
        """How a Slot of this server is named in our state, and everywhere else."""
        return f"{self.client.base_url}/Slot/{id_}"

    def has(self, slot: str) -> bool:
        """Whether this name is one of this server's Slots."""
        return slot.startswith(f"{self.client.base_url}/Slot/")

    def find(self, start: datetime, end: datetime) -> list[tuple[SlotSaid, str]]:
        """The free Slots that begin in this span, each with its place. Refused when the server does not answer."""
        found = []
        span = [f"ge{start.isoformat()}", f"lt{end.isoformat()}"]
        try:
            for schedule in self.schedules:
                place = self.place(schedule)
                asked = {"schedule": schedule, "status": "free", "start": span}
                for each in self.client.search("Slot", asked):
                    said = read_slot(each, self.site)
                    if said is not None and said.status == "free" and start <= said.start < end:
                        found.append((said, place))
        except DeliveryFailed as failure:
            raise Refused(NO_ANSWER, kind="conflict", field="slot") from failure
        return found

    def place(self, schedule: str) -> str:
        """Where the Slots of a Schedule are; empty where the server does not say."""
        type_, _, id_ = relative({"reference": schedule}).partition("/")
        try:
            return place_of(self.client.read(type_, id_)[0]) if type_ == "Schedule" and id_ else ""
        except DeliveryFailed:
            return ""

    def read(self, slot: str) -> tuple[Json, str | None]:
        """A Slot as it stands there, with its ETag. Refused when it is gone or the server does not answer."""
        try:
            return self.client.read("Slot", slot.rpartition("/")[2])
        except DeliveryFailed as failure:
            raise Refused(GONE if failure.status in _GONE else NO_ANSWER, field="slot") from failure

    def change(self, markings: Sequence[Marking], appointment: Json) -> None:
        """Change these Slots and the Appointment together.

        Refused (conflict) when one of them has moved on; NobodyKnows when the answer is lost.
        """
        try:
            answer = self.client.transaction(booking(markings, appointment))
        except DeliveryFailed as failure:
            if failure.status in _CONFLICTS:
                raise Refused(GONE, field="slot") from failure
            if failure.permanent:
                raise Refused(
                    Text(
                        fr="Le serveur de l'hôpital refuse cette réservation.",
                        en="The hospital's server refuses this booking.",
                    ),
                    field="slot",
                ) from failure
            raise NobodyKnows from failure
        for entry in objects_at(answer, "entry"):
            if not (text_at(entry, "response", "status") or "").startswith("2"):
                raise Refused(GONE, field="slot")

    def take(self, slot: str, status: Status, appointment: Json, leaving: Sequence[str] = ()) -> None:
        """Take a free Slot for this Appointment, and free those that it leaves, all at once.

        A Slot that this very visit holds already only changes from tentative to busy. Refused (conflict) when it is
        another's, and when the hospital has closed it.
        """
        resource, etag = self.read(slot)
        status_there = resource.get("status")
        if status_there not in OURS_TO_MARK or (
            status_there != "free" and not self._is_held_by(appointment, slot)
        ):
            raise Refused(GONE, field="slot")
        markings = [Marking(resource, etag, status)]
        for each in leaving:
            markings += self._freeing(each)
        self.change(markings, appointment)

    def free(self, slot: str, appointment: Json, *, certain: bool, back: str = "") -> None:
        """Give a Slot back. Where it is not ``certain`` that it was ours, only if the Appointment there takes it.

        ``back`` is the Slot on which the visit stands all the same, when it had been left for this one.
        """
        if not certain and not self._is_held_by(appointment, slot):
            return
        markings = self._freeing(slot)
        if back:
            old, etag = self.read(back)
            if old.get("status") == "free":
                markings.append(Marking(old, etag, "busy"))
        self.change(markings, appointment)

    def _freeing(self, slot: str) -> list[Marking]:
        """How this Slot becomes free; not at all when the hospital has closed it or removed it meanwhile."""
        try:
            resource, etag = self.read(slot)
        except Refused as refused:
            if refused.text == GONE:
                return []
            raise
        return [Marking(resource, etag, "free")] if resource.get("status") in OURS_TO_MARK else []

    def _is_held_by(self, appointment: Json, slot: str) -> bool:
        """Whether this server's Appointment of the visit takes this Slot: what was booked together stands together."""
        (own,) = objects_at(appointment, "identifier")
        try:
            found = self.client.search("Appointment", {"identifier": f"{own['system']}|{own['value']}"})
        except DeliveryFailed as failure:
            raise NobodyKnows from failure
        id_ = slot.rpartition("/")[2]
        return any(
            (text_at(taken, "reference") or "").rpartition("/")[2] == id_
            for each in found
            if each.get("status") not in ("cancelled", "entered-in-error", "noshow")
            for taken in objects_at(each, "slot")
        )
