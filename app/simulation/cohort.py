"""The cohort file: who the patients are, what people do, how often and how fast, each number with its source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from app.yaml_file import read_yaml
from pathway.codec import Malformed, decode

COHORT = Path(str(files("protocols"))) / "simulation" / "cohort.yaml"
"""The cohort that comes with Jalon."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A chance from 0 to 1. ``per`` patient: drawn once, the same wherever it is asked; per time: drawn each time."""

    value: float
    source: str
    per: Literal["time", "patient"] = "time"

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1:
            raise ValueError(f"a chance lies between 0 and 1; {self.value:g} does not")
        if not self.source.strip():
            raise ValueError("say the source, or: centre default, unsourced")


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something takes, or how much of it there is: the median and the 90th percentile (log-normal).

    In real ``hours`` or calendar ``days``, then moved into the hours of whoever does it; or a plain ``number``.
    """

    median: float
    p90: float
    unit: Literal["hours", "days", "number"]
    source: str

    def __post_init__(self) -> None:
        if not 0 < self.median <= self.p90:
            raise ValueError("the median is above 0 and not above the 90th percentile")
        if not self.source.strip():
            raise ValueError("say the source, or: centre default, unsourced")


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of the patients: normally distributed, and cut off at ``least`` and ``most``."""

    mean: float
    deviation: float
    least: float
    most: float
    source: str

    def __post_init__(self) -> None:
        if not self.least <= self.mean <= self.most or self.deviation < 0:
            raise ValueError("the mean lies between least and most, and the deviation is not negative")
        if not self.source.strip():
            raise ValueError("say the source, or: centre default, unsourced")


@dataclass(frozen=True, slots=True)
class Drug:
    """An antithrombotic that some of the patients take. ``share`` is of those who take one.

    ``last_intake_offset_days`` 3 means: last intake on calendar day D0-3, as the signer orders it.
    """

    atc: str
    text: str
    share: float
    last_intake_offset_days: int
    source: str


@dataclass(frozen=True, slots=True)
class Timing:
    """When work is done: a spread after (``before``) the moment it opened, is due, or may be done at the earliest."""

    spread: str
    from_: Literal["opened", "due", "earliest"] = "opened"
    before: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """What is answered: what fails a gate with the chance ``violates``, or together with one of the outcomes
    ``fails_for``; yes with that ``chance``, which ``by_setting`` gives for the values of a setting of the protocol; one
    of ``choices`` by their chances (else the first of the protocol); a number of a ``spread``, for a day or an instant
    so many days from now; what ``by_violation`` says of the answer that failed; or always ``value``."""

    violates: str | None = None
    fails_for: tuple[str, ...] = ()
    chance: str | None = None
    by_setting: dict[str, dict[str, str]] = field(default_factory=dict)
    by_violation: dict[str, str] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)
    spread: str | None = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class Habit:
    """How people deal with a step. What is left out is as the protocol suggests; ``otherwise`` is for steps not named.

    ``by`` is the role that does it. ``does`` is when; without it somewhere in its window. ``books`` is how long until
    a visit is given a slot, ``slot`` how far ahead that lies, ``at`` the hours it may begin at. ``misses``: chances
    that the patient does not come, ``gives_up`` the outcome recorded once he has missed it three times.
    ``forgets``: the chance that nobody thinks of it until a rung of its ladder says so. ``outcomes``: the chance of
    each, in order (``step=outcome``: when that step ended so); what is left is the protocol's first outcome.
    """

    by: str | None = None
    does: Timing | None = None
    books: str | None = None
    slot: str | None = None
    at: tuple[time, ...] = ()
    misses: tuple[str, ...] = ()
    gives_up: str | None = None
    forgets: str | None = None
    outcomes: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answered] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delay:
    """A delay to report: from ``referral``, ``fracture`` or a step to a step that was done, in days."""

    key: str
    title: str
    from_: str
    to: str
    target: str = ""
    within: tuple[int, ...] = ()


@dataclass(frozen=True)
class Cohort:
    """Everything about the people. ``start`` is a Monday; referrals come evenly over ``referral_weeks``.

    ``day_and_night`` are the roles that work at all hours, the others in ``office`` hours on working days.
    ``handed_over`` are the outcomes after which suspended work is somebody else's for good. ``causes`` says which
    answer that fails a gate counts as which cause of a cancellation.
    """

    cohort: str
    start: date
    referral_weeks: int
    office: tuple[time, ...]
    day_and_night: tuple[str, ...]
    rates: dict[str, Rate]
    spreads: dict[str, Spread]
    measures: dict[str, Measure]
    drugs: tuple[Drug, ...]
    otherwise: Habit
    steps: dict[str, Habit]
    delays: tuple[Delay, ...]
    causes: dict[str, str]
    handed_over: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.start.weekday() != 0:
            raise ValueError(f"start {self.start} is no Monday")
        if len(self.office) != 2 or self.office[0] >= self.office[1]:
            raise ValueError("office is two hours, from and to")
        if self.referral_weeks < 1:
            raise ValueError("referral_weeks is 1 or more")


NEEDED_RATES = (
    "female",
    "neoplastic",
    "traumatic",
    "fracture_date_unknown",
    "inpatient",
    "takes_antithrombotic",
    "antithrombotics_in_referral",
    "no_mobile",
    "no_email",
    "refuses_sms",
    "dies_within_a_year",
    "withdraws",
    "hold_rejected",
    "new_creatinine",
    "complication",
    "sms_undelivered",
    "email_undelivered",
    "after_due",
    "acknowledged",
)
NEEDED_SPREADS = (
    "fracture_age",
    "asks_for_a_slot",
    "looks_late",
    "nudged",
    "calls",
    "acknowledges",
    "tries_again",
    "complication_lasts",
    "recovers",
    "suspended",
    "revisit",
)
NEEDED_MEASURES = ("age", "pain_nrs", "weight_kg", "creatinine_umol_l")
"""What the simulator itself asks of a cohort, beside what its habits name."""


def load_cohort(path: Path = COHORT) -> Cohort:
    """The cohort in this file. Raises Unreadable: one sentence, ``file:line: path: problem``."""
    file = read_yaml(path)
    try:
        cohort = decode(Cohort, file.data)
        for complaint in _complaints(cohort):
            raise complaint
    except Malformed as error:
        raise file.unreadable(error) from None
    return cohort


def _complaints(cohort: Cohort) -> Iterator[Malformed]:
    for name in NEEDED_RATES:
        if name not in cohort.rates:
            yield Malformed(f"rates.{name}", "is missing; the simulator asks for it")
    for name in NEEDED_SPREADS:
        if name not in cohort.spreads:
            yield Malformed(f"spreads.{name}", "is missing; the simulator asks for it")
    for name in NEEDED_MEASURES:
        if name not in cohort.measures:
            yield Malformed(f"measures.{name}", "is missing; the simulator asks for it")
    for key, habit in {
        "otherwise": cohort.otherwise,
        **{f"steps.{k}": h for k, h in cohort.steps.items()},
    }.items():
        for path, name in _rates_of(habit):
            if name not in cohort.rates:
                yield Malformed(f"{key}.{path}", f"there is no rate {name!r}")
        for path, name in _spreads_of(habit):
            if name not in cohort.spreads:
                yield Malformed(f"{key}.{path}", f"there is no spread {name!r}")
    if abs(sum(drug.share for drug in cohort.drugs) - 1) > 1e-6:
        yield Malformed("drugs", "the shares make 1 together")


def _rates_of(habit: Habit) -> Iterator[tuple[str, str]]:
    if habit.forgets:
        yield "forgets", habit.forgets
    yield from (("misses", name) for name in habit.misses)
    yield from ((f"outcomes.{key}", name) for key, name in habit.outcomes.items() if "=" not in name)
    for key, answer in habit.answers.items():
        named = [one for one in (answer.violates, answer.chance) if one]
        named += [name for by_value in answer.by_setting.values() for name in by_value.values()]
        yield from ((f"answers.{key}", name) for name in (*named, *answer.choices.values()))


def _spreads_of(habit: Habit) -> Iterator[tuple[str, str]]:
    if habit.does:
        yield "does.spread", habit.does.spread
    if habit.books:
        yield "books", habit.books
    if habit.slot:
        yield "slot", habit.slot
    for key, answer in habit.answers.items():
        if answer.spread:
            yield f"answers.{key}.spread", answer.spread
