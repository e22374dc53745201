"""What has become of resources: every version of one, of a type or of all, the latest first, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fastapi import Request, Response

from app.fhir import asking
from app.fhir.answer import bundle, etag, exactly, fhir_text, words, written
from app.fhir.asked import COUNT, counted, is_id, pairs, plain_name, query
from app.fhir.caller import Caller, allowed
from app.fhir.dates import span
from app.fhir.errors import refuse
from app.fhir.pages import PAGE, Pages
from app.fhir.reads import base, traces, zone
from app.fhir.served import SERVED
from app.service import Service
from store import resource_history
from store.asked import Place
from store.resource_history import Since, Version

_QUIET = ("_format", "_pretty")
_EVERYTHING = tuple(one.type for one in SERVED if "history-type" in one.interactions)


@dataclass(frozen=True, slots=True)
class _Asked:
    since: Since
    said: tuple[tuple[str, str], ...]


def of_one(service: Service, type_: str, pages: Pages, request: Request, who: Caller, id_: str) -> Response:
    """Every version of one resource. 404 when there is none of that id."""
    allowed(who, type_, "history-instance")
    if not is_id(id_):
        raise refuse(404, f"There is no {type_} of that id.")
    return _history(service, f"{type_}/{id_}", Since((type_,), id_), pages, request, who)


def of_type(service: Service, type_: str, pages: Pages, request: Request, who: Caller) -> Response:
    """Every version of every resource of a type."""
    allowed(who, type_, "history-type")
    return _history(service, type_, Since((type_,)), pages, request, who)


def of_all(service: Service, pages: Pages, request: Request, who: Caller) -> Response:
    """Every version of everything."""
    allowed(who, "*", "history-type")
    return _history(service, "", Since(_EVERYTHING), pages, request, who)


def _history(
    service: Service, place: str, about: Since, pages: Pages, request: Request, who: Caller
) -> Response:
    asking.need_acceptable(request)
    where = f"{place}/_history".removeprefix("/")
    wanted = _read(service, where, about, pages, request)
    with service.db.write() as session:
        found, more = resource_history.history(session, wanted.since)
        total = resource_history.versions(session, wanted.since) if about.id is not None else None
        if about.id is not None and not found and not resource_history.versions(session, about):
            raise refuse(404, f"There is no {place.partition('/')[0]} of that id.")
        names = sorted({name for name, _ in wanted.said})
        service.audit.write_all(session, traces(who, f"history {place}".strip(), found, by=names))
    return fhir_text(200, _bundle(base(service), where, pages, wanted, found, more=more, total=total))


def _read(service: Service, where: str, about: Since, pages: Pages, request: Request) -> _Asked:
    """What is asked of a history: ``_since`` and ``_count``; a sealed page is what it continues."""
    said: Sequence[tuple[str, str]] = pairs(request.query_params.multi_items())
    sealed = next((value for name, value in said if name == PAGE), None)
    since = replace(about, count=COUNT)
    if sealed is not None:
        try:
            said, place = pages.open(where, sealed)
        except ValueError as problem:
            raise refuse(400, f"The parameter {PAGE} is wrong: {problem}.", PAGE, code="value") from None
        since = replace(since, after=_after(place))
    honoured = []
    for name, value in said:
        if name in _QUIET:
            continue
        try:
            if name == "_count":
                since = replace(since, count=counted(value))
                value = str(since.count)
            elif name == "_since":
                since = replace(since, since=_instant(service, value))
            elif asking.preference(request).strict:
                sentence = "A history is asked by _since and _count; leave the parameter out."
                raise refuse(400, sentence, plain_name(name), code="not-supported")
            else:
                continue
        except ValueError as problem:
            raise refuse(400, f"The parameter {name} is wrong: {problem}.", name, code="value") from None
        honoured.append((name, value))
    return _Asked(since, tuple(honoured))


def _instant(service: Service, value: str) -> datetime:
    found = span(value, zone(service))
    if not value[:1].isdigit():
        raise ValueError("it takes an instant without a prefix; write it like 2027-03-09T08:30:00Z")
    return found.start


def _after(place: Place) -> tuple[datetime, str, str, int]:
    updated, type_, version = place.values
    assert isinstance(updated, datetime) and isinstance(type_, str) and isinstance(version, str)  # noqa: PT018
    return updated, type_, place.id, int(version)


def _bundle(
    base: str,
    where: str,
    pages: Pages,
    wanted: _Asked,
    found: Sequence[Version],
    *,
    more: bool,
    total: int | None,
) -> str:
    url = f"{base}/{where}"

    def onward(after: tuple[datetime, str, str, int]) -> str:
        updated, type_, id_, version = after
        return f"{url}?{PAGE}={pages.seal(where, wanted.said, Place((updated, type_, str(version)), id_))}"

    here = wanted.since.after
    links = [("self", onward(here) if here else f"{url}?{query(wanted.said)}".removesuffix("?"))]
    if more and found:
        last = found[-1]
        links.append(("next", onward((last.updated, last.type, last.id, last.version))))
    return bundle("history", links=links, entries=[_entry(base, one) for one in found], total=total)


def _entry(base: str, one: Version) -> str:
    """A version with the request that made it, as R4 has it: a POST has the type for its URL."""
    new = one.method == "POST"
    said = {
        "request": {"method": one.method, "url": one.type if new else f"{one.type}/{one.id}"},
        "response": {
            "status": "201 Created" if new else "200 OK",
            "etag": etag(one),
            "lastModified": exactly(one.updated),
        },
    }
    url = written(f"{base}/{one.type}/{one.id}")
    return f'{{"fullUrl":{url},"resource":{words(one)},{written(said)[1:]}'
