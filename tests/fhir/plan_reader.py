"""Reads a PlanDefinition back as another system would: from its JSON and its ActivityDefinitions, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from typing import Any

from pathway.codec import decode
from pathway.condition import Condition
from pathway.protocol import Offset, Window

Json = dict[str, Any]


@dataclass(frozen=True)
class ReadStep:
    """What the definitions say of one step."""

    key: str
    title: tuple[str, str]
    track: str
    performer: str
    kind: str
    assigned: bool
    signed_by: tuple[str, ...]
    minutes: int | None
    code: str
    after: tuple[Condition, ...]
    window: Window
    on_demand: bool
    book_gates: tuple[str, ...]
    start_gates: tuple[str, ...]
    outcomes: tuple[tuple[Any, ...], ...]
    source: str


def read_steps(resources: list[Json]) -> list[ReadStep]:
    """Every step, in the protocol's order."""
    plan, *activities = resources
    known = {f"{each['url']}|{each['version']}": each for each in activities}
    found = [
        (int(action["prefix"]), _step(action, group, known[action["definitionCanonical"]]))
        for group in plan["action"]
        for action in group["action"]
        if "definitionCanonical" in action
    ]
    return [step for _, step in sorted(found, key=lambda each: each[0])]


def read_gates(plan: Json) -> dict[str, Json]:
    """Every gate: its title, its needs as (condition, reason, never), who may override it."""
    gates = {}
    for each in _extensions(plan, "gate"):
        needs = [
            (
                _condition(_one(need, "when")["valueExpression"]),
                _both(_one(need, "reason")),
                any(part["url"] == "never-override" for part in need["extension"]),
            )
            for need in _parts(each, "need")
        ]
        gates[_one(each, "key")["valueCode"]] = {
            "title": _both(_one(each, "title")),
            "needs": needs,
            "override": _codes(each, "override"),
            "both": tuple(_codes(group, "role") for group in _parts(each, "both")),
        }
    return gates


def both(element: Json, name: str) -> tuple[str, str]:
    """The French words and the English translation."""
    for extension in element.get(f"_{name}", {}).get("extension", []):
        if extension["url"].endswith("/translation"):
            return element[name], _one(extension, "content")["valueString"]
    return element[name], element[name]


def actions(plan: Json) -> Iterator[Json]:
    """Every action, however deep."""
    left = list(plan["action"])
    while left:
        action = left.pop(0)
        yield action
        left += action.get("action", [])


def _step(action: Json, group: Json, activity: Json) -> ReadStep:
    (about,) = _extensions(activity, "step")
    codings = action["code"][0]["coding"]
    length = list(_parts(about, "length"))
    conditions = action.get("condition", [])
    return ReadStep(
        key=codings[0]["code"],
        title=both(action, "title"),
        track=group["code"][0]["coding"][0]["code"],
        performer=action["participant"][0]["role"]["coding"][0]["code"],
        kind=_one(about, "kind")["valueCode"],
        assigned=_one(about, "assigned")["valueBoolean"],
        signed_by=_codes(about, "signed-by"),
        minutes=length[0]["valueDuration"]["value"] if length else None,
        code="|".join((codings[1]["system"], codings[1]["code"])) if len(codings) > 1 else "",
        after=tuple(_condition(each["expression"]) for each in conditions if each["kind"] == "applicability"),
        window=_window(action),
        on_demand=action["requiredBehavior"] == "could",
        book_gates=tuple(each["valueCode"] for each in _extensions(action, "book-gate")),
        start_gates=tuple(
            json.loads(each["expression"]["expression"])["gate"]
            for each in conditions
            if each["kind"] == "start"
        ),
        outcomes=tuple(
            (
                _one(each, "key")["valueCode"],
                _both(_one(each, "title")),
                next(iter(_codes(each, "end")), None),
                *(_codes(each, name) for name in ("gate", "repeat", "unbook", "suspend", "open")),
            )
            for each in _extensions(action, "outcome")
        ),
        source=action["documentation"][0]["citation"],
    )


def _window(action: Json) -> Window:
    (said,) = _extensions(action, "step-window")
    moments = {
        name: [_offset(each) for each in _parts(said, name)] for name in ("due", "otherwise", "earliest")
    }
    return Window(
        due=tuple(moments["due"]),
        otherwise=next(iter(moments["otherwise"]), None),
        earliest=next(iter(moments["earliest"]), None),
    )


def _offset(said: Json) -> Offset:
    parts = {each["url"]: each for each in said["extension"]}

    def value(name: str, kind: str) -> Any:
        return parts[name][f"value{kind}"] if name in parts else None

    return Offset(
        from_=value("from", "String"),
        hours=value("hours", "Decimal"),
        days=value("days", "Integer"),
        working_days=value("working-days", "Integer"),
        at=time.fromisoformat(value("at", "Time")) if "at" in parts else None,
        when=_condition(value("when", "Expression")) if "when" in parts else None,
        first=value("first", "Boolean") or False,
        but_not_before=_offset(parts["but-not-before"]) if "but-not-before" in parts else None,
        source=value("source", "String") or "",
    )


def _condition(expression: Json) -> Condition:
    assert expression["language"] == "application/vnd.jalon.condition+json"
    return decode(Condition, json.loads(expression["expression"]))


def _extensions(element: Json, name: str) -> list[Json]:
    return [
        each for each in element.get("extension", []) if each["url"].endswith(f"/StructureDefinition/{name}")
    ]


def _parts(extension: Json, name: str) -> Iterator[Json]:
    return (each for each in extension["extension"] if each["url"] == name)


def _one(extension: Json, name: str) -> Json:
    (found,) = _parts(extension, name)
    return found


def _both(extension: Json) -> tuple[str, str]:
    return _one(extension, "fr")["valueString"], _one(extension, "en")["valueString"]


def _codes(extension: Json, name: str) -> tuple[str, ...]:
    return tuple(each["valueCode"] for each in _parts(extension, name))
