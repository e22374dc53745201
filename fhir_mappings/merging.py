"""What a hospital's people added to their copy of something of ours, kept when we say ours again.

A conditional update replaces the whole resource. Their own identifiers, notes, results and extensions are theirs: they
are read off their copy, remembered, and sent back to where they were. What says the state of the work is ours to
say (theirs was heard as an event first), so it is never taken from an old copy. Everything here is in their names.
"""

from __future__ import annotations

from fhir_mappings.read import Json

OURS = frozenset(
    {
        "resourceType",
        "id",
        "text",
        "meta",
        "implicitRules",
        "status",
        "statusReason",
        "businessStatus",
        "cancelationReason",
        "lastModified",
        "authoredOn",
        "created",
        "period",
        "intent",
        "priority",
        "code",
        "category",
        "description",
        "for",
        "subject",
        "focus",
        "requester",
        "owner",
        "performerType",
        "performer",
        "executionPeriod",
        "restriction",
        "groupIdentifier",
        "basedOn",
        "partOf",
        "replaces",
        "start",
        "end",
        "minutesDuration",
        "slot",
        "requestedPeriod",
        "serviceType",
        "participant",
        "appointmentType",
        "occurrenceDateTime",
        "occurrencePeriod",
        "occurrenceTiming",
        "doNotPerform",
        "sent",
        "received",
        "payload",
        "recipient",
        "sender",
        "medium",
        "activity",
        "addresses",
        "instantiatesCanonical",
        "title",
        "clinicalStatus",
        "verificationStatus",
        "onsetDateTime",
        "recordedDate",
        "bodySite",
    }
)
"""What we say whenever there is something to say: absent from ours, it is not so."""

BY_ITEM = frozenset(
    {
        "identifier",
        "extension",
        "modifierExtension",
        "note",
        "output",
        "input",
        "contained",
        "supportingInfo",
        "supportingInformation",
        "relevantHistory",
        "insurance",
        "reasonReference",
        "reasonCode",
    }
)
"""Lists that both sides write into, each its own entries."""

_OF_THE_SERVER = frozenset({"resourceType", "id", "meta", "text", "implicitRules", "lastModified"})
_ONE_OF_A_TYPE = frozenset({"output", "input"})


def additions(told: Json, theirs: Json) -> Json:
    """What they have that we did not tell them: elements (``new``), entries of shared lists (``items``), labels."""
    new: Json = {}
    items: Json = {}
    for name, value in theirs.items():
        if name in BY_ITEM and isinstance(value, list):
            had = told.get(name) or []
            entries = [each for each in value if isinstance(each, dict)]
            if more := [each for each in entries if each not in had and not _replaces(name, each, had)]:
                items[name] = more
        elif name not in OURS and name not in _OF_THE_SERVER and name not in told:
            new[name] = value
    labels = {
        name: more
        for name in ("security", "tag", "profile")
        if (more := [each for each in _meta(theirs, name) if each not in _meta(told, name)])
    }
    found: Json = {"new": new, "items": items, "labels": labels}
    return {name: value for name, value in found.items() if value}


def with_additions(ours: Json, added: Json | None) -> Json:
    """Ours, with what they added where it does not contradict us."""
    if not added:
        return ours
    made = {**added.get("new", {}), **ours}
    for name, entries in added.get("items", {}).items():
        own = ours.get(name) or []
        more = [each for each in entries if each not in own and not _replaces(name, each, own)]
        if own or more:
            made[name] = [*own, *more]
    labels = added.get("labels", {})
    if labels:
        meta = dict(made.get("meta") or {})
        for name, entries in labels.items():
            own = meta.get(name) or []
            meta[name] = [*own, *(each for each in entries if each not in own)]
        made["meta"] = meta
    return made


def _replaces(name: str, entry: Json, ours: list[Json]) -> bool:
    """Whether this entry is one of ours in other words: the same kind of result, the same identifier."""
    if name in _ONE_OF_A_TYPE:
        return any(_codes(entry) & _codes(each) for each in ours)
    if name == "identifier":
        return any(_name(entry) == _name(each) for each in ours)
    if name == "contained":
        return any(entry.get("id") == each.get("id") for each in ours)
    return False


def _codes(entry: Json) -> set[tuple[str | None, str | None]]:
    codings = (entry.get("type") or {}).get("coding") or []
    return {(each.get("system"), each.get("code")) for each in codings}


def _name(identifier: Json) -> tuple[str | None, str | None]:
    return identifier.get("system"), identifier.get("value")


def _meta(resource: Json, name: str) -> list[Json]:
    found: list[Json] = (resource.get("meta") or {}).get(name) or []
    return found
