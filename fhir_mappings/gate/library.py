"""The types that our tables leave out, judged by `fhir.resources`: names, types and cardinality of R4B.

For those R4B says what R4 says, or a little more. The library's own messages quote what they found, which may be a
name or a date of birth: they are replaced by sentences that name the element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from fhir_mappings.outcome import Issue, error
from fhir_mappings.read import Json

_ELEMENT = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,60}")

_MISSING = ("missing", "model_field_validation.missing")


def library_issues(resource: Json, kind: str, path: str) -> Iterator[Issue]:
    """What `fhir.resources` finds wrong with this resource of type `kind` at `path`, each thing once."""
    try:
        get_fhir_model_class(kind).model_validate(resource)
    except ValidationError as problem:
        said = set()
        for each in problem.errors(include_url=False, include_context=False, include_input=False):
            issue = _as_issue(each["type"], each["loc"], each["msg"], kind, path)
            if issue not in said:
                said.add(issue)
                yield issue
    except (KeyError, LookupError, ValueError):
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
