"""Small cohorts to look at, on the protocol as it is shipped, with a rate or two set to what a test needs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from app import protocols
from app.simulation.cohort import Cohort, Habit, load_cohort
from app.simulation.dice import Dice
from app.simulation.life import Life
from app.simulation.people import patient
from app.simulation.run import Run
from app.simulation.tally import Tally
from app.simulation.world import World


@cache
def shipped() -> Cohort:
    """The cohort file as it is."""
    return load_cohort()


def with_rates(cohort: Cohort | None = None, **rates: float) -> Cohort:
    """The cohort with other chances."""
    cohort = cohort or shipped()
    known = {name: replace(cohort.rates[name], value=value) for name, value in rates.items()}
    return replace(cohort, rates={**cohort.rates, **known})


def with_habit(cohort: Cohort, step: str, habit: Habit) -> Cohort:
    """The cohort with another habit at one step."""
    return replace(cohort, steps={**cohort.steps, step: habit})


SMOOTH = {
    "takes_antithrombotic": 0.0,
    "neoplastic": 0.0,
    "dies_within_a_year": 0.0,
    "withdraws": 0.0,
    "referral_not_indicated": 0.0,
    "infection_at_consult": 0.0,
    "deficit_at_consult": 0.0,
    "pain_elsewhere": 0.0,
    "deferred_at_indication": 0.0,
    "declined": 0.0,
    "unfit": 0.0,
    "hold_rejected": 0.0,
    "aborted": 0.0,
    "complication": 0.0,
    "malignant": 0.0,
    "biopsy_infection": 0.0,
    "non_diagnostic": 0.0,
    "biopsy_not_taken": 0.0,
    "no_show": 0.0,
    "no_show_procedure": 0.0,
    "never_comes_back": 0.0,
    "hold_not_respected": 0.0,
    "fever_on_the_day": 0.0,
    "not_fasting": 0.0,
    "new_deficit_on_the_day": 0.0,
}
"""Nothing goes wrong; a test then sets the one thing that does."""


def run(patients: int, *, cohort: Cohort | None = None, seed: int = 1) -> Run:
    """So many patients on the shipped protocol."""
    return Run(protocols.load().ground, cohort or shipped(), patients, seed)


def life(number: int = 0, *, cohort: Cohort | None = None, seed: int = 1) -> Life:
    """One patient's life, over."""
    world = World(protocols.load().ground, cohort or shipped())
    dice = Dice(seed, number)
    tally = Tally()
    lived = Life(patient(number, dice, world.cohort, world.hours), world, dice, tally)
    lived.live()
    return lived
