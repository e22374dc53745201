"""What is asked of the calculator: the drugs as they are taken, and what is known of the patient.

``read_drug`` reads the short form of the command line and the API: ``ATC[:dose-class][:frequency]``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from pathway.codec import Malformed
from pathway.holding.profile_checks import ATC
from pathway.holding.renal import Kidneys, Sex, kidneys

Frequency = Literal["once", "twice", "thrice"]
Taken = Literal["morning", "evening"]

_CLASSES = {
    "therapeutic": "therapeutic",
    "curative": "therapeutic",
    "prophylactic": "prophylactic",
    "preventive": "prophylactic",
    "iv": "iv",
    "sc": "sc_therapeutic",
    "sc_therapeutic": "sc_therapeutic",
    "sc-therapeutic": "sc_therapeutic",
    "lead-in": "lead-in",
    "lead_in": "lead-in",
}
INDICATIONS = ("primary", "secondary", "af", "af-embolism", "mechanical-valve", "vte")
"""Why a drug is taken: primary or secondary prevention, fibrillation without or with stroke, TIA or embolism, a
mechanical valve, a venous clot (its age comes from its date)."""
_FREQUENCIES: dict[str, Frequency] = {
    **dict.fromkeys(("od", "qd", "once", "1x", "q24h"), "once"),
    **dict.fromkeys(("bid", "bd", "twice", "2x", "q12h"), "twice"),
    **dict.fromkeys(("tid", "thrice", "3x", "q8h"), "thrice"),
}
_HOURS: dict[str, Taken] = {
    **dict.fromkeys(("morning", "am", "matin"), "morning"),
    **dict.fromkeys(("evening", "pm", "soir"), "evening"),
}

UNDERSTOOD = (
    "dose classes therapeutic (or curative), prophylactic, iv, sc_therapeutic, lead-in; frequencies od, od-morning, "
    f"od-evening, bid, tid; indications {', '.join(INDICATIONS)}"
)


@dataclass(frozen=True, slots=True)
class Drug:
    """One drug of the patient's list. ``atc`` is empty when nobody coded it: it is refused then.

    ``dose_class``: therapeutic, prophylactic, iv, sc_therapeutic or lead-in. ``taken``: the time of day of a drug
    taken once.
    """

    atc: str
    text: str = ""
    dose_class: str | None = None
    frequency: Frequency | None = None
    taken: Taken | None = None
    indication: str | None = None


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is known of the patient. ``clearance`` (mL/min), when given, is used as it is.

    ``age`` in whole years, ``weight_kg`` in kg, ``creatinine_umol_l`` in µmol/L with the day it was drawn.
    ``stent``, ``mi``, ``vte`` and ``stroke`` are the days of the latest stent, infarction, venous clot and
    ischaemic stroke; ``others`` are further drugs (codes or names) that may interact.
    """

    clearance: float | None = None
    weight_kg: float | None = None
    weight_day: date | None = None
    creatinine_umol_l: float | None = None
    creatinine_day: date | None = None
    age: int | None = None
    sex: Sex | None = None
    stent: date | None = None
    high_risk_stent: bool = False
    mi: date | None = None
    vte: date | None = None
    stroke: date | None = None
    others: tuple[str, ...] = field(default=())

    @property
    def kidneys(self) -> Kidneys | None:
        """Both estimates, when everything they need is known."""
        if None in (self.age, self.weight_kg, self.creatinine_umol_l, self.sex):
            return None
        assert self.age is not None and self.weight_kg is not None  # noqa: PT018
        assert self.creatinine_umol_l is not None and self.sex is not None  # noqa: PT018
        return kidneys(self.age, self.weight_kg, self.creatinine_umol_l, self.sex)

    @property
    def missing(self) -> tuple[str, ...]:
        """What a clearance would still need, by the names of the fields; empty when it can be computed."""
        wanted = ("weight_kg", "creatinine_umol_l", "age", "sex")
        return tuple(name for name in wanted if getattr(self, name) is None)


_BOUNDS = {
    "clearance": (0.0, 300.0, "mL/min"),
    "weight_kg": (20.0, 350.0, "kg"),
    "creatinine_umol_l": (15.0, 2500.0, "µmol/L; in mg/dL say so"),
    "age": (15, 120, "years"),
}
"""Outside of them a number is a slip of the hand or another unit; centre default, unsourced."""


def checked(inputs: Inputs) -> Inputs:
    """The same inputs. Raises Malformed naming the one that cannot be true."""
    for name, (low, high, unit) in _BOUNDS.items():
        value = getattr(inputs, name)
        if value is not None and not low <= value <= high:
            raise Malformed(name, f"must lie between {low:g} and {high:g} {unit}; got {value:g}")
    return inputs


def read_drug(text: str, path: str = "drug") -> Drug:
    """``B01AB05:therapeutic:od-evening`` as a drug. Raises Malformed with what would be right.

    After the code come dose class, frequency and indication, in any order.
    """
    atc, *words = (word.strip() for word in text.split(":"))
    drug = Drug(read_atc(atc, path))
    for word in words:
        drug = _with(drug, word.lower(), path)
    return drug


def read_atc(text: str, path: str = "atc") -> str:
    """The ATC code, in capitals. Raises Malformed when it is none."""
    code = text.strip().upper()
    if not ATC.match(code):
        raise Malformed(path, f"{text!r} is no ATC code; write one like B01AF02 (apixaban)")
    return code


def _times(word: str) -> dict[str, object] | None:
    """``od-evening``, ``bid``, ``evening``: how often, and when where it is once a day; None for other words."""
    known: dict[str, object] = {}
    for part in re.split(r"[-_ ]", word):
        if part in _FREQUENCIES and known.get("frequency", _FREQUENCIES[part]) == _FREQUENCIES[part]:
            known["frequency"] = _FREQUENCIES[part]
        elif part in _HOURS and "taken" not in known:
            known["taken"] = _HOURS[part]
        elif part != "daily":
            return None
    known.setdefault("frequency", "once")
    return None if "taken" in known and known["frequency"] != "once" else known


def _with(drug: Drug, word: str, path: str) -> Drug:
    known: dict[str, object] = {}
    if word in _CLASSES:
        said = _CLASSES[word]
        if drug.dose_class in ("iv", "sc_therapeutic") and said == "therapeutic":
            return drug  # the route says it already
        known = {"dose_class": said}
    elif (times := _times(word)) is not None:
        known = times
    elif word in INDICATIONS:
        known = {"indication": word}
    else:
        raise Malformed(path, f"{word!r} is not understood; after the code come {UNDERSTOOD}")
    for name in known:
        if getattr(drug, name) is not None:
            raise Malformed(path, f"{word!r} says again what was said of {drug.atc}; keep one")
    return replace(drug, **known)  # type: ignore[arg-type]
