"""Applying the protocol as a hospital does: the parameters of a start, and what is asked of the answer."""

from __future__ import annotations

from typing import Any

import httpx
from sqlmodel import func, select

from store.tables import PathwayRow
from tests.facade.conftest import Facade, referral_bundle

Json = dict[str, Any]

URL = "https://jalon.example/fhir/PlanDefinition/vertebroplasty"
ID = "vertebroplasty-2.0.0"
OWN = {"resourceType": "PlanDefinition", "status": "draft"}
GROUP = {"resourceType": "Group", "type": "person", "actual": True}


def parameters(number: int = 0, key: str | None = "start-1", **more: Json) -> Json:
    """A start of the numbered patient, who may be new: everything that a referral would say, in ``data``."""
    sent = referral_bundle(number)["entry"]
    of = {entry["resource"]["resourceType"]: entry["fullUrl"] for entry in sent}
    request = next(one["resource"] for one in sent if one["resource"]["resourceType"] == "ServiceRequest")
    kept = [
        {"fullUrl": one["fullUrl"], "resource": one["resource"]}
        for one in sent
        if one["resource"] is not request
    ]
    said: dict[str, Json] = {
        "subject": {"valueReference": {"reference": of["Patient"]}},
        "condition": {"valueReference": {"reference": of["Condition"]}},
        "data": {"resource": {"resourceType": "Bundle", "type": "collection", "entry": kept}},
        **({"start-key": {"valueString": key}} if key is not None else {}),
        **more,
    }
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": name, **value} for name, value in said.items()],
    }


def begin(facade: Facade, body: Json, place: str = f"/{ID}/$apply", **rest: Any) -> httpx.Response:
    return facade.ask("POST", f"/PlanDefinition{place}", resource=body, **rest)


def said(answer: httpx.Response) -> str:
    """The sentences of an OperationOutcome."""
    assert answer.json()["resourceType"] == "OperationOutcome", answer.text
    return " ".join(issue["diagnostics"] for issue in answer.json()["issue"])


def pathways(facade: Facade) -> int:
    with facade.house.service.db.read() as session:
        return session.exec(select(func.count()).select_from(PathwayRow)).one()


def inline(number: int, kind: str) -> Json:
    """One resource of the numbered patient's referral."""
    return next(
        dict(one["resource"])
        for one in referral_bundle(number)["entry"]
        if one["resource"]["resourceType"] == kind
    )


def empty() -> Json:
    return {"resource": {"resourceType": "Bundle", "type": "collection"}}
