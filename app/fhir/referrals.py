"""``POST /fhir``: a referral comes in as a transaction or a message, and a pathway starts, once."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request, Response

from app.fhir import asking
from app.fhir.answer import fhir, outcome, version_headers, with_meta
from app.fhir.caller import Caller, system
from app.fhir.creating import may_read
from app.fhir.errors import FhirError, request_id
from app.fhir.reads import base
from app.intake import receive_referral
from app.service import Service
from fhir_mappings.body import parse
from fhir_mappings.outcome import Issue, information, operation_outcome
from fhir_mappings.read import Json, objects_at, text_at
from fhir_mappings.site import fhir_id
from pathway.completeness import question
from store import search
from store.referrals import Received

_UNREADABLE = ("structure", "invalid", "too-costly")
"""Issues of a body that is no referral Bundle at all (400); the rest is one that lacks something (422)."""


def refer(service: Service, request: Request, who: Caller, body: bytes) -> Response:
    """201 when the pathway has started, 200 when it had been heard, 202 when a person must decide, else 4xx."""
    sender = system(who).name
    asking.need_acceptable(request)
    asking.need_type(request, *asking.RESOURCE_TYPES)
    received = receive_referral(service, body, sender, who.actor)
    if isinstance(received, list):
        raise FhirError(_status(received), *received)
    if received.status == "started" and received.pathway_id is not None:
        return _started(service, request, who, received, received.pathway_id, body)
    said = [waiting(received), *questions(received)]
    return outcome(200 if received.status == "dismissed" else 202, said, request_id(request))


_WAITS = {
    "incomplete": "The referral is kept; a coordinator completes it before the pathway can start.",
    "duplicate": "A pathway is already running for this fracture; a coordinator looks whether this is the same.",
    "dismissed": "This referral was heard before, and a coordinator decided that no pathway starts from it.",
}


def _started(
    service: Service, request: Request, who: Caller, received: Received, pathway_id: str, body: bytes
) -> Response:
    """A transaction is answered by a transaction-response, entry by entry; a message, or who prefers it, in words."""
    with service.db.read() as session:
        plan = search.read(session, "CarePlan", fhir_id(pathway_id))
    assert plan is not None, "a pathway that has started says its CarePlan"
    headers = {**version_headers(plan), "Location": f"{base(service)}/CarePlan/{plan.id}"}
    status = 201 if received.new else 200
    returns = asking.preference(request).returns
    if returns == "minimal":
        return fhir(status, None, headers)
    if returns == "representation" and may_read(who, "CarePlan"):
        return fhir(status, with_meta(plan), headers)
    heard = "The pathway has started" if received.new else "This referral was heard before"
    said = [information(f"{heard}: CarePlan/{plan.id}."), *(questions(received) if received.new else ())]
    bundle, _ = parse(body)
    if returns is None and bundle is not None and bundle["type"] == "transaction":
        return fhir(status, _transaction_response(bundle, received, plan.id, said), headers)
    return outcome(status, said, request_id(request), headers)


def _transaction_response(bundle: Json, received: Received, plan_id: str, said: list[Issue]) -> Json:
    """What became of each entry: the patient is found or made, the order is a CarePlan, the rest is kept with it."""
    places = {"ServiceRequest": f"CarePlan/{plan_id}", "Patient": f"Patient/{received.patient_id}"}
    done = "201 Created" if received.new else "200 OK"
    entries = []
    for entry in objects_at(bundle, "entry"):
        kind = text_at(entry, "resource", "resourceType") or ""
        response: Json = {"status": done if kind in places else "200 OK"}
        if kind in places:
            response["location"] = places[kind]
        if kind == "ServiceRequest":
            response["outcome"] = operation_outcome(said)
        entries.append({"response": response})
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}


def waiting(received: Received) -> Issue:
    """Why no pathway has started from it yet, or none will."""
    return information(_WAITS.get(received.status, _WAITS["incomplete"]))


def questions(received: Received) -> list[Issue]:
    """What the referral leaves open, as the questions that a coordinator will ask."""
    return [information(question(key).en) for key in received.missing]


def _status(issues: Sequence[Issue]) -> int:
    refusing = [issue.code for issue in issues if issue.refuses]
    if "too-long" in refusing:
        return 413
    return 400 if refusing and all(code in _UNREADABLE for code in refusing) else 422
