"""Is this resource well-formed R4? The library's classes judge structure, the tables beside us judge the
codes.

`fhir.resources` checks names, types and cardinality but takes `status: "bogus"`; the required bindings of R4
are a table in `data/required-bindings.json`. The library's own messages quote what they found, which may be a
name or a date of birth: they are replaced by sentences that name the element.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from fhir_mappings.outcome import Issue, error
from fhir_mappings.read import Json, codings

_ELEMENT = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,60}")

_MISSING = ("missing", "model_field_validation.missing")


def structure_issues(resource: Json, path: str) -> list[Issue]:
    """What is wrong with this resource, `path` being its FHIRPath in the request; empty when it is
    well-formed.

    Also refuses what would change its meaning unseen: modifier extensions and implicit rules that nobody here
    knows.
    """
    kind = str(resource.get("resourceType"))
    return [
        *_malformed(resource, kind, path),
        *_wrong_codes(resource, kind, path),
        *_unknown_modifiers(resource, kind, path),
    ]


def _malformed(resource: Json, kind: str, path: str) -> Iterator[Issue]:
    try:
        get_fhir_model_class(kind).model_validate(resource)
    except ValidationError as problem:
        said = set()
        for each in problem.errors(include_url=False, include_context=False, include_input=False):
            issue = _as_issue(each["type"], each["loc"], each["msg"], kind, path)
            if issue not in said:
                said.add(issue)
                yield issue
    except (KeyError, LookupError):
        yield error("structure", "resourceType is not a resource of FHIR R4; correct it.", path)
    except (TypeError, AttributeError, ArithmeticError, RecursionError):
        # The library itself trips over some shapes (an object where a list of primitives belongs).
        yield error("structure", f"This {kind} is not well-formed FHIR R4; check it with a validator.", path)


def _as_issue(type_: str, loc: tuple[int | str, ...], message: str, kind: str, path: str) -> Issue:
    where, last = path, kind
    for part in loc:
        if isinstance(part, int):
            where += f"[{part}]"
        elif _ELEMENT.fullmatch(part):
            where += f".{part}"
            last = part
    element = where.removeprefix(path).lstrip(".")
    name = f"{kind}.{element}" if element else kind
    if type_ in _MISSING:
        return error("required", f"{name} is required and is missing; add it.", where)
    if type_ == "extra_forbidden":
        return error("structure", f"{name} is not an element of FHIR R4; remove or rename it.", where)
    choice = re.search(r"from this list \[([A-Za-z', ]+)\]", message)
    if choice:
        names = choice.group(1).replace("'", "")
        if "Any of one" in message:
            return error("structure", f"{kind} may have only one of {names}; keep one.", where)
        return error("required", f"{kind} needs one of {names}; add it.", where)
    if type_ in ("list_type", "dict_type", "model_type", "string_type"):
        shape = {"list_type": "a list", "string_type": "a string"}.get(type_, "an object")
        return error("structure", f"{name} must be {shape}; correct its shape.", where)
    remedy = "write it as YYYY-MM-DD, with time and offset where there is a time" if "ate" in last else ""
    return error("value", f"{name} does not have the form FHIR R4 gives it; {remedy or 'correct it'}.", where)


# --- codes that R4 binds with strength "required" ---------------------------------------------------------

_REQUIRED_CODES = {
    "ServiceRequest": ("status", "intent"),
    "Observation": ("status",),
    "MedicationStatement": ("status",),
    "MedicationRequest": ("status", "intent"),
    "Encounter": ("status",),
}


@cache
def _bindings() -> dict[str, dict[str, tuple[str, frozenset[str]]]]:
    """By resource or data type: element path below it -> (its FHIR type, the codes it may have)."""
    table = resources.files("fhir_mappings").joinpath("data/required-bindings.json")
    read = json.loads(table.read_text("utf-8"))
    found: dict[str, dict[str, tuple[str, frozenset[str]]]] = {}
    for path, binding in read["bindings"].items():
        parts = read["valueSets"].get(binding["valueSet"])
        if parts:
            owner, _, element = path.partition(".")
            codes = frozenset(code for part in parts for code in part["codes"])
            found.setdefault(owner, {})[element] = (binding["type"][0], codes)
    return found


def _wrong_codes(resource: Json, kind: str, path: str) -> Iterator[Issue]:
    for element in _REQUIRED_CODES.get(kind, ()):
        if resource.get(element) is None:
            yield error(
                "required", f"{kind}.{element} is required and is missing; add it.", f"{path}.{element}"
            )
    for element, (type_, codes) in _bindings().get(kind, {}).items():
        for where, value in _values(resource, element.split("."), path):
            given = [code for _, code, _ in codings(value)] if type_ == "CodeableConcept" else [value]
            if not any(isinstance(code, str) and code in codes for code in given):
                allowed = ", ".join(sorted(codes)) if len(codes) <= 12 else "the codes of its value set"
                yield error(
                    "code-invalid",
                    f"{kind}.{element} has no code that FHIR R4 knows here; use one of: {allowed}.",
                    where,
                )


def _values(value: Any, names: list[str], where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _values(each, names, f"{where}[{index}]")
    elif not names:
        yield where, value
    elif isinstance(value, dict) and value.get(names[0]) is not None:
        yield from _values(value[names[0]], names[1:], f"{where}.{names[0]}")


def _unknown_modifiers(resource: Json, kind: str, path: str) -> Iterator[Issue]:
    for element in ("modifierExtension", "implicitRules"):
        if resource.get(element):
            yield error(
                "extension",
                f"{kind}.{element} changes the meaning of this {kind} in a way unknown here; leave it out.",
                f"{path}.{element}",
            )
