"""May this resource stand? The one question that everything is asked which we say and which we hear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_mappings.gate.definitions import is_resource_type, resource_shape
from fhir_mappings.gate.library import library_issues
from fhir_mappings.gate.walk import Walk
from fhir_mappings.outcome import Issue, error, warning
from fhir_mappings.read import Json

_NOT_NAMED = "resourceType is missing; say which resource this is."
_NOT_KNOWN = "resourceType is not a resource of FHIR R4; correct it."
_NOTHING: Mapping[str, str] = {}


def judged(resource: Any, path: str | None = None) -> list[Issue]:
    """Everything there is to say of a resource as FHIR R4: errors, and what R4 only advises as warnings.

    `path` is its FHIRPath where it is not the root of the request. Every entry of a Bundle and every parameter that
    is a resource is judged too, in its place. Never raises for what is in it, and never quotes it.
    """
    try:
        return _judged(resource, path, _NOTHING)
    except RecursionError:
        return [error("too-costly", "The resource is nested too deep; flatten it.", path or "resourceType")]


def _judged(resource: Any, path: str | None, entries: Mapping[str, str]) -> list[Issue]:
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str) or not kind:
        return [error("structure", _NOT_NAMED, path or "resourceType")]
    if not is_resource_type(kind):
        return [error("structure", _NOT_KNOWN, path or "resourceType")]
    where = path or kind
    contained = _contained(resource)
    walk = Walk(contained, entries)
    _walked(walk, resource, kind, where)
    within = [(each, place) for each, place, role in walk.resources if role == "contained"]
    others = [(each, place) for each, place, role in walk.resources if role != "contained"]
    walk.resources.clear()
    _see_to_contained(walk, within)
    issues = walk.issues
    if kind == "Bundle":
        entries = _entries(resource)
    for each, place in others:
        issues += _judged(each, place, entries)
    shape = resource_shape(kind)
    if (shape is None or "text" in shape.children) and not _has_narrative(resource):
        issues.append(
            warning("invariant", f"{kind}.text is missing; a narrative would help people. (dom-6)", where)
        )
    return issues


def _walked(walk: Walk, resource: Json, kind: str, where: str) -> None:
    shape = resource_shape(kind)
    if shape is not None:
        walk.object(resource, shape, where)
    else:
        found = list(library_issues(resource, kind, where))
        walk.issues += found
        if not found:
            walk.loose({name: each for name, each in resource.items() if name != "resourceType"}, where)


# --- contained resources ----------------------------------------------------------------------------------


def _contained(resource: Json) -> dict[str, str]:
    """The type of each contained resource by its id, as far as they have one."""
    given = resource.get("contained")
    return {
        each["id"]: str(each.get("resourceType"))
        for each in (given if isinstance(given, list) else ())
        if isinstance(each, dict) and isinstance(each.get("id"), str)
    }


def _see_to_contained(walk: Walk, within: list[tuple[Any, str]]) -> None:
    """Judge what is contained, in the same walk, for `#id` counts for all of the resource."""
    found: list[tuple[str, str]] = []
    walk.inside = True
    for each, where in within:
        kind = each.get("resourceType")
        if not isinstance(kind, str) or not is_resource_type(kind):
            walk.issues.append(error("structure", _NOT_KNOWN if kind else _NOT_NAMED, where))
            continue
        if "contained" in each:
            walk.issues.append(
                _broken("dom-2", "A contained resource contains no other; move it out.", where)
            )
        walk.issues += _misplaced(each, where)
        outside = walk.local
        walk.local = set()
        _walked(walk, {name: one for name, one in each.items() if name != "contained"}, kind, where)
        points_back = "" in walk.local
        walk.local |= outside
        if isinstance(each.get("id"), str):
            if not points_back:
                found.append((each["id"], where))
        else:
            sentence = "A contained resource needs an id to be referred to by; add it."
            walk.issues.append(error("required", sentence, f"{where}.id"))
    seen: set[str] = set()
    for id_, where in found:
        if id_ not in walk.local:
            sentence = "Nothing refers to this contained resource; refer to it or remove it."
            walk.issues.append(_broken("dom-3", sentence, where))
        elif id_ in seen:
            sentence = "Two contained resources have the same id; give each its own."
            walk.issues.append(error("structure", sentence, f"{where}.id"))
        seen.add(id_)


def _misplaced(contained: Json, where: str) -> list[Issue]:
    """What belongs to a resource that stands alone: version, date and security label."""
    meta = contained.get("meta")
    if not isinstance(meta, dict):
        return []
    issues = []
    if "versionId" in meta or "lastUpdated" in meta:
        sentence = "A contained resource has no meta.versionId and no meta.lastUpdated; remove them."
        issues.append(_broken("dom-4", sentence, f"{where}.meta"))
    if "security" in meta:
        issues.append(
            _broken("dom-5", "A contained resource has no security label; remove it.", f"{where}.meta")
        )
    return issues


def _broken(key: str, sentence: str, where: str) -> Issue:
    return error("invariant", f"{sentence} ({key})", where)


# --- around it --------------------------------------------------------------------------------------------


def _entries(bundle: Json) -> dict[str, str]:
    """The type of each entry of a Bundle by its fullUrl."""
    given = bundle.get("entry")
    return {
        each["fullUrl"]: str(each["resource"].get("resourceType"))
        for each in (given if isinstance(given, list) else ())
        if isinstance(each, dict)
        and isinstance(each.get("fullUrl"), str)
        and isinstance(each.get("resource"), dict)
    }


def _has_narrative(resource: Json) -> bool:
    text = resource.get("text")
    return isinstance(text, dict) and "div" in text
