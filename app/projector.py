"""The ledger asks for FHIR here: a state or a message as resources, with the values they are searched by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from fhir_mappings.communication import MessageRecord, message_resources
from fhir_mappings.project import project
from fhir_mappings.provenance import provenance
from fhir_mappings.read import Json, instant, object_at, text_at
from fhir_mappings.searchable import VERSION, index
from fhir_mappings.site import Site, fhir_id
from pathway.events import Event
from pathway.ground import Ground
from pathway.plan import Plan
from pathway.state import Pathway
from store.projection import MessageView, Projected

_DUE: dict[str, tuple[str, ...]] = {
    "Task": ("restriction", "period", "end"),
    "Appointment": ("start",),
    "CommunicationRequest": ("occurrenceDateTime",),
}
"""Where each type says when it is due. R4 has no search parameter for the first: ours is called ``due``."""

_NOT_BEFORE: dict[str, tuple[str, ...]] = {"Task": ("restriction", "period", "start")}


class FhirProjector:
    """``store.projection.Projector`` for one site: pure, the same input gives equal resources.

    ``zone`` is the centre's, which a date without a time is one of.
    """

    def __init__(self, site: Site, zone: tzinfo = UTC) -> None:
        self._site, self._zone = site, zone

    def pathway(self, pathway: Pathway, ground: Ground, plan: Plan) -> Sequence[Projected]:
        """Every resource that says this state."""
        return [projected(each, zone=self._zone) for each in project(pathway, ground, plan, self._site)]

    def transition(
        self,
        pathway: Pathway,
        ground: Ground,
        event: Event,
        changed: Sequence[tuple[str, str, int]],
        *,
        at: datetime,
    ) -> Projected:
        """The Provenance of the event that brought the pathway to where it is."""
        said = provenance(
            pathway.id,
            pathway.seq,
            event,
            recorded=at,
            occurred=event.occurred or at,
            targets=changed,
            protocol=ground.protocol,
            site=self._site,
        )
        return projected(said, zone=self._zone)

    def message(self, message: MessageView) -> Sequence[Projected]:
        """CommunicationRequest, and Communication once sent or given up."""
        return [projected(each, zone=self._zone) for each in message_resources(_record(message), self._site)]


def projected(resource: Json, *, base: str = "", zone: tzinfo = UTC) -> Projected:
    """A resource with the values it is searched by, each read from where the resource itself says it.

    Others' may refer to what is here by our whole address (``base``), and say a date of the centre's ``zone``.
    """
    kind = resource["resourceType"]
    found_by = index(resource, base=base, zone=zone)
    return Projected(
        type=kind,
        id=resource["id"],
        content=resource,
        tokens=found_by.tokens,
        spans=found_by.spans,
        indexed=VERSION,
        status=text_at(resource, "status"),
        due=_instant_at(resource, _DUE.get(kind), zone),
        not_before=_instant_at(resource, _NOT_BEFORE.get(kind), zone),
    )


def _instant_at(resource: Json, path: tuple[str, ...] | None, zone: tzinfo) -> datetime | None:
    if path is None:
        return None
    *above, last = path
    return instant(object_at(resource, *above).get(last), zone)


def _record(view: MessageView) -> MessageRecord:
    # A key that was withdrawn and is wanted again is another message, so it is named by its generation too.
    key = view.key if view.generation == 1 else f"{view.key}#{view.generation}"
    about = None
    if view.slot_step and view.slot_occurrence is not None:
        about = fhir_id(view.pathway_id, view.slot_step, view.slot_occurrence)
    return MessageRecord(
        key=key,
        pathway_id=view.pathway_id,
        patient_id=view.patient_id,
        channel=view.channel,
        status=view.status,
        at=view.at,
        until=view.until,
        sent_at=view.sent,
        reason=view.reason,
        text=view.text,
        subject=view.subject,
        about=about,
    )
