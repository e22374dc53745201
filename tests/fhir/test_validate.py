"""Whether a resource may stand: official examples do, and each rule refuses by the name of the element."""

import json
from pathlib import Path
from typing import Any

import pytest

from fhir_mappings.validate import check

Json = dict[str, Any]
EXAMPLES = sorted((Path(__file__).parents[1] / "data" / "hl7-r4").glob("*.json"))
PATIENT = {"reference": "Patient/1"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_official_example_stands(example: Path) -> None:
    assert check(json.loads(example.read_text("utf-8"))) == []


def test_there_are_official_examples() -> None:
    assert len(EXAMPLES) >= 20


def task(**said: Any) -> Json:
    return {"resourceType": "Task", "status": "ready", "intent": "order", **said}


def appointment(**said: Any) -> Json:
    base = {
        "resourceType": "Appointment",
        "status": "booked",
        "start": "2027-03-04T09:00:00Z",
        "end": "2027-03-04T09:30:00Z",
        "participant": [{"actor": PATIENT, "status": "accepted"}],
    }
    return {name: value for name, value in {**base, **said}.items() if value is not None}


def bundle(type_: str, *entries: Json, **said: Any) -> Json:
    return {"resourceType": "Bundle", "type": type_, "entry": list(entries), **said}


NOSHOW = {"text": "Patiente absente"}
CAREPLAN = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": PATIENT}
POST = {"method": "POST", "url": "Task"}


@pytest.mark.parametrize(
    ("resource", "code", "where"),
    [
        ({"status": "ready"}, "structure", "resourceType"),
        ({"resourceType": "Job"}, "structure", "resourceType"),
        ({"resourceType": "Period"}, "structure", "resourceType"),
        ({"resourceType": "Task", "intent": "order"}, "required", "Task.status"),
        (task(status="bogus"), "code-invalid", "Task.status"),
        (task(colour="red"), "structure", "Task.colour"),
        (task(owner={"reference": "Appointment/1"}), "value", "Task.owner"),
        (task(owner={"type": "Appointment", "display": "x"}), "value", "Task.owner"),
        (
            task(authoredOn="2027-03-02T00:00:00Z", lastModified="2027-03-01T23:59:59Z"),
            "invariant",
            "Task.lastModified",
        ),
        (
            task(restriction={"period": {"start": "2027-03-02T00:00:00Z", "end": "2027-03-01T00:00:00Z"}}),
            "invariant",
            "Task.restriction.period",
        ),
        (appointment(participant=[]), "required", "Appointment.participant"),
        (appointment(participant=[{"status": "accepted"}]), "invariant", "Appointment.participant[0]"),
        (appointment(end=None), "invariant", "Appointment.end"),
        (appointment(start=None, end=None), "invariant", "Appointment.start"),
        (appointment(cancelationReason=NOSHOW), "invariant", "Appointment.cancelationReason"),
        (appointment(end="2027-03-04T08:00:00Z"), "invariant", "Appointment"),
        (appointment(basedOn=[{"reference": "Task/1"}]), "value", "Appointment.basedOn[0]"),
        (
            {
                **CAREPLAN,
                "activity": [{"reference": {"reference": "Task/1"}, "detail": {"status": "not-started"}}],
            },
            "invariant",
            "CarePlan.activity[0]",
        ),
        (
            {
                "resourceType": "ServiceRequest",
                "status": "active",
                "intent": "order",
                "subject": PATIENT,
                "orderDetail": [{"text": "x"}],
            },
            "invariant",
            "ServiceRequest.code",
        ),
        (
            {"resourceType": "Condition", "subject": PATIENT, "abatementString": "x"},
            "invariant",
            "Condition.clinicalStatus",
        ),
        (bundle("transaction", {"resource": task()}), "invariant", "Bundle.entry[0].request"),
        (bundle("collection", {"resource": task(), "request": POST}), "invariant", "Bundle.entry[0].request"),
        (bundle("collection", {"fullUrl": "https://h.example/Task/1"}), "invariant", "Bundle.entry[0]"),
        (bundle("collection", {"resource": task()}, total=1), "invariant", "Bundle.total"),
        (
            bundle("collection", {"resource": task(), "search": {"mode": "match"}}),
            "invariant",
            "Bundle.entry[0].search",
        ),
    ],
)
def test_what_breaks_a_rule_is_named(resource: Json, code: str, where: str) -> None:
    found = [(issue.code, issue.expression) for issue in check(resource)]
    assert (code, (where,)) in found


@pytest.mark.parametrize(
    "resource",
    [
        appointment(status="noshow", cancelationReason=NOSHOW),
        appointment(status="cancelled", start=None, end=None),
        appointment(status="proposed", start=None, end=None),
        task(authoredOn="2027-03-02T01:00:00+02:00", lastModified="2027-03-01T23:00:00Z"),
        task(owner={"reference": "https://h.example/r4/PractitionerRole/1/_history/2"}),
        task(**{"for": {"reference": "urn:uuid:0b9f5f0e-0000-4000-8000-000000000001"}}),
        bundle("transaction", {"resource": task(), "request": POST}),
    ],
)
def test_what_keeps_the_rules_stands(resource: Json) -> None:
    assert check(resource) == []


def test_no_issue_quotes_what_was_found() -> None:
    secret = "Petit-Odette"
    for resource in (
        task(status=secret),
        task(lastModified=secret),
        task(owner={"reference": f"Appointment/{secret}"}),
        appointment(start=secret),
        {"resourceType": secret},
    ):
        issues = check(resource)
        assert issues
        assert all(secret not in issue.diagnostics for issue in issues)
