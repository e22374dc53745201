"""May this resource be accepted? The gate of R4, and no meaning changed unseen."""

from __future__ import annotations

from typing import Any

from fhir_mappings.gate.judging import judged
from fhir_mappings.outcome import Issue
from fhir_mappings.structure import unknown_modifiers


def check(resource: Any) -> list[Issue]:
    """What keeps this resource from being accepted; empty when nothing does.

    Everything that we say and hear is asked this: structure, formats, required codes, invariants, references and
    what is contained, of the resource and of every entry of a Bundle (`Bundle.entry[3].resource.status`). Sentences
    name the element and the remedy and never quote what was found. Never raises for what is in it.
    """
    return [issue for issue in opinion(resource) if issue.refuses]


def opinion(resource: Any) -> list[Issue]:
    """All that `check` says, and as warnings what R4 only advises (a narrative, a usable name)."""
    found = judged(resource)
    if isinstance(resource, dict) and not any(issue.code == "structure" for issue in found):
        found += unknown_modifiers(resource, str(resource["resourceType"]))
    return found
