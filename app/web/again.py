"""Another fracture of the same patient: a pathway of its own, begun from this one and naming it."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.intake import start_again
from app.rights import need_ward
from app.web import labels
from app.web.fields import Field, Invalid, Said
from app.web.referrals import LEVELS
from app.web.render import page
from app.web.signed import Reader, Signed, Typed
from pathway.referral import CAUSES, Fracture
from pathway.state import Pathway

router = APIRouter()


@router.get("/pathways/{pathway_id}/new-fracture", response_class=HTMLResponse)
def form(request: Request, pathway_id: str, signed: Reader) -> Response:
    """What has to be known of the new fracture."""
    need_ward(signed.actor)
    return _form(request, signed, _pathway(signed, pathway_id))


@router.post("/pathways/{pathway_id}/new-fracture", response_class=HTMLResponse)
def start(request: Request, pathway_id: str, signed: Reader, typed: Typed) -> Response:
    """Begin the pathway of the new fracture, and go to it."""
    need_ward(signed.actor)
    said = Said(typed, signed.speech)
    pathway = _pathway(signed, pathway_id)
    try:
        onset = said.day("onset", required=True)
        level = said.choice("level", LEVELS, required=True)
        cause = said.choice("cause", CAUSES, required=True)
        if onset is not None and onset > signed.speech.calendar.day(signed.now):
            said.complain("onset", signed.speech("Cette date est à venir."))
        said.done()
    except Invalid as invalid:
        return _form(request, signed, pathway, dict(typed), invalid.errors)
    assert isinstance(onset, date)
    received = start_again(
        signed.service, pathway_id, Fracture(onset, f"Fracture {level}", level, cause), signed.actor
    )
    return RedirectResponse(f"/pathways/{received.pathway_id or pathway_id}", status_code=303)


def _pathway(signed: Signed, pathway_id: str) -> Pathway:
    with signed.service.db.write() as session:
        pathway, _ = signed.service.ledger.load(session, pathway_id)
        signed.service.audit.write(session, signed.trace("read", f"pathway/{pathway_id}", pathway.patient_id))
    return pathway


def _form(
    request: Request,
    signed: Signed,
    pathway: Pathway,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    speech, said = signed.speech, typed or {}
    fields = [
        Field("onset", speech("Début de la douleur"), "date", required=True, value=said.get("onset", "")),
        Field(
            "level",
            speech("Vertèbre"),
            "choice",
            required=True,
            choices=tuple((one, one) for one in LEVELS),
            value=said.get("level", ""),
        ),
        Field(
            "cause",
            speech("Cause"),
            "radio",
            required=True,
            choices=tuple((one, speech(labels.CAUSE[one])) for one in CAUSES),
            value=said.get("cause", pathway.fracture.cause),
        ),
    ]
    return page(
        request,
        signed,
        "again.html",
        status=422 if errors else 200,
        pathway=pathway,
        fields=fields,
        errors=errors or {},
    )
