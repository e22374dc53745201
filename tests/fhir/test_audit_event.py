"""A line of the trace as an AuditEvent that anybody's audit repository takes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fhir_mappings.audit_event import Line, audit_event
from fhir_mappings.site import Site
from fhir_mappings.validate import check

SITE = Site("https://jalon.example/fhir", "CHU des Tilleuls")
AT = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)


def line(**changes: Any) -> Line:
    """Claire reads a Task of patient p1."""
    said: dict[str, Any] = {
        "id": "018a1b2c3d4e",
        "at": AT,
        "actor": "Claire Coordinatrice",
        "role": "coordinator",
        "action": "read",
        "what": "Task/t1",
        "patient_id": "p1",
        "detail": {"by": ["status"], "found": ["t1"], "note": ""},
    }
    return Line(**said | changes)


@pytest.mark.parametrize(
    ("action", "code"),
    [("read", "R"), ("write", "U"), ("send", "E"), ("export", "R"), ("erase", "D"), ("sign-in", "E")],
)
def test_every_verb_of_the_trace_is_an_action_that_r4_knows(action: str, code: str) -> None:
    said = audit_event(line(action=action), SITE)
    assert said["action"] == code
    assert check(said) == []


def test_it_says_who_looked_at_whom_and_at_what() -> None:
    said = audit_event(line(), SITE)
    assert said["recorded"] == "2027-03-01T09:30:00Z"
    assert said["agent"][0]["who"] == {"display": "Claire Coordinatrice"}
    assert said["agent"][0]["requestor"] is True
    patient, thing = said["entity"]
    assert patient["what"] == {"reference": "Patient/p1"}
    assert thing["name"] == "Task/t1"
    assert {each["type"]: each["valueString"] for each in thing["detail"]} == {
        "by": '["status"]',
        "found": '["t1"]',
    }


def test_a_sign_in_speaks_of_no_patient_and_is_no_rest() -> None:
    said = audit_event(line(action="sign-in", what="web", patient_id=None, detail={}), SITE)
    assert said["type"]["code"] == "110114"
    assert [each.get("what") for each in said["entity"]] == [None]
    assert check(said) == []


def test_after_an_erasure_it_still_says_who_and_when_and_no_longer_what() -> None:
    said = audit_event(line(what="", detail={}, readable=False), SITE)
    assert said["entity"][1]["name"] == "erased with the patient's key"
    assert check(said) == []
