"""Invariants of a Bundle and its entries: what its type asks of it, and names that stay apart."""

from __future__ import annotations

from typing import Any

from fhir_mappings.gate.rules import has, parts, rule, rule_of_parts
from fhir_mappings.read import Json

_ASKS = ("batch", "transaction", "history")
_ANSWERS = ("batch-response", "transaction-response", "history")


@rule("Bundle", "bdl-1", "Bundle.total is only for searchset and history; remove it.", "total")
def bdl_1(bundle: Json) -> bool:
    return not has(bundle, "total") or bundle.get("type") in ("searchset", "history")


@rule_of_parts("Bundle", "bdl-2", "Bundle.entry.search is only for a searchset; remove it.")
def bdl_2(bundle: Json) -> list[str]:
    return _otherwise(bundle, "search") if bundle.get("type") != "searchset" else []


@rule_of_parts(
    "Bundle",
    "bdl-3",
    "Bundle.entry.request belongs to every entry of a batch, transaction or history and to no other;"
    " add or remove it.",
)
def bdl_3(bundle: Json) -> list[str]:
    return _otherwise(bundle, "request", wanted=bundle.get("type") in _ASKS)


@rule_of_parts(
    "Bundle",
    "bdl-4",
    "Bundle.entry.response belongs to every entry of a response or history and to no other;"
    " add or remove it.",
)
def bdl_4(bundle: Json) -> list[str]:
    return _otherwise(bundle, "response", wanted=bundle.get("type") in _ANSWERS)


def _otherwise(bundle: Json, name: str, *, wanted: bool = False) -> list[str]:
    """Where an entry has this element though it is not wanted, or lacks it though it is."""
    entries = enumerate(parts(bundle, "entry"))
    return [f"entry[{index}].{name}" for index, each in entries if has(each, name) != wanted]


@rule("Bundle.entry", "bdl-5", "Bundle.entry needs a resource, a request or a response; add one.")
def bdl_5(entry: Json) -> bool:
    return has(entry, "resource", "request", "response")


@rule_of_parts("Bundle", "bdl-7", "Two entries of the Bundle have the same fullUrl; give each its own.")
def bdl_7(bundle: Json) -> list[str]:
    if bundle.get("type") == "history":
        return []
    twice, seen = [], set()
    for index, each in enumerate(parts(bundle, "entry")):
        named = (each.get("fullUrl"), _version(each.get("resource")))
        if named[0] is not None and named in seen:
            twice.append(f"entry[{index}]")
        seen.add(named)
    return twice


def _version(resource: Any) -> str:
    meta = resource.get("meta") if isinstance(resource, dict) else None
    return str(meta.get("versionId", "")) if isinstance(meta, dict) else ""


@rule("Bundle.entry", "bdl-8", "Bundle.entry.fullUrl must not name a version; remove it.", "fullUrl")
def bdl_8(entry: Json) -> bool:
    return "/_history/" not in str(entry.get("fullUrl", ""))


@rule("Bundle", "bdl-9", "A document needs an identifier with system and value; add it.", "identifier")
def bdl_9(bundle: Json) -> bool:
    identifier = bundle.get("identifier") or {}
    return bundle.get("type") != "document" or (has(identifier, "system") and has(identifier, "value"))


@rule("Bundle", "bdl-10", "A document needs a timestamp; add it.", "timestamp")
def bdl_10(bundle: Json) -> bool:
    return bundle.get("type") != "document" or "timestamp" in bundle


@rule("Bundle", "bdl-11", "A document begins with its Composition; put it first.", "entry")
def bdl_11(bundle: Json) -> bool:
    return bundle.get("type") != "document" or _first(bundle) == "Composition"


@rule("Bundle", "bdl-12", "A message begins with its MessageHeader; put it first.", "entry")
def bdl_12(bundle: Json) -> bool:
    return bundle.get("type") != "message" or _first(bundle) == "MessageHeader"


def _first(bundle: Json) -> Any:
    entries = parts(bundle, "entry")
    resource = entries[0].get("resource") if entries else None
    return resource.get("resourceType") if isinstance(resource, dict) else None
