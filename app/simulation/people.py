"""Synthetic patients: invented names, ages and drugs, referred evenly over the weeks of the cohort."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from app.simulation.cohort import Cohort, Drug
from app.simulation.dice import Dice
from app.simulation.hours import Hours
from pathway.referral import Contact, Fact, Fracture, Identifier, Party, Person, Referral

_LEVELS = ("T7", "T8", "T11", "T12", "T12", "L1", "L1", "L1", "L2", "L3", "L4")
"""The thoracolumbar junction breaks most often. Centre default, unsourced."""

_REFERRER = Party("Dr Adresse")


@dataclass(frozen=True, slots=True)
class Patient:
    """One invented person. ``drugs`` is what he really takes against clotting, whether the referral says so or not."""

    number: int
    referral: Referral
    referred: datetime
    drugs: tuple[Drug, ...]
    weight_kg: float
    creatinine_umol_l: float
    dies: datetime | None
    withdraws: datetime | None

    @property
    def antithrombotics(self) -> list[dict[str, Any]]:
        """The explicit answer: the drugs, or none."""
        return [{"atc": drug.atc, "text": drug.text, "status": "active"} for drug in self.drugs]


def patient(number: int, dice: Dice, cohort: Cohort, hours: Hours) -> Patient:
    """The patient of that number: the same for the same dice, whatever the protocol."""

    def happens(rate: str) -> bool:
        return dice.happens(cohort.rates[rate].value, rate)

    day = cohort.start + timedelta(days=int(dice.roll("referral day") * cohort.referral_weeks * 7))
    referred = hours.office(hours.midnight(day), dice.roll("referral hour"))
    drugs = (_drug(dice, cohort),) if happens("takes_antithrombotic") else ()
    cause = "neoplastic" if happens("neoplastic") else "traumatic" if happens("traumatic") else "osteoporotic"
    age_days = round(_spread(dice, cohort, "fracture_age"))
    onset = (
        None if happens("fracture_date_unknown") and cause == "neoplastic" else day - timedelta(days=age_days)
    )
    weight = round(_measure(dice, cohort, "weight_kg"))
    creatinine = round(_measure(dice, cohort, "creatinine_umol_l"))
    known: dict[str, Any] = {
        "pain_nrs": round(_measure(dice, cohort, "pain_nrs")),
        "inpatient": happens("inpatient"),
    }
    if happens("antithrombotics_in_referral"):
        known["antithrombotics"] = [
            {"atc": drug.atc, "text": drug.text, "status": "active"} for drug in drugs
        ]
    referral = Referral(
        key=f"urn:simulation|{number}",
        identifier=Identifier("urn:simulation", str(number)),
        requester=_REFERRER,
        patient=_person(number, day, dice, cohort),
        fracture=Fracture(
            onset=onset, level=_LEVELS[int(dice.roll("level") * len(_LEVELS))], cause=cause, text="Fracture"
        ),
        facts=tuple(Fact(key, value, referred, _REFERRER.name, "referral") for key, value in known.items()),
        authored=referred,
        inpatient=bool(known["inpatient"]),
    )
    return Patient(
        number=number,
        referral=referral,
        referred=referred,
        drugs=drugs,
        weight_kg=weight,
        creatinine_umol_l=creatinine,
        dies=_sometime(referred, dice, "dies") if happens("dies_within_a_year") else None,
        withdraws=_sometime(referred, dice, "withdraws") if happens("withdraws") else None,
    )


def _person(number: int, day: date, dice: Dice, cohort: Cohort) -> Person:
    rates = cohort.rates
    age = _measure(dice, cohort, "age")
    mobile = None if dice.happens(rates["no_mobile"].value, "no_mobile") else f"+336{number % 10**8:08d}"
    email = None if dice.happens(rates["no_email"].value, "no_email") else f"p{number}@simulation.example"
    return Person(
        identifiers=(Identifier("urn:simulation:patient", str(number)),),
        family="Simulation",
        given=f"Patient {number}",
        birth_date=day - timedelta(days=round(age * 365.25)),
        gender="female" if dice.happens(rates["female"].value, "female") else "male",
        contact=Contact(mobile=mobile, email=email, landline=f"+331{number % 10**8:08d}"),
    )


def _drug(dice: Dice, cohort: Cohort) -> Drug:
    left = dice.roll("drug")
    for drug in cohort.drugs:
        left -= drug.share
        if left < 0:
            return drug
    return cohort.drugs[-1]


def _measure(dice: Dice, cohort: Cohort, name: str) -> float:
    measure = cohort.measures[name]
    return min(max(dice.normal(measure.mean, measure.deviation, name), measure.least), measure.most)


def _spread(dice: Dice, cohort: Cohort, name: str) -> float:
    spread = cohort.spreads[name]
    return dice.skewed(spread.median, spread.p90, name)


def _sometime(referred: datetime, dice: Dice, what: str) -> datetime:
    """A moment within a year of the referral, evenly."""
    return referred + timedelta(hours=int(dice.roll(f"{what}/when") * 365 * 24))
