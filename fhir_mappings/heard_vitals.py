"""The vital signs in an Observation, alone or as a panel, in the units of the watch after the procedure."""

from __future__ import annotations

from collections.abc import Iterator

from fhir_mappings.codes import LOINC, MEASURE_FOR, Measure
from fhir_mappings.read import Json, codings, number, object_at, objects_at, text_at
from fhir_mappings.referral_facts import FINAL

_PRESSURE = {"mm[Hg]": 1, "mmHg": 1, "kPa": 7.50062}
_RATE = {"/min": 1, "{beats}/min": 1, "{breaths}/min": 1, "1/min": 1, "bpm": 1}

VITALS = (
    Measure("sbp", ("8480-6",), "mm[Hg]", _PRESSURE, 30, 300),
    Measure("dbp", ("8462-4",), "mm[Hg]", _PRESSURE, 10, 200),
    Measure("heart_rate", ("8867-4",), "/min", _RATE, 10, 300),
    Measure("respiratory_rate", ("9279-1",), "/min", _RATE, 2, 80),
    Measure("spo2", ("59408-5", "2708-6"), "%", {"%": 1}, 30, 100),
    MEASURE_FOR["temperature_c"],
    MEASURE_FOR["pain_nrs"],
)
"""LOINC and UCUM as in the protocol reference §2.8, pressures as components of the panel 85354-9. The limits are those
of the protocol's watch."""

_VITAL_OF = {code: measure for measure in VITALS for code in measure.loinc}


def vital_signs(observation: Json) -> dict[str, float | int]:
    """The signs by the key of the watch's item; empty for what is not final, not measured, or impossible."""
    if text_at(observation, "status") not in FINAL:
        return {}
    return {
        measure.key: value
        for part in (observation, *objects_at(observation, "component"))
        for measure in _measured(part)
        if (value := in_unit(measure, object_at(part, "valueQuantity"), part)) is not None
    }


def in_unit(measure: Measure, quantity: Json, part: Json) -> float | int | None:
    """The number in the unit of the measure; None for a bound, an unknown unit or what no living patient has."""
    given = number(quantity.get("value"))
    given = number(part.get("valueInteger")) if given is None else given
    if given is None or quantity.get("comparator"):
        return None
    said = [text for text in (text_at(quantity, "code"), text_at(quantity, "unit")) if text]
    factor = next((measure.units[each] for each in said or [""] if each in measure.units), None)
    if factor is None:
        return None
    value = given if factor == 1 else round(given * factor, 1)
    return value if measure.low <= value <= measure.high else None


def _measured(part: Json) -> Iterator[Measure]:
    for system, code, _ in codings(object_at(part, "code")):
        if system == LOINC and code in _VITAL_OF:
            yield _VITAL_OF[code]
            return
