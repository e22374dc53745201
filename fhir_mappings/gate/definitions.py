"""What FHIR R4 says about each element, read once from the published tables and made quick to ask.

The tables are beside us in `data/`: every element with its cardinality, its types and what it may refer to, and the
codes of the required bindings. A shape is one object type (a resource, a data type, or a part of one such as
`Task.restriction`); shapes refer to each other, so they are made on first need and kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal

from fhir_mappings.gate.formats import FORMATS
from fhir_mappings.gate.invariants import rules_of
from fhir_mappings.gate.rules import Rule

Said = tuple[int, str, list[str]]
"""What a table says of an element: how often at least, how often at most (`1`, `*`), and its types."""

Kind = Literal["primitive", "object", "resource", "reference", "coded"]

_TYPE = re.compile(r"#?([\w.]+)(?:\((.*)\))?")
"""`Reference(Patient|Group)`, `string`, or `#Bundle.link`: what is written there."""
_BACKBONE_TYPES = ("Dosage", "Timing")
"""Data types that may carry modifier extensions."""


@dataclass(slots=True, eq=False)
class Child:
    """One element of a shape under the name it has in JSON; of a choice there is one for each type.

    `path` is its name in R4 (`Task.input.value[x]`), `group` that of the choice. `codes` are what a required binding
    allows, as (system, code); of a `code` the system is empty.
    """

    name: str
    path: str
    type: str
    kind: Kind
    many: bool
    required: bool
    group: str | None = None
    fits: Callable[[Any], bool] | None = None
    shape: Shape | None = None
    targets: frozenset[str] | None = None
    codes: frozenset[tuple[str, str]] | None = None


@dataclass(slots=True, eq=False)
class Shape:
    """One kind of object: its elements by JSON name, what must be there, and the rules it must keep."""

    path: str
    is_resource: bool
    children: dict[str, Child] = field(default_factory=dict)
    required: tuple[Child, ...] = ()
    required_choices: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()


def is_resource_type(name: str) -> bool:
    """Whether R4 has a resource of this name."""
    return name in _resource_types()


def resource_shape(name: str) -> Shape | None:
    """The shape of a resource type; None for one that the tables leave to `fhir.resources`."""
    return shape(name) if f"{name}.implicitRules" in _tables().elements else None


def shape(path: str) -> Shape:
    """The shape of a resource, a data type or a part (`Task.restriction`). KeyError for what the tables lack."""
    return _shapes()[path]


def covered_types() -> frozenset[str]:
    """Every resource and data type that the tables describe."""
    return frozenset(path for path in _tables().below if "." not in path)


# --- from the tables to shapes ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Tables:
    elements: dict[str, Said]
    below: dict[str, dict[str, Said]]
    codes: dict[str, frozenset[tuple[str, str]]]


@cache
def _shapes() -> dict[str, Shape]:
    """All of them, whole before anybody sees one: requests are judged side by side."""
    tables = _tables()
    made: dict[str, Shape] = {}
    for path in ("Element", *tables.below):
        _shape(path, tables, made)
    return made


def _shape(path: str, tables: _Tables, made: dict[str, Shape]) -> Shape:
    if path not in made:
        made[path] = Shape(path, f"{path}.implicitRules" in tables.elements)
        _fill(made[path], tables, made)
    return made[path]


@cache
def _tables() -> _Tables:
    further = _read("further-types.json")
    every = {path: (least, most, types) for path, (least, most, types) in _read("elements.json").items()}
    every |= {path: (least, most, types) for path, (least, most, types) in further["elements"].items()}
    below: dict[str, dict[str, Said]] = {}
    for path, said in every.items():
        owner, _, name = path.rpartition(".")
        below.setdefault(owner, {})[name] = said
    codes: dict[str, frozenset[tuple[str, str]]] = {}
    for read in (_read("required-bindings.json"), further):
        for path, binding in read["bindings"].items():
            parts = read["valueSets"].get(binding["valueSet"]) or _value_set(binding["valueSet"])
            if parts:
                bare = binding["type"] == ["code"]
                codes[path] = frozenset(
                    ("" if bare else part["system"], code) for part in parts for code in part["codes"]
                )
    return _Tables(every, below, codes)


def _value_set(url: str) -> list[dict[str, Any]] | None:
    parts: list[dict[str, Any]] | None = _read("required-bindings.json")["valueSets"].get(url)
    return parts


@cache
def _read(name: str) -> dict[str, Any]:
    text = resources.files("fhir_mappings").joinpath("data", name).read_text("utf-8")
    read: dict[str, Any] = json.loads(text)
    return read


@cache
def _resource_types() -> frozenset[str]:
    parts = _value_set("http://hl7.org/fhir/ValueSet/resource-types") or []
    named = frozenset(code for part in parts for code in part["codes"])
    return named - {"Resource", "DomainResource"}


def _fill(shape: Shape, tables: _Tables, made: dict[str, Shape]) -> None:
    """The children of a shape: its own, and those that every element or resource has."""
    own = tables.below.get(shape.path, {})
    inherited: dict[str, Said] = {"id": (0, "1", ["id" if shape.is_resource else "elementId"])}
    if not shape.is_resource or "text" in own:
        inherited["extension"] = (0, "*", ["Extension"])
    if _may_be_modified(shape, tables):
        inherited["modifierExtension"] = (0, "*", ["Extension"])
    children = [
        child
        for name, said in {**inherited, **own}.items()
        for child in _children(f"{shape.path}.{name}", said, tables, made)
    ]
    shape.children = {child.name: child for child in children}
    shape.required = tuple(child for child in children if child.required and child.group is None)
    shape.required_choices = tuple(
        dict.fromkeys(child.group for child in children if child.required and child.group is not None)
    )
    shape.rules = rules_of(shape.path)


def _may_be_modified(shape: Shape, tables: _Tables) -> bool:
    if shape.is_resource:
        return f"{shape.path}.text" in tables.elements
    said = tables.elements.get(shape.path)
    return shape.path in _BACKBONE_TYPES or (said is not None and said[2] == ["BackboneElement"])


def _children(path: str, said: Said, tables: _Tables, made: dict[str, Shape]) -> Iterator[Child]:
    """One child, or of a choice one for each type."""
    least, most, types = said
    name = path.rpartition(".")[2]
    base = name.removesuffix("[x]")
    for written in types:
        parts = _TYPE.fullmatch(written)
        assert parts is not None
        type_, targets = parts[1], parts[2]
        choice = base != name
        child = Child(
            name=base + type_[0].upper() + type_[1:] if choice else base,
            path=path,
            type=type_,
            kind="object",
            many=most != "1",
            required=least > 0,
            group=base if choice else None,
            codes=tables.codes.get(path),
        )
        if type_ == "String":
            child.type = type_ = "uri"  # Extension.url, the only one
        if type_ in FORMATS:
            child.kind, child.fits = "primitive", FORMATS[type_]
        elif type_ == "Resource":
            child.kind = "resource"
        else:
            part = path if path in tables.below and type_ in ("BackboneElement", "Element") else type_
            child.shape = _shape(part, tables, made)
            if type_ == "Reference":
                child.kind = "reference"
                if targets and targets != "Resource":
                    child.targets = frozenset(targets.split("|"))
            elif child.codes is not None:
                child.kind = "coded"
        yield child
