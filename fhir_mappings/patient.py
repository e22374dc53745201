"""The patient and the fracture, as we know them: one Patient, and one Condition for each pathway."""

from __future__ import annotations

from fhir_mappings.ins import QUALIFIED, REAL
from fhir_mappings.read import Json
from fhir_mappings.site import Site, fhir_id
from fhir_mappings.write import concept, instant, pruned, reference
from pathway.referral import Fracture, Identifier, Person
from pathway.state import Pathway

CLINICAL_STATUS = "http://terminology.hl7.org/CodeSystem/condition-clinical"
LANGUAGE = "urn:ietf:bcp:47"


def patient_reference(pathway: Pathway) -> Json:
    """The reference to our Patient."""
    return reference("Patient", fhir_id(pathway.patient_id))


def patient(pathway: Pathway, site: Site) -> Json:
    """Our Patient: our identifier first, then every one that the hospital gave."""
    person = pathway.patient
    said: Json = {
        "resourceType": "Patient",
        "id": fhir_id(pathway.patient_id),
        # An INS is only kept of a qualified identity, and so travels only as one.
        "extension": [QUALIFIED] if any(each.system in REAL for each in person.identifiers) else None,
        "identifier": [site.identifier("patient", pathway.patient_id), *map(_identifier, person.identifiers)],
        "name": [{"use": "official", "family": person.family, "given": person.given.split()}],
        "telecom": _telecom(person),
        "gender": person.gender,
        "birthDate": person.birth_date.isoformat(),
        "communication": [
            {
                "language": {"coding": [{"system": LANGUAGE, "code": person.contact.language}]},
                "preferred": True,
            }
        ],
    }
    if person.deceased:
        said["deceasedBoolean"] = True
    return pruned(said)


def condition_reference(pathway: Pathway) -> Json:
    """The reference to the Condition that the pathway is about."""
    return reference("Condition", fhir_id(pathway.id, "fracture"))


def condition(pathway: Pathway, site: Site) -> Json:
    """The fracture. Its verification is not said: the referrer told it and nobody told us how sure they are."""
    fracture = pathway.fracture
    return pruned(
        {
            "resourceType": "Condition",
            "id": fhir_id(pathway.id, "fracture"),
            "identifier": [site.identifier("condition", f"{pathway.id}/fracture")],
            "clinicalStatus": {"coding": [{"system": CLINICAL_STATUS, "code": "active"}]},
            "code": _code(fracture),
            "bodySite": [{"text": fracture.level}],
            "subject": patient_reference(pathway),
            "onsetDateTime": fracture.onset.isoformat() if fracture.onset else None,
            "recordedDate": instant(pathway.referred),
        }
    )


def _code(fracture: Fracture) -> Json:
    coding = {"system": fracture.system, "code": fracture.code} if fracture.code else {}
    return concept(fracture.text or ("" if fracture.code else "Fracture vertébrale"), coding)


def _identifier(identifier: Identifier) -> Json:
    return {"system": identifier.system, "value": identifier.value}


def _telecom(person: Person) -> list[Json]:
    contact = person.contact
    ways = (
        ("phone", contact.mobile, "mobile"),
        ("phone", contact.landline, "home"),
        ("email", contact.email, "home"),
    )
    return [{"system": system, "value": value, "use": use} for system, value, use in ways if value]
