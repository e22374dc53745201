"""JSON Patch changes a copy, all of it or none, and says which operation does not fit."""

from typing import Any

import pytest

from fhir_mappings.json_patch import MAX_COPIES, MAX_OPERATIONS, apply_json_patch

TASK: dict[str, Any] = {"resourceType": "Task", "status": "ready", "intent": "order", "note": [{"text": "a"}]}


def test_a_patch_changes_a_copy() -> None:
    operations = [
        {"op": "test", "path": "/status", "value": "ready"},
        {"op": "replace", "path": "/status", "value": "in-progress"},
        {"op": "add", "path": "/note/-", "value": {"text": "b"}},
        {"op": "remove", "path": "/intent"},
    ]
    patched = apply_json_patch(TASK, operations)
    assert patched == {
        "resourceType": "Task",
        "status": "in-progress",
        "note": [{"text": "a"}, {"text": "b"}],
    }
    assert TASK["status"] == "ready"
    assert len(TASK["note"]) == 1


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"op": "test", "path": "/status", "value": "ready"}, "conflict"),
        ({"op": "replace", "path": "/owner", "value": {}}, "processing"),
        ({"op": "remove", "path": "/note/7"}, "processing"),
        ({"op": "add", "path": "/note/x", "value": 1}, "processing"),
        ({"op": "add", "path": "note", "value": 1}, "processing"),
        ({"op": "add", "path": "/status/deep", "value": 1}, "processing"),
        ({"op": "add", "path": "/note"}, "processing"),
        ({"op": "add", "path": 7, "value": 1}, "processing"),
        ({"op": "move", "path": "/note"}, "processing"),
        ({"op": "move", "from": "/nothing", "path": "/note"}, "processing"),
        ({"op": "merge", "path": "/note"}, "value"),
        ({}, "value"),
    ],
)
def test_an_operation_that_does_not_fit_is_named_by_its_place(operation: dict[str, Any], code: str) -> None:
    result = apply_json_patch(TASK, [{"op": "replace", "path": "/status", "value": "draft"}, operation])
    assert isinstance(result, list)
    assert [(issue.code, issue.expression) for issue in result] == [(code, ("[1]",))]
    assert TASK["status"] == "ready"


@pytest.mark.parametrize(
    "operations",
    [
        {"op": "remove", "path": "/note"},
        ["remove"],
        [{"op": "replace", "path": "", "value": []}],
        [{"op": "replace", "path": "/resourceType", "value": "Patient"}],
        [{"op": "test", "path": "/status", "value": "ready"}] * (MAX_OPERATIONS + 1),
        [{"op": "copy", "from": "/note", "path": "/note/-"}] * (MAX_COPIES + 1),
    ],
)
def test_what_is_no_patch_of_this_resource_is_refused(operations: Any) -> None:
    assert isinstance(apply_json_patch(TASK, operations), list)
