"""What the calculator answers: per drug a status, the last intake, the check, the resumption, and what others say.

``hold``: a date. ``continue``: nothing to stop. ``ask``: a person decides between what is shown. ``refused``: no
text gives a delay, or something it needs is not known. ``defer``: the procedure waits. The last two carry no date.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from pathway.holding.asked import Inputs
from pathway.holding.profile import Clock
from pathway.refusal import Text

Status = Literal["hold", "continue", "ask", "defer", "refused"]

SEVERITY: tuple[Status, ...] = ("continue", "hold", "ask", "defer", "refused")
"""The overall status is that of the drug which stands in the way most."""


def worst(statuses: Iterable[Status]) -> Status:
    """The status that stands in the way most; ``continue`` when there is none."""
    found = set(statuses)
    return next((status for status in reversed(SEVERITY) if status in found), "continue")


NOTE = Text(
    fr="Lecture d’un protocole, sans marquage CE : un clinicien vérifie et signe.",
    en="A protocol lookup, not CE-marked: a clinician checks and signs.",
)


@dataclass(frozen=True, slots=True)
class LastIntake:
    """The last dose: its calendar day in the centre, days before the procedure, and the usual time of that day.

    ``not_after`` (UTC) where hours count: no dose after this instant. ``earliest`` is the far end where the text
    gives a range.
    """

    day: date
    offset_days: int
    not_after: datetime | None = None
    clock: Clock = "usual"
    earliest: LastIntake | None = None

    @property
    def longest_offset_days(self) -> int:
        """Days before the procedure of the earliest day shown."""
        return self.earliest.offset_days if self.earliest else self.offset_days


@dataclass(frozen=True, slots=True)
class Line:
    """One candidate among several: by an equation, a dose class, an indication or an option of the centre.

    ``label`` is its name for programs, ``title`` for people.
    """

    label: str
    title: Text
    status: Status
    last_intake: LastIntake | None
    reason: Text
    source: str
    clearance: float | None = None


@dataclass(frozen=True, slots=True)
class LabCheck:
    """What is drawn before the procedure, on which day, and the limit. ``again``: repeated on that day."""

    test: str
    text: Text
    source: str
    day: date | None = None
    again: date | None = None
    at_most: float | None = None
    loinc: str = ""


@dataclass(frozen=True, slots=True)
class Resumption:
    """When the drug is proposed again. Always a signed order. ``red_after``: the end of that day turns it red."""

    text: Text
    source: str
    earliest: date | None = None
    latest: date | None = None
    hours: float | None = None
    max_hours: float | None = None
    red_after: date | None = None


@dataclass(frozen=True, slots=True)
class Bridge:
    """Whether heparin is proposed between the last dose and the procedure; days only where the text gives them."""

    propose: Literal["none", "propose", "ask"]
    text: Text
    source: str
    first: LastIntake | None = None
    last: LastIntake | None = None


@dataclass(frozen=True, slots=True)
class Other:
    """What another profile would say of the same drug. ``silent``: it says nothing of it."""

    profile: str
    version: str
    status: Literal["hold", "continue", "ask", "defer", "refused", "silent"]
    last_intake: LastIntake | None
    lines: tuple[Line, ...]
    reason: Text
    source: str
    differs: bool = False


@dataclass(frozen=True, slots=True)
class DrugAnswer:
    """The answer for one drug in the chosen profile. ``held_days``: what the signing deadline counts for it.

    ``revisit``: where the procedure waits, the first day on which the reason has passed.
    """

    atc: str
    name: Text
    status: Status
    last_intake: LastIntake | None
    reason: Text
    source: str
    lines: tuple[Line, ...] = ()
    lab: LabCheck | None = None
    resume: Resumption | None = None
    bridge: Bridge | None = None
    others: tuple[Other, ...] = ()
    held_days: int = 0
    revisit: date | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the signer should know; ``drug`` is the code it is about."""

    code: str
    text: Text
    source: str
    drug: str = ""


@dataclass(frozen=True, slots=True)
class HoldAnswer:
    """The whole answer for a drug list, a procedure time and a profile. Nothing of it is an instruction.

    ``sign_by`` is D-(longest + 2), ``first_message`` the day of the patient's first message, D-(longest + 1); both
    None while a drug is refused or deferred.
    """

    profile: str
    version: str
    digest: str
    procedure: datetime
    zone: str
    inputs: Inputs
    status: Status
    drugs: tuple[DrugAnswer, ...]
    warnings: tuple[Warned, ...]
    clearance: float | None = None
    cockcroft_gault: float | None = None
    ckd_epi: float | None = None
    longest_offset_days: int | None = None
    sign_by: date | None = None
    first_message: date | None = None
