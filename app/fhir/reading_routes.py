"""The routes that read, made from the table of what is served: read, versions, histories and searches.

Each asks first who sends the request, in the thread that answers it: a dependency would wait for a thread of its own.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.fhir import history, reads
from app.fhir.caller import caller
from app.fhir.pages import Pages
from app.fhir.served import SERVED, SYSTEM, Served
from app.service import Service


def serve_reading(router: APIRouter, service: Service, pages: Pages) -> None:
    """Add every route that reads by GET to ``router``."""
    if "history-system" in SYSTEM:
        _serve_history(router, service, pages)
    for served in SERVED:
        if not served.parameters or not served.kept:
            continue  # definitions of ours and the trace, which are no such rows
        if "vread" in served.interactions:
            _serve_versions(router, service, pages, served)
        if "read" in served.interactions:
            _serve_read(router, service, served)
        if "search-type" in served.interactions:
            _serve_search(router, service, pages, served)


def _serve_read(router: APIRouter, service: Service, served: Served) -> None:
    @router.get(f"/{served.type}/{{id_}}", name=f"read {served.type}")
    def read(request: Request, id_: str) -> Response:
        return reads.read(service, served, request, caller(service, request), id_)


def _serve_versions(router: APIRouter, service: Service, pages: Pages, served: Served) -> None:
    type_ = served.type

    @router.get(f"/{type_}/{{id_}}/_history/{{version}}", name=f"read a version of {type_}")
    def read_version(request: Request, id_: str, version: str) -> Response:
        return reads.read_version(service, served, request, caller(service, request), id_, version)

    @router.get(f"/{type_}/{{id_}}/_history", name=f"history of one {type_}")
    def history_of_one(request: Request, id_: str) -> Response:
        return history.of_one(service, type_, pages, request, caller(service, request), id_)

    @router.get(f"/{type_}/_history", name=f"history of {type_}")
    def history_of_type(request: Request) -> Response:
        return history.of_type(service, type_, pages, request, caller(service, request))


def _serve_history(router: APIRouter, service: Service, pages: Pages) -> None:
    @router.get("/_history")
    def history_of_all(request: Request) -> Response:
        return history.of_all(service, pages, request, caller(service, request))


def _serve_search(router: APIRouter, service: Service, pages: Pages, served: Served) -> None:
    @router.get(f"/{served.type}", name=f"search {served.type}")
    def find(request: Request) -> Response:
        return reads.find(service, served, pages, request, caller(service, request))
