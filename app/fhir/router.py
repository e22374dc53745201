"""The routes of ``/fhir``, made from the table of what is served; everything else there is a clear 404 or 405."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.fhir import asking, history, reads, subscriptions
from app.fhir.answer import fhir
from app.fhir.asking import Body
from app.fhir.caller import Caller, caller
from app.fhir.capability import ID, search_parameter, statement
from app.fhir.errors import FhirRoute, refuse
from app.fhir.notified import serve_notifications
from app.fhir.pages import Pages
from app.fhir.served import BY_TYPE, SERVED, SYSTEM, Served
from app.fhir.writing_routes import serve_writing
from app.secrets import installation_key
from app.service import Service

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def fhir_router(service: Service) -> APIRouter:
    """Every route under ``/fhir``, for this service. Include it once, without a prefix of your own."""

    def identify(request: Request) -> None:
        request.state.caller = caller(service, request)

    pages = Pages(installation_key(service.settings))
    public = APIRouter(prefix="/fhir", route_class=FhirRoute)
    _say_what_is_served(public, service)
    serve_notifications(public, service)
    known = APIRouter(prefix="/fhir", route_class=FhirRoute, dependencies=[Depends(identify)])
    _say_own_parameters(known, service)
    serve_writing(known, service, pages)
    _serve_subscriptions(known, service)
    if "history-system" in SYSTEM:
        _serve_history(known, service, pages)
    for served in SERVED:
        if not served.parameters:
            continue
        if "vread" in served.interactions:
            _serve_versions(known, service, pages, served)
        if "read" in served.interactions:
            _serve_read(known, service, served)
        if "search-type" in served.interactions:
            _serve_search(known, service, pages, served)
    _refuse_the_rest(known, [one for one in (*public.routes, *known.routes) if isinstance(one, FhirRoute)])
    both = APIRouter(include_in_schema=False)
    both.include_router(public)
    both.include_router(known)
    return both


def _who(request: Request) -> Caller:
    """Whoever was identified before anything else of the request was looked at."""
    known: Caller = request.state.caller
    return known


Who = Annotated[Caller, Depends(_who)]


def _say_what_is_served(router: APIRouter, service: Service) -> None:
    @router.get("/metadata")
    def metadata(request: Request) -> Response:
        asking.need_acceptable(request)
        return fhir(200, statement(service.site, reads.base(service)))


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
        return fhir(200, statement(service.site, reads.base(service)))


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


def _serve_read(router: APIRouter, service: Service, served: Served) -> None:
    @router.get(f"/{served.type}/{{id_}}", name=f"read {served.type}")
    def read(request: Request, who: Who, id_: str) -> Response:
        return reads.read(service, served, request, who, id_)


def _serve_versions(router: APIRouter, service: Service, pages: Pages, served: Served) -> None:
    type_ = served.type

    @router.get(f"/{type_}/{{id_}}/_history/{{version}}", name=f"read a version of {type_}")
    def read_version(request: Request, who: Who, id_: str, version: str) -> Response:
        return reads.read_version(service, served, request, who, id_, version)

    @router.get(f"/{type_}/{{id_}}/_history", name=f"history of one {type_}")
    def history_of_one(request: Request, who: Who, id_: str) -> Response:
        return history.of_one(service, type_, pages, request, who, id_)

    @router.get(f"/{type_}/_history", name=f"history of {type_}")
    def history_of_type(request: Request, who: Who) -> Response:
        return history.of_type(service, type_, pages, request, who)


def _serve_history(router: APIRouter, service: Service, pages: Pages) -> None:
    @router.get("/_history")
    def history_of_all(request: Request, who: Who) -> Response:
        return history.of_all(service, pages, request, who)


def _serve_search(router: APIRouter, service: Service, pages: Pages, served: Served) -> None:
    @router.get(f"/{served.type}", name=f"search {served.type}")
    def find(request: Request, who: Who) -> Response:
        return reads.find(service, served, pages, request, who)

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
