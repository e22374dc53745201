"""What one resource of a hospital says of a patient, as facts: read by the same rules as a referral.

The resource is looked at as if it came in a Bundle with a Patient and with what it refers to, so that units,
limits, drugs and dates are judged in one place. Each fact carries where it came from, so that a correction of the
same resource replaces it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from fhir_mappings.bundle import Found, contents
from fhir_mappings.outcome import Issue
from fhir_mappings.read import Json, first_instant, text_at
from fhir_mappings.reading import Reading
from fhir_mappings.referral_facts import facts
from pathway.completeness import NO_LONGER_TAKEN
from pathway.referral import Fact
from pathway.state import Pathway

TAKEN_BACK = ("entered-in-error", "cancelled")
"""What a resource says that was wrong, or is not to be: what it said before is forgotten."""
DRUG_LISTS = ("antithrombotics", "medications")
_PATIENT = "urn:jalon:patient"


@dataclass(frozen=True, slots=True)
class Read:
    """The facts in a resource, and why what it says otherwise was not used."""

    facts: tuple[Fact, ...] = ()
    issues: tuple[Issue, ...] = ()


def document(source: str, resource: Json) -> str:
    """The name of a resource among those of all systems: ``source/Type/id``."""
    return f"{source}/{resource.get('resourceType')}/{resource.get('id', '')}"


def read_facts(
    resource: Json, *, source: str, received: datetime, zone: tzinfo, beside: Sequence[Json] = ()
) -> Read:
    """The facts of this resource alone. ``beside`` is what it refers to (a Medication); bare dates are in ``zone``."""
    about = {name: value for name, value in resource.items() if name not in ("patient", "subject")}
    bundle = {
        "entry": [
            {"fullUrl": _PATIENT, "resource": {"resourceType": "Patient", "id": "patient"}},
            {"resource": {**about, "subject": {"reference": _PATIENT}}},
            *({"resource": each} for each in beside),
        ]
    }
    reading = Reading(contents(bundle), received, zone)
    patient = reading.contents.entries[0]
    at = said_at(resource, zone) or received
    at = min(at, received)
    found = facts(
        reading, Found("ServiceRequest", {}, ""), patient, requester=source, authored=at, onset=None
    )
    named = document(source, resource)
    kind = text_at(resource, "resourceType") or ""
    return Read(
        tuple(replace(fact, source=named) for fact in found),
        tuple(replace(issue, expression=_of_it(issue, kind)) for issue in reading.issues),
    )


def said_at(resource: Json, zone: tzinfo) -> datetime | None:
    """When a resource was said, where it says so."""
    return first_instant(
        zone, *(resource.get(name) for name in ("issued", "dateAsserted", "authoredOn", "authored", "date"))
    )


def taken_back(pathway: Pathway, named: str) -> tuple[Fact, ...]:
    """What this resource said on this pathway before, and stands."""
    return tuple(fact for fact in pathway.facts if fact.source == named)


# --- lists of drugs ---------------------------------------------------------------------------------------


def with_drugs(pathway: Pathway, fact: Fact) -> Fact | None:
    """The list as it is once this statement is heard. None when it says nothing new, or speaks of a time before.

    A statement names one drug of several: it replaces what is known of that drug and leaves the others. What the same
    statement said before of a drug that it names no more was wrong, and goes.
    """
    known = pathway.fact(fact.key)
    said: list[Any] = fact.value if isinstance(fact.value, list) else []
    if known is None or not isinstance(known.value, list):
        return fact
    if not said:
        return fact if fact.at >= known.at and known.value != said else None
    listed = _unsaid(pathway, fact.key, fact.source, still=said)
    for drug in said:
        place = next((n for n, one in enumerate(listed) if _same_drug(one, drug)), None)
        if place is None:
            listed.append(drug)
        elif fact.at >= known.at or known.source == fact.source:
            listed[place] = drug
    if listed == known.value:
        return None
    return replace(fact, value=listed, at=max(fact.at, known.at))


def denied_later(pathway: Pathway, fact: Fact) -> bool:
    """Whether the statement names a drug as taken though "none" was said since: a person must ask."""
    known = pathway.fact(fact.key)
    said: list[Any] = fact.value if isinstance(fact.value, list) else []
    taken = any(isinstance(drug, dict) and drug.get("status") not in NO_LONGER_TAKEN for drug in said)
    return known is not None and known.value == [] and taken and fact.at < known.at


def without_drugs(pathway: Pathway, key: str, named: str) -> Fact | None:
    """The list as it is once this statement is taken back; None where it is then as if nothing had been said.

    A drug that it brought goes, and one that it changed is again what it was before.
    """
    of_key = [fact for fact in pathway.facts if fact.key == key]
    first = next((n for n, fact in enumerate(of_key) if fact.source == named), None)
    latest = pathway.fact(key)
    if first is None or latest is None:
        return None
    kept = _unsaid(pathway, key, named)
    return replace(latest, value=kept) if first or kept else None


def _unsaid(pathway: Pathway, key: str, named: str, *, still: Sequence[Any] = ()) -> list[Any]:
    """The list as it is without what this statement ever brought to it, but for the drugs that it ``still`` names."""
    of_key = [fact for fact in pathway.facts if fact.key == key]
    latest = pathway.fact(key)
    listed = _listed(latest) if latest is not None else []
    for n, fact in reversed(list(enumerate(of_key))):
        if fact.source != named:
            continue
        before = _listed(of_key[n - 1]) if n else []
        brought = [drug for drug in _listed(fact) if drug not in before]
        gone = [drug for drug in brought if not any(_same_drug(drug, one) for one in still)]
        kept = []
        for drug in listed:
            was = next((one for one in before if _same_drug(one, drug)), None) if drug in gone else drug
            if was is not None:
                kept.append(was)
        listed = kept
    return [*listed]


def _listed(fact: Fact) -> list[Any]:
    return fact.value if isinstance(fact.value, list) else []


def _same_drug(one: Any, other: Any) -> bool:
    """By ATC code, else by name; two forms of one drug are one drug here."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return bool(one == other)
    if one.get("atc") and other.get("atc"):
        return bool(one["atc"] == other["atc"])
    names = [str(drug.get("text") or "").casefold().split() for drug in (one, other)]
    return bool(names[0]) and names[0] == names[1]


def _of_it(issue: Issue, kind: str) -> tuple[str, ...]:
    """Where in the resource itself, and not in the Bundle that was put around it."""
    return tuple(
        kind + where.partition(f"ofType({kind})")[2] if f"ofType({kind})" in where else kind
        for where in issue.expression
    )
