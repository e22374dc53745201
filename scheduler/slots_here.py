"""Slots that a hospital keeps on our own facade: taken, held and freed in the door's own transaction."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from sqlmodel import Session

from fhir_mappings.read import Json
from fhir_mappings.searchable import VERSION, index
from fhir_mappings.site import Site
from fhir_mappings.slot import OURS_TO_MARK, SlotSaid, Status, marked, place_of, read_slot
from pathway.lifecycle import VisitStatus
from pathway.refusal import Refused
from pathway.state import Pathway, Step
from store import resources, search, slots
from store.inbound_tables import TakenSlotRow
from store.projection import Projected

HOME = ""
"""The facade, among the homes of Slots; every other is the name of a destination."""


def find(session: Session, site: Site, start: datetime, end: datetime) -> list[tuple[SlotSaid, str]]:
    """The free Slots kept here that begin in this span, each with its place."""
    said = [
        one for each in slots.free_here(session, start, end) if (one := read_slot(each, site)) is not None
    ]
    taken = slots.taken(session, HOME, [f"Slot/{one.id}" for one in said])
    places = {one.schedule: place(session, one) for one in said}
    return [(one, places[one.schedule]) for one in said if f"Slot/{one.id}" not in taken]


def place(session: Session, said: SlotSaid) -> str:
    """Where a Slot is, by the Schedule that it belongs to; empty where nobody says."""
    id_ = said.schedule.rpartition("/")[2]
    found = search.read(session, "Schedule", id_) if id_ else None
    return place_of(found.content) if found is not None else ""


def kept(session: Session, site: Site, slot: str) -> SlotSaid | None:
    """The Slot of this reference, when it is kept here."""
    type_, _, id_ = slot.partition("/")
    found = search.read(session, type_, id_) if type_ == "Slot" and id_ else None
    return read_slot(found.content, site) if found is not None else None


def follow(
    session: Session,
    site: Site,
    pathway: Pathway,
    step: Step,
    *,
    by: str,
    at: datetime,
    hold: timedelta | None,
) -> None:
    """Let the Slots kept here follow the visit as it now is: its own is taken, any other of it is free again.

    Called in the transaction that changed the visit. Refused (conflict) when the Slot is another's: then nothing
    happens at all. ``hold`` is how long it is kept while nobody confirms; None: as long as the visit stands.
    """
    visit = step.visit
    wanted = visit.slot if visit is not None and visit.stands else ""
    for row in slots.of_visit(session, pathway.id, step.key, step.occurrence):
        if row.home == HOME and row.slot != wanted:
            release(session, row, at=at)
    if visit is None or not wanted or kept(session, site, wanted) is None:
        return
    held = visit.status is VisitStatus.PENDING
    found = search.read(session, "Slot", wanted.partition("/")[2], lock=True)
    assert found is not None
    whose = (pathway.id, step.key, step.occurrence)
    standing = slots.locked(session, HOME, wanted)
    ours = standing is not None and (standing.pathway_id, standing.step, standing.occurrence) == whose
    if not ours and found.content.get("status") != "free":
        raise Refused(slots.GONE, field="slot")
    slots.take(
        session,
        TakenSlotRow(
            home=HOME,
            slot=wanted,
            pathway_id=pathway.id,
            step=step.key,
            occurrence=step.occurrence,
            status="held" if held else "booked",
            start=visit.start,
            end=visit.end,
            place=visit.place,
            by=by,
            since=at,
            until=at + hold if held and hold else None,
            seq=pathway.seq,
        ),
    )
    _mark(session, found.content, found.source or "", "busy-tentative" if held else "busy", at)


def release(session: Session, row: TakenSlotRow, *, at: datetime) -> None:
    """The Slot is free again, unless the hospital has said otherwise of it meanwhile: then it is only ours no more."""
    slots.forget(session, row)
    found = search.read(session, "Slot", row.slot.partition("/")[2], lock=True)
    if found is not None:
        _mark(session, found.content, found.source or "", "free", at)


def _mark(session: Session, resource: Json, source: str, status: Status, at: datetime) -> None:
    """Our mark on a Slot that a hospital wrote: a new version of it, in its hospital's name."""
    if resource.get("status") == status or resource.get("status") not in OURS_TO_MARK:
        return
    content = marked(resource, status)
    by = index(content)
    resources.keep(
        session,
        Projected(
            type="Slot",
            id=str(content["id"]),
            content=content,
            tokens=by.tokens,
            spans=by.spans,
            indexed=VERSION,
            status=status,
        ),
        body=json.dumps(content, ensure_ascii=False).encode(),
        source=source,
        patient_id=None,
        now=at,
    )
