"""The routes about protocols: applying one, and the definitions of what is ours in them. Reading them is as for all."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.fhir import apply, asking
from app.fhir.answer import fhir
from app.fhir.asking import Body
from app.fhir.caller import Caller
from app.fhir.errors import refuse
from app.service import Service
from fhir_mappings.apply_operation import apply_operation
from fhir_mappings.plan_extensions import structure_definitions


def _who(request: Request) -> Caller:
    known: Caller = request.state.caller
    return known


Who = Annotated[Caller, Depends(_who)]
"""Whoever was identified before anything else of the request was looked at."""


def serve_apply(router: APIRouter, service: Service) -> None:
    """Add ``$apply`` to ``router``, before the routes that read by id."""

    @router.get("/PlanDefinition/$apply", name="show what would begin")
    def show(request: Request, who: Who) -> Response:
        return apply.show(service, request, who)

    @router.get("/PlanDefinition/{id_}/$apply", name="show what would begin of one")
    def show_one(request: Request, who: Who, id_: str) -> Response:
        return apply.show(service, request, who, id_)

    @router.post("/PlanDefinition/$apply", name="begin")
    def begin(request: Request, who: Who, body: Body) -> Response:
        return apply.start(service, request, who, body)

    @router.post("/PlanDefinition/{id_}/$apply", name="begin one")
    def begin_one(request: Request, who: Who, id_: str, body: Body) -> Response:
        return apply.start(service, request, who, body, id_)


def serve_own_definitions(router: APIRouter, service: Service) -> None:
    """Add the OperationDefinition of our ``$apply`` and the StructureDefinitions of our extensions to ``router``."""
    known = [apply_operation(service.site), *structure_definitions(service.site)]
    by_place = {(one["resourceType"], one["id"]): one for one in known}
    for type_ in ("OperationDefinition", "StructureDefinition"):
        _serve(router, type_, {id_: one for (kind, id_), one in by_place.items() if kind == type_})


def _serve(router: APIRouter, type_: str, known: dict[str, dict[str, object]]) -> None:
    @router.get(f"/{type_}/{{id_}}", name=f"read {type_}")
    def definition(request: Request, id_: str) -> Response:
        """No trace: it speaks of nobody."""
        asking.need_acceptable(request)
        if id_ not in known:
            raise refuse(404, f"There is no {type_} of that id.")
        return fhir(200, known[id_])
