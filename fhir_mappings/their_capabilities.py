"""Whether a hospital's server says that it takes what we would write there: its CapabilityStatement, read."""

from __future__ import annotations

from collections.abc import Sequence

from fhir_mappings.outbound import DEPENDENCE
from fhir_mappings.read import Json, objects_at, text_at
from pathway.refusal import Text

_NEEDED = {"create", "update"}


def objections(statement: Json, types: Sequence[str] = ()) -> list[Text]:
    """Why we cannot write to this server, a sentence each; none when we can. ``types``: those it wants (none: all)."""
    version = text_at(statement, "fhirVersion") or ""
    if not version.startswith("4.0"):
        return [
            Text(
                fr=f"il parle FHIR {version or 'sans dire sa version'}, et nous écrivons en R4 (4.0.1)",
                en=f"it speaks FHIR {version or 'of an unknown version'}, and we write R4 (4.0.1)",
            )
        ]
    servers = [rest for rest in objects_at(statement, "rest") if text_at(rest, "mode") == "server"]
    if not servers:
        return [Text(fr="il ne décrit aucun serveur", en="it describes no server")]
    found = []
    if not any("transaction" in _codes(rest) for rest in servers):
        found.append(Text(fr="il n’accepte pas de transactions", en="it takes no transactions"))
    resources = [resource for rest in servers for resource in objects_at(rest, "resource")]
    said = {text_at(resource, "type"): _codes(resource) for resource in resources}
    for type_ in types or DEPENDENCE:
        needs = {"create"} if type_ == "Patient" else _NEEDED
        if lacks := sorted(needs - said.get(type_, set())):
            found.append(
                Text(
                    fr=f"il n’accepte pas {' ni '.join(lacks)} de {type_}",
                    en=f"it takes no {' and no '.join(lacks)} of {type_}",
                )
            )
    return found


def _codes(place: Json) -> set[str]:
    return {text_at(each, "code") or "" for each in objects_at(place, "interaction")}
