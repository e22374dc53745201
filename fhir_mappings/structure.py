"""Is this resource of a referral fit to be read? The gate of R4, and nothing that would change its meaning unseen."""

from __future__ import annotations

from collections.abc import Iterator

from fhir_mappings.gate.judging import judged
from fhir_mappings.outcome import Issue, error
from fhir_mappings.read import Json


def structure_issues(resource: Json, path: str) -> list[Issue]:
    """What keeps this resource from being read, `path` being its FHIRPath in the request; empty when nothing does.

    Also refuses what would change its meaning unseen: modifier extensions and implicit rules that nobody here
    knows.
    """
    found = [issue for issue in judged(resource, path) if issue.refuses]
    return [*found, *unknown_modifiers(resource, path)]


def unknown_modifiers(resource: Json, path: str) -> Iterator[Issue]:
    """Modifier extensions and implicit rules at the root of a resource: nobody here knows any."""
    kind = str(resource.get("resourceType"))
    for element in ("modifierExtension", "implicitRules"):
        if resource.get(element):
            yield error(
                "extension",
                f"{kind}.{element} changes the meaning of this {kind} in a way unknown here; leave it out.",
                f"{path}.{element}",
            )
