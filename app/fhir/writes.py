"""Writing by a request of its own: create, update and patch, plain or on a condition, read and answered."""

from __future__ import annotations

from fastapi import Request, Response

from app.fhir import asking, creating, matching
from app.fhir.answer import fhir, resource, version_headers
from app.fhir.asked import is_id, pairs
from app.fhir.caller import Caller, system
from app.fhir.errors import FhirError, refuse, request_id
from app.fhir.reads import base
from app.fhir.served import Served
from app.fhir.wishes import Criteria, Done, Method, Wish
from app.service import Service
from fhir_mappings.outcome import information, operation_outcome
from fhir_mappings.read import Json
from fhir_mappings.validate import check
from store import locks


def create(service: Service, served: Served, request: Request, who: Caller, body: bytes) -> Response:
    """``POST [type]``, with ``If-None-Exist`` on condition that nothing meets the criteria yet."""
    asking.need_type(request, *asking.RESOURCE_TYPES)
    _no_query(request)
    condition = request.headers.get("if-none-exist")
    return _written(
        service,
        request,
        who,
        _wish(
            request,
            served,
            "POST",
            body,
            criteria=matching.criteria(condition) if condition is not None else None,
        ),
    )


def update(
    service: Service, served: Served, request: Request, who: Caller, id_: str, body: bytes
) -> Response:
    """``PUT [type]/[id]``, which makes what is not there yet where the table of what is served says so."""
    _need_id(served, id_)
    asking.need_type(request, *asking.RESOURCE_TYPES)
    _no_query(request)
    wish = _wish(request, served, "PUT", body, id_=id_)
    if wish.resource.get("id") != id_:
        where = f"{served.type}.id"
        raise refuse(400, f"{where} must be the id of the URL; correct the one or the other.", where)
    return _written(service, request, who, wish)


def update_by_condition(
    service: Service, served: Served, request: Request, who: Caller, body: bytes
) -> Response:
    """``PUT [type]?criteria``: the one that meets them, or a new one where none does."""
    asking.need_type(request, *asking.RESOURCE_TYPES)
    criteria = matching.checked(pairs(request.query_params.multi_items()))
    return _written(service, request, who, _wish(request, served, "PUT", body, criteria=criteria))


def patch(service: Service, served: Served, request: Request, who: Caller, id_: str, body: bytes) -> Response:
    """``PATCH [type]/[id]`` with a JSON Patch: the resource as it stands, patched, is written like a PUT."""
    _need_id(served, id_)
    system(who)
    asking.need_acceptable(request)
    asking.need_type(request, asking.PATCH_TYPE)
    _no_query(request)
    wish = Wish(
        served,
        "PATCH",
        {},
        operations=asking.operations(body),
        id=id_,
        if_match=request.headers.get("if-match"),
        if_none_match=request.headers.get("if-none-match"),
    )
    return _written(service, request, who, wish)


def well_formed(served: Served, incoming: Json) -> Json:
    """The resource, of the type that is written here and past the gate. 400 and 422 otherwise."""
    where = f"{served.type}.resourceType"
    if incoming.get("resourceType") != served.type:
        raise refuse(400, f"The body must be a {served.type}; correct the URL or the body.", where)
    if issues := [issue for issue in check(incoming) if issue.refuses]:
        raise FhirError(422, *issues)
    return incoming


def _wish(
    request: Request,
    served: Served,
    method: Method,
    body: bytes,
    *,
    id_: str | None = None,
    criteria: Criteria | None = None,
) -> Wish:
    asking.need_acceptable(request)
    return Wish(
        served,
        method,
        well_formed(served, asking.resource(body)),
        body.removeprefix(b"\xef\xbb\xbf"),
        id=id_,
        criteria=criteria,
        if_match=request.headers.get("if-match"),
        if_none_match=request.headers.get("if-none-match"),
    )


def _need_id(served: Served, id_: str) -> None:
    if not is_id(id_):
        raise refuse(404, f"There is no {served.type} of that id, and none can be.")


def _no_query(request: Request) -> None:
    if set(request.query_params) - {"_format", "_pretty"}:
        raise refuse(
            400, "Nothing is asked in the address of this write; leave the query out.", code="invalid"
        )


def _written(service: Service, request: Request, who: Caller, wish: Wish) -> Response:
    creating.may(who, wish)
    done = locks.write(service.db, lambda session: creating.do(service, session, who, wish))
    return _answer(service, request, who, wish, done)


def _answer(service: Service, request: Request, who: Caller, wish: Wish, done: Done) -> Response:
    if done.found is None:
        return fhir(200, operation_outcome(done.issues, id=request_id(request)))
    headers = version_headers(done.found)
    if done.status == 201 or done.found.id != wish.id:
        headers["Location"] = location(service, done)
    returns = asking.preference(request).returns
    if returns == "OperationOutcome":
        said = [*done.issues, information(_done(done))]
        return fhir(done.status, operation_outcome(said, id=request_id(request)), headers)
    if returns == "minimal" or not creating.may_see(who, done):
        return fhir(done.status, None, headers)
    return resource(done.status, done.found, headers)


def location(service: Service, done: Done) -> str:
    """The address of the version that a write left standing."""
    assert done.found is not None
    return f"{base(service)}/{done.found.type}/{done.found.id}/_history/{done.found.version}"


def _done(done: Done) -> str:
    if done.status == 201:
        return "It was made."
    return "What it says was recorded." if done.moved else "It says nothing new to any pathway."
