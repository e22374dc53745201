"""What the patient takes, from the MedicationStatements and MedicationRequests of a referral.

Silence is not an answer: without an antithrombotic on the list and without an explicit "none", nothing is
said about antithrombotics, and a person is asked. An antithrombotic taken now wins over a "none" in the same
Bundle; one that was stopped agrees with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from fhir_mappings.bundle import Found
from fhir_mappings.codes import (
    ANTITHROMBOTIC_CLASS,
    ANTITHROMBOTIC_NAMES,
    ANTITHROMBOTIC_RXNORM,
    ATC,
    NEGATED,
    NO_KNOWN,
    NOTHING_TAKEN_WORDS,
    RXNORM,
)
from fhir_mappings.outcome import warning
from fhir_mappings.read import Json, codings, first_instant, number, object_at, objects_at, text_at, words
from fhir_mappings.reading import Reading
from fhir_mappings.referral_people import name_behind
from pathway.completeness import NO_LONGER_TAKEN
from pathway.referral import Fact

_NOT_ORDERED = ("proposal", "plan", "option")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the list of drugs, with who said it and when."""

    found: Found
    concept: Json
    status: str
    at: datetime
    by: str

    @property
    def atc(self) -> str | None:
        """The ATC code, that of an antithrombotic before any other."""
        coded = [code.upper() for system, code, _ in codings(self.concept) if system == ATC and code]
        coded.sort(key=lambda code: not code.startswith(ANTITHROMBOTIC_CLASS))
        return coded[0] if coded else None

    @property
    def says_none(self) -> bool:
        """An explicit "takes no antithrombotic": the class itself `not-taken`, no known medication at all, or
        words."""
        whole_class = self.atc in ("B01", "B01A") and self.status == "not-taken"
        nothing = any(
            system == NO_KNOWN and code == "no-known-medications" for system, code, _ in codings(self.concept)
        )
        return (
            whole_class or nothing or any(NOTHING_TAKEN_WORDS.fullmatch(said) for said in words(self.concept))
        )

    @property
    def antithrombotic(self) -> tuple[bool, str | None]:
        """Whether this drug is an antithrombotic, and the ATC code it has or stands for. An ATC code decides
        alone: aspirin as N02BA01 is an analgesic. Without one, RxNorm ingredients and names do. "Pas
        d'anticoagulant" names none; a drug named after a negation still counts, for "no antiplatelet but
        Plavix" is read so too."""
        if self.atc is not None:
            return self.atc.startswith(ANTITHROMBOTIC_CLASS), self.atc
        for system, code, _ in codings(self.concept):
            if system == RXNORM and code in ANTITHROMBOTIC_RXNORM:
                return True, ANTITHROMBOTIC_RXNORM[code]
        for said in words(self.concept):
            for name, atc in ANTITHROMBOTIC_NAMES:
                match = re.search(name, said, re.IGNORECASE)
                if match and (atc or not NEGATED.search(said[: match.start()])):
                    return True, atc
        return False, None

    def as_value(self) -> dict[str, str | None]:
        return {
            "atc": self.antithrombotic[1],
            "text": next(iter(words(self.concept)), None),
            "status": self.status,
            "dose": _dose(self.found.resource),
        }


def medication_facts(reading: Reading, patient: Found, requester: str, authored: datetime) -> list[Fact]:
    """The facts `antithrombotics` and `medications`; each only when something was said.

    Values are lists of `{"atc", "text", "status", "dose"}` in the order of the Bundle; an empty list of
    antithrombotics is an explicit "none". Entered in error, drafts and proposals do not count.
    """
    lines = list(_lines(reading, patient, requester, authored))
    drugs = [line for line in lines if not line.says_none]
    antithrombotics = [line for line in drugs if line.antithrombotic[0]]
    none_said = [line for line in lines if line.says_none]
    facts = []
    taken_now = [line for line in antithrombotics if line.status not in NO_LONGER_TAKEN]
    if taken_now or (antithrombotics and not none_said):
        facts.append(_fact("antithrombotics", antithrombotics))
        reading.issues.extend(
            warning(
                "conflict",
                "A statement says that no antithrombotic is taken, yet one is listed; the list counts.",
                line.found.path,
            )
            for line in none_said
        )
    elif none_said:
        latest = max(none_said, key=lambda line: line.at)
        facts.append(Fact("antithrombotics", [], latest.at, latest.by, latest.found.kind))
    if drugs:
        facts.append(_fact("medications", drugs))
    return facts


def _fact(key: str, lines: list[_Line]) -> Fact:
    latest = max(lines, key=lambda line: line.at)
    return Fact(key, [line.as_value() for line in lines], latest.at, latest.by, latest.found.kind)


def _lines(reading: Reading, patient: Found, requester: str, authored: datetime) -> Iterator[_Line]:
    for found in reading.contents.of("MedicationStatement", "MedicationRequest"):
        resource = found.resource
        status = text_at(resource, "status") or "unknown"
        if status in ("entered-in-error", "draft") or resource.get("doNotPerform") is True:
            continue
        if text_at(resource, "intent") in _NOT_ORDERED:
            continue
        if not reading.is_about(patient, found) or not reading.well_formed(found):
            continue
        concept = _concept(reading, found)
        if concept is None:
            continue
        said_by = object_at(resource, "informationSource") or object_at(resource, "requester")
        at = first_instant(
            reading.zone,
            resource.get("dateAsserted"),
            resource.get("authoredOn"),
            resource.get("effectiveDateTime"),
            object_at(resource, "effectivePeriod").get("start"),
        )
        yield _Line(
            found=found,
            concept=concept,
            status=status,
            at=at if at is not None and not reading.is_future(at) else authored,
            by=name_behind(reading, found, said_by) or requester,
        )


def _concept(reading: Reading, found: Found) -> Json | None:
    """The drug as a concept: written in the statement, or the code of the Medication it refers to."""
    concept = object_at(found.resource, "medicationCodeableConcept")
    if concept:
        return concept
    reference = object_at(found.resource, "medicationReference")
    shown = text_at(reference, "display")
    if not reading.contents.resolve(reference, found, "Medication") and shown:
        return {"text": shown}
    medication = reading.follow(found, "medicationReference", reference, "Medication")
    return None if medication is None else object_at(medication.resource, "code")


def _dose(resource: Json) -> str | None:
    """The dose in words, as written, or put together from its quantity."""
    for dosage in [*objects_at(resource, "dosage"), *objects_at(resource, "dosageInstruction")]:
        written = text_at(dosage, "text")
        if written:
            return written
        for rate in objects_at(dosage, "doseAndRate"):
            value = number(object_at(rate, "doseQuantity").get("value"))
            unit = text_at(rate, "doseQuantity", "unit") or text_at(rate, "doseQuantity", "code") or ""
            if value is not None:
                return f"{value:g} {unit}".strip()
    return None
