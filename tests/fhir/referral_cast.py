"""The cast of the referral stories: Odile Marchand, her fracture of T12, and the doctor who refers her."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fhir_mappings.referral import Intake, read_referral
from fhir_mappings.referral_example import example_referral
from pathway.referral import Contact, Fact, Fracture, Identifier, Party, Person, Referral

RECEIVED = datetime(2027, 2, 1, 9, 30, tzinfo=UTC)
AUTHORED = RECEIVED - timedelta(hours=1)
SEEN = RECEIVED - timedelta(days=1)

ODILE = Person(
    identifiers=(Identifier("urn:oid:1.2.250.1.999.1", "IPP-1"),),
    family="Marchand",
    given="Odile Jeanne",
    birth_date=date(1947, 5, 3),
    gender="female",
    contact=Contact("fr", "+33639980011", "+33199000011", "odile@example.org"),
)
T12 = Fracture(
    onset=date(2027, 1, 20),
    code="M80.08",
    system="http://hl7.org/fhir/sid/icd-10",
    text="Fracture ostéoporotique de T12",
    level="T12",
    cause="osteoporotic",
)
NADIA = Party(
    "Dr Nadia Benali",
    (Identifier("https://rpps.esante.gouv.fr", "99900000017"),),
    "+33199000123",
    "n.benali@example.org",
)
NUMBER = Identifier("https://hopital.example/demandes", "R-1")


def said(key: str, value: Any, source: str) -> Fact:
    """A fact that Nadia stated the day before."""
    return Fact(key, value, SEEN, NADIA.name, source)


PAIN = said("pain_nrs", 8, "Observation/72514-3")
NO_ANTITHROMBOTIC = said("antithrombotics", [], "MedicationStatement")


def bundle(
    *,
    person: Person = ODILE,
    fracture: Fracture = T12,
    identifier: Identifier | None = NUMBER,
    requester: Party = NADIA,
    facts: Sequence[Fact] = (NO_ANTITHROMBOTIC, PAIN),
) -> dict[str, Any]:
    """Odile's referral, or a variant of it, as the Bundle that a hospital would send."""
    return example_referral(
        person, fracture, identifier=identifier, requester=requester, facts=facts, authored=AUTHORED
    )


def read(sent: dict[str, Any] | bytes) -> Intake:
    """What comes of this Bundle, received on the Monday."""
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    return read_referral(body, received=RECEIVED)


def accepted(sent: dict[str, Any] | bytes) -> Referral:
    """The referral read from this Bundle, which must be accepted without an error."""
    intake = read(sent)
    assert intake.referral is not None, intake.issues
    return intake.referral


def only(sent: dict[str, Any], kind: str) -> dict[str, Any]:
    """The one resource of this type in the Bundle, to be changed in place."""
    (resource,) = [entry["resource"] for entry in sent["entry"] if entry["resource"]["resourceType"] == kind]
    found: dict[str, Any] = resource
    return found


def without(sent: dict[str, Any], kind: str) -> dict[str, Any]:
    """The Bundle without the resources of this type."""
    return {
        **sent,
        "entry": [entry for entry in sent["entry"] if entry["resource"]["resourceType"] != kind],
    }


def add(sent: dict[str, Any], resource: dict[str, Any]) -> dict[str, Any]:
    """The Bundle with one more resource about the patient."""
    subject = {"reference": sent["entry"][0]["fullUrl"]}
    url = f"urn:uuid:00000000-0000-4000-8000-{len(sent['entry']):012d}"
    entry = {
        "fullUrl": url,
        "resource": {"subject": subject, **resource},
        "request": {"method": "POST", "url": resource["resourceType"]},
    }
    return {**sent, "entry": [*sent["entry"], entry]}


def observed(loinc: str, value: Any, unit: str | None, at: str = "2027-01-31T10:00:00Z") -> dict[str, Any]:
    """An Observation with a quantity."""
    quantity = {"value": value} | (
        {"unit": unit, "system": "http://unitsofmeasure.org", "code": unit} if unit else {}
    )
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
        "effectiveDateTime": at,
        "valueQuantity": quantity,
    }


def taken(text: str | None, atc: str | None = None, status: str = "active") -> dict[str, Any]:
    """A MedicationStatement."""
    concept: dict[str, Any] = {}
    if text:
        concept["text"] = text
    if atc:
        concept["coding"] = [{"system": "http://www.whocc.no/atc", "code": atc}]
    return {
        "resourceType": "MedicationStatement",
        "status": status,
        "medicationCodeableConcept": concept,
    }
