"""The free slots of a step: chosen on a page, by day, or over the API; taken with the visit or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from app.http_errors import problem
from app.rights import allow
from app.web.callers import Body, By, said_in
from app.web.deeds import Scene
from app.web.render import page
from app.web.signed import Reader, Signed, Typed
from pathway import events as e
from pathway.codec import Malformed, encode
from pathway.refusal import Refused, Text
from scheduler.booking import FreeSlot
from store.ledger import Recorded, Stale

router = APIRouter()


@dataclass(frozen=True)
class Day:
    """The free slots of one day at the centre."""

    day: date
    slots: tuple[FreeSlot, ...]


@router.get("/pathways/{pathway_id}/slots", response_class=HTMLResponse)
def choose(
    request: Request, pathway_id: str, signed: Reader, step: str = "", occurrence: int = 1
) -> Response:
    """The free slots in the window of a step, by day."""
    return _page(request, signed, pathway_id, step, occurrence)


@router.post("/pathways/{pathway_id}/slots", response_class=HTMLResponse)
def take(request: Request, pathway_id: str, signed: Reader, typed: Typed) -> Response:
    """Take the chosen slot; when somebody was faster, the page offers what is left."""
    allow(signed.actor, e.VisitBooked)
    step, said = typed.get("step", ""), typed.get("occurrence", "1")
    occurrence = int(said) if said.isascii() and said.isdigit() and len(said) < 7 else 1
    seen = typed.get("seq", "")

    def trace(session: Session, recorded: Recorded) -> None:
        what = f"pathway/{pathway_id}"
        detail = {"event": "VisitBooked", "seq": recorded.pathway.seq}
        signed.service.audit.write(
            session, signed.trace("write", what, recorded.pathway.patient_id, **detail)
        )

    try:
        if not typed.get("slot"):
            raise Refused(
                Text(fr="Choisissez un créneau.", en="Choose a slot."), kind="invalid", field="slot"
            )
        signed.service.desk.book(
            pathway_id,
            step,
            occurrence,
            typed["slot"],
            by=signed.actor,
            at=signed.now,
            confirmed=typed.get("confirmed", "yes") == "yes",
            seen=int(seen) if seen.isascii() and seen.isdigit() else -1,
            trace=trace,
        )
    except (Refused, Stale) as refused:
        found = problem(refused)
        if found.status == 404 and not (isinstance(refused, Refused) and refused.field == "slot"):
            raise
        return _page(request, signed, pathway_id, step, occurrence, top=found.text, status=found.status)
    return RedirectResponse(f"/pathways/{pathway_id}#{step}-{occurrence}", status_code=303)


def _page(
    request: Request,
    signed: Signed,
    pathway_id: str,
    step: str,
    occurrence: int,
    *,
    top: Text | None = None,
    status: int = 200,
) -> Response:
    service = signed.service
    with service.db.write() as session:
        pathway, ground = service.ledger.load(session, pathway_id)
        service.audit.write(session, signed.trace("read", f"pathway/{pathway_id}", pathway.patient_id))
    scene = Scene(pathway, ground, signed.actor, signed.speech, signed.now, pathway.at(step, occurrence))
    found: list[FreeSlot] = []
    try:
        found = service.desk.find(pathway_id, step, occurrence, now=signed.now)
    except Refused as refused:
        if refused.kind == "not-found":
            raise
        top = top or refused.text
    here = scene.here
    calendar = ground.calendar
    days = tuple(
        Day(day, tuple(slots)) for day, slots in groupby(found, key=lambda one: calendar.day(one.start))
    )
    span = service.desk.window(pathway, ground, here, now=signed.now)
    return page(
        request,
        signed,
        "slots.html",
        status=status,
        pathway=pathway,
        step=here,
        title=replace(scene, step=here).step_title,
        days=days,
        span=span,
        top=signed.speech.text(top) if top else "",
    )


# --- the same for programs --------------------------------------------------------------------------------

api = APIRouter(prefix="/api")


@api.get("/pathways/{pathway_id}/slots")
def find(
    pathway_id: str,
    by: By,
    step: str,
    occurrence: Annotated[int, Query(ge=1, le=999_999)] = 1,
) -> dict[str, Any]:
    """The free slots in the window of a step, earliest first; instants are UTC."""
    with by.service.db.write() as session:
        pathway, _ = by.service.ledger.load(session, pathway_id)
        by.service.audit.write(session, by.trace("read", f"pathway/{pathway_id}", pathway.patient_id))
    found = by.service.desk.find(pathway_id, step, occurrence, now=by.now)
    return {"items": [encode(one) for one in found]}


@api.post("/pathways/{pathway_id}/slots")
def book(pathway_id: str, by: By, body: Body) -> dict[str, Any]:
    """Take a slot: ``{"step", "slot"}``, with ``occurrence``, and ``"confirmed": false`` to hold it only.

    409 when it has just been taken, or a gate forbids it; then nothing has happened.
    """
    allow(by.actor, e.VisitBooked)
    said = said_in(body)
    step, slot = said.get("step"), said.get("slot")
    occurrence, confirmed = said.get("occurrence", 1), said.get("confirmed", True)
    if not isinstance(step, str) or not isinstance(slot, str):
        raise Malformed(
            "", 'say which step and which slot: {"step": "radiologist_consult", "slot": "Slot/1"}'
        )
    if type(occurrence) is not int or not 1 <= occurrence < 1_000_000:
        raise Malformed("occurrence", "is a number from 1 on")
    if not isinstance(confirmed, bool):
        raise Malformed("confirmed", "is true or false")

    def trace(session: Session, recorded: Recorded) -> None:
        what = f"pathway/{pathway_id}"
        by.service.audit.write(
            session, by.trace("write", what, recorded.pathway.patient_id, event="VisitBooked")
        )

    recorded = by.service.desk.book(
        pathway_id, step, occurrence, slot, by=by.actor, at=by.now, confirmed=confirmed, trace=trace
    )
    return {"seq": recorded.pathway.seq, "changes": [encode(change) for change in recorded.changes]}
