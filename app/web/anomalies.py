"""The anomalies: what hospitals said and nobody could use, as it came, and how to hear it again or set it aside."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app import anomalies as acts
from app.http_errors import problem
from app.rights import WARD, need_ward
from app.web.callers import Body, By, said_in
from app.web.labels import N_
from app.web.render import page
from app.web.signed import Reader, Signed, Typed
from pathway.refusal import Refused, Text
from store import anomalies

router = APIRouter()

_HERE = "/exchanges/anomalies"
KIND = {
    "unmatched": N_("sans patient ou parcours"),
    "unreadable": N_("illisible"),
    "refused": N_("non recevable"),
    "contradictory": N_("contradictoire"),
}
STATUS = {"open": N_("à traiter"), "settled": N_("reprise"), "dismissed": N_("écartée")}
_SHOWN_BYTES = 100_000


@router.get(_HERE, response_class=HTMLResponse)
def overview(request: Request, signed: Reader) -> Response:
    """What waits for somebody, oldest first, and what was closed last."""
    service = signed.service
    with service.db.write() as session:
        waiting, closed = anomalies.open_ones(session), anomalies.settled_ones(session)
        total = anomalies.count(session)
        service.audit.write(session, signed.trace("read", "anomalies"))
    return page(
        request,
        signed,
        "anomalies.html",
        waiting=waiting,
        closed=closed,
        total=total,
        kinds=KIND,
        statuses=STATUS,
    )


@router.get(_HERE + "/{anomaly_id}", response_class=HTMLResponse)
def one(request: Request, anomaly_id: str, signed: Reader) -> Response:
    """One anomaly with what came, as it came."""
    return _one(request, signed, anomaly_id)


@router.post(_HERE + "/{anomaly_id}/replay", response_class=HTMLResponse)
def replay(request: Request, anomaly_id: str, signed: Reader, typed: Typed) -> Response:
    """Hear it again; still not understood, the page says why."""
    need_ward(signed.actor)
    if acts.replay(signed.service, anomaly_id, signed.actor):
        return RedirectResponse(_HERE, status_code=303)
    top = Text(fr="Toujours pas comprise : voir le motif.", en="Still not understood: see the reason.")
    return _one(request, signed, anomaly_id, top=top, status=409)


@router.post(_HERE + "/{anomaly_id}/dismiss", response_class=HTMLResponse)
def dismiss(request: Request, anomaly_id: str, signed: Reader, typed: Typed) -> Response:
    """Set it aside, with a note."""
    need_ward(signed.actor)
    try:
        acts.dismiss(signed.service, anomaly_id, typed.get("note", ""), signed.actor)
    except Refused as refused:
        found = problem(refused)
        if refused.field != "note":
            raise
        return _one(request, signed, anomaly_id, error=found.text, status=found.status)
    return RedirectResponse(_HERE, status_code=303)


def _one(
    request: Request,
    signed: Signed,
    anomaly_id: str,
    *,
    top: Text | None = None,
    error: Text | None = None,
    status: int = 200,
) -> Response:
    with signed.service.db.write() as session:
        row = anomalies.one(session, anomaly_id)
        signed.service.audit.write(session, signed.trace("read", f"anomaly/{anomaly_id}"))
    return page(
        request,
        signed,
        "anomaly.html",
        status=status,
        row=row,
        reason=row.reason_fr if signed.speech.language == "fr" else row.reason_en,
        body=row.body[:_SHOWN_BYTES].decode("utf-8", errors="replace"),
        cut=len(row.body) > _SHOWN_BYTES,
        kinds=KIND,
        statuses=STATUS,
        may_act=signed.actor.role in WARD,
        top=signed.speech.text(top) if top else "",
        error=signed.speech.text(error) if error else "",
    )


# --- the same for programs --------------------------------------------------------------------------------

api = APIRouter(prefix="/api")


@api.get("/anomalies")
def read_all(by: By) -> dict[str, Any]:
    """What waits for somebody, oldest first."""
    with by.service.db.write() as session:
        found = [acts.as_json(row) for row in anomalies.open_ones(session)]
        by.service.audit.write(session, by.trace("read", "anomalies"))
    return {"items": found}


@api.get("/anomalies/{anomaly_id}")
def read_one(anomaly_id: str, by: By) -> dict[str, Any]:
    """One anomaly; ``body`` is what came, undecodable bytes replaced."""
    with by.service.db.write() as session:
        row = anomalies.one(session, anomaly_id)
        by.service.audit.write(session, by.trace("read", f"anomaly/{anomaly_id}"))
    return {**acts.as_json(row), "body": row.body.decode("utf-8", errors="replace")}


@api.post("/anomalies/{anomaly_id}/replay")
def replay_one(anomaly_id: str, by: By) -> dict[str, Any]:
    """Hear it again. ``settled`` says whether it was understood."""
    need_ward(by.actor)
    return {"settled": acts.replay(by.service, anomaly_id, by.actor)}


@api.post("/anomalies/{anomaly_id}/dismiss")
def dismiss_one(anomaly_id: str, by: By, body: Body) -> dict[str, Any]:
    """Set it aside: ``{"note": "…"}`` says why."""
    need_ward(by.actor)
    note = said_in(body).get("note")
    acts.dismiss(by.service, anomaly_id, note if isinstance(note, str) else "", by.actor)
    return {"status": "dismissed"}
