"""The JSON API: the worklist, a pathway, an event through the door, a referral. For systems and for scripts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from app.intake import receive_referral
from app.rights import MAY, allow
from app.web.callers import Body, By, said_in
from fhir_mappings.outcome import Issue
from pathway import events as e
from pathway.codec import Malformed, encode
from pathway.flags import flags
from pathway.plan import plan
from pathway.planned import Kind
from pathway.refusal import Refused, Text
from store import worklist
from store.ledger import Recorded
from store.worklist import Asked, Work

router = APIRouter(prefix="/api")


@router.get("/worklist")
def read_worklist(
    by: By,
    role: Annotated[tuple[str, ...], Query()] = (),
    overdue: bool = False,
    blocked: bool = False,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """What is to be done now, earliest due first. ``next`` is the offset of the next page, null on the last."""
    asked = Asked(roles=role, before=by.now if overdue else None, blocked=blocked)
    with by.service.db.write() as session:
        found = worklist.work(session, asked, offset=offset, limit=limit + 1)
        shown = found[:limit]
        named = sorted({(one.who.patient_id, one.who.pathway_id) for one in shown})
        by.service.audit.write_all(
            session, [by.trace("read", f"worklist/{pathway}", patient) for patient, pathway in named]
        )
    more = len(found) > limit
    return {"items": [_work(one) for one in shown], "next": offset + limit if more else None}


@router.get("/pathways/{pathway_id}")
def read_pathway(pathway_id: str, by: By) -> dict[str, Any]:
    """The state of a pathway, what is planned because of it, and what does not fit."""
    with by.service.db.write() as session:
        pathway, ground = by.service.ledger.load(session, pathway_id)
        by.service.audit.write(session, by.trace("read", f"pathway/{pathway_id}", pathway.patient_id))
    return {
        "pathway": encode(pathway),
        "plan": [encode(item) for item in plan(pathway, ground).items],
        "flags": [encode(flag) for flag in flags(pathway, ground)],
    }


@router.post("/pathways/{pathway_id}/events")
def send_event(
    pathway_id: str, by: By, body: Body, preview: bool = False, seen: int | None = None
) -> dict[str, Any]:
    """Let an event through the door, or with ``preview=true`` show what it would change.

    ``seen`` is the ``seq`` the caller looked at: 409 when somebody else has changed the pathway since.
    """
    event = _event(said_in(body), by)
    what = f"pathway/{pathway_id}"
    with by.service.db.write() as session:
        if preview:
            recorded = by.service.ledger.preview(session, pathway_id, event, at=by.now)
            entry = by.trace("read", what, recorded.pathway.patient_id, preview=type(event).__name__)
        else:
            recorded = by.service.ledger.record(session, pathway_id, event, at=by.now, seen=seen)
            entry = by.trace("write", what, recorded.pathway.patient_id, event=type(event).__name__)
        by.service.audit.write(session, entry)
    return _recorded(recorded)


@router.post("/referrals", status_code=201)
def send_referral(response: Response, by: By, body: Body) -> Any:
    """Receive a referral: a FHIR Bundle, as POST /fhir takes it. 200 when this very referral is known already."""
    if by.actor.role not in MAY[e.FactsRecorded]:
        raise Refused(
            Text(fr="Ce compte ne peut pas adresser de patient.", en="This account may not refer patients."),
            kind="forbidden",
        )
    received = receive_referral(by.service, body, by.actor.name, by.actor)
    if isinstance(received, list):
        refusing = next((issue for issue in received if issue.refuses), received[0])
        said = {
            "error": "invalid",
            "message": refusing.diagnostics,
            "issues": [_issue(one) for one in received],
        }
        return JSONResponse(said, status_code=422)
    response.status_code = 201 if received.new else 200
    return {
        "id": received.id,
        "key": received.key,
        "status": received.status,
        "pathway": received.pathway_id,
        "duplicate_of": received.duplicate_of,
        "missing": list(received.missing),
        "new": received.new,
    }


def _event(data: dict[str, Any], by: By) -> e.Event:
    if not isinstance(data.get("type"), str):
        raise Malformed(
            "type", f"names the event; events are {', '.join(sorted(one.__name__ for one in MAY))}"
        )
    event = e.from_data(data, by=by.actor)
    allow(by.actor, type(event))
    return event


def _recorded(recorded: Recorded) -> dict[str, Any]:
    return {
        "seq": recorded.pathway.seq,
        "status": recorded.pathway.status.value,
        "changes": [encode(change) for change in recorded.changes],
        "flags": [encode(flag) for flag in recorded.flags],
    }


def _work(work: Work) -> dict[str, Any]:
    who = work.who
    return {
        "key": work.key,
        "kind": work.kind.value,
        "step": work.step,
        "role": work.role,
        "due": work.at.isoformat(),
        "why": work.why,
        "about": work.data.get("template") if work.kind is not Kind.TASK else None,
        "pathway": {"id": who.pathway_id, "status": who.status, "stage": who.stage, "seq": who.seq},
        "patient": {
            "id": who.patient_id,
            "family": who.family,
            "given": who.given,
            "birth_date": who.birth_date.isoformat(),
        },
        "alerts": who.alerts,
        "blocked": [flag["text"] for flag in work.blocking],
    }


def _issue(issue: Issue) -> dict[str, Any]:
    return {
        "severity": issue.severity,
        "code": issue.code,
        "diagnostics": issue.diagnostics,
        "expression": list(issue.expression),
    }
