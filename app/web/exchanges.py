"""The exchanges page: every hospital's server we speak to, how it does, what it refuses, and how to try again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.outcome_words import in_words
from app.rights import WARD
from app.web.labels import N_
from app.web.render import page
from app.web.signed import Reader, Signed, Typed
from pathway.refusal import Refused, Text
from store import deliveries
from store import destinations as exchanges
from store.destinations import DeadLetter

router = APIRouter()

MODES = {"push": N_("nous y écrivons"), "hosted": N_("il lit ici")}
_MOST = 200


@dataclass(frozen=True)
class Refusal:
    """One dead letter as a line of the page."""

    letter: DeadLetter
    words: tuple[str, ...]
    at: datetime | None


@router.get("/exchanges", response_class=HTMLResponse)
def destinations(request: Request, signed: Reader) -> Response:
    """Every destination of the settings, and what each refuses as it stands."""
    service = signed.service
    with service.db.write() as session:
        standings = exchanges.standings(session, [one.name for one in service.destinations])
        letters = exchanges.dead_letters(session, limit=_MOST)
        service.audit.write(session, signed.trace("read", "exchanges"))
        for patient_id in sorted({one.patient_id for one in letters if one.patient_id}):
            service.audit.write(session, signed.trace("read", "exchanges", patient_id))
    return page(
        request,
        signed,
        "exchanges.html",
        standings=standings,
        refusals=[Refusal(one, tuple(in_words(one.outcome)), one.at) for one in letters],
        modes=MODES,
        may_replay=_may(signed),
    )


@router.post("/exchanges/{destination}/replay", response_class=HTMLResponse)
def replay(destination: str, signed: Reader, typed: Typed) -> Response:
    """Try one refused resource again (``type`` and ``id``), or all that this destination refuses."""
    if not _may(signed):
        raise Refused(
            Text(
                fr="Votre compte ne permet pas de renvoyer une ressource.",
                en="Your account may not send a resource again.",
            ),
            kind="forbidden",
        )
    service = signed.service
    if destination not in {one.name for one in service.destinations}:
        raise Refused(
            Text(fr="Cette destination n’existe pas.", en="There is no such destination."), kind="not-found"
        )
    type_, id_ = typed.get("type", ""), typed.get("id", "")
    with service.db.write() as session:
        if type_:
            deliveries.replay(session, destination, type_, id_, now=signed.now)
        else:
            deliveries.replay_all(session, destination, now=signed.now)
        what = f"exchanges/{destination}" + (f"/{type_}/{id_}" if type_ else "")
        service.audit.write(session, signed.trace("replay", what))
    return RedirectResponse("/exchanges", status_code=303)


def _may(signed: Signed) -> bool:
    return signed.actor.role in WARD | {"admin"}
