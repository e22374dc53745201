"""What an update from outside comes to: events for the door, or the issues that refuse it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fhir_mappings.outcome import Issue, error, refused, warning
from fhir_mappings.read import Json, codings, text_at, words
from pathway.events import Event

_LITERAL = re.compile(
    r"(?:https?://.*/)?([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?"
)


@dataclass(frozen=True, slots=True)
class Heard:
    """``events`` are to go through the door together, in this order; none means that nothing has happened.

    When one of ``issues`` refuses, there are no events. Otherwise the issues warn of what is not kept.
    """

    events: tuple[Event, ...] = ()
    issues: tuple[Issue, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether the update is to be refused."""
        return refused(self.issues)


def refusal(*issues: Issue) -> Heard:
    """An update that is refused."""
    return Heard(issues=issues)


def immutable(current: Json, incoming: Json, *elements: str) -> Iterator[Issue]:
    """Those of the elements that the update changes or leaves out, though they never change.

    An identifier or a coding may be added beside ours, and a reference may be written as a whole URL.
    """
    kind = current["resourceType"]
    for element in elements:
        if not _still(current.get(element), incoming.get(element)):
            yield error(
                "business-rule",
                f"{kind}.{element} cannot be changed once the {kind} exists; send it back as it was read.",
                f"{kind}.{element}",
            )


def not_kept(current: Json, incoming: Json, kept: frozenset[str]) -> Iterator[Issue]:
    """Warnings about elements that the update sets and that have no place with us."""
    kind = current["resourceType"]
    for element, value in incoming.items():
        if element not in kept and not element.startswith("_") and value != current.get(element):
            yield warning(
                "not-supported",
                f"{kind}.{element} is ours to say, so the value sent was not kept.",
                f"{kind}.{element}",
            )


def said_reason(concept: Any) -> str:
    """A CodeableConcept as one line: its text, else a display, else a code."""
    said = [*words(concept), *(code for _, code, _ in codings(concept) if code)]
    return said[0] if said else ""


def relative(reference: Any) -> str:
    """A literal reference as ``Type/id``, whatever its base and version; as it is when it is none."""
    said = text_at(reference, "reference") or ""
    match = _LITERAL.fullmatch(said)
    return match[1] if match else said


def _still(ours: Any, theirs: Any) -> bool:
    """Whether what we say of an element is still said."""
    if isinstance(ours, list):
        given = theirs if isinstance(theirs, list) else []
        return all(any(_still(each, one) for one in given) for each in ours)
    if not isinstance(ours, dict):
        return bool(ours == theirs)
    if not isinstance(theirs, dict):
        return False
    if "reference" in ours:
        return relative(ours) == relative(theirs)
    if "value" in ours:
        return all(ours.get(name) == theirs.get(name) for name in ("system", "value"))
    if "coding" in ours:
        codes = {(system, code) for system, code, _ in codings(theirs)}
        return all((one.get("system", ""), one.get("code", "")) in codes for one in ours["coding"])
    return ours == theirs
