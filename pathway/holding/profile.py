"""A hold profile as a value: what one text says of each drug, exactly as its file says it, each number sourced.

A centre chooses and signs a profile; a pathway keeps the version it was reasoned from (``digest``). The files are
read by ``app``; this module knows their shape only, and holds no clinical number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any, Literal, TypeVar

from pathway.codec import decode
from pathway.holding.profile_checks import complaints
from pathway.holding.renal import Metric
from pathway.refusal import Text

Clock = Literal["morning", "evening", "usual"]
Action = Literal["refuse", "continue", "ask"]
Bridging = Literal["none", "propose", "ask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When the last dose may be taken: exactly one of ``offset``, ``hours`` and ``action``.

    ``offset`` 3 means: last intake on calendar day D-3. ``hours`` are elapsed real hours, the limit included.
    ``max_offset`` and ``max_hours`` are the far end of a range, which the signer settles. ``confirm``: the date is
    shown and somebody has to confirm it. ``options`` of an ``ask`` are the answers the signer chooses from. ``lab``
    stands in place of the drug's own.
    """

    offset: int | None = None
    max_offset: int | None = None
    hours: float | None = None
    max_hours: float | None = None
    action: Action | None = None
    options: tuple[Rule, ...] = ()
    confirm: bool = False
    reason: Text | None = None
    lab: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band(Rule):
    """A rule for one band of clearance in mL/min: ``min`` included, ``max`` not."""

    min: float | None = None
    max: float | None = None

    def holds(self, clearance: float) -> bool:
        """Whether this clearance, unrounded, lies in the band."""
        return (self.min is None or clearance >= self.min) and (self.max is None or clearance < self.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is said of a drug, or of one dose class, route or indication of it: one rule, or one a renal band.

    ``if_unknown`` is the rule where no clearance is known; without it a banded drug is refused then.
    """

    last: Rule | None = None
    bands: tuple[Band, ...] = ()
    if_unknown: Rule | None = None
    lab: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugRule(Rules):
    """One drug, or (keyed by the beginning of an ATC code) one class of drugs.

    ``doses``, ``routes`` and ``by_indication`` are asked for when the drug list does not say them. ``lead_in``:
    the sentence for a drug in the first weeks of treatment of a clot, to which the table does not apply.
    """

    name: Text
    doses: dict[str, Rules] = field(default_factory=dict)
    routes: dict[str, Rules] = field(default_factory=dict)
    by_indication: dict[str, Rules] = field(default_factory=dict)
    once_daily_morning: Text | None = None
    lead_in: Text | None = None

    @property
    def choices(self) -> dict[str, Rules]:
        """Every dose class, route or indication that has its own rule."""
        return {**self.doses, **self.routes, **self.by_indication}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit that a check holds against, with its unit and where it comes from."""

    value: float
    unit: str
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Lab:
    """A laboratory check before the procedure. ``day`` 1: drawn the day before; None: only if prescribed.

    ``threshold`` names the profile's limit that the result is held against.
    """

    text: Text
    source: str
    test: str
    day: int | None = None
    threshold: str | None = None
    loinc: str = ""


@dataclass(frozen=True, slots=True)
class Resume:
    """When the drug is proposed again after the procedure: calendar ``days`` to ``max_days``, or real hours.

    ``red_after``: the day whose end turns a resumption not yet done red, unless postponed by signature.
    """

    text: Text
    source: str
    days: int | None = None
    max_days: int | None = None
    hours: float | None = None
    max_hours: float | None = None
    red_after: int | None = None


@dataclass(frozen=True, slots=True)
class BridgeRule:
    """Heparin between the last dose and the procedure, for these drugs and indications (none: any). First wins.

    ``first`` and ``last`` say the day before the procedure and the time of day of the first and last injection.
    """

    drugs: tuple[str, ...]
    propose: Bridging
    text: Text
    source: str
    indications: tuple[str, ...] = ()
    first_offset: int | None = None
    first_clock: Clock = "evening"
    last_offset: int | None = None
    last_clock: Clock = "morning"


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence added where a number is below or from a limit (a bridge at < 30 mL/min, at >= 100 kg)."""

    text: Text
    source: str
    below: float | None = None
    at_least: float | None = None


@dataclass(frozen=True, slots=True)
class Interaction:
    """A drug that makes ``drugs`` stay longer than the table assumes, by ATC prefix or by a word of its name."""

    atc: tuple[str, ...]
    names: tuple[str, ...]
    drugs: tuple[str, ...]
    text: Text
    source: str


@dataclass(frozen=True, slots=True)
class RecentEvent:
    """An event before the procedure that changes the answer for ``drugs``, and for those ``beside`` one of them.

    Within ``days`` or calendar ``months``: effect ``defer`` (no date is given) or ``warn``. ``event`` is the
    stent, the high-risk stent, the infarction, the clot or the stroke. ``indications``: only for a drug taken so.
    """

    event: Literal["stent", "high-risk-stent", "mi", "vte", "stroke"]
    drugs: tuple[str, ...]
    effect: Literal["defer", "warn"]
    text: Text
    source: str
    days: int | None = None
    months: int | None = None
    beside: tuple[str, ...] = ()
    indications: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clocks:
    """The usual hours of a dose, as wall time in the centre's zone; centre default, unsourced."""

    morning: time = time(8)
    evening: time = time(20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One version of one profile, whole: what it inherits is already in it. ``digest`` names its content."""

    profile: str
    version: str
    title: Text
    source: str
    risk_class: Literal["high", "very-high"]
    renal_metric: tuple[Metric, ...]
    drugs: dict[str, DrugRule]
    thresholds: dict[str, Threshold] = field(default_factory=dict)
    labs: dict[str, Lab] = field(default_factory=dict)
    resume: dict[str, Resume] = field(default_factory=dict)
    bridging: tuple[BridgeRule, ...] = ()
    bridging_by_clearance: tuple[Remark, ...] = ()
    bridging_by_weight: tuple[Remark, ...] = ()
    interactions: tuple[Interaction, ...] = ()
    recent: tuple[RecentEvent, ...] = ()
    always_show_divergence_with: tuple[str, ...] = ()
    clocks: Clocks = Clocks()
    inherits: str | None = None
    digest: str = ""

    def drug(self, atc: str) -> DrugRule | None:
        """What the profile says of this code: the entry of the code itself, else of its longest known class."""
        return longest_prefix(self.drugs, atc)

    def resumption(self, atc: str) -> Resume | None:
        """What it says of taking the drug again."""
        return longest_prefix(self.resume, atc)

    def limit(self, threshold: str) -> float | None:
        """The value of a threshold, where the profile has it."""
        found = self.thresholds.get(threshold)
        return found.value if found else None


T = TypeVar("T")


def longest_prefix(table: Mapping[str, T], atc: str) -> T | None:
    """The entry whose key is the longest beginning of this ATC code; None when there is none."""
    for length in range(len(atc), 0, -1):
        if atc[:length] in table:
            return table[atc[:length]]
    return None


def read_profile(data: Any, *, digest: str = "") -> Profile:
    """The profile that plain data (a parsed file, with what it inherits) describes.

    Raises Malformed naming the path, what is wrong and what would be right.
    """
    profile = decode(Profile, {**data, "digest": digest} if isinstance(data, dict) else data)
    for complaint in complaints(profile):
        raise complaint
    return profile
