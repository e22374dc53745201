"""Invariants of the data types: periods, quantities, timings, contact points, triggers, extensions."""

from __future__ import annotations

from typing import Any

from fhir_mappings.gate.moments import is_after
from fhir_mappings.gate.rules import choice, has, rule
from fhir_mappings.read import Json

UCUM = "http://unitsofmeasure.org"


@rule(
    "Extension",
    "ext-1",
    "An extension has either a value or extensions of its own; give exactly one of them.",
)
def ext_1(extension: Json) -> bool:
    return ("extension" in extension) != choice(extension, "value")


@rule("Period", "per-1", "This Period ends before it starts; correct its start or its end.")
def per_1(period: Json) -> bool:
    return not is_after(period.get("start"), period.get("end"))


@rule(
    "ContactPoint",
    "cpt-2",
    "A contact point with a value needs a system (phone, email, …); add it.",
    "system",
)
def cpt_2(point: Json) -> bool:
    return not has(point, "value") or has(point, "system")


@rule("Attachment", "att-1", "An attachment with data needs its contentType; add it.", "contentType")
def att_1(attachment: Json) -> bool:
    return not has(attachment, "data") or has(attachment, "contentType")


@rule("Quantity", "qty-3", "A unit given as a code needs its system; add it.", "system")
@rule("Age", "qty-3", "A unit given as a code needs its system; add it.", "system")
@rule("Count", "qty-3", "A unit given as a code needs its system; add it.", "system")
@rule("Distance", "qty-3", "A unit given as a code needs its system; add it.", "system")
@rule("Duration", "qty-3", "A unit given as a code needs its system; add it.", "system")
def qty_3(quantity: Json) -> bool:
    return not has(quantity, "code") or has(quantity, "system")


@rule("Age", "age-1", "An Age with a value is positive and has a UCUM code of time; correct it.")
def age_1(age: Json) -> bool:
    value = age.get("value")
    return _measured(age) and (value is None or value > 0)


@rule("Count", "cnt-3", "A Count is a whole number with the UCUM code 1; correct it.")
def cnt_3(count: Json) -> bool:
    value = count.get("value")
    whole = value is None or isinstance(value, int) or value == int(value)
    return _measured(count) and count.get("code", "1") == "1" and whole


@rule("Distance", "dis-1", "A Distance with a value has a UCUM code of length; correct it.")
def dis_1(distance: Json) -> bool:
    return _measured(distance)


@rule("Duration", "drt-1", "A Duration with a code has a value and the system of UCUM; correct it.")
def drt_1(duration: Json) -> bool:
    return not has(duration, "code") or (duration.get("system") == UCUM and has(duration, "value"))


def _measured(quantity: Json) -> bool:
    """A code where there is a value, and the system of UCUM where there is a system."""
    in_ucum = not has(quantity, "system") or quantity.get("system") == UCUM
    return in_ucum and (has(quantity, "code") or not has(quantity, "value"))


@rule("Range", "rng-2", "The low end of a Range is above its high end; correct one of them.", "low")
def rng_2(range_: Json) -> bool:
    low, high = (_value(range_.get(name)) for name in ("low", "high"))
    return low is None or high is None or low <= high


def _value(quantity: Any) -> float | None:
    found = quantity.get("value") if isinstance(quantity, dict) else None
    return found if isinstance(found, int | float) else None


@rule(
    "Ratio", "rat-1", "A Ratio has a numerator and a denominator, or neither and an extension; complete it."
)
def rat_1(ratio: Json) -> bool:
    both = "numerator" in ratio and "denominator" in ratio
    neither = "numerator" not in ratio and "denominator" not in ratio
    return both or (neither and "extension" in ratio)


@rule("Expression", "exp-1", "An Expression needs its expression or a reference to one; add it.")
def exp_1(expression: Json) -> bool:
    return has(expression, "expression", "reference")


# --- timings ----------------------------------------------------------------------------------------------


@rule("Timing.repeat", "tim-1", "A duration needs its durationUnit; add it.", "durationUnit")
def tim_1(repeat: Json) -> bool:
    return not has(repeat, "duration") or has(repeat, "durationUnit")


@rule("Timing.repeat", "tim-2", "A period needs its periodUnit; add it.", "periodUnit")
def tim_2(repeat: Json) -> bool:
    return not has(repeat, "period") or has(repeat, "periodUnit")


@rule("Timing.repeat", "tim-4", "A duration is never negative; correct it.", "duration")
def tim_4(repeat: Json) -> bool:
    return not isinstance(repeat.get("duration"), int | float) or repeat["duration"] >= 0


@rule("Timing.repeat", "tim-5", "A period is never negative; correct it.", "period")
def tim_5(repeat: Json) -> bool:
    return not isinstance(repeat.get("period"), int | float) or repeat["period"] >= 0


@rule("Timing.repeat", "tim-6", "A periodMax needs a period; add it.", "period")
def tim_6(repeat: Json) -> bool:
    return not has(repeat, "periodMax") or has(repeat, "period")


@rule("Timing.repeat", "tim-7", "A durationMax needs a duration; add it.", "duration")
def tim_7(repeat: Json) -> bool:
    return not has(repeat, "durationMax") or has(repeat, "duration")


@rule("Timing.repeat", "tim-8", "A countMax needs a count; add it.", "count")
def tim_8(repeat: Json) -> bool:
    return not has(repeat, "countMax") or has(repeat, "count")


@rule("Timing.repeat", "tim-9", "An offset needs a when other than C, CM, CD and CV; correct it.", "when")
def tim_9(repeat: Json) -> bool:
    if not has(repeat, "offset"):
        return True
    return has(repeat, "when") and not {"C", "CM", "CD", "CV"} & set(repeat.get("when", []))


@rule("Timing.repeat", "tim-10", "A timing has a timeOfDay or a when, not both; keep one.", "when")
def tim_10(repeat: Json) -> bool:
    return not (has(repeat, "timeOfDay") and has(repeat, "when"))


# --- triggers and data requirements -----------------------------------------------------------------------


@rule("TriggerDefinition", "trd-1", "A trigger has a timing or data, not both; keep one.", "data")
def trd_1(trigger: Json) -> bool:
    return not (has(trigger, "data") and choice(trigger, "timing"))


@rule("TriggerDefinition", "trd-2", "A trigger with a condition needs data; add it.", "data")
def trd_2(trigger: Json) -> bool:
    return not has(trigger, "condition") or has(trigger, "data")


@rule("TriggerDefinition", "trd-3", "A trigger needs what its type asks for (name, timing or data); add it.")
def trd_3(trigger: Json) -> bool:
    type_ = str(trigger.get("type", ""))
    if type_ == "named-event":
        return has(trigger, "name")
    if type_ == "periodic":
        return choice(trigger, "timing")
    return not type_.startswith("data-") or has(trigger, "data")


@rule("DataRequirement.codeFilter", "drq-1", "A codeFilter has a path or a searchParam; give exactly one.")
@rule("DataRequirement.dateFilter", "drq-2", "A dateFilter has a path or a searchParam; give exactly one.")
def drq(filter_: Json) -> bool:
    return has(filter_, "path") != has(filter_, "searchParam")


@rule("Parameters.parameter", "inv-1", "A parameter has one of value, resource and part; give exactly one.")
def parameter(said: Json) -> bool:
    return [has(said, "part"), choice(said, "value"), has(said, "resource")].count(True) == 1
