"""Subscription on our server: judged and begun when it is kept, and asked how it stands (``$status``, ``$events``).

What a subscriber puts in its headers is sealed, used to call it, and shown to nobody, not even to itself; nor is what
its endpoint has after a question mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from fastapi import Request, Response
from sqlmodel import Session

from app.fhir import asking
from app.fhir.answer import FHIR_JSON, Json, fhir
from app.fhir.asked import is_id
from app.fhir.caller import Caller, allowed, system
from app.fhir.errors import FhirError, refuse
from app.fhir.reads import base
from app.sealed import HEADERS, Sealed
from app.secrets import installation_key
from app.service import Service
from fhir_mappings.notices import LEVELS, Kind, Level, status
from fhir_mappings.read import text_at
from fhir_mappings.subscribing import HIDDEN, Wish, hidden, read, with_status, without_query
from scheduler.telling import bundle_text, owed_of, standing
from store import search, subscriptions
from store.subscription_tables import SubscriptionRow

_MOST = 200
"""Past events in one answer; the count in it says whether there are more."""


def before_keeping(service: Service, session: Session, who: Caller, resource: Json) -> Json:
    """Judge a Subscription that has passed the gate, begin to serve it, and say how it is to be kept.

    Its status is ours to say: requested until its endpoint has answered, or off where it asks to be or is over. 422
    for what cannot be served, 403 for what its system may not read. Call it in the transaction that keeps it, with
    its id.
    """
    holder = system(who)
    wish = read(
        resource,
        service.site,
        public_url=service.settings.public_url,
        in_reach=service.teller.hooks.reach.may_be_named,
    )
    if isinstance(wish, list):
        raise FhirError(422, *wish)
    for type_ in wish.types:
        allowed(who, type_, "read")
    # One whose end is past is kept as what it has become.
    off = resource.get("status") == "off" or (wish.end is not None and wish.end <= who.now)
    # The resource before the row: so does whoever changes its status.
    search.read(session, "Subscription", resource["id"], lock=True)
    known = subscriptions.locked(session, resource["id"])
    sealed = Sealed(installation_key(service.settings), HEADERS)
    headers = _headers(wish, sealed.open(known.headers) if known is not None else ())
    row = SubscriptionRow(
        id=resource["id"],
        source=holder.name,
        holder=holder.id,
        scopes=list(holder.scopes) if holder.scopes is not None else None,
        status="off" if off else "requested",
        style=wish.style,
        criteria=list(wish.criteria),
        topic=wish.topic,
        endpoint=_endpoint(wish, known.endpoint if known is not None else ""),
        headers=sealed.seal(headers),
        mime=wish.mime,
        content=wish.content,
        heartbeat=wish.heartbeat,
        timeout=wish.timeout,
        most=wish.most,
        end=wish.end,
        created=who.now,
        next_at=who.now,
    )
    subscriptions.begin(session, row)
    return hidden(with_status(resource, row.status))


def _headers(wish: Wish, before: Sequence[str]) -> list[str]:
    """The headers asked for; a hidden value that was read here and sent back is the one we have."""
    had = {each.partition(":")[0].strip().lower(): each for each in before}
    found = []
    for each in wish.headers:
        name, _, value = each.partition(":")
        if value.strip() == HIDDEN:
            kept = had.get(name.strip().lower())
            if kept is None:
                where = "Subscription.channel.header"
                raise refuse(422, f"{where} holds a hidden value; send the header itself.", where)
            found.append(kept)
        else:
            found.append(each)
    return found


def _endpoint(wish: Wish, before: str) -> str:
    """The endpoint asked for; a hidden query that was read here and sent back is the one we have."""
    shown, _, query = wish.endpoint.partition("?")
    if query != HIDDEN:
        return wish.endpoint
    if without_query(before) != shown:
        where = "Subscription.channel.endpoint"
        raise refuse(422, f"{where} holds a hidden query; send the endpoint itself.", where)
    return before


# --- how it stands ----------------------------------------------------------------------------------------


def status_of(service: Service, request: Request, who: Caller, id_: str) -> Response:
    """``GET Subscription/[id]/$status``: for the system that subscribed, or a person."""
    asking.need_acceptable(request)
    allowed(who, "Subscription", "read")
    with service.db.read() as session:
        row = _theirs(session, who, id_)
    return fhir(200, _statuses(service, [row]))


def statuses(service: Service, request: Request, who: Caller) -> Response:
    """``GET Subscription/$status?id=…&status=…``: a system's own; everybody's for a person."""
    asking.need_acceptable(request)
    allowed(who, "Subscription", "read")
    ids = {each for said in request.query_params.getlist("id") for each in said.split(",")}
    wanted = {each for said in request.query_params.getlist("status") for each in said.split(",")}
    with service.db.read() as session:
        rows = subscriptions.all_of(session, source=who.holder.name if who.holder is not None else None)
    rows = [row for row in rows if (not ids or row.id in ids) and (not wanted or row.status in wanted)]
    return fhir(200, _statuses(service, rows))


def _statuses(service: Service, rows: Sequence[SubscriptionRow]) -> Json:
    entries = [status(standing(base(service), row), "query-status") for row in rows]
    bundle: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    if entries:
        bundle["entry"] = [
            {"fullUrl": f"urn:uuid:{each['id']}", "resource": each, "search": {"mode": "match"}}
            for each in entries
        ]
    return bundle


def events_of(service: Service, request: Request, who: Caller, id_: str) -> Response:
    """``GET Subscription/[id]/$events``: past events again, for the system that subscribed, or a person."""
    asking.need_acceptable(request)
    allowed(who, "Subscription", "read")
    first = _number(request, "eventsSinceNumber") or 1
    with service.db.write() as session:
        row = _theirs(session, who, id_)
        last = _number(request, "eventsUntilNumber")
        content = _level(request, row)
        found = subscriptions.between(session, id_, first, row.events if last is None else last, limit=_MOST)
        told = [subscriptions.said(session, each.type, each.id, each.version) for each in found]
        if content != "empty":
            for type_ in {each.type for each in found}:
                allowed(who, type_, "read")
            service.audit.write_all(
                session,
                [
                    who.trace("read", f"{each.type}/{each.id}", one.patient_id, by=["$events"])
                    for each, one in zip(found, told, strict=True)
                    if one is not None
                ],
            )
    kind: Kind = "query-event"
    text = bundle_text(base(service), row, kind, owed_of(found, told), content, now=who.now)
    return Response(
        text.encode(), status_code=200, headers={"Cache-Control": "no-store"}, media_type=FHIR_JSON
    )


def _theirs(session: Session, who: Caller, id_: str) -> SubscriptionRow:
    """The subscription, where it is this system's own; a person may see everybody's."""
    row = subscriptions.one(session, id_) if is_id(id_) else None
    if row is None:
        raise refuse(404, "There is no Subscription of that id.")
    if who.holder is not None and who.holder.name != row.source:
        raise refuse(403, "Another system subscribed to this; ask about your own.")
    return row


def _number(request: Request, name: str) -> int | None:
    said = text_at(dict(request.query_params), name)
    if said is None:
        return None
    if not (said.isascii() and said.isdigit() and len(said) < 18):
        raise refuse(400, f"The parameter {name} is a whole number; correct it.", name, code="value")
    return int(said)


def _level(request: Request, row: SubscriptionRow) -> Level:
    """What is asked for, and never more than what was subscribed to."""
    said = text_at(dict(request.query_params), "content")
    if said is not None and said not in LEVELS:
        raise refuse(400, f"The parameter content is one of {', '.join(LEVELS)}.", "content", code="value")
    asked = LEVELS.index(said) if said is not None else len(LEVELS)
    return cast(Level, LEVELS[min(asked, LEVELS.index(row.content))])
