"""Who subscribed here and what we follow at hospitals: how each does, and how to try again, stop, look and compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.rights import WARD
from app.web.labels import N_
from app.web.render import page
from app.web.signed import Reader, Signed, Typed
from pathway.refusal import Refused, Text
from scheduler.notifying import stop, try_again
from store import listening, subscriptions
from store.subscription_tables import ListeningRow, SubscriptionRow

router = APIRouter()

STATUS = {
    "requested": N_("en attente d’une réponse"),
    "active": N_("active"),
    "error": N_("en erreur"),
    "off": N_("arrêtée"),
}
BADGE = {"requested": "status-on-hold", "active": "met", "error": "blocked", "off": "status-cancelled"}
BY = {
    "poll": N_("nous demandons régulièrement"),
    "subscription": N_("il nous prévient (R4)"),
    "subscription-r5": N_("il nous prévient, numéroté (R5)"),
}
_HERE = "/exchanges/subscriptions"


@dataclass(frozen=True)
class Followed:
    """One type that we follow at one hospital. ``by`` is empty for what the settings name no more."""

    row: ListeningRow
    by: str

    @property
    def late(self) -> bool:
        """Whether the server did not answer the last time."""
        return self.row.attempts > 0

    @property
    def withheld(self) -> bool:
        """Whether it answers, but does not let us read all that it tells us of."""
        return bool(self.row.reason) and not self.late


@router.get(_HERE, response_class=HTMLResponse)
def overview(request: Request, signed: Reader) -> Response:
    """Every subscription kept here, and every type followed elsewhere. No patient is named."""
    service = signed.service
    ways = {(one.name, type_): one.by for one in service.followings for type_ in one.types}
    with service.db.write() as session:
        rows = subscriptions.all_of(session)
        followed = [
            Followed(row, ways.get((row.destination, row.type), "")) for row in listening.followed(session)
        ]
        service.audit.write(session, signed.trace("read", "exchanges/subscriptions"))
    return page(
        request,
        signed,
        "subscriptions.html",
        subscribers=_in_order(rows),
        followed=followed,
        statuses=STATUS,
        badges=BADGE,
        ways=BY,
        may_act=_may(signed),
    )


@router.post(_HERE + "/{subscription_id}/{deed}", response_class=HTMLResponse)
def act(subscription_id: str, deed: str, signed: Reader, typed: Typed) -> Response:
    """Try at once what had failed (``retry``), or switch a subscription off (``stop``)."""
    _need_right(signed)
    service, now = signed.service, signed.now
    with service.db.read() as session:
        known = subscriptions.one(session, subscription_id)
    if known is None or deed not in ("retry", "stop"):
        raise _unknown()
    if deed == "stop":
        stop(service.works, subscription_id, "off", "stopped by the centre", now=now)
    elif not try_again(service.works, subscription_id, now=now):
        raise Refused(
            Text(
                fr="Cet abonnement est arrêté : seul le système qui l’a créé peut le reprendre.",
                en="This subscription is off: only the system that made it can take it up again.",
            )
        )
    return _done(signed, f"{deed} Subscription/{subscription_id}")


@router.post("/exchanges/following/{destination}/{type_}/{deed}", response_class=HTMLResponse)
def look(destination: str, type_: str, deed: str, signed: Reader, typed: Typed) -> Response:
    """Look at a hospital's server now (``look``), or hold what we heard against it (``compare``)."""
    _need_right(signed)
    deeds = {"look": listening.look_now, "compare": listening.compare_now}
    if deed not in deeds:
        raise _unknown()
    with signed.service.db.write() as session:
        if not deeds[deed](session, destination, type_, now=signed.now):
            raise _unknown()
    return _done(signed, f"{deed} {destination}/{type_}")


def _in_order(rows: Sequence[SubscriptionRow]) -> list[SubscriptionRow]:
    """What is to be looked at first: what is in error, then what fails, what works, and what is off."""
    order = {"error": 0, "requested": 1, "active": 1, "off": 2}
    return sorted(rows, key=lambda row: (order[row.status], not row.reason, _since(row)))


def _since(row: SubscriptionRow) -> float:
    latest: datetime = row.last_event or row.created
    return -latest.timestamp()


def _done(signed: Signed, what: str) -> Response:
    with signed.service.db.write() as session:
        signed.service.audit.write(session, signed.trace("write", f"exchanges: {what}"))
    return RedirectResponse(_HERE, status_code=303)


def _need_right(signed: Signed) -> None:
    if not _may(signed):
        raise Refused(
            Text(
                fr="Votre compte ne permet pas d’agir sur les échanges.",
                en="Your account may not act on exchanges.",
            ),
            kind="forbidden",
        )


def _unknown() -> Refused:
    return Refused(
        Text(fr="Il n’y a rien de tel dans les échanges.", en="There is no such exchange."), kind="not-found"
    )


def _may(signed: Signed) -> bool:
    return signed.actor.role in WARD | {"admin"}
