"""What a subscriber wants to hear of: a search of FHIR held against one resource, without asking the database.

The parameters are those that a search here has (``fhir_mappings.searchable``), read from the resource itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from urllib.parse import parse_qsl

from fhir_mappings.read import Json
from fhir_mappings.search_parameters import PARAMETERS, Parameter
from fhir_mappings.searchable import Index, covered, index, place

_SPLIT = re.compile(r"(?<!\\),")
_BAR = re.compile(r"(?<!\\)\|")
_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb)?(.*)", re.DOTALL)
_QUIET = ("_format", "_pretty")
_LONGEST = 2_000


class Unclear(ValueError):
    """Criteria that cannot be followed: a sentence that names the part and the remedy, without quoting values."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One parameter of the search: any of ``either`` is enough. ``modifier`` is not, missing, identifier or a type."""

    parameter: Parameter
    modifier: str
    either: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Criteria:
    """A type and the conditions that a resource of it must all meet; without any, every resource of the type."""

    type: str
    conditions: tuple[Condition, ...] = ()


_ID = Parameter("_id", "token", ("id",), None)


def parse(said: str) -> Criteria:
    """The criteria that ``Task?status=requested&patient=Patient/1`` says. Raises Unclear.

    Whatever cannot be held against a single resource (sorting, paging, chains, ``_lastUpdated``) is refused: a
    subscriber who was told less than was asked for would not know it.
    """
    if len(said) > _LONGEST:
        raise Unclear("The criteria are too long; narrow them.")
    type_, _, query = said.strip().partition("?")
    known = PARAMETERS.get(type_)
    if known is None:
        raise Unclear(
            "The criteria begin with no type that is served here; write such as Task?status=requested."
        )
    by_name = {one.name: one for one in (*known, _ID)}
    conditions = []
    for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=50):
        if name in _QUIET:
            continue
        plain, _, modifier = name.partition(":")
        parameter = by_name.get(plain)
        if parameter is None:
            names = ", ".join(by_name)
            raise Unclear(f"A parameter of the criteria is not supported for {type_}; supported: {names}.")
        conditions.append(_condition(parameter, modifier, value))
    return Criteria(type_, tuple(conditions))


def _condition(parameter: Parameter, modifier: str, value: str) -> Condition:
    if not value:
        raise Unclear(
            f"The parameter {parameter.name} of the criteria has no value; give one or leave it out."
        )
    either = tuple(re.sub(r"\\([,$\\])", r"\1", each) for each in _SPLIT.split(value))
    if modifier == "missing":
        if value not in ("true", "false"):
            raise Unclear(f"{parameter.name}:missing is true or false; correct it.")
    elif modifier == "not" and parameter.kind == "token":
        pass
    elif modifier and parameter.kind == "reference":
        if modifier != "identifier" and modifier not in PARAMETERS:
            raise Unclear(f"The modifier of {parameter.name} is not supported; leave it out.")
    elif modifier:
        raise Unclear(f"The modifier of {parameter.name} is not supported; leave it out.")
    elif parameter.kind == "date":
        for each in either:
            match = _PREFIX.fullmatch(each)
            if match is None or covered(match[2], UTC) is None:
                raise Unclear(
                    f"The parameter {parameter.name} wants a date such as ge2027-03-01; correct it."
                )
    return Condition(parameter, modifier, either)


def matches(resource: Json, criteria: Criteria, *, base: str = "", zone: tzinfo = UTC) -> bool:
    """Whether the resource meets the criteria. ``base`` is our own address, which references may begin with;

    a date without an offset, there or here, is one of ``zone``.
    """
    if resource.get("resourceType") != criteria.type:
        return False
    found = index(resource, base=base, zone=zone) if criteria.conditions else Index()
    return all(_met(resource, found, each, base, zone) for each in criteria.conditions)


def _met(resource: Json, found: Index, condition: Condition, base: str, zone: tzinfo) -> bool:
    parameter, modifier = condition.parameter, condition.modifier
    if parameter is _ID:
        here = resource.get("id") in condition.either
        return here is (modifier != "not") if modifier != "missing" else condition.either == ("false",)
    if modifier == "missing":
        return (not _values(parameter, found)) is (condition.either == ("true",))
    if parameter.kind == "date":
        spans = [(start, end) for name, start, end in found.spans if name == parameter.name]
        return any(_in_time(span, each, zone) for span in spans for each in condition.either)
    name = f"{parameter.name}:identifier" if modifier == "identifier" else parameter.name
    tokens = {(system, value) for said, system, value in found.tokens if said == name}
    if parameter.kind == "uri":
        return any(("", each) in tokens for each in condition.either)
    if parameter.kind == "reference" and modifier != "identifier":
        return any(_refers(tokens, parameter, modifier, each, base) for each in condition.either)
    any_is = any(_is_named(tokens, each) for each in condition.either)
    return any_is is not (modifier == "not")


def _values(parameter: Parameter, found: Index) -> bool:
    names = (parameter.name, f"{parameter.name}:identifier")
    return any(each[0] in names for each in (*found.tokens, *found.spans))


def _is_named(tokens: Iterable[tuple[str, str]], said: str) -> bool:
    """``code``, ``system|code``, ``|code`` (no system) or ``system|`` (any code)."""
    parts = [part.replace("\\|", "|") for part in _BAR.split(said, maxsplit=1)]
    if len(parts) == 1:
        return any(value == parts[0] for _, value in tokens)
    return any(system == parts[0] and parts[1] in ("", value) for system, value in tokens)


def _refers(
    tokens: Iterable[tuple[str, str]], parameter: Parameter, modifier: str, said: str, base: str
) -> bool:
    type_, id_ = place(said, base)
    if type_:
        return (type_, id_) in set(tokens)
    kinds = (modifier,) if modifier else parameter.targets
    return any(value == id_ and (system in kinds if kinds else True) for system, value in tokens)


def _in_time(span: tuple[datetime, datetime], said: str, zone: tzinfo) -> bool:
    match = _PREFIX.fullmatch(said)
    asked = covered(match[2], zone) if match is not None else None
    if match is None or asked is None:
        return False
    start, end = span
    within = asked[0] <= start and end <= asked[1]
    return {
        "eq": within,
        "ne": not within,
        "gt": end > asked[1],
        "ge": within or end > asked[1],
        "lt": start < asked[0],
        "le": within or start < asked[0],
        "sa": start >= asked[1],
        "eb": end <= asked[0],
    }[match[1] or "eq"]
