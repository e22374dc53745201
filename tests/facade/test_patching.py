"""A JSON Patch on what a hospital wrote itself: applied to what stands, judged, and kept as a new version."""

from __future__ import annotations

from typing import Any

from tests.facade.conftest import FHIR_JSON, Facade

Json = dict[str, Any]

REPORT: Json = {
    "resourceType": "DiagnosticReport",
    "id": "cr-1",
    "status": "preliminary",
    "code": {"text": "Anatomopathologie"},
}


def test_a_patch_changes_what_it_names_and_nothing_else(facade: Facade) -> None:
    facade.put(REPORT)
    place = "/DiagnosticReport/cr-1"
    final = [
        {"op": "test", "path": "/status", "value": "preliminary"},
        {"op": "replace", "path": "/status", "value": "final"},
        {"op": "add", "path": "/conclusion", "value": "Absence de malignité"},
    ]
    answer = facade.ask("PATCH", place, operations=final, headers={"If-Match": 'W/"1"'})
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == 'W/"2"'
    said = answer.json()
    assert {key: said[key] for key in ("status", "conclusion", "code")} == {
        "status": "final",
        "conclusion": "Absence de malignité",
        "code": REPORT["code"],
    }
    assert facade.ask("PATCH", place, operations=final).status_code == 422, "its test does not hold any more"
    late = [{"op": "replace", "path": "/status", "value": "amended"}]
    assert facade.ask("PATCH", place, operations=late, headers={"If-Match": 'W/"1"'}).status_code == 412
    assert facade.get(place).json()["status"] == "final"
    nothing = facade.ask("PATCH", place, operations=[])
    assert (nothing.status_code, nothing.headers["etag"]) == (200, 'W/"2"'), "no change is no version"


def test_a_patch_leaves_decimals_as_they_were_said(facade: Facade) -> None:
    body = (
        b'{"resourceType":"Observation","id":"inr","status":"final","code":{"text":"INR"},'
        b'"valueQuantity":{"value":1.50,"unit":"INR"},"referenceRange":[{"high":{"value":1.20E+00}}]}'
    )
    facade.ask("PUT", "/Observation/inr", content=body, headers={"Content-Type": FHIR_JSON})
    operations = [
        {"op": "replace", "path": "/status", "value": "amended"},
        {"op": "copy", "from": "/valueQuantity/value", "path": "/referenceRange/0/high/value"},
    ]
    answer = facade.ask("PATCH", "/Observation/inr", operations=operations)
    assert answer.status_code == 200, answer.text
    assert answer.text.count('"value":1.50') == 2
    assert '"status":"amended"' in facade.get("/Observation/inr").text


def test_a_patch_that_does_not_fit_changes_nothing(facade: Facade) -> None:
    facade.put(REPORT)
    for operations, status in (
        ([{"op": "replace", "path": "/status", "value": "bogus"}], 422),
        ([{"op": "remove", "path": "/code"}], 422),
        ([{"op": "replace", "path": "/id", "value": "another"}], 422),
        ([{"op": "replace", "path": "/resourceType", "value": "Observation"}], 422),
        ([{"op": "remove", "path": "/nowhere"}], 422),
        ([{"op": "add", "path": "/status"}], 422),
        ({"op": "remove"}, 400),
    ):
        answer = facade.ask("PATCH", "/DiagnosticReport/cr-1", operations=operations)
        assert answer.status_code == status, (operations, answer.text)
    assert facade.ask("PATCH", "/DiagnosticReport/nobody", operations=[]).status_code == 404
    assert facade.get("/DiagnosticReport/cr-1").headers["etag"] == 'W/"1"'
