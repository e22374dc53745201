"""A question to the hold calculator, as the command line and the API ask it: plain words in, the answer out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.hold_profiles import compared, named
from app.public_holidays import public_holidays
from pathway.calendar import Calendar
from pathway.codec import Malformed, decode
from pathway.holding.answer import HoldAnswer
from pathway.holding.asked import Drug, Inputs, checked, read_atc, read_drug
from pathway.holding.calculator import hold_answer
from pathway.holding.profile import Profile
from pathway.holding.renal import Sex, umol_l

YEARS = range(2000, 2101)
"""Outside of them a year is a slip of the keyboard."""

MOST_DRUGS = 50
"""More than anybody takes. A longer list is a slip, and would keep a server busy for a minute."""

_SEX: dict[str, Sex] = {"female": "female", "f": "female", "male": "male", "m": "male"}


@dataclass(frozen=True, slots=True)
class AskedDrug:
    """A drug as the API may also say it, in parts."""

    atc: str
    text: str = ""
    dose_class: str | None = None
    frequency: str | None = None
    indication: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, in the words of the command line's options.

    ``procedure`` is wall time in ``zone`` (or an instant with its own offset). ``clearance`` in mL/min; ``weight`` in
    kg; ``creatinine`` in µmol/L, or a text with its unit (``0.97 mg/dL``); ``age`` in whole years. ``taken`` is the
    time of day of every drug taken once whose own is not said; ``indication`` likewise. ``others`` are the profiles to
    compare with; without it those that the profile names.
    """

    profile: str
    procedure: str
    drugs: tuple[str | AskedDrug, ...]
    zone: str = "Europe/Paris"
    clearance: float | None = None
    weight: float | None = None
    creatinine: float | str | None = None
    creatinine_day: date | None = None
    age: int | None = None
    sex: str | None = None
    indication: str | None = None
    taken: str | None = None
    stent: date | None = None
    high_risk_stent: bool = False
    mi: date | None = None
    vte: date | None = None
    stroke: date | None = None
    medications: tuple[str, ...] = field(default=())
    others: tuple[str, ...] | None = None


def read_question(data: Any) -> Question:
    """The question in JSON-like data. Raises Malformed naming the field and the remedy."""
    return decode(Question, data)


def answer_to(question: Question, profiles: Mapping[str, Profile], calendar: Calendar) -> HoldAnswer:
    """What the calculator answers. Raises Malformed naming the field that is wrong, and what would be right."""
    profile = named(profiles, question.profile)
    if not question.drugs:
        raise Malformed("drugs", "is empty; name at least one drug by its ATC code, like B01AF02")
    if len(question.drugs) > MOST_DRUGS:
        raise Malformed("drugs", f"lists {len(question.drugs)}; ask for {MOST_DRUGS} at most at a time")
    others = (
        compared(profile, profiles)
        if question.others is None
        else tuple(named(profiles, name, "others") for name in question.others)
    )
    drugs = [_drug(one, question, f"drugs[{index}]") for index, one in enumerate(question.drugs)]
    procedure = _instant(question.procedure, calendar)
    return hold_answer(drugs, procedure, calendar, profile, others, _inputs(question))


def calendar_of(zone: str, country: str = "FR") -> Calendar:
    """A calendar for a place that has no protocol at hand: its zone and its public holidays. Raises Malformed."""
    days = public_holidays(country, None, YEARS)
    return in_zone(Calendar(zone, frozenset(days), time(17), time(8), time(20)), zone)


def in_zone(calendar: Calendar, zone: str) -> Calendar:
    """The same calendar in another zone. Raises Malformed when there is no such zone."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Malformed("zone", f"{zone!r} is no time zone; write one like Europe/Paris") from None
    return Calendar(
        zone, calendar.holidays, calendar.business_close, calendar.decent_from, calendar.decent_to
    )


def _drug(said: str | AskedDrug, question: Question, path: str) -> Drug:
    if isinstance(said, AskedDrug):
        words = [read_atc(said.atc, f"{path}.atc"), said.dose_class, said.frequency, said.indication]
        drug = read_drug(":".join(word for word in words if word), path)
        drug = Drug(drug.atc, said.text, drug.dose_class, drug.frequency, drug.taken, drug.indication)
    else:
        drug = read_drug(said, path)
    for name, shared in (("indication", question.indication), ("taken", question.taken)):
        if shared and getattr(drug, name) is None and not (name == "taken" and drug.frequency == "twice"):
            short = f"{drug.atc}:{shared}"
            more = read_drug(short, name)
            if getattr(more, name) is None:
                raise Malformed(name, f"{shared!r} is no {name} known here")
            drug = Drug(
                drug.atc,
                drug.text,
                drug.dose_class,
                drug.frequency or more.frequency,
                more.taken or drug.taken,
                more.indication or drug.indication,
            )
    return drug


def _instant(text: str, calendar: Calendar) -> datetime:
    """The procedure's start (UTC). A wall time that the change of clocks skips does not exist and is refused."""
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed(
            "procedure", f"{text!r} is no date and time; write one like 2027-03-16T09:30"
        ) from None
    if "T" not in text and " " not in text.strip():
        raise Malformed("procedure", "has no time of day; hours matter, so write one like 2027-03-16T09:30")
    if said.year not in YEARS:
        raise Malformed("procedure", f"is in the year {said.year}; check the date")
    if said.tzinfo is not None:
        return said.astimezone(UTC)
    instant = calendar.at(said.date(), said.time())
    if calendar.local(instant).replace(tzinfo=None) != said:
        raise Malformed(
            "procedure", f"{text} does not exist in {calendar.zone}: the clocks change there then"
        )
    return instant


def _inputs(question: Question) -> Inputs:
    sex = None
    if question.sex is not None:
        sex = _SEX.get(question.sex.lower())
        if sex is None:
            raise Malformed("sex", f"{question.sex!r} is neither female nor male, as the equations need it")
    return checked(
        Inputs(
            clearance=question.clearance,
            weight_kg=question.weight,
            creatinine_umol_l=_creatinine(question.creatinine),
            creatinine_day=question.creatinine_day,
            age=question.age,
            sex=sex,
            stent=question.stent,
            high_risk_stent=question.high_risk_stent,
            mi=question.mi,
            vte=question.vte,
            stroke=question.stroke,
            others=question.medications,
        )
    )


_CREATININE = re.compile(r"^\s*([0-9]+(?:[.,][0-9]+)?)\s*(umol/l|µmol/l|μmol/l|mg/dl)?\s*$", re.IGNORECASE)


def _creatinine(said: float | str | None) -> float | None:
    """Creatinine in µmol/L, whatever unit it was said in."""
    if said is None or isinstance(said, float | int):
        return said
    found = _CREATININE.match(said)
    if found is None:
        raise Malformed("creatinine", f"{said!r} is not understood; write 86 (µmol/L) or 0.97mg/dL")
    value, unit = float(found[1].replace(",", ".")), (found[2] or "").lower()
    return umol_l(value) if unit == "mg/dl" else value
