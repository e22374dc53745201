"""``[type]/$validate``: would this resource be taken? Nothing is stored, and the answer is 200 with an outcome."""

from __future__ import annotations

from fastapi import Request, Response

from app.fhir import asking
from app.fhir.answer import fhir
from app.fhir.errors import refuse, request_id
from app.fhir.served import Served
from fhir_mappings.outcome import Issue, error, information, operation_outcome, warning
from fhir_mappings.read import Json, object_at, objects_at, text_at
from fhir_mappings.validate import opinion

_MODES = ("create", "update", "profile")


def validate(served: Served, request: Request, body: bytes, id_: str | None = None) -> Response:
    """The resource in the body, bare or in Parameters, judged as it would be when written to this type or ``id_``.

    400 when the body is no resource at all, for then there is nothing to judge.
    """
    asking.need_acceptable(request)
    asking.need_type(request, *asking.RESOURCE_TYPES)
    sent = asking.resource(body)
    mode = request.query_params.get("mode")
    profile = request.query_params.get("profile")
    if sent.get("resourceType") == "Parameters":
        said = {text_at(each, "name"): each for each in objects_at(sent, "parameter")}
        mode = text_at(said.get("mode"), "valueCode") or mode
        profile = (
            text_at(said.get("profile"), "valueUri")
            or text_at(said.get("profile"), "valueCanonical")
            or profile
        )
        if "resource" not in said:
            sentence = "Parameters needs a parameter named resource; add the one to judge."
            raise refuse(400, sentence, "Parameters.parameter", code="required")
        sent = object_at(said["resource"], "resource")
    issues = [*_of_the_asking(mode, profile), *_of_the_address(served, sent, id_, mode), *opinion(sent)]
    if not any(issue.refuses for issue in issues):
        issues.append(information("The resource would be taken, as far as its content goes."))
    return fhir(200, operation_outcome(issues, id=request_id(request)))


def _of_the_asking(mode: str | None, profile: str | None) -> list[Issue]:
    said = []
    if mode is not None and mode not in _MODES:
        said.append(
            error("not-supported", f"mode must be one of {', '.join(_MODES)}; nothing is deleted here.")
        )
    if profile is not None:
        said.append(
            warning("not-supported", "Profiles are not judged here; the resource was held against R4 itself.")
        )
    return said


def _of_the_address(served: Served, sent: Json, id_: str | None, mode: str | None) -> list[Issue]:
    if sent.get("resourceType") != served.type:
        where = f"{served.type}.resourceType"
        return [
            error("value", f"The resource must be a {served.type}; correct the URL or the resource.", where)
        ]
    if id_ is not None and mode != "create" and sent.get("id") != id_:
        where = f"{served.type}.id"
        return [error("value", f"{where} must be the id of the URL; correct the one or the other.", where)]
    return []
