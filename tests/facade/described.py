"""Our ``/fhir`` as OpenAPI describes an API, made from the table of what is served: what generated requests aim at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from app.fhir.served import SERVED, Served

Json = dict[str, Any]

DATA = Path(__file__).parents[2] / "fhir_mappings" / "data"
FHIR, PATCH, FORM = (
    "application/fhir+json",
    "application/json-patch+json",
    "application/x-www-form-urlencoded",
)


def _object(**properties: Json) -> Json:
    return {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": properties}


_TEXT: Json = {"type": "string", "pattern": "^[a-zé-]{1,8}$"}
"""The half of the requests that are not as described have every other string."""

_DAY: Json = {"enum": ["2027-03-01", "2027-02-30", "2027", "1850-01-01", "9999-12-31"]}
_INSTANT: Json = {
    "enum": [
        "2027-03-01T09:30:00Z",
        "2027-03-01T09:30:00.123456789+14:00",
        "2027-03-28T02:30:00+01:00",
        "9999-12-31T23:59:59-12:00",
        "2027-03-01T24:00:00Z",
        "2027-03-01",
    ]
}
_REFERENCE: Json = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": False,
    "properties": {
        "reference": {
            "enum": ["Patient/p", "urn:uuid:1", "Patient?identifier=a|b", "http://x/Task/1", "Task/t"]
        },
        "display": _TEXT,
    },
}
_CONCEPT: Json = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": False,
    "properties": {
        "text": _TEXT,
        "coding": {
            "type": "array",
            "minItems": 1,
            "maxItems": 2,
            "items": {
                "type": "object",
                "required": ["code"],
                "additionalProperties": False,
                "properties": {"system": {"enum": ["http://loinc.org", "x"]}, "code": _TEXT},
            },
        },
    },
}
_SHAPES: dict[str, Json] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
    "positiveInt": {"type": "integer", "minimum": 0},
    "unsignedInt": {"type": "integer", "minimum": -1},
    "decimal": {"type": "number"},
    "date": _DAY,
    "dateTime": _INSTANT,
    "instant": _INSTANT,
    "code": {
        "anyOf": [
            {
                "enum": [
                    "active",
                    "final",
                    "requested",
                    "booked",
                    "completed",
                    "order",
                    "free",
                    "on-hold",
                    "draft",
                ]
            },
            _TEXT,
        ]
    },
    "CodeableConcept": _CONCEPT,
    "Annotation": _object(text=_TEXT),
    "HumanName": _object(family=_TEXT, text=_TEXT),
    "ContactPoint": _object(system={"enum": ["phone", "email"]}, value=_TEXT),
    "Identifier": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {
            "system": {"enum": ["https://a", "urn:oid:1.2.3"]},
            "value": {"enum": ["1", "2", "é"]},
        },
    },
    "Period": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {"start": _INSTANT, "end": _INSTANT},
    },
    "Quantity": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {"value": {"type": "number"}, "unit": _TEXT},
    },
}


def described(known: Mapping[str, Sequence[str]]) -> Json:
    """The description. ``known`` are ids of resources that stand, by type, so that some requests find something."""
    paths: dict[str, Json] = {
        "/fhir/metadata": {"get": _way("metadata", [])},
        "/fhir": {"post": _way("bundle", _headers("Prefer"), _body(_bundle()))},
        "/fhir/_history": {
            "get": _way("history", [_query("_since", _INSTANT), _query("_count", {"type": "integer"})])
        },
    }
    for served in SERVED:
        if served.parameters:
            paths |= _paths(served, known.get(served.type, ()))
    return {"openapi": "3.1.0", "info": {"title": "Jalon FHIR R4", "version": "1"}, "paths": paths}


def _paths(served: Served, known: Sequence[str]) -> dict[str, Json]:
    type_ = served.type
    id_ = _path("id", {"anyOf": [{"enum": [*known, "o", "a" * 65, f"{'0' * 32}-x"]}, _TEXT]})
    version = _path("version", {"anyOf": [{"enum": ["1", "0", "99999999999", "x"]}, _TEXT]})
    conditions = _headers("If-Match", "If-None-Match", "Prefer")
    search = [_query(name, _asked(one.kind)) for name, one in served.searched_by.items()]
    search += [
        _query("_sort", {"enum": [*served.sorted_by, "-_lastUpdated", "x"]}),
        _query("_count", {"type": "integer"}),
        _query("_include", {"enum": [*served.includes, "*", "x:y"]}),
        _query("_summary", {"enum": ["count", "true", "false"]}),
    ]
    body = _body(_resource(type_))
    paths: dict[str, Json] = {
        f"/fhir/{type_}": {"get": _way(f"search {type_}", search + _headers("Prefer"))},
        f"/fhir/{type_}/_search": {"post": _way(f"post search {type_}", [], _form(served))},
        f"/fhir/{type_}/_history": {"get": _way(f"history of {type_}", [_query("_since", _INSTANT)])},
        f"/fhir/{type_}/{{id}}": {"get": _way(f"read {type_}", [id_, *_headers("If-None-Match")])},
        f"/fhir/{type_}/{{id}}/_history/{{version}}": {"get": _way(f"vread {type_}", [id_, version])},
        f"/fhir/{type_}/{{id}}/_history": {"get": _way(f"history of one {type_}", [id_])},
        f"/fhir/{type_}/$validate": {"post": _way(f"validate {type_}", [], body)},
    }
    if "create" in served.interactions:
        made = [
            _header("If-None-Exist", {"enum": ["identifier=https://a|1", "status=x", "?", "_id=none", "%"]})
        ]
        paths[f"/fhir/{type_}"]["post"] = _way(f"create {type_}", [*made, *_headers("Prefer")], body)
    if served.conditional_update:
        named = [_query("identifier", {"enum": ["https://a|1", "https://a|2", "|", ""]})]
        paths[f"/fhir/{type_}"]["put"] = _way(f"conditional update {type_}", [*named, *conditions], body)
    if "update" in served.interactions:
        paths[f"/fhir/{type_}/{{id}}"]["put"] = _way(f"update {type_}", [id_, *conditions], body)
    if "patch" in served.interactions:
        paths[f"/fhir/{type_}/{{id}}"]["patch"] = _way(
            f"patch {type_}", [id_, *conditions], _body(_patch(), PATCH)
        )
    return paths


def _way(name: str, parameters: list[Json], body: Json | None = None) -> Json:
    said: Json = {
        "operationId": name.replace(" ", "-"),
        "parameters": parameters,
        "responses": {"default": {"description": "FHIR"}},
    }
    return said | ({"requestBody": body} if body else {})


def _parameter(place: str, name: str, schema: Json, *, required: bool = False) -> Json:
    return {"in": place, "name": name, "schema": schema, "required": required}


def _path(name: str, schema: Json) -> Json:
    return _parameter("path", name, schema, required=True)


def _query(name: str, schema: Json) -> Json:
    return _parameter("query", name, schema)


def _header(name: str, schema: Json) -> Json:
    return _parameter("header", name, schema)


def _headers(*names: str) -> list[Json]:
    values = {
        "Prefer": ["return=minimal", "return=OperationOutcome", "handling=strict", "return"],
        "If-Match": ['W/"1"', "*", "1", ""],
        "If-None-Match": ['W/"1"', "*", "x"],
    }
    return [_header(name, {"enum": values[name]}) for name in names]


def _asked(kind: str) -> Json:
    values = {
        "date": ["2027", "ge2027-03", "ap2027", "2027-03-01T09:30:00+14:00", "lt0001", ","],
        "reference": ["Patient/p", "p", "http://x/y", "Patient/", "a,b"],
        "token": ["final", "https://a|1", "|", "https://a|", "|1", "a\\,b"],
    }
    return {"anyOf": [{"enum": values.get(kind, ["x"])}, _TEXT]}


def _body(schema: Json, type_: str = FHIR) -> Json:
    return {"required": True, "content": {type_: {"schema": schema}}}


def _form(served: Served) -> Json:
    asked = {name: _asked(one.kind) for name, one in served.searched_by.items()}
    return _body({"type": "object", "properties": asked}, FORM)


def _patch() -> Json:
    return {
        "type": "array",
        "maxItems": 3,
        "items": {
            "type": "object",
            "required": ["op", "path"],
            "properties": {
                "op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
                "path": {
                    "enum": [
                        "",
                        "/",
                        "/status",
                        "/identifier/0",
                        "/identifier/-",
                        "/note/9",
                        "/a~2",
                        "/meta/tag",
                    ]
                },
                "from": {"enum": ["", "/status", "/identifier", "/code"]},
                "value": {"anyOf": [_TEXT, _CONCEPT, {"type": "null"}, {"type": "integer"}]},
            },
        },
    }


def _bundle() -> Json:
    urls = [
        "Observation",
        "Patient",
        "Task",
        "Observation/o",
        "Patient?identifier=a|b",
        "",
        "Task/$x",
        "//",
        "?",
        "_history",
    ]
    entry = {
        "type": "object",
        "properties": {
            "fullUrl": {"enum": ["urn:uuid:1", "urn:uuid:2", "http://x/Patient/1", ""]},
            "resource": {
                "anyOf": [_resource("Observation"), _resource("Patient"), _resource("ServiceRequest")]
            },
            "request": {
                "type": "object",
                "properties": {
                    "method": {"enum": ["POST", "PUT", "PATCH", "GET", "HEAD", "DELETE", "X"]},
                    "url": {"enum": urls},
                    "ifNoneExist": {"enum": ["identifier=https://a|1", "?", ""]},
                    "ifMatch": {"enum": ['W/"1"', "*"]},
                },
            },
        },
    }
    return {
        "type": "object",
        "required": ["resourceType", "type"],
        "properties": {
            "resourceType": {"const": "Bundle"},
            "type": {"enum": ["batch", "transaction", "message", "document"]},
            "entry": {"type": "array", "maxItems": 4, "items": entry},
        },
    }


@cache
def _elements() -> dict[str, list[Any]]:
    first, further = (
        json.loads((DATA / f"{name}.json").read_text("utf-8")) for name in ("elements", "further-types")
    )
    return {**first, **further["elements"]}


def _resource(type_: str) -> Json:
    """A resource of this type with elements of the right shape; those that R4 requires are there."""
    said = _parts(type_, depth=2)
    said["properties"] |= {"resourceType": {"const": type_}, "id": {"const": "o"}}
    said["required"] += ["resourceType"]
    return said


def _parts(owner: str, *, depth: int) -> Json:
    """The elements right below this path."""
    properties: dict[str, Json] = {}
    required: list[str] = []
    for path, (least, most, types) in _elements().items():
        above, _, name = path.rpartition(".")
        if above != owner or name in ("id", "contained", "text", "meta", "language", "implicitRules"):
            continue
        codes = _codes(path)
        if types == ["BackboneElement"]:
            shapes = [(name, _parts(path, depth=depth - 1) if depth else None)]
        else:
            shapes = [(name, codes)] if codes else _choices(name, types)
        for element, schema in shapes:
            if schema is None:
                continue
            many = {"type": "array", "minItems": 1, "maxItems": 2, "items": schema}
            properties[element] = schema if str(most) == "1" else many
        if least and name in properties:
            required.append(name)
    said: Json = _object(**properties)
    return {**said, "required": required}


@cache
def _bound() -> Json:
    return dict(json.loads((DATA / "required-bindings.json").read_text("utf-8")))


def _codes(path: str) -> Json | None:
    """The codes that R4 wants of a code element."""
    bound = _bound()["bindings"].get(path)
    if bound is None or bound["type"] != ["code"]:
        return None
    parts = _bound()["valueSets"].get(bound["valueSet"]) or []
    return {"enum": [*[code for part in parts for code in part["codes"]][:12]]}


def _choices(name: str, types: Sequence[str]) -> list[tuple[str, Json | None]]:
    shaped = [(each.partition("(")[0], each) for each in types]
    if not name.endswith("[x]"):
        kind = shaped[0][0] if shaped else ""
        return [(name, _shape(kind))]
    stem = name.removesuffix("[x]")
    return [(f"{stem}{kind[:1].upper()}{kind[1:]}", _shape(kind)) for kind, _ in shaped[:3]]


def _shape(kind: str) -> Json | None:
    """What a value of this type looks like; None where only what is wrong is ever sent."""
    if kind == "Reference":
        return _REFERENCE
    return _SHAPES.get(kind, _TEXT if kind in ("string", "markdown") else None)
