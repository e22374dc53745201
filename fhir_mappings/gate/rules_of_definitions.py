"""Invariants of what defines and asks: plans and activities as definitions, capabilities, questionnaires."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fhir_mappings.gate.rules import distinct, has, parts, rule
from fhir_mappings.read import Json

_NAME = re.compile(r"[A-Z][A-Za-z0-9_]{0,254}")
_NAME_WANTED = "name should be usable by programs: letters, digits and _, a capital first; correct it."


@rule("PlanDefinition", "pdf-0", f"PlanDefinition.{_NAME_WANTED}", "name", severity="warning")
@rule("ActivityDefinition", "adf-0", f"ActivityDefinition.{_NAME_WANTED}", "name", severity="warning")
@rule("CapabilityStatement", "cpb-0", f"CapabilityStatement.{_NAME_WANTED}", "name", severity="warning")
@rule("Questionnaire", "que-0", f"Questionnaire.{_NAME_WANTED}", "name", severity="warning")
def has_usable_name(definition: Json) -> bool:
    name = definition.get("name")
    return name is None or _NAME.fullmatch(name) is not None


# --- CapabilityStatement ----------------------------------------------------------------------------------


@rule("CapabilityStatement", "cpb-1", "CapabilityStatement needs rest, messaging or document; add one.")
def cpb_1(statement: Json) -> bool:
    return has(statement, "rest", "messaging", "document")


@rule(
    "CapabilityStatement",
    "cpb-2",
    "CapabilityStatement needs a description, software or an implementation; add one.",
)
def cpb_2(statement: Json) -> bool:
    return has(statement, "description", "software", "implementation")


@rule(
    "CapabilityStatement",
    "cpb-3",
    "CapabilityStatement.messaging.endpoint is only for an instance; remove it or set the kind.",
    "messaging",
)
def cpb_3(statement: Json) -> bool:
    ends = any(has(each, "endpoint") for each in parts(statement, "messaging"))
    return not ends or statement.get("kind") == "instance"


@rule(
    "CapabilityStatement",
    "cpb-7",
    "CapabilityStatement.document has the same profile and mode twice; keep one.",
    "document",
)
def cpb_7(statement: Json) -> bool:
    return distinct([(each.get("profile"), each.get("mode")) for each in parts(statement, "document")])


@rule(
    "CapabilityStatement.rest",
    "cpb-9",
    "A resource is described twice for the same mode; keep one.",
    "resource",
)
def cpb_9(rest: Json) -> bool:
    return distinct([each.get("type") for each in parts(rest, "resource")])


@rule(
    "CapabilityStatement.rest.resource",
    "cpb-12",
    "A search parameter is named twice for the same resource; keep one.",
    "searchParam",
)
def cpb_12(resource: Json) -> bool:
    return distinct([each.get("name") for each in parts(resource, "searchParam")])


@rule("CapabilityStatement", "cpb-14", "An instance needs its implementation; add it.", "implementation")
def cpb_14(statement: Json) -> bool:
    return statement.get("kind") != "instance" or has(statement, "implementation")


@rule(
    "CapabilityStatement",
    "cpb-15",
    "A statement of the kind capability needs software and has no implementation; correct it.",
    "kind",
)
def cpb_15(statement: Json) -> bool:
    if statement.get("kind") != "capability":
        return True
    return has(statement, "software") and not has(statement, "implementation")


@rule(
    "CapabilityStatement",
    "cpb-16",
    "A statement of the kind requirements has neither software nor implementation; remove them.",
    "kind",
)
def cpb_16(statement: Json) -> bool:
    return statement.get("kind") != "requirements" or not has(statement, "software", "implementation")


# --- Questionnaire and what answers it --------------------------------------------------------------------

_LISTED = ("choice", "open-choice", "decimal", "integer", "date", "dateTime", "time", "string", "quantity")
_MEASURED = ("boolean", "decimal", "integer", "string", "text", "url", "open-choice")
_ITEM = "Questionnaire.item"


@rule(
    _ITEM,
    "que-1",
    "A group has items of its own and a display has none; correct the type or the items.",
    "item",
)
def que_1(item: Json) -> bool:
    type_ = item.get("type")
    return (type_ != "group" or has(item, "item")) and (type_ != "display" or not has(item, "item"))


@rule("Questionnaire", "que-2", "A linkId stands twice in the Questionnaire; give each item its own.", "item")
def que_2(questionnaire: Json) -> bool:
    return distinct([each["linkId"] for each in _items(questionnaire) if "linkId" in each])


def _items(owner: Json) -> Iterator[Json]:
    for each in parts(owner, "item"):
        yield each
        yield from _items(each)


@rule(_ITEM, "que-3", "A display item has no code; remove it.", "code")
def que_3(item: Json) -> bool:
    return item.get("type") != "display" or not has(item, "code")


@rule(_ITEM, "que-4", "An item has answerOption or answerValueSet, not both; keep one.", "answerValueSet")
def que_4(item: Json) -> bool:
    return not (has(item, "answerOption") and has(item, "answerValueSet"))


@rule(_ITEM, "que-5", "This type of item has no answers to choose from; remove them or set the type.", "type")
def que_5(item: Json) -> bool:
    return item.get("type") in _LISTED or not has(item, "answerValueSet", "answerOption")


@rule(_ITEM, "que-6", "A display item is neither required nor repeated; remove both.", "type")
def que_6(item: Json) -> bool:
    return item.get("type") != "display" or not has(item, "required", "repeats")


@rule(
    "Questionnaire.item.enableWhen",
    "que-7",
    "The operator exists asks for an answerBoolean; write it so.",
    "answerBoolean",
)
def que_7(when: Json) -> bool:
    return when.get("operator") != "exists" or "answerBoolean" in when


@rule(_ITEM, "que-8", "A group or a display has no initial value; remove it.", "initial")
def que_8(item: Json) -> bool:
    return item.get("type") not in ("group", "display") or not has(item, "initial")


@rule(_ITEM, "que-9", "A display item is not readOnly; remove it.", "readOnly")
def que_9(item: Json) -> bool:
    return item.get("type") != "display" or not has(item, "readOnly")


@rule(_ITEM, "que-10", "maxLength is only for simple questions; remove it or set the type.", "maxLength")
def que_10(item: Json) -> bool:
    return item.get("type") in _MEASURED or not has(item, "maxLength")


@rule(_ITEM, "que-11", "An item with answerOption has no initial value beside it; remove it.", "initial")
def que_11(item: Json) -> bool:
    return not (has(item, "answerOption") and has(item, "initial"))


@rule(_ITEM, "que-12", "Several enableWhen need an enableBehavior; add it.", "enableBehavior")
def que_12(item: Json) -> bool:
    # "More than one" in words, more than two in the published expression, which is what others judge by.
    return len(parts(item, "enableWhen")) <= 2 or has(item, "enableBehavior")


@rule(
    _ITEM, "que-13", "Only a repeating item has several initial values; keep one or set repeats.", "initial"
)
def que_13(item: Json) -> bool:
    return item.get("repeats") is True or len(parts(item, "initial")) <= 1


@rule(
    "QuestionnaireResponse.item", "qrs-1", "An item has items or answers, not both; move the items.", "item"
)
def qrs_1(item: Json) -> bool:
    return not (has(item, "answer") and has(item, "item"))
