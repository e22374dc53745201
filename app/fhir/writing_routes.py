"""The routes that write, made from the table of what is served; and ``$validate``, which only judges."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.fhir import transactions, validate_op, writes
from app.fhir.asking import Body
from app.fhir.caller import Caller
from app.fhir.pages import Pages
from app.fhir.served import SERVED, Served
from app.service import Service


def _who(request: Request) -> Caller:
    known: Caller = request.state.caller
    return known


Who = Annotated[Caller, Depends(_who)]
"""Whoever was identified before anything else of the request was looked at."""


def serve_writing(router: APIRouter, service: Service, pages: Pages) -> None:
    """Add every route that writes to ``router``, whose dependencies have identified the caller."""

    @router.post("")
    @router.post("/")
    def receive(request: Request, who: Who, body: Body) -> Response:
        return transactions.receive(service, pages, request, who, body)

    for served in SERVED:
        if "create" in served.interactions:
            _serve_create(router, service, served)
        if "update" in served.interactions:
            _serve_update(router, service, served)
        if "patch" in served.interactions:
            _serve_patch(router, service, served)
        if any(name == "validate" for name, _ in served.operations):
            _serve_validate(router, served)


def _serve_create(router: APIRouter, service: Service, served: Served) -> None:
    @router.post(f"/{served.type}", name=f"create {served.type}")
    def create(request: Request, who: Who, body: Body) -> Response:
        return writes.create(service, served, request, who, body)


def _serve_update(router: APIRouter, service: Service, served: Served) -> None:
    @router.put(f"/{served.type}/{{id_}}", name=f"update {served.type}")
    def update(request: Request, who: Who, id_: str, body: Body) -> Response:
        return writes.update(service, served, request, who, id_, body)

    if served.conditional_update:

        @router.put(f"/{served.type}", name=f"update {served.type} by a condition")
        def update_by_condition(request: Request, who: Who, body: Body) -> Response:
            return writes.update_by_condition(service, served, request, who, body)


def _serve_patch(router: APIRouter, service: Service, served: Served) -> None:
    @router.patch(f"/{served.type}/{{id_}}", name=f"patch {served.type}")
    def patch(request: Request, who: Who, id_: str, body: Body) -> Response:
        return writes.patch(service, served, request, who, id_, body)


def _serve_validate(router: APIRouter, served: Served) -> None:
    @router.post(f"/{served.type}/$validate", name=f"validate {served.type}")
    def validate(request: Request, body: Body) -> Response:
        return validate_op.validate(served, request, body)

    @router.post(f"/{served.type}/{{id_}}/$validate", name=f"validate one {served.type}")
    def validate_one(request: Request, id_: str, body: Body) -> Response:
        return validate_op.validate(served, request, body, id_)
