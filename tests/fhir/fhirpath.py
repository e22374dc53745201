"""The published invariants of R4, evaluated by fhirpathpy: what our functions are held against.

Its traps: dateTimes of different offsets compare wrongly, so they are brought to UTC; `%resource` is passed; `trace()`
prints; and a comparison of unlike precision gives nothing, which breaks no rule.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from fhirpathpy import apply_parsed_path
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models
from fhirpathpy.parser import parse

from fhir_mappings.gate.definitions import Shape
from fhir_mappings.gate.walk import Walk

Json = dict[str, Any]

_ZONED = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+[+-]\d{2}:\d{2}")


class Published(NamedTuple):
    """One invariant as R4 publishes it."""

    path: str
    key: str
    severity: str
    expression: str


@cache
def published() -> tuple[Published, ...]:
    """All of them, by the path they are asked of; those of every resource and element under `*`."""
    data = resources.files("fhir_mappings").joinpath("data")
    main = json.loads(data.joinpath("invariants.json").read_text("utf-8"))
    further = json.loads(data.joinpath("further-types.json").read_text("utf-8"))["invariants"]
    everywhere = [
        Published("*", key, said["severity"], said["expression"]) for key, said in main["everywhere"].items()
    ]
    by_path = [
        Published(path, said["key"], said["severity"], said["expression"])
        for path, rules in (*main["byPath"].items(), *further.items())
        for said in rules
    ]
    return (*everywhere, *by_path)


class Met(NamedTuple):
    """An object in a resource: the path of its shape, itself, and the resource it stands in."""

    shape: str
    value: Json
    resource: Json
    root: Json


def objects_in(root: Json) -> Iterator[Met]:
    """Every object of a resource that has a shape: of the resource, of what it contains, and of the entries below."""
    yield from _objects(root, root)


def _objects(resource: Json, root: Json) -> Iterator[Met]:
    from fhir_mappings.gate.definitions import resource_shape

    shape = resource_shape(resource["resourceType"])
    if shape is None:
        return
    walk = _Met()
    walk.object(resource, shape, "")
    for path, value in walk.met:
        yield Met(path, value, resource, root)
    for inner, _, role in walk.resources:
        yield from _objects(inner, root if role == "contained" else inner)


class _Met(Walk):
    """A walk that remembers whom it met."""

    def __init__(self) -> None:
        super().__init__({}, {})
        self.met: list[tuple[str, Json]] = []

    def object(self, value: Json, of: Shape, where: str) -> None:
        self.met.append((of.path, value))
        super().object(value, of, where)


def kept(expression: str, met: Met) -> bool:
    """Whether this object keeps an invariant as published; what cannot be told breaks nothing."""
    variables = {"resource": met.resource, "rootResource": met.root}
    node: Any = met.value if met.value is met.resource else ResourceNode.create_node(met.value, met.shape)
    with contextlib.redirect_stdout(io.StringIO()):
        answer = apply_parsed_path(node, _parsed(expression), variables, models["r4"])
    return False not in answer


@cache
def _parsed(expression: str) -> Any:
    # `as()` of many is an error in fhirpathpy, and R4 means `ofType()` there (dom-3); it has no hasValue() either.
    return parse(
        expression.replace("descendants().as(", "descendants().ofType(").replace("hasValue()", "exists()")
    )


def in_utc(value: Any) -> Any:
    """The same with every dateTime in UTC."""
    if isinstance(value, dict):
        return {name: in_utc(each) for name, each in value.items()}
    if isinstance(value, list):
        return [in_utc(each) for each in value]
    if isinstance(value, str) and _ZONED.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value
