"""Why, for people: the whole reasoning behind one date, block or message, or behind all of them, as a page.

The patient's page has the short answer beside each thing; this is where its link leads. Nothing here needs a script.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from app.explaining import read_from
from app.web.explain_api import nothing_of_that_name
from app.web.labels import N_
from app.web.render import page
from app.web.signed import Reader
from pathway.explaining.explanation import Explanation
from pathway.explaining.whole import explain, explain_one

router = APIRouter()

_FAMILIES = {
    "pathway": N_("Parcours"),
    "flag": N_("À regarder d’abord"),
    "hold": N_("Plan d’arrêt"),
    "gate": N_("Verrous"),
    "step": N_("Étapes"),
    "due": N_("Échéances"),
    "rung": N_("Rappels et alertes"),
    "message": N_("Messages, appels et courriers"),
    "silence": N_("Ce qui n’est pas prévu"),
}
_OF = {
    "proposal": "hold",
    "warning": "hold",
    "last-intake": "hold",
    "earliest": "due",
    "visit": "due",
    "alert": "rung",
    "page": "message",
    "call": "message",
    "letter": "message",
    "notice": "message",
    "late": "silence",
}


@router.get("/pathways/{pathway_id}/explain", response_class=HTMLResponse)
def explained(request: Request, pathway_id: str, signed: Reader, what: str = "") -> Response:
    """The reasoning behind one key (``what``), or behind everything. Refused (not-found) for a key there never was."""
    with signed.service.db.write() as session:
        pathway, ground = signed.service.ledger.load(session, pathway_id)
        entry = signed.trace("read", f"pathway/{pathway_id}", pathway.patient_id, explain=what)
        signed.service.audit.write(session, entry)
    one = explain_one(what, pathway, ground) if what else None
    if what and one is None:
        raise nothing_of_that_name(what)
    return page(
        request,
        signed,
        "explain.html",
        pathway=pathway,
        one=one,
        families=[] if one else _by_family(explain(pathway, ground)),
        read_from=lambda source: read_from(source, ground.protocol, signed.speech.language),
    )


def _by_family(found: Iterable[Explanation]) -> list[tuple[str, list[Explanation]]]:
    """The explanations by what they are of, in the order of the page."""
    order = list(_FAMILIES)

    def rank(one: Explanation) -> int:
        return order.index(_OF.get(one.kind, one.kind))

    return [
        (_FAMILIES[order[number]], list(ones)) for number, ones in groupby(sorted(found, key=rank), key=rank)
    ]
