"""JSON Patch (RFC 6902) on a resource: the patched copy, or the issue that says which operation does not fit."""

from __future__ import annotations

from typing import Any

import jsonpatch

from fhir_mappings.outcome import Issue, error
from fhir_mappings.read import Json

MAX_OPERATIONS = 100
MAX_COPIES = 8
"""Every copy can double the document, so their number is bounded: 2⁸ times a resource is still a resource."""

_OPERATIONS = ("add", "remove", "replace", "move", "copy", "test")


def apply_json_patch(resource: Json, operations: Any) -> Json | list[Issue]:
    """The resource after these operations, all of them or none; the one given is left as it is.

    What comes out is not yet judged: hand it to ``validate.check``. Issues name the operation by its place
    (``[2]``) and never quote a value.
    """
    if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
        return [error("structure", "A JSON Patch is a list of operations; send one.")]
    copies = sum(each.get("op") == "copy" for each in operations)
    if len(operations) > MAX_OPERATIONS or copies > MAX_COPIES:
        limit = f"{MAX_OPERATIONS} operations, {MAX_COPIES} of them copies"
        return [error("too-costly", f"A JSON Patch has at most {limit}; send the whole resource instead.")]
    patched: Any = resource
    for index, operation in enumerate(operations):
        issue, patched = _applied(patched, operation, f"[{index}]")
        if issue is not None:
            return [issue]
    if not isinstance(patched, dict) or patched.get("resourceType") != resource.get("resourceType"):
        return [error("business-rule", "A patch may not replace the resource by something else.")]
    return patched


def _applied(document: Any, operation: Json, where: str) -> tuple[Issue | None, Any]:
    op = operation.get("op")
    if op not in _OPERATIONS:
        return error("value", f"op must be one of {', '.join(_OPERATIONS)}; correct it.", where), None
    try:
        return None, jsonpatch.apply_patch(document, [operation])
    except jsonpatch.JsonPatchTestFailed:
        return error("conflict", "The test of the patch does not hold; read the resource again.", where), None
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, KeyError, IndexError):
        remedy = "check its path (and from, and value) against the resource"
        return error("processing", f"This {op} does not fit the resource; {remedy}.", where), None
