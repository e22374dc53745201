"""The worklist: what is due, overdue or blocked and why, alerts to take, calls to make, and who is looked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from app.web.catalogue import ACKNOWLEDGE
from app.web.deeds import Scene, offer
from app.web.labels import N_
from app.web.patient_view import AlertView
from app.web.render import page
from app.web.signed import Reader, Signed
from app.web.words import planned, role_title, step_title
from pathway.ladders import alerts
from pathway.planned import Kind
from pathway.protocol import Protocol
from store import worklist
from store.worklist import Asked, Who, Work

router = APIRouter()

PAGE = 40
ALERTS_SHOWN = 10

VIEWS = {
    "all": N_("Tout"),
    "overdue": N_("En retard"),
    "today": N_("Aujourd’hui"),
    "blocked": N_("Bloqués"),
    "alerts": N_("Alertes"),
    "calls": N_("Appels et courriers"),
    "undelivered": N_("Messages non remis"),
}


@dataclass(frozen=True)
class WorkView:
    """One line of the worklist."""

    work: Work
    title: str
    role: str
    late: str
    overdue: bool
    why_blocked: tuple[str, ...]
    stage: str


@dataclass(frozen=True)
class AlertedView:
    """A pathway with the alerts that nobody has taken."""

    who: Who
    alerts: tuple[AlertView, ...]

    @property
    def urgent(self) -> bool:
        """Whether somebody must act now: such a patient comes first."""
        return any(one.alert.level == "red" for one in self.alerts)


@dataclass(frozen=True)
class WhoView:
    """A pathway found by name, or blocked, with where it stands."""

    who: Who
    stage: str
    why_blocked: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What one look at the worklist reads, in one transaction."""

    work: list[Work]
    whos: list[Who]
    alerted: list[tuple[Who, Scene]]
    counts: dict[str, int]
    waiting: int
    more: bool


@router.get("/", response_class=HTMLResponse)
def board(
    request: Request,
    signed: Reader,
    view: str = "all",
    role: str = "",
    mine: bool = False,
    q: str = "",
    page_number: int = 1,
) -> Response:
    """The worklist, or the patients whose names begin with ``q``."""
    view = view if view in VIEWS else "all"
    number = max(1, min(page_number, 1000))
    asked = _asked(view, _roles(signed, role, mine), signed)
    with signed.service.db.write() as session:
        found = _look(session, signed, view, asked, q.strip(), number)
        named = {(one.who.patient_id, one.who.pathway_id) for one in found.work}
        named |= {(who.patient_id, who.pathway_id) for who in found.whos}
        named |= {(who.patient_id, who.pathway_id) for who, _ in found.alerted}
        signed.service.audit.write_all(
            session,
            [signed.trace("read", f"worklist/{pathway}", patient) for patient, pathway in sorted(named)],
        )
        protocols = {
            digest: signed.service.ledger.shelf.get(session, digest).protocol
            for digest in {one.who.digest for one in found.work} | {who.digest for who in found.whos}
        }
    speech = signed.speech
    roles = sorted(
        ((key, speech.text(one.title)) for key, one in signed.service.protocol.protocol.roles.items()),
        key=lambda pair: pair[1],
    )
    kept = {"role": role, "mine": "true" if mine else "", "q": q}
    return page(
        request,
        signed,
        "board.html",
        chosen=view,
        views=[(key, title, found.counts.get(key), _address(kept, view=key)) for key, title in VIEWS.items()],
        role=role,
        mine=mine,
        q=q.strip(),
        roles=roles,
        work=[_line(one, protocols[one.who.digest], signed) for one in found.work],
        whos=[
            WhoView(
                who, step_title(who.stage, protocols[who.digest], speech), _blocking(who.blocking, signed)
            )
            for who in found.whos
        ],
        alerted=sorted(
            (AlertedView(who, _alerts(scene)) for who, scene in found.alerted), key=lambda one: not one.urgent
        ),
        more_alerts=found.counts["alerts"] > len(found.alerted) and view != "alerts",
        waiting=found.waiting,
        number=number,
        next=_address(kept, view=view, page_number=str(number + 1)) if found.more else "",
        previous=_address(kept, view=view, page_number=str(number - 1)) if number > 1 else "",
    )


def _look(session: Session, signed: Signed, view: str, asked: Asked, q: str, number: int) -> Found:
    offset = (number - 1) * PAGE
    alerts_only = view == "alerts"
    work: list[Work] = []
    whos: list[Who] = []
    alerted: list[Who] = []
    if q:
        whos = worklist.search(session, q)
    elif view == "blocked":
        whos = worklist.blocked(session, offset=offset, limit=PAGE + 1)
    elif not alerts_only:
        work = worklist.work(session, asked, offset=offset, limit=PAGE + 1)
    if not q and (alerts_only or (view == "all" and number == 1)):
        alerted = worklist.alerted(
            session, offset=offset if alerts_only else 0, limit=PAGE + 1 if alerts_only else ALERTS_SHOWN
        )
    more = len(work) > PAGE or (len(whos) > PAGE and not q) or (alerts_only and len(alerted) > PAGE)
    return Found(
        work=work[:PAGE],
        whos=whos if q else whos[:PAGE],
        alerted=[(who, _scene(session, signed, who)) for who in alerted[:PAGE]],
        counts=_counts(session, asked, signed),
        waiting=worklist.count_waiting_referrals(session),
        more=more,
    )


def _counts(session: Session, asked: Asked, signed: Signed) -> dict[str, int]:
    """How much there is behind each tab, for the roles that are chosen."""
    counts = {
        view: worklist.count(session, _asked(view, asked.roles, signed))
        for view in ("overdue", "today", "calls", "undelivered")
    }
    return {
        **counts,
        "blocked": worklist.count_blocked(session),
        "alerts": worklist.count_alerted(session),
    }


def _asked(view: str, roles: tuple[str, ...], signed: Signed) -> Asked:
    asked = Asked(roles=roles)
    if view == "overdue":
        return replace(asked, before=signed.now)
    if view == "today":
        start, end = _today(signed)
        return replace(asked, since=start, before=end)
    if view == "calls":
        return replace(asked, kinds=worklist.CALLS)
    if view == "undelivered":
        return replace(asked, kinds=worklist.CALLS, undelivered=True)
    return asked


def _today(signed: Signed) -> tuple[datetime, datetime]:
    calendar = signed.speech.calendar
    day = calendar.day(signed.now)
    return calendar.at(day, time(0)), calendar.at(day + timedelta(days=1), time(0))


def _roles(signed: Signed, role: str, mine: bool) -> tuple[str, ...]:
    if role:
        return (role,)
    if mine:
        desk = (
            (signed.service.protocol.protocol.messaging.desk,) if signed.person.role == "coordinator" else ()
        )
        return (*signed.person.functions, *desk) or ("",)
    return ()


def _scene(session: Session, signed: Signed, who: Who) -> Scene:
    pathway, ground = signed.service.ledger.load(session, who.pathway_id)
    return Scene(pathway, ground, signed.actor, signed.speech, signed.now)


def _alerts(scene: Scene) -> tuple[AlertView, ...]:
    protocol, speech = scene.ground.protocol, scene.speech
    return tuple(
        AlertView(
            alert,
            role_title(alert.role, protocol, speech),
            offer(ACKNOWLEDGE, replace(scene, about=alert.key)),
        )
        for alert in alerts(scene.pathway, scene.ground)
        if alert.waits
    )


def _line(work: Work, protocol: Protocol, signed: Signed) -> WorkView:
    speech = signed.speech
    if work.kind is Kind.TASK:
        title = step_title(work.step, protocol, speech)
    else:
        title = planned(work.kind, work.step, work.data, protocol, speech)
    return WorkView(
        work=work,
        title=title,
        role=role_title(work.role, protocol, speech),
        late=speech.late(work.at, signed.now),
        overdue=work.at <= signed.now,
        why_blocked=_blocking(work.blocking, signed),
        stage=step_title(work.who.stage, protocol, speech),
    )


def _blocking(flags: Iterable[dict[str, Any]], signed: Signed) -> tuple[str, ...]:
    """Why it is blocked, as the door stored it, each reason once."""
    return tuple(dict.fromkeys(flag["text"][signed.speech.language] for flag in flags))


def _address(kept: dict[str, str], **more: str) -> str:
    said = {
        key: value for key, value in {**kept, **more}.items() if value and (key, value) != ("view", "all")
    }
    return f"/?{urlencode(said)}" if said else "/"
