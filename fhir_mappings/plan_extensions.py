"""The extensions that our definitions use, declared: a StructureDefinition for each, made from one table."""

from __future__ import annotations

from dataclasses import dataclass

from fhir_mappings.read import Json
from fhir_mappings.site import Site

_OFFSET = (
    "A moment: from (what it is counted from), one of hours (real time), days (calendar days of the centre) or"
    " working-days (its public holidays left out), at (the hour of the day, in the centre's zone), when (it counts only"
    " if this holds), first (only the first time the step is done), but-not-before (the later of two moments), source."
    " Without at, working days end at the close of business and days counted from a day at 23:59."
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an extension: its type (None: parts of its own, as the words say) and how often it may stand."""

    name: str
    type: str | None
    words: str
    least: int = 0
    most: str = "1"


@dataclass(frozen=True, slots=True)
class Declared:
    """An extension: where it stands, what it means, and its parts, or the type of its one value."""

    name: str
    context: str
    title: str
    words: str
    parts: tuple[Part, ...] = ()
    type: str | None = None


DECLARED: tuple[Declared, ...] = (
    Declared(
        "step-window",
        "PlanDefinition.action",
        "Window of a step",
        "When a step is due and from when it may be done, exactly. The due date is the earliest of the moments whose"
        " anchor is known; otherwise counts while none of them is.",
        (
            Part("due", None, _OFFSET, most="*"),
            Part("otherwise", None, _OFFSET),
            Part("earliest", None, _OFFSET),
        ),
    ),
    Declared(
        "outcome",
        "PlanDefinition.action",
        "Outcome of a step",
        "How a step may end, and what that does beyond opening what waits for it.",
        (
            Part("key", "code", "Its code in our system of outcomes.", 1),
            Part("title", None, "Its name: fr and en.", 1),
            Part("end", "code", "How the pathway ends by it."),
            Part("gate", "code", "A gate that must be met to record it.", most="*"),
            Part("repeat", "code", "A step to be done again.", most="*"),
            Part("unbook", "code", "A step whose slot is given up.", most="*"),
            Part("suspend", "code", "A track that is put on hold.", most="*"),
            Part("open", "code", "A step on demand that it asks for.", most="*"),
        ),
    ),
    Declared(
        "book-gate",
        "PlanDefinition.action",
        "Gate to book a visit",
        "The gate of that key must be met before the visit of this step is booked.",
        type="code",
    ),
    Declared(
        "gate",
        "PlanDefinition",
        "Gate",
        "What must be true before a step is booked, started or completed. Every need must hold, or be passed by those"
        " who may override it.",
        (
            Part("key", "code", "How actions name it.", 1),
            Part("title", None, "Its name: fr and en.", 1),
            Part(
                "need",
                None,
                "when (Expression), reason (the sentence said when not: fr and en), never-override, source.",
                most="*",
            ),
            Part("override", "code", "A role of which one person may pass it, with a reason.", most="*"),
            Part("both", None, "A group of roles; one person of each group must pass it.", most="*"),
        ),
    ),
    Declared(
        "round",
        "PlanDefinition.action",
        "Round of observations",
        "Sets of observations at equal distances: when a missing one is told to the ward, and again.",
        (
            Part("key", "string", "Its key in the protocol.", 1),
            Part("amber", "Duration", "A missing set is told so long after its time.", 1),
            Part("red", "Duration", "And again, urgently.", 1),
            Part("needed", "code", "Without this observation the set is still missing.", most="*"),
        ),
    ),
    Declared(
        "step",
        "ActivityDefinition",
        "Kind of step",
        "What a step is to the pathway.",
        (
            Part("kind", "code", "task, visit (it has an Appointment) or hold (the hold plan).", 1),
            Part(
                "assigned", "boolean", "Whether its Task begins as ready; else somebody accepts it first.", 1
            ),
            Part("signed-by", "code", "A role that alone may settle it.", most="*"),
            Part("length", "Duration", "How long the visit is."),
        ),
    ),
)


def structure_definitions(site: Site) -> list[Json]:
    """A StructureDefinition for every extension of ours that ``plan_definition`` may use."""
    return [structure_definition(one, site) for one in DECLARED]


def structure_definition(declared: Declared, site: Site) -> Json:
    """The declaration of one extension, as a differential of Extension."""
    url = f"{site.system}/StructureDefinition/{declared.name}"
    elements: list[Json] = [
        {
            "id": "Extension",
            "path": "Extension",
            "short": declared.title,
            "definition": declared.words,
            "min": 0,
            "max": "*",
        }
    ]
    if declared.parts:
        for one in declared.parts:
            elements += _part(one)
    else:
        elements.append({"id": "Extension.extension", "path": "Extension.extension", "max": "0"})
    elements.append({"id": "Extension.url", "path": "Extension.url", "fixedUri": url})
    value: Json = {"id": "Extension.value[x]", "path": "Extension.value[x]"}
    elements.append(
        {**value, "max": "0"}
        if declared.type is None
        else {**value, "min": 1, "type": [{"code": declared.type}]}
    )
    return {
        "resourceType": "StructureDefinition",
        "id": declared.name,
        "url": url,
        "version": "1.0.0",
        "name": "".join(word.capitalize() for word in declared.name.split("-")),
        "title": declared.title,
        "status": "active",
        "publisher": site.name,
        "description": declared.words,
        "fhirVersion": "4.0.1",
        "kind": "complex-type",
        "abstract": False,
        "context": [{"type": "element", "expression": declared.context}],
        "type": "Extension",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
        "derivation": "constraint",
        "differential": {"element": elements},
    }


def _part(one: Part) -> list[Json]:
    place = f"Extension.extension:{one.name}"
    said: list[Json] = [
        {
            "id": place,
            "path": "Extension.extension",
            "sliceName": one.name,
            "definition": one.words,
            "min": one.least,
            "max": one.most,
        },
        {"id": f"{place}.url", "path": "Extension.extension.url", "fixedUri": one.name},
    ]
    if one.type is not None:
        kind = {"path": "Extension.extension.value[x]", "type": [{"code": one.type}]}
        said.append({"id": f"{place}.value[x]", **kind})
    return said
