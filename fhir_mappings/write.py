"""Writing plain FHIR JSON: instants, concepts, periods and references, and never an empty value."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from fhir_mappings.read import Json, object_at, text_at

_NAMED = re.compile(r"(?P<display>.*?) ?<(?P<target>[^<>]+)>", re.DOTALL)
_LITERAL = re.compile(
    r"(?:https?://\S+/)?(?:Practitioner|PractitionerRole|Organization|CareTeam|HealthcareService|Device"
    r"|RelatedPerson)/[A-Za-z0-9\-.]{1,64}"
)


def instant(at: datetime) -> str:
    """An aware instant as FHIR writes it, always in UTC and to the second where it is on one.

    Always UTC, because servers that compare ``lastModified`` with ``authoredOn`` as text are out there.
    """
    precision = "milliseconds" if at.microsecond else "seconds"
    return at.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def period(start: datetime | None, end: datetime | None) -> Json | None:
    """A Period of what is known; None of nothing. A start after the end is left out: per-1 forbids it."""
    if start is not None and end is not None and start > end:
        start = None
    said = {name: instant(at) for name, at in (("start", start), ("end", end)) if at is not None}
    return said or None


def concept(text: str, *codings: Json) -> Json:
    """A CodeableConcept with its words."""
    return pruned({"coding": list(codings), "text": text})


def reference(kind: str, id_: str) -> Json:
    """A relative reference to one of our own resources."""
    return {"reference": f"{kind}/{id_}"}


def pruned(said: Json) -> Json:
    """The same without what is None, empty or blank, for FHIR has no empty values. False and 0 stay."""
    kept: Json = _pruned(said)
    return kept


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _pruned(each) for key, each in value.items()}
        return {key: each for key, each in kept.items() if not _empty(each)}
    if isinstance(value, list):
        return [each for each in map(_pruned, value) if not _empty(each)]
    return value


def _empty(value: Any) -> bool:
    return value is None or value in ({}, []) or (isinstance(value, str) and not value.strip())


# --- people and organisations, as one line of text --------------------------------------------------------


def party(said: str) -> Json:
    """The Reference that ``spoken`` made a line of: ``Dr Roux <Practitioner/12>``, ``<system|value>`` or a name."""
    match = _NAMED.fullmatch(said)
    target = match["target"] if match else said
    shown = match["display"] if match else ""
    if _LITERAL.fullmatch(target):
        return pruned({"reference": target, "display": shown})
    system, bar, value = target.partition("|")
    if bar and ":" in system and value:
        return pruned({"identifier": {"system": system, "value": value}, "display": shown})
    return {"display": said}


def spoken(said: Json) -> str:
    """A Reference to a person or organisation as a line that a person can read and ``party`` can turn back."""
    target = text_at(said, "reference") or ""
    identifier = object_at(said, "identifier")
    if not _LITERAL.fullmatch(target):
        target = "|".join(filter(None, (text_at(identifier, "system"), text_at(identifier, "value"))))
    shown = text_at(said, "display") or ""
    return f"{shown} <{target}>".strip() if target else shown
