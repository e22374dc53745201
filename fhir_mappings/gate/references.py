"""Where a Reference may point: to a contained resource that is there, to a type that R4 allows, in a form it knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_mappings.gate.definitions import Child, is_resource_type
from fhir_mappings.gate.literals import named_type
from fhir_mappings.outcome import Issue, error
from fhir_mappings.read import Json


def _literal_type(literal: str) -> str | None:
    """The resource type that a literal reference names; None when it says none that R4 knows."""
    name = named_type(literal)
    return name if name is not None and is_resource_type(name) else None


def reference_issues(
    reference: Json,
    child: Child,
    where: str,
    contained: Mapping[str, str],
    entries: Mapping[str, str],
    *,
    inside: bool,
) -> Iterator[Issue]:
    """What is wrong with this Reference at `where`.

    `contained` gives the type of each contained resource by id, `entries` of each entry of the Bundle by fullUrl;
    `inside` says that the Reference stands in a contained resource, where `#` alone means what contains it.
    """
    literal = reference.get("reference")
    type_: str | None = None
    if isinstance(literal, str):
        if literal.startswith("#"):
            type_ = contained.get(literal[1:])
            if type_ is None and not (literal == "#" and inside):
                sentence = f"{child.path} refers to a contained resource that is not there; add it or correct the id."
                yield error("invariant", f"{sentence} (ref-1)", where)
                return
        else:
            type_ = _literal_type(literal) or entries.get(literal)
            if type_ is None and ":" not in literal:
                sentence = f"{child.path} has a reference that is neither Type/id nor a URL; correct it."
                yield error("value", sentence, where)
                return
    yield from _misdirected(reference.get("type"), type_, child, where)


def _misdirected(named: Any, type_: str | None, child: Child, where: str) -> Iterator[Issue]:
    """References whose literal or ``type`` names a resource that R4 does not allow at that element."""
    if isinstance(named, str) and type_ is not None and named != type_:
        yield error(
            "value", f"{child.path} has a type other than what it refers to; correct one of them.", where
        )
    elif child.targets is not None and {named, type_} - {None} - child.targets:
        allowed = ", ".join(sorted(child.targets))
        yield error("value", f"{child.path} may only refer to {allowed}; correct the reference.", where)
