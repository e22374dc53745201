"""The trace as AuditEvents: read here by administrators, and by systems that were granted it; never written to.

They are made of the sealed trace when they are asked for, so that nothing of it is kept twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from app.fhir import asking
from app.fhir.answer import fhir
from app.fhir.asked import is_id, pairs
from app.fhir.asking import Body
from app.fhir.caller import Caller, allowed
from app.fhir.dates import span
from app.fhir.errors import refuse
from app.fhir.reads import base, typed
from app.service import Service
from fhir_mappings.audit_event import ACTIONS, Line, audit_event
from fhir_mappings.read import Json
from fhir_mappings.searchable import LONG_AGO
from store.audit import Told

COUNT, MOST = 50, 500
PARAMETERS = ("_id", "_lastUpdated", "patient", "date", "action", "_count", "before")
_DATES = ("date", "_lastUpdated")
"""An entry never changes: it was last updated when it was recorded."""
_VERBS = {code: verb for verb, code in reversed(ACTIONS.items())}


def serve_trace(router: APIRouter, service: Service) -> None:
    """Add the routes of the trace to ``router``."""

    @router.get("/AuditEvent/{id_}", name="read AuditEvent")
    def read_one(request: Request, id_: str) -> Response:
        return read(service, request, request.state.caller, id_)

    @router.get("/AuditEvent", name="search AuditEvent")
    def find_some(request: Request) -> Response:
        return find(service, request, request.state.caller, request.query_params.multi_items())

    @router.post("/AuditEvent/_search", name="search AuditEvent by POST")
    def find_by_post(request: Request, body: Body) -> Response:
        return find(service, request, request.state.caller, typed(request, body))


def may_look(who: Caller) -> None:
    """403 for anybody but an administrator, or a system that was granted the trace by name.

    ``system/*.read`` is what every system has that reads patients; who looked at whom is not meant by it.
    """
    scopes = who.holder.scopes if who.holder is not None else None
    named = any(scope.startswith("system/AuditEvent.") for scope in scopes or ())
    if who.actor.role != "admin" and not named:
        raise refuse(403, "The trace is read by administrators, and by systems granted AuditEvent by name.")


def read(service: Service, request: Request, who: Caller, id_: str) -> Response:
    """One AuditEvent; reading it leaves its own trace."""
    asking.need_acceptable(request)
    may_look(who)
    allowed(who, "AuditEvent", "read")
    with service.db.write() as session:
        told = service.audit.one_told(session, id_) if is_id(id_) else None
        if told is None:
            raise refuse(404, "There is no AuditEvent of that id.")
        service.audit.write(session, who.trace("read", f"AuditEvent/{id_}", told.entry.patient_id))
    return fhir(200, _said(service, told))


def find(service: Service, request: Request, who: Caller, parameters: Sequence[tuple[str, str]]) -> Response:
    """A search by patient, date and action, the latest first, page by page."""
    asking.need_acceptable(request)
    may_look(who)
    allowed(who, "AuditEvent", "search-type")
    asked = pairs(parameters)
    unknown = sorted({name for name, _ in asked} - {*PARAMETERS, "_format"})
    if unknown and asking.preference(request).strict:
        known = ", ".join(PARAMETERS)
        raise refuse(400, f"A parameter is not supported here; supported: {known}.", code="not-supported")
    said = {name: value for name, value in asked if name in PARAMETERS}
    since, until = _between(service, [value for name, value in asked if name in _DATES])
    count = _count(said.get("_count", str(COUNT)))
    with service.db.write() as session:
        found = service.audit.told(
            session,
            ids=said["_id"].split(",") if "_id" in said else None,
            patient_id=said["patient"].removeprefix("Patient/") if "patient" in said else None,
            action=_verb(said["action"]) if "action" in said else None,
            since=since,
            until=until,
            before=said.get("before"),
            limit=count + 1,
        )
        page = found[:count]
        patients = sorted({each.entry.patient_id or "" for each in page} - {""})
        service.audit.write(session, who.trace("read", "search AuditEvent", found=len(page), of=patients))
    url = f"{base(service)}/AuditEvent"
    rest = [(name, value) for name, value in asked if name in PARAMETERS and name != "before"]
    link = [{"relation": "self", "url": f"{url}?{urlencode([*rest, *_at(said)])}".removesuffix("?")}]
    if len(found) > count and page:
        link.append({"relation": "next", "url": f"{url}?{urlencode([*rest, ('before', page[-1].id)])}"})
    bundle: Json = {"resourceType": "Bundle", "type": "searchset", "link": link}
    if page:
        bundle["entry"] = [
            {
                "fullUrl": f"{url}/{each.id}",
                "resource": _said(service, each),
                "search": {"mode": "match"},
            }
            for each in page
        ]
    return fhir(200, bundle)


def _at(said: dict[str, str]) -> list[tuple[str, str]]:
    return [("before", said["before"])] if "before" in said else []


def _said(service: Service, told: Told) -> Json:
    entry = told.entry
    line = Line(
        told.id,
        entry.at,
        entry.actor,
        entry.role,
        entry.action,
        entry.what,
        entry.patient_id,
        entry.detail,
        told.readable,
    )
    return audit_event(line, service.site)


def _between(service: Service, dates: list[str]) -> tuple[datetime | None, datetime | None]:
    """From and until, of every ``date`` that was asked: eq, gt, ge, lt and le."""
    since: datetime | None = None
    until: datetime | None = None
    zone = service.zone
    for each in dates:
        try:
            asked = span(each, zone)
        except ValueError as problem:
            raise refuse(400, f"The parameter date is wrong: {problem}.", "date", code="value") from None
        if asked.prefix == "ne":
            raise refuse(400, "A date has no ne here; write eq, gt, ge, lt, le, sa or eb.", "date")
        # Of an instant, to be after is to start after, and to be before to end before.
        start = {"gt": asked.end, "sa": asked.end, "ge": asked.start, "eq": asked.start}.get(asked.prefix)
        end = {"lt": asked.start, "eb": asked.start, "le": asked.end, "eq": asked.end}.get(asked.prefix)
        since = max(filter(None, (since, start)), default=None)
        until = min(filter(None, (until, end)), default=None)
    return since or (LONG_AGO if dates else None), until


def _count(said: str) -> int:
    if re.fullmatch(r"[1-9][0-9]{0,8}", said) is None:
        raise refuse(400, "The parameter _count is wrong: write how many a page.", "_count", code="value")
    return min(int(said), MOST)


def _verb(code: str) -> str:
    code = code.rpartition("|")[2]
    if code not in _VERBS:
        known = ", ".join(sorted(_VERBS))
        raise refuse(400, f"The parameter action is wrong: write one of {known}.", "action", code="value")
    return _VERBS[code]
