"""Reading and searching: every read leaves its trace in the transaction that reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from sqlmodel import Session

from app.fhir import asked, asking
from app.fhir.answer import Kept, bundle, etag, fhir, fhir_text, resource, words, written
from app.fhir.asked import Asked, Include, is_id
from app.fhir.caller import Caller, allowed
from app.fhir.errors import refuse
from app.fhir.pages import PAGE, Pages
from app.fhir.served import Served
from app.service import Service
from store import resource_history, search
from store.asked import Place
from store.audit import Entry
from store.search import Page, Said

INCLUDED = 1000
"""How many resources a page may show beside what was found."""


def base(service: Service) -> str:
    """Our own address as others know it, without a slash at the end."""
    return f"{service.settings.public_url.rstrip('/')}/fhir"


def zone(service: Service) -> tzinfo:
    """The centre's zone, in which a date without an offset is meant."""
    return ZoneInfo(service.protocol.ground.calendar.zone)


def read(service: Service, served: Served, request: Request, who: Caller, id_: str) -> Response:
    """One resource as it is now; 304 when the reader has this version already."""
    asking.need_acceptable(request)
    allowed(who, served.type, "read")
    with service.db.write() as session:
        found = search.said(session, served.type, id_) if is_id(id_) else None
        if found is None:
            raise refuse(404, f"There is no {served.type} of that id.")
        service.audit.write(session, who.trace("read", f"{served.type}/{id_}", found.patient_id))
    return _as_known(request, found)


def read_version(
    service: Service, served: Served, request: Request, who: Caller, id_: str, number: str
) -> Response:
    """One resource as it was at that version."""
    asking.need_acceptable(request)
    allowed(who, served.type, "vread")
    known = is_id(id_) and number.isascii() and number.isdigit() and len(number) < 10
    with service.db.write() as session:
        found = resource_history.version(session, served.type, id_, int(number)) if known else None
        if found is None:
            raise refuse(404, f"There is no such version of a {served.type} of that id.")
        what = f"{served.type}/{id_}/_history/{number}"
        service.audit.write(session, who.trace("read", what, found.patient_id))
    return _as_known(request, found)


def _as_known(request: Request, found: Kept) -> Response:
    if asking.unchanged(request, found.version):
        return fhir(304, None, {"ETag": etag(found)})
    return resource(200, found)


def find(service: Service, served: Served, pages: Pages, request: Request, who: Caller) -> Response:
    """A search by URL."""
    return _searched(service, served, pages, request, who, list(request.query_params.multi_items()))


def find_by_post(
    service: Service, served: Served, pages: Pages, request: Request, who: Caller, body: bytes
) -> Response:
    """A search whose parameters stay out of the URL, and so out of everybody's logs."""
    return _searched(service, served, pages, request, who, typed(request, body))


def typed(request: Request, body: bytes) -> list[tuple[str, str]]:
    """The parameters of a search by POST: those of the URL, then those of the form. 400, 415 when it is none."""
    asking.need_type(request, asking.FORM_TYPE)
    try:
        form = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200)
    except ValueError:
        raise refuse(400, "The body is no form in UTF-8 of at most 200 fields; correct it.") from None
    return [*request.query_params.multi_items(), *form]


def _searched(
    service: Service,
    served: Served,
    pages: Pages,
    request: Request,
    who: Caller,
    said: Sequence[tuple[str, str]],
) -> Response:
    asking.need_acceptable(request)
    allowed(who, served.type, "search-type")
    strict = asking.preference(request).strict
    return fhir_text(200, searchset(service, served, pages, who, said, strict=strict))


def searchset(
    service: Service,
    served: Served,
    pages: Pages,
    who: Caller,
    said: Sequence[tuple[str, str]],
    *,
    strict: bool,
    within: Session | None = None,
) -> str:
    """The Bundle that answers a search, as text; ``within`` a transaction that is already under way, or its own."""
    wanted = asked.read(
        served, asked.pairs(said), pages=pages, zone=zone(service), base=base(service), strict=strict
    )
    if within is not None:
        return _found(service, served, pages, who, wanted, within)
    with service.db.write() as session:
        return _found(service, served, pages, who, wanted, session)


def _found(
    service: Service, served: Served, pages: Pages, who: Caller, wanted: Asked, session: Session
) -> str:
    page = search.page(session, wanted.question) if wanted.total != "only" else Page(())
    beside = _beside(session, who, wanted, page.found)
    total = _total(session, wanted, page)
    service.audit.write_all(session, _traces(who, served, wanted, [*page.found, *beside]))
    return _bundle(base(service), served, pages, wanted, page, beside, total)


def _total(session: Session, wanted: Asked, page: Page) -> int | None:
    """What is on one page is counted already; what has very many is counted to the end only where that is asked."""
    if wanted.total == "none":
        return None
    if wanted.total != "only" and wanted.question.after is None and page.next is None:
        return len(page.found)
    most = search.COUNTED if wanted.total == "bounded" else None
    number = search.total(session, wanted.question, most=most)
    return number if most is None or number <= most else None


def _beside(session: Session, who: Caller, wanted: Asked, found: Sequence[Said]) -> list[Said]:
    """What was asked to be shown with what was found: each once, and nothing that is shown already."""
    there = {(one.type, one.id) for one in found}
    places: set[tuple[str, str]] = set()
    for include in wanted.includes if found else ():
        places |= _included(session, who, wanted.question.type, include, [one.id for one in found])
        if len(places) > INCLUDED:
            sentence = f"More than {INCLUDED} resources would be included; ask for fewer with _count."
            raise refuse(400, sentence, "_revinclude", code="too-costly")
    beside = search.all_said(session, places - there)
    for type_ in sorted({one.type for one in beside}):
        allowed(who, type_, "read")
    return beside


def _included(
    session: Session, who: Caller, type_: str, include: Include, ids: Sequence[str]
) -> set[tuple[str, str]]:
    if include.reverse:
        allowed(who, include.type, "search-type")
        return search.pointing_at(session, include.type, include.param, type_, ids, most=INCLUDED + 1)
    found = search.pointed_at(session, type_, include.param, ids)
    return {one for one in found if include.to in ("", one[0])}


def traces(
    who: Caller, what: str, found: Iterable[Said | resource_history.Version], **detail: object
) -> list[Entry]:
    """One entry for each patient whose resources were shown; one where nobody's were."""
    shown: dict[str | None, list[str]] = {}
    for one in found:
        shown.setdefault(one.patient_id, []).append(one.id)
    return [
        who.trace("read", what, patient_id, **detail, found=ids)
        for patient_id, ids in (shown or {None: []}).items()
    ]


def _traces(who: Caller, served: Served, wanted: Asked, found: Sequence[Said]) -> list[Entry]:
    # Names only: the values asked for may speak of somebody else than those who were found.
    names = sorted({name for name, _ in wanted.said})
    return traces(who, f"search {served.type}", found, by=names)


def _bundle(
    base: str,
    served: Served,
    pages: Pages,
    wanted: Asked,
    page: Page,
    beside: Sequence[Said],
    total: int | None,
) -> str:
    """A searchset; what was ignored is missing from its ``self`` link, and what was asked from the ``next``."""
    url = f"{base}/{served.type}"

    def onward(place: Place) -> str:
        return f"{url}?{PAGE}={pages.seal(served.type, wanted.said, place)}"

    here = wanted.question.after
    own = onward(here) if here is not None else f"{url}?{wanted.query}".removesuffix("?")
    links = [("self", own)]
    if page.next is not None:
        links.append(("next", onward(page.next)))
    entries = [_entry(base, one, "match") for one in page.found]
    entries += [_entry(base, one, "include") for one in beside]
    return bundle("searchset", links=links, entries=entries, total=total)


def _entry(base: str, one: Said, mode: str) -> str:
    url = written(f"{base}/{one.type}/{one.id}")
    return f'{{"fullUrl":{url},"resource":{words(one)},"search":{{"mode":"{mode}"}}}}'
