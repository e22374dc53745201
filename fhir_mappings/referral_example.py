"""A well-formed referral made from our own words: what a hospital would send for this patient and this
fracture.

For the demo, the stories and the tests, and as an answer to "what should we send you?". What
`example_referral` writes, `read_referral` reads back as the same Referral.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid5

from fhir_mappings.codes import (
    ATC,
    CCAM,
    DICOM,
    ENCOUNTER_CLASS,
    LOINC,
    MEASURE_FOR,
    UCUM,
    VERTEBROPLASTY,
)
from fhir_mappings.read import Json
from pathway.referral import Fact, Fracture, Identifier, Party, Person

_NAMESPACE = UUID("6d0c7a5e-4b0e-5f0a-9a53-6f1a0f1d2c11")
_ASKED = "LHMH002"
_CAUSE_WORDS = {
    "osteoporotic": "Fracture ostéoporotique",
    "neoplastic": "Fracture sur lésion néoplasique",
    "traumatic": "Fracture traumatique",
}


def example_referral(
    person: Person,
    fracture: Fracture,
    *,
    identifier: Identifier | None,
    requester: Party,
    facts: Sequence[Fact] = (),
    authored: datetime,
    priority: str = "routine",
) -> dict[str, Any]:
    """A transaction Bundle that refers this person for a vertebroplasty of one vertebra (CCAM LHMH002).

    At most one fact for each key. A fact that FHIR has no author for (`mri_date`, `inpatient`) is read back
    as said by the requester, a measurement as coming from the first LOINC code of its measure, and
    antithrombotics also as medications. The same values give the same Bundle, byte for byte. Raises
    ValueError for a fact that has no place.
    """
    about = _Writer(person, str(identifier or person.identifiers[0]))
    patient = about.add("Patient", _patient(person), if_none_exist=person.identifiers[0])
    practitioner = about.add("Practitioner", _practitioner(requester))
    condition = about.add("Condition", {**_condition(fracture), "subject": patient})
    encounter = None
    for fact in facts:
        if fact.key == "inpatient":
            encounter = about.add("Encounter", {**_encounter(fact), "subject": patient})
    request: Json = {
        "status": "active",
        "intent": "order",
        "priority": priority,
        "code": {
            "coding": [{"system": CCAM, "code": _ASKED, "display": VERTEBROPLASTY[_ASKED]}],
            "text": "Vertébroplastie",
        },
        "subject": patient,
        "authoredOn": _instant(authored),
        "requester": practitioner,
        "reasonReference": [condition],
    }
    if identifier is not None:
        request["identifier"] = [{"system": identifier.system, "value": identifier.value}]
    if fracture.cause in _CAUSE_WORDS:
        request["reasonCode"] = [{"text": _CAUSE_WORDS[fracture.cause]}]
    if encounter is not None:
        request["encounter"] = encounter
    about.add("ServiceRequest", request, if_none_exist=identifier)
    for fact in facts:
        if fact.key in MEASURE_FOR:
            about.add("Observation", {**_observation(fact), "subject": patient})
        elif fact.key == "mri_date":
            about.add("ImagingStudy", {**_mri(fact, fracture), "subject": patient})
        elif fact.key not in ("inpatient", "medications", "antithrombotics"):
            raise ValueError(f"The fact {fact.key} has no place in a referral; leave it out.")
    for statement in _medication_statements({fact.key: fact for fact in facts}):
        about.add("MedicationStatement", {**statement, "subject": patient})
    return {"resourceType": "Bundle", "type": "transaction", "entry": about.entries}


class _Writer:
    """Collects entries, each under a urn:uuid that follows from the referral and its place in it."""

    def __init__(self, person: Person, seed: str) -> None:
        self.entries: list[Json] = []
        self._seed = f"{seed} {person.birth_date}"

    def add(self, kind: str, resource: Json, if_none_exist: Identifier | None = None) -> Json:
        url = f"urn:uuid:{uuid5(_NAMESPACE, f'{self._seed} {kind} {len(self.entries)}')}"
        request = {"method": "POST", "url": kind}
        if if_none_exist is not None:
            request["ifNoneExist"] = f"identifier={quote(str(if_none_exist), safe=':/')}"
        self.entries.append(
            {"fullUrl": url, "resource": {"resourceType": kind, **resource}, "request": request}
        )
        return {"reference": url}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


# --- people -----------------------------------------------------------------------------------------------


def _patient(person: Person) -> Json:
    contact = person.contact
    ways = (
        ("phone", contact.mobile, "mobile"),
        ("phone", contact.landline, "home"),
        ("email", contact.email, "home"),
    )
    patient: Json = {
        "identifier": _identifiers(person.identifiers),
        "name": [{"use": "official", "family": person.family}],
        "birthDate": person.birth_date.isoformat(),
        "communication": [
            {
                "language": {"coding": [{"system": "urn:ietf:bcp:47", "code": contact.language}]},
                "preferred": True,
            }
        ],
    }
    if person.given:
        patient["name"][0]["given"] = person.given.split()
    if person.gender:
        patient["gender"] = person.gender
    telecom = [{"system": system, "value": value, "use": use} for system, value, use in ways if value]
    if telecom:
        patient["telecom"] = telecom
    if person.deceased:
        patient["deceasedBoolean"] = True
    return patient


def _practitioner(party: Party) -> Json:
    practitioner: Json = {"name": [{"text": party.name}]}
    if party.identifiers:
        practitioner["identifier"] = _identifiers(party.identifiers)
    ways = (("phone", party.phone), ("email", party.email))
    telecom = [{"system": system, "value": value, "use": "work"} for system, value in ways if value]
    if telecom:
        practitioner["telecom"] = telecom
    return practitioner


def _identifiers(identifiers: Sequence[Identifier]) -> list[Json]:
    return [{"system": each.system, "value": each.value} for each in identifiers]


# --- the fracture and what is known -----------------------------------------------------------------------


def _condition(fracture: Fracture) -> Json:
    status = "http://terminology.hl7.org/CodeSystem/condition-"
    condition: Json = {
        "clinicalStatus": {"coding": [{"system": f"{status}clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": f"{status}ver-status", "code": "confirmed"}]},
    }
    code: Json = {}
    if fracture.code:
        coding = {"system": fracture.system, "code": fracture.code}
        code["coding"] = [{name: value for name, value in coding.items() if value}]
    if fracture.text:
        code["text"] = fracture.text
    if code:
        condition["code"] = code
    if fracture.level:
        condition["bodySite"] = [{"text": fracture.level}]
    if fracture.onset:
        condition["onsetDateTime"] = fracture.onset.isoformat()
    return condition


def _encounter(fact: Fact) -> Json:
    return {
        "status": "in-progress",
        "class": {"system": ENCOUNTER_CLASS, "code": "IMP" if fact.value else "AMB"},
        "period": {"start": _instant(fact.at)},
    }


def _observation(fact: Fact) -> Json:
    measure = MEASURE_FOR[fact.key]
    value, unit = fact.value, measure.unit
    return {
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": measure.loinc[0]}]},
        "effectiveDateTime": _instant(fact.at),
        "performer": [{"display": fact.by}],
        "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
    }


def _mri(fact: Fact, fracture: Fracture) -> Json:
    return {
        "status": "available",
        "modality": [{"system": DICOM, "code": "MR"}],
        "started": _instant(fact.at),
        "description": f"IRM du rachis {fracture.level or ''}".strip(),
    }


def _medication_statements(facts: Mapping[str, Fact]) -> Iterator[Json]:
    against = facts.get("antithrombotics")
    listed = facts.get("medications")
    lines: list[tuple[Any, Fact]] = []
    if listed is not None and isinstance(listed.value, list):
        lines += [(drug, listed) for drug in listed.value]
    if against is not None and isinstance(against.value, list):
        known = [drug for drug, _ in lines]
        lines = [(drug, against if drug in against.value else fact) for drug, fact in lines]
        lines += [(drug, against) for drug in against.value if drug not in known]
        if not against.value:
            nothing = {"atc": "B01A", "text": "Aucun antithrombotique", "status": "not-taken", "dose": None}
            lines.append((nothing, against))
    for drug, fact in lines:
        concept: Json = {"text": drug["text"]} if drug.get("text") else {}
        if drug.get("atc"):
            concept["coding"] = [{"system": ATC, "code": drug["atc"]}]
        statement: Json = {
            "status": drug["status"],
            "medicationCodeableConcept": concept,
            "dateAsserted": _instant(fact.at),
            "informationSource": {"display": fact.by},
        }
        if drug.get("dose"):
            statement["dosage"] = [{"text": drug["dose"]}]
        yield statement
