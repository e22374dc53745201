"""What a referral says about the patient, as facts: measurements, the MRI, the hospital bed.

Of each measurement the latest counts, however much history comes with it. A number that cannot be true, has
no unit we know or is not final is not used, and the sender is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import chain

from fhir_mappings.bundle import Found
from fhir_mappings.codes import LOINC, MEASURE_OF, MRI_WORDS, SPINE_MRI, SPINE_WORDS, Measure
from fhir_mappings.outcome import warning
from fhir_mappings.read import (
    Json,
    codings,
    day,
    first_instant,
    has_code,
    number,
    object_at,
    objects_at,
    text_at,
    words,
)
from fhir_mappings.reading import Reading
from fhir_mappings.referral_medications import medication_facts
from fhir_mappings.referral_people import name_behind
from pathway.referral import Fact, JsonValue

FINAL = ("final", "amended", "corrected")
NOT_DONE = ("entered-in-error", "cancelled", "registered", "not-done", "preparation")
IN_BED = ("IMP", "ACUTE", "NONAC")
STAYING = ("arrived", "triaged", "in-progress", "onleave")


def facts(
    reading: Reading,
    request: Found,
    patient: Found,
    *,
    requester: str,
    authored: datetime,
    onset: date | None,
) -> tuple[Fact, ...]:
    """Every fact of the referral, one for each key, in the order of their keys. Instants are UTC.

    A pain score from before the fracture (`onset`, a day in the reading's zone) is history, not this
    fracture's pain.
    """
    said = chain(
        _measured(reading, patient, requester, authored),
        _imaged(reading, patient, requester),
        _hospitalised(reading, request, requester, authored),
        medication_facts(reading, patient, requester, authored),
    )
    latest: dict[str, Fact] = {}
    for fact in said:
        if fact.key == "pain_nrs" and onset and fact.at.astimezone(reading.zone).date() < onset:
            continue
        if fact.key not in latest or fact.at >= latest[fact.key].at:
            latest[fact.key] = fact
    return tuple(latest[key] for key in sorted(latest))


# --- measurements -----------------------------------------------------------------------------------------


def _measured(reading: Reading, patient: Found, requester: str, authored: datetime) -> Iterator[Fact]:
    for found in reading.contents.of("Observation"):
        code, measure = _measure(found.resource)
        if measure is None:
            continue
        status = text_at(found.resource, "status")
        if status in NOT_DONE:
            continue
        if not reading.is_about(patient, found) or not reading.well_formed(found):
            continue
        if status not in FINAL:
            _not_used(reading, found, "status", "is not final", "send the final result")
            continue
        at = _observed_at(reading, found.resource) or authored
        if reading.is_future(at):
            _not_used(reading, found, "effective[x]", "is in the future", "correct it")
            continue
        value = _value(reading, found, measure)
        if value is None:
            continue
        performers = objects_at(found.resource, "performer")
        by = next((name for each in performers if (name := name_behind(reading, found, each))), requester)
        yield Fact(measure.key, value, at, by, f"Observation/{code}")


def _measure(observation: Json) -> tuple[str, Measure | None]:
    for system, code, _ in codings(object_at(observation, "code")):
        if system == LOINC and code in MEASURE_OF:
            return code, MEASURE_OF[code]
    return "", None


def _observed_at(reading: Reading, observation: Json) -> datetime | None:
    period = object_at(observation, "effectivePeriod")
    return first_instant(
        reading.zone,
        observation.get("effectiveDateTime"),
        observation.get("effectiveInstant"),
        period.get("end"),
        period.get("start"),
        observation.get("issued"),
    )


def _value(reading: Reading, found: Found, measure: Measure) -> float | int | None:
    """The number in the unit of the fact; None when there is none to believe, the sender having been told
    why."""
    quantity = object_at(found.resource, "valueQuantity")
    whole = number(found.resource.get("valueInteger"))
    given = whole if whole is not None else number(quantity.get("value"))
    if given is None:
        if not found.resource.get("dataAbsentReason"):
            _not_used(reading, found, "value[x]", "is not a number", "send valueQuantity")
        return None
    if quantity.get("comparator"):
        _not_used(reading, found, "value[x].comparator", "leaves only a bound", "send a measured value")
        return None
    units = (text_at(quantity, "code"), text_at(quantity, "unit"))
    unit = next((each for each in units if each in measure.units), None)
    if unit is None and not any(units):
        unit = "" if "" in measure.units else None
    if unit is None:
        remedy = f"send it in {measure.unit} (UCUM)"
        _not_used(reading, found, "value[x].code", "is no unit known for it", remedy)
        return None
    factor = measure.units[unit]
    value = given if factor == 1 else round(given * factor, 4)
    if not measure.low <= value <= measure.high:
        limits = f"{measure.low:g} to {measure.high:g} {measure.unit}"
        _not_used(reading, found, "value[x]", f"is outside {limits}", "check value and unit")
        return None
    return value


def _not_used(reading: Reading, found: Found, element: str, problem: str, remedy: str) -> None:
    """Tell the sender that an element (its name without the resource type) was not used, why, and what to
    do."""
    where = f"{found.path}.{element.replace('[x]', '')}"
    sentence = f"{found.kind}.{element} {problem}, so it was not used; {remedy}."
    reading.issues.append(warning("value", sentence, where))


# --- MRI of the spine -------------------------------------------------------------------------------------


def _imaged(reading: Reading, patient: Found, requester: str) -> Iterator[Fact]:
    """The day of an MRI of the spine, from an ImagingStudy, a Procedure or a DiagnosticReport. The value is
    the day in the reading's zone, `YYYY-MM-DD`."""
    for found in reading.contents.of(*_WHEN):
        resource = found.resource
        if text_at(resource, "status") in (
            "entered-in-error",
            "cancelled",
            "not-done",
            "preparation",
            "registered",
        ):
            continue
        if not _is_spine_mri(found):
            continue
        if not reading.is_about(patient, found) or not reading.well_formed(found):
            continue
        period = object_at(resource, "performedPeriod" if found.kind == "Procedure" else "effectivePeriod")
        given = (
            resource.get("started"),
            resource.get("performedDateTime"),
            resource.get("effectiveDateTime"),
            period.get("start"),
        )
        at = first_instant(reading.zone, *given)
        on = next((each for each in (day(value, reading.zone) for value in given) if each), None)
        element = _WHEN[found.kind]
        if at is None or on is None:
            _not_used(reading, found, element, "has no full date", "add the day of the MRI")
        elif reading.is_future(at):
            _not_used(reading, found, element, "is in the future", "correct the day of the MRI")
        else:
            value: JsonValue = on.isoformat()
            yield Fact("mri_date", value, at, requester, found.kind)


_WHEN = {"ImagingStudy": "started", "Procedure": "performed[x]", "DiagnosticReport": "effective[x]"}
"""What may tell of an MRI, and the element that says when it was."""


def _is_spine_mri(found: Found) -> bool:
    resource = found.resource
    concepts = [
        object_at(resource, "code"),
        *objects_at(resource, "procedureCode"),
        *objects_at(resource, "bodySite"),
    ]
    if any(has_code(concept, *SPINE_MRI) for concept in concepts):
        return True
    series = objects_at(resource, "series")
    said = [text for concept in concepts for text in words(concept)]
    said += [text for text in [text_at(resource, "description")] if text]
    said += [text for each in series if (text := text_at(each, "bodySite", "display"))]
    modalities = [*objects_at(resource, "modality"), *(object_at(each, "modality") for each in series)]
    magnetic = any(text_at(each, "code") == "MR" for each in modalities)
    magnetic = magnetic or any(MRI_WORDS.search(text) for text in said)
    return magnetic and any(SPINE_WORDS.search(text) for text in said)


# --- in a hospital bed ------------------------------------------------------------------------------------


def _hospitalised(reading: Reading, request: Found, requester: str, authored: datetime) -> Iterator[Fact]:
    """Whether the patient was in a bed when referred, from ServiceRequest.encounter; an Encounter that was
    not sent says nothing, for hospitals point to what they hold themselves."""
    reference = object_at(request.resource, "encounter")
    pointed = reading.contents.resolve(reference, request, "Encounter") if reference else []
    if len(pointed) != 1 or not reading.well_formed(pointed[0]):
        return
    encounter = pointed[0].resource
    in_bed = text_at(encounter, "class", "code") in IN_BED and text_at(encounter, "status") in STAYING
    at = first_instant(reading.zone, object_at(encounter, "period").get("start")) or authored
    yield Fact("inpatient", in_bed, authored if reading.is_future(at) else at, requester, "Encounter")
