"""The answers in a QuestionnaireResponse to what the protocol asks, as facts; each by the key of the question.

An item is ours when its ``linkId`` is the key of an answer, or its ``definition`` ends in ``#key``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from fhir_mappings.heard_facts import Read
from fhir_mappings.inbound import answer_value
from fhir_mappings.outcome import Issue, warning
from fhir_mappings.read import Json, object_at, objects_at, text_at
from fhir_mappings.site import Site
from pathway.protocol import Answer, Protocol
from pathway.referral import Fact

ANSWERED = ("completed", "amended")


def read_answers(
    resource: Json, protocol: Protocol, site: Site, *, source: str, at: datetime, by: str
) -> Read:
    """The facts that these answers are, true ``at`` (UTC), and why an answer was not used."""
    asked: dict[str, Answer] = {
        answer.key: answer for rule in protocol.steps for answer in rule.answers if answer.fact
    }
    facts: list[Fact] = []
    issues: list[Issue] = []
    for path, item in _items(resource, "QuestionnaireResponse"):
        key = _key(item)
        if key not in asked:
            continue
        for given in objects_at(item, "answer")[:1]:
            value = answer_value(asked[key], _as_output(given), site)
            if value is None or not _possible(asked[key], value):
                issues.append(_unused(asked[key], f"{path}.answer[0].value"))
            else:
                facts.append(Fact(key, value, at, by, source))
    return Read(tuple(facts), tuple(issues))


def _items(within: Json, path: str) -> Iterator[tuple[str, Json]]:
    for index, item in enumerate(objects_at(within, "item")):
        here = f"{path}.item[{index}]"
        yield here, item
        yield from _items(item, here)


def _key(item: Json) -> str:
    defined = (text_at(item, "definition") or "").rpartition("#")[2]
    return defined or text_at(item, "linkId") or ""


def _as_output(given: Json) -> Json:
    """A coded answer as a Task says one; everything else is written alike."""
    coding = object_at(given, "valueCoding")
    if not coding:
        return given
    return {"valueCodeableConcept": {"coding": [coding]}, "valueString": text_at(coding, "code")}


def _possible(answer: Answer, value: Any) -> bool:
    if answer.kind == "choice":
        return value in answer.choice_keys
    if answer.kind != "number":
        return True
    low, high = answer.at_least, answer.at_most
    return (low is None or value >= low) and (high is None or value <= high)


def _unused(answer: Answer, where: str) -> Issue:
    unit = f" in {answer.unit}" if answer.unit else ""
    sentence = (
        f"The answer to {answer.key} was not used: it must be a possible {answer.kind}{unit}; correct it."
    )
    return warning("value", sentence, where)
