"""The ward's screen: everybody under surveillance, what was seen last, what is due, and what nobody has recorded.

It never says that somebody is well because nothing was heard: where there is no set, it says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from app.i18n import Speech
from app.web.answers import unit_of
from app.web.catalogue import ACKNOWLEDGE
from app.web.deeds import Offer, Scene, offer
from app.web.deeds_steps import shown
from app.web.deeds_watch import Observe, slot_title
from app.web.patient_view import AlertView
from app.web.render import page
from app.web.signed import Reader
from app.web.words import role_title
from pathway.ladders import alerts
from pathway.protocol_watch import Surveillance
from pathway.records import Observed
from pathway.watch import Slot, began, slots, unrecorded
from store import worklist
from store.worklist import Who

router = APIRouter()


@dataclass(frozen=True)
class SeenView:
    """One thing that was looked at last: its title, the value as people read it, and when."""

    title: str
    value: str
    when: datetime


@dataclass(frozen=True)
class WatchedView:
    """A patient under surveillance. ``missing`` are the sets that are past and unheard of."""

    who: Who
    began: datetime | None
    seen: tuple[SeenView, ...]
    last: datetime | None
    missing: tuple[str, ...]
    next: str
    done: int
    planned: int
    alerts: tuple[AlertView, ...]
    offer: Offer | None

    @property
    def urgent(self) -> bool:
        """Whether somebody must act now: such a patient comes first."""
        return any(one.alert.level == "red" and one.alert.acknowledged is None for one in self.alerts)


@router.get("/ward", response_class=HTMLResponse)
def ward(request: Request, signed: Reader) -> Response:
    """Everybody under surveillance, those with an alarm first, then those of whom nothing was heard."""
    watched: list[WatchedView] = []
    with signed.service.db.write() as session:
        rule = signed.service.protocol.protocol.surveillance
        found = worklist.with_step(session, rule.step) if rule is not None else []
        for who in found:
            pathway, ground = signed.service.ledger.load(session, who.pathway_id)
            watch = ground.protocol.surveillance
            if watch is None:
                continue
            step = pathway.last(watch.step)
            scene = Scene(pathway, ground, signed.actor, signed.speech, signed.now, step)
            watched.append(_watched(who, scene, watch))
        signed.service.audit.write_all(
            session, [signed.trace("read", f"pathway/{who.pathway_id}", who.patient_id) for who in found]
        )
    watched.sort(key=lambda one: (not one.urgent, not one.missing, one.began is None, one.began))
    return page(request, signed, "ward.html", watched=watched)


def _watched(who: Who, scene: Scene, watch: Surveillance) -> WatchedView:
    pathway, ground = scene.pathway, scene.ground
    missing = unrecorded(pathway, ground)
    past = [slot for slot in missing if slot.due <= scene.now]
    ahead = next((slot for slot in missing if slot.due > scene.now), None)
    planned = slots(pathway, ground)
    sets = sorted((one for one in pathway.observed if one.values), key=lambda one: one.taken)
    return WatchedView(
        who=who,
        began=began(pathway, ground),
        seen=tuple(_last_values(sets, watch, scene.speech)),
        last=sets[-1].taken if sets else None,
        missing=tuple(slot_title(slot, scene) for slot in past),
        next=slot_title(ahead, scene) if ahead else "",
        done=len(planned) - len(missing),
        planned=len(planned),
        alerts=tuple(
            _alert(alert, scene) for alert in alerts(pathway, ground) if _is_of_the_watch(alert, watch)
        ),
        offer=_offer(scene, past),
    )


def _last_values(sets: list[Observed], watch: Surveillance, speech: Speech) -> Iterable[SeenView]:
    for item in watch.items:
        looked = [one for one in sets if item.key in one.values]
        if looked:
            unit = unit_of(item.unit)
            value = f"{shown(looked[-1].values[item.key], speech)} {unit}".strip()
            yield SeenView(speech.text(item.title), value, looked[-1].taken)


def _is_of_the_watch(alert: Any, watch: Surveillance) -> bool:
    return alert.step is not None and alert.step.key == watch.step


def _alert(alert: Any, scene: Scene) -> AlertView:
    taken = alert.acknowledged is not None
    role = role_title(alert.role, scene.ground.protocol, scene.speech)
    return AlertView(alert, role, None if taken else offer(ACKNOWLEDGE, replace(scene, about=alert.key)))


def _offer(scene: Scene, past: list[Slot]) -> Offer | None:
    return offer(Observe(), replace(scene, about=past[0].key if past else ""))
