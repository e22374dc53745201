"""The French national health identity (INS): it counts only where the identity is qualified, and never a test one.

The two production systems are the NIR and the NIA. ANS gives systems of their own to test and demonstration
identities: they must not meet real patients.
"""

from __future__ import annotations

from fhir_mappings.read import Json, object_at, objects_at, text_at
from pathway.referral import Identifier

_INS = "urn:oid:1.2.250.1.213.1.4."
NIR, NIA = f"{_INS}8", f"{_INS}9"
TEST, DEMO = f"{_INS}10", f"{_INS}11"
REAL = (NIR, NIA)
NOT_REAL = (TEST, DEMO)

RELIABILITY = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability"
_STATUS = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0445"
_QUALIFIED = "VALI"

QUALIFIED = {
    "url": RELIABILITY,
    "extension": [{"url": "identityStatus", "valueCoding": {"system": _STATUS, "code": _QUALIFIED}}],
}
"""The extension of FR Core that says that somebody has checked the identity against the national service."""


def is_qualified(patient: Json) -> bool:
    """Whether the Patient says that its identity is qualified (``identityStatus`` VALI)."""
    return any(
        text_at(part, "url") == "identityStatus"
        and text_at(object_at(part, "valueCoding"), "code") == _QUALIFIED
        for each in objects_at(patient, "extension")
        if text_at(each, "url") == RELIABILITY
        for part in objects_at(each, "extension")
    )


def identifiers(patient: Json) -> tuple[Identifier, ...]:
    """The identifiers by which this Patient may be known: system and value, each once, in the order given.

    An INS on an identity that is not qualified is none: two people may bear it by mistake.
    """
    qualified = is_qualified(patient)
    read = (
        Identifier(system, value)
        for each in objects_at(patient, "identifier")
        if (system := text_at(each, "system")) and (value := text_at(each, "value"))
    )
    return tuple(dict.fromkeys(one for one in read if qualified or one.system not in REAL))
