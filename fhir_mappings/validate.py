"""May this resource be accepted? The gate of R4, without its advice, and no meaning changed unseen."""

from __future__ import annotations

from typing import Any

from fhir_mappings.gate.judging import judged
from fhir_mappings.outcome import Issue
from fhir_mappings.structure import unknown_modifiers


def check(resource: Any) -> list[Issue]:
    """What keeps this resource from being accepted; empty when nothing does.

    Everything that we say and hear is asked this: structure, formats, required codes, invariants, references and
    what is contained, of the resource and of every entry of a Bundle (`Bundle.entry[3].resource.status`). Sentences
    name the element and the remedy and never quote what was found. Never raises for what is in it. What R4 only
    advises is told by `fhir_mappings.gate.judging.judged`.
    """
    found = [issue for issue in judged(resource) if issue.refuses]
    if isinstance(resource, dict) and not any(issue.code == "structure" for issue in found):
        found += unknown_modifiers(resource, str(resource["resourceType"]))
    return found
