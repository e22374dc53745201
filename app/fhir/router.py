"""The routes of ``/fhir``, made from the table of what is served; everything else there is a clear 404 or 405."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.fhir import asking, reads, subscriptions
from app.fhir.answer import fhir
from app.fhir.asking import Body
from app.fhir.audit_events import serve_trace
from app.fhir.caller import Caller, caller
from app.fhir.capability import ID, search_parameter, statement
from app.fhir.dispatch import Dispatch
from app.fhir.errors import FhirRoute, refuse
from app.fhir.notified import serve_notifications
from app.fhir.pages import Pages
from app.fhir.plan_definitions import serve_apply, serve_own_definitions
from app.fhir.reading_routes import serve_reading
from app.fhir.served import BY_TYPE, SERVED, Served
from app.fhir.writing_routes import serve_writing
from app.secrets import installation_key
from app.service import Service

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def fhir_router(service: Service) -> APIRouter:
    """Every route under ``/fhir``, for this service. Include it once, without a prefix of your own."""

    def identify(request: Request) -> None:
        request.state.caller = caller(service, request)

    pages = Pages(installation_key(service.settings))
    public = APIRouter(prefix="/fhir", route_class=FhirRoute, include_in_schema=False)
    _say_what_is_served(public, service)
    serve_notifications(public, service)
    known = APIRouter(
        prefix="/fhir", route_class=FhirRoute, dependencies=[Depends(identify)], include_in_schema=False
    )
    _say_own_parameters(known, service)
    serve_writing(known, service, pages)
    _serve_subscriptions(known, service)
    serve_apply(known, service)
    serve_own_definitions(known, service)
    for served in SERVED:
        if served.kept and "search-type" in served.interactions:
            _serve_search_by_post(known, service, pages, served)
    serve_trace(known, service)
    reading = APIRouter(prefix="/fhir", route_class=FhirRoute, include_in_schema=False)
    serve_reading(reading, service, pages)
    served_here = [
        one for one in (*public.routes, *known.routes, *reading.routes) if isinstance(one, FhirRoute)
    ]
    last = APIRouter(
        prefix="/fhir", route_class=FhirRoute, dependencies=[Depends(identify)], include_in_schema=False
    )
    _refuse_the_rest(last, served_here)
    return Dispatch("/fhir", [*served_here, *(one for one in last.routes if isinstance(one, FhirRoute))])


def _who(request: Request) -> Caller:
    """Whoever was identified before anything else of the request was looked at."""
    known: Caller = request.state.caller
    return known


Who = Annotated[Caller, Depends(_who)]


def _say_what_is_served(router: APIRouter, service: Service) -> None:
    @router.get("/metadata")
    def metadata(request: Request) -> Response:
        asking.need_acceptable(request)
        return fhir(200, statement(service.site, reads.base(service), smart=bool(service.issuers)))


def _say_own_parameters(router: APIRouter, service: Service) -> None:
    @router.get("/SearchParameter/{id_}")
    def parameter(request: Request, id_: str) -> Response:
        """No trace: it speaks of nobody."""
        asking.need_acceptable(request)
        found = search_parameter(service.site, id_)
        if found is None:
            raise refuse(404, "There is no SearchParameter of that id.")
        return fhir(200, found)

    @router.get("/CapabilityStatement/{id_}")
    def capability(request: Request, id_: str) -> Response:
        asking.need_acceptable(request)
        if id_ != ID:
            raise refuse(404, "There is no CapabilityStatement of that id.")
        return fhir(200, statement(service.site, reads.base(service), smart=bool(service.issuers)))


def _serve_subscriptions(router: APIRouter, service: Service) -> None:
    @router.get("/Subscription/$status")
    def statuses(request: Request, who: Who) -> Response:
        return subscriptions.statuses(service, request, who)

    @router.get("/Subscription/{id_}/$status")
    def status(request: Request, who: Who, id_: str) -> Response:
        return subscriptions.status_of(service, request, who, id_)

    @router.get("/Subscription/{id_}/$events")
    def events(request: Request, who: Who, id_: str) -> Response:
        return subscriptions.events_of(service, request, who, id_)


def _serve_search_by_post(router: APIRouter, service: Service, pages: Pages, served: Served) -> None:
    @router.post(f"/{served.type}/_search", name=f"search {served.type} by POST")
    def find_by_post(request: Request, who: Who, body: Body) -> Response:
        return reads.find_by_post(service, served, pages, request, who, body)


def _refuse_the_rest(router: APIRouter, served: list[FhirRoute]) -> None:
    """Last, for it takes everything: what is served in another way is 405, what is not served at all 404."""

    @router.api_route("", methods=METHODS)
    @router.api_route("/{path:path}", methods=METHODS)
    def unserved(request: Request, path: str = "") -> Response:
        if path.rpartition("/")[2].startswith("$"):
            sentence = "This operation is not served here; GET metadata says which are."
            raise refuse(404, sentence, code="not-supported")
        place = f"/fhir/{path}" if path else "/fhir"
        ways = (one.methods or () for one in served if one.path_regex.match(place))
        allowed = sorted({method for methods in ways for method in methods})
        if allowed:
            sentence = f"{request.method} is not served here; {', '.join(allowed)} is."
            raise refuse(405, sentence, headers={"Allow": ", ".join(allowed)})
        if path.partition("/")[0] in BY_TYPE:
            raise refuse(404, "There is nothing at this address; GET metadata says what there is.")
        sentence = "This type or operation is not served here; GET metadata says what is."
        raise refuse(404, sentence, code="not-supported")
