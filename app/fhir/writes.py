"""What a hospital writes: a Task or an Appointment, whole or patched, heard as what has happened."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from sqlmodel import Session

from app.fhir import asking
from app.fhir.answer import Json, fhir, version_headers, with_meta
from app.fhir.asked import is_id, pairs
from app.fhir.caller import Caller, may_book, system, task_role
from app.fhir.errors import FhirError, refuse, request_id
from app.fhir.reads import base
from app.fhir.served import Served
from app.service import Service
from fhir_mappings.body import parse
from fhir_mappings.json_patch import apply_json_patch
from fhir_mappings.outcome import Issue, information, operation_outcome
from fhir_mappings.read import objects_at, text_at
from fhir_mappings.site import fhir_id
from fhir_mappings.task_moves import Role
from fhir_mappings.validate import check
from scheduler.hearing import Hearing, Subject, hear, own_system, subject
from store import search


def update(
    service: Service, served: Served, request: Request, who: Caller, id_: str, body: bytes
) -> Response:
    """``PUT [type]/[id]``."""
    system(who)
    asking.need_acceptable(request)
    asking.need_type(request, *asking.RESOURCE_TYPES)
    incoming = _well_formed(served, asking.resource(body))
    if incoming.get("id") != id_:
        where = f"{served.type}.id"
        raise refuse(400, f"{where} must be the id of the URL; correct the one or the other.", where)
    with service.db.write() as session:
        about = _about(service, session, served, id_)
        return _heard(service, session, served, request, who, about, incoming)


def update_by_identifier(
    service: Service, served: Served, request: Request, who: Caller, body: bytes
) -> Response:
    """``PUT [type]?identifier=system|value``: the one that our identifier names.

    An Appointment of a step that never had one is made so (201): the hospital books. A Task never is.
    """
    system(who)
    asking.need_acceptable(request)
    asking.need_type(request, *asking.RESOURCE_TYPES)
    value = _identifier_asked(service, served, request)
    incoming = _well_formed(served, asking.resource(body))
    with service.db.write() as session:
        about = subject(session, service.ledger, service.site, served.type, None, value)
        if about is None or (about.current is None and served.type == "Task"):
            raise refuse(404, f"No {served.type} of ours has that identifier; none is made by an update.")
        if incoming.get("id", _id(about)) != _id(about):
            where = f"{served.type}.id"
            raise refuse(400, f"{where} is not the id of what the identifier names; leave it out.", where)
        return _heard(service, session, served, request, who, about, incoming)


def patch(service: Service, served: Served, request: Request, who: Caller, id_: str, body: bytes) -> Response:
    """``PATCH [type]/[id]`` with a JSON Patch: the resource as it stands, patched, is heard like a PUT."""
    system(who)
    asking.need_acceptable(request)
    asking.need_type(request, asking.PATCH_TYPE)
    operations = _operations(body)
    with service.db.write() as session:
        about = _about(service, session, served, id_)
        assert about.current is not None
        asking.need_version(request, about.current.version)
        patched = apply_json_patch(about.current.content, operations)
        if isinstance(patched, list):
            raise FhirError(422, *patched)
        incoming = _well_formed(served, patched)
        if incoming.get("id") != id_:
            raise refuse(422, f"A patch may not change {served.type}.id; leave it out.", f"{served.type}.id")
        return _heard(service, session, served, request, who, about, incoming)


# --- one update, however it was put -----------------------------------------------------------------------


def _heard(
    service: Service,
    session: Session,
    served: Served,
    request: Request,
    who: Caller,
    about: Subject,
    incoming: Json,
) -> Response:
    """Hear it under the pathway's lock, leave the trace, and answer with the resource as it now stands."""
    holder = system(who)
    asking.need_version(request, about.current.version if about.current is not None else None)
    role: Role = "owner"
    if served.type == "Task":
        role = task_role(holder, about, incoming)
    else:
        may_book(holder, about)
    _same_identifier(service, about, incoming)
    said = hear(session, service.ledger, service.site, about, incoming, role=role, by=who.actor, at=who.now)
    if said.found is None and any(issue.refuses for issue in said.issues):
        raise FhirError(_status(said.issues), *said.issues)
    what = f"{served.type}/{_id(about)}"
    service.audit.write(session, who.trace("write", what, about.patient_id, role=role, moved=said.moved))
    return _answer(service, request, about, said)


def _answer(service: Service, request: Request, about: Subject, said: Hearing) -> Response:
    if said.found is None:
        return fhir(200, operation_outcome(said.issues, id=request_id(request)))
    headers = version_headers(said.found)
    status = 200
    if about.current is None:
        status = 201
        headers["Location"] = f"{base(service)}/{about.type}/{said.found.id}"
    returns = asking.preference(request).returns
    if returns == "minimal":
        return fhir(status, None, headers)
    if returns == "OperationOutcome":
        done = "What it says was recorded." if said.moved else "It says nothing new; nothing has changed."
        return fhir(
            status, operation_outcome([*said.issues, information(done)], id=request_id(request)), headers
        )
    return fhir(status, with_meta(said.found), headers)


def _status(issues: tuple[Issue, ...]) -> int:
    """HTTP status of a refused update: whose turn it is (409, 403), or what is wrong with what it says (422)."""
    by_code = {"conflict": 409, "forbidden": 403, "not-found": 404}
    return next((by_code[each.code] for each in issues if each.refuses and each.code in by_code), 422)


def _about(service: Service, session: Session, served: Served, id_: str) -> Subject:
    about = subject(session, service.ledger, service.site, served.type, id_) if is_id(id_) else None
    if about is not None and about.current is not None:
        return about
    if is_id(id_) and search.read(session, served.type, id_) is not None:
        sentence = f"This {served.type} carries a signed instruction of ours and is not moved from outside."
        raise refuse(422, sentence, code="business-rule")
    raise refuse(404, f"There is no {served.type} of that id; none is made by an update.")


def _id(about: Subject) -> str:
    return fhir_id(about.pathway.id, about.step.key, about.step.occurrence)


def _well_formed(served: Served, incoming: Json) -> Json:
    where = f"{served.type}.resourceType"
    if incoming.get("resourceType") != served.type:
        raise refuse(400, f"The body must be a {served.type}; correct the URL or the body.", where)
    if issues := check(incoming):
        raise FhirError(422, *issues)
    return incoming


def _same_identifier(service: Service, about: Subject, incoming: Json) -> None:
    """422 when the body carries our identifier of something else."""
    system_ = own_system(service.site, about.type)
    ours = f"{about.pathway.id}/{about.step.ref}"
    for each in objects_at(incoming, "identifier"):
        if text_at(each, "system") == system_ and text_at(each, "value") != ours:
            where = f"{about.type}.identifier"
            raise refuse(422, f"{where} names another {about.type} of ours; send it back as read.", where)


def _identifier_asked(service: Service, served: Served, request: Request) -> str:
    """The value of our identifier in a conditional update; 412 for a condition that cannot name one of ours."""
    said = pairs(request.query_params.multi_items())
    given = [value for name, value in said if name == "identifier"]
    if len(given) != 1 or any(name not in ("identifier", "_format") for name, _ in said):
        sentence = "A conditional update names one resource by identifier=system|value and by nothing else."
        raise refuse(400, sentence, "identifier")
    system_, bar, value = given[0].partition("|")
    if not bar or system_ != own_system(service.site, served.type):
        sentence = f"A conditional update names a {served.type} by the identifier that we gave it."
        raise refuse(412, sentence, "identifier")
    return value


def _operations(body: bytes) -> Any:
    """The list of operations in a body, read with the same care as a resource."""
    read, issues = parse(b'{"patch":' + body.removeprefix(b"\xef\xbb\xbf") + b"}")
    if read is None:
        raise FhirError(400, *issues)
    if set(read) != {"patch"} or not isinstance(read["patch"], list):
        raise refuse(400, "A JSON Patch is a list of operations; send one.", code="structure")
    return read["patch"]
