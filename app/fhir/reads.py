"""Reading and searching: every read leaves its trace in the transaction that reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from fastapi import Request, Response

from app.fhir import asked, asking
from app.fhir.answer import Json, etag, fhir, version_headers, with_meta
from app.fhir.asked import Asked, is_id
from app.fhir.caller import Caller
from app.fhir.errors import refuse
from app.fhir.pages import PAGE, Pages
from app.fhir.served import Served
from app.service import Service
from store import search
from store.audit import Entry
from store.search import Found, Page, Place


def base(service: Service) -> str:
    """Our own address as others know it, without a slash at the end."""
    return f"{service.settings.public_url.rstrip('/')}/fhir"


def read(service: Service, served: Served, request: Request, who: Caller, id_: str) -> Response:
    """One resource as it is now; 304 when the reader has this version already."""
    asking.need_acceptable(request)
    with service.db.write() as session:
        found = search.read(session, served.type, id_) if is_id(id_) else None
        if found is None:
            raise refuse(404, f"There is no {served.type} of that id.")
        service.audit.write(session, who.trace("read", f"{served.type}/{id_}", found.patient_id))
    if asking.unchanged(request, found.version):
        return fhir(304, None, {"ETag": etag(found)})
    return fhir(200, with_meta(found), version_headers(found))


def find(service: Service, served: Served, pages: Pages, request: Request, who: Caller) -> Response:
    """A search by URL."""
    return _searched(service, served, pages, request, who, list(request.query_params.multi_items()))


def find_by_post(
    service: Service, served: Served, pages: Pages, request: Request, who: Caller, body: bytes
) -> Response:
    """A search whose parameters stay out of the URL, and so out of everybody's logs."""
    asking.need_type(request, asking.FORM_TYPE)
    try:
        typed = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200)
    except ValueError:
        raise refuse(400, "The body is no form in UTF-8 of at most 200 fields; correct it.") from None
    return _searched(service, served, pages, request, who, [*request.query_params.multi_items(), *typed])


def _searched(
    service: Service,
    served: Served,
    pages: Pages,
    request: Request,
    who: Caller,
    said: Sequence[tuple[str, str]],
) -> Response:
    asking.need_acceptable(request)
    with service.db.write() as session:
        wanted = asked.read(
            served,
            asked.pairs(said),
            pages=pages,
            zone=_zone(service),
            base=base(service),
            strict=asking.preference(request).strict,
        )
        total = search.total(session, wanted.question) if wanted.total != "none" else None
        page = search.page(session, wanted.question) if wanted.total != "only" else Page(())
        service.audit.write_all(session, _traces(who, served, wanted, page.found))
    return fhir(200, _bundle(base(service), served, pages, wanted, page, total))


def _zone(service: Service) -> tzinfo:
    return ZoneInfo(service.protocol.ground.calendar.zone)


def _traces(who: Caller, served: Served, wanted: Asked, found: Sequence[Found]) -> list[Entry]:
    """One entry for each patient whose resources were shown; one for a search that showed nobody's."""
    shown: dict[str | None, list[str]] = {}
    for one in found:
        shown.setdefault(one.patient_id, []).append(one.id)
    # Names only: the values asked for may speak of somebody else than those who were found.
    names = sorted({name for name, _ in wanted.said})
    what = f"search {served.type}"
    return [
        who.trace("read", what, patient_id, by=names, found=ids)
        for patient_id, ids in (shown or {None: []}).items()
    ]


def _bundle(base: str, served: Served, pages: Pages, wanted: Asked, page: Page, total: int | None) -> Json:
    """A searchset; what was ignored is missing from its ``self`` link, and what was asked from the ``next``."""
    url = f"{base}/{served.type}"

    def onward(place: Place) -> str:
        return f"{url}?{PAGE}={pages.seal(served.type, wanted.said, place)}"

    here = wanted.question.after
    own = onward(here) if here is not None else f"{url}?{wanted.query}".removesuffix("?")
    link = [{"relation": "self", "url": own}]
    if page.next is not None:
        link.append({"relation": "next", "url": onward(page.next)})
    bundle: Json = {"resourceType": "Bundle", "type": "searchset"}
    if total is not None:
        bundle["total"] = total
    bundle["link"] = link
    if page.found:
        bundle["entry"] = [
            {"fullUrl": f"{url}/{one.id}", "resource": with_meta(one), "search": {"mode": "match"}}
            for one in page.found
        ]
    return bundle
