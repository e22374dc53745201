"""The hold plan: which drugs are stopped before the procedure, by whose signature, and what was really taken."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from pathway.holding.answer import HoldAnswer


class HoldStatus(StrEnum):
    """The hold plan's life. Only one that is signed, with drugs, may ever be spoken of to the patient.

    ``modified`` is signed, other than it was proposed. ``breached``: a dose was taken after its last intake.
    ``superseded`` is what an earlier signed plan becomes when another takes its place.
    """

    UNKNOWN = "unknown"
    PROPOSED = "proposed"
    SIGNED = "signed"
    MODIFIED = "modified"
    NOT_REQUIRED = "not-required"
    REJECTED = "rejected"
    EXPIRED = "expired"
    BREACHED = "breached"
    SUPERSEDED = "superseded"

    def is_one_of(self, names: Collection[str]) -> bool:
        """Whether this is one of these states; a plan signed otherwise than proposed is a signed one too."""
        return self.value in names or (self is HoldStatus.MODIFIED and HoldStatus.SIGNED.value in names)


@dataclass(frozen=True, slots=True)
class HeldDrug:
    """One drug of a hold plan. ``last_intake_offset_days`` 3 means: last intake allowed on calendar day D0-3.

    ``not_after`` (UTC) where the text counts hours: no dose later than that.
    """

    text: str
    last_intake_offset_days: int
    atc: str = ""
    not_after: datetime | None = None

    def is_called(self, name: str) -> bool:
        """Whether a drug named so, by its ATC code or its text, is this one."""
        plain = name.strip().casefold()
        return bool(plain) and plain in (self.atc.casefold(), self.text.strip().casefold())


@dataclass(frozen=True, slots=True)
class Dose:
    """The last dose of a held drug as it was declared: when it was taken, and whether that was in time."""

    drug: str
    taken: datetime
    in_time: bool
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HoldPlan:
    """What to stop before the procedure, and who signed it. ``procedure_start`` is the slot it was signed for.

    ``answer`` is what the calculator proposed, with the profile and the inputs it was reasoned from, ``proposed``
    what was on the table when something else was signed, ``since`` when this plan was put there. ``ended`` is when a
    signed plan expired that no other has replaced: the patient still follows it. ``breached`` is when we learned of
    a dose taken too late. ``earlier`` are the plans that were signed before, the oldest first.
    """

    status: HoldStatus = HoldStatus.UNKNOWN
    drugs: tuple[HeldDrug, ...] = ()
    text: str = ""
    signer: str = ""
    signed: datetime | None = None
    procedure_start: datetime | None = None
    reason: str = ""
    revisit: date | None = None
    revision: int = 0
    ended: datetime | None = None
    since: datetime | None = None
    answer: HoldAnswer | None = None
    proposed: tuple[HeldDrug, ...] = ()
    doses: tuple[Dose, ...] = ()
    breached: datetime | None = None
    earlier: tuple[HoldPlan, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether it is signed and still to be followed."""
        return self.status in (HoldStatus.SIGNED, HoldStatus.MODIFIED)

    @property
    def max_offset_days(self) -> int | None:
        """Days before the procedure of the earliest last intake; None while nobody has said one.

        While a computed proposal waits for its signature, of the earliest that it leaves open.
        """
        listed = max((drug.last_intake_offset_days for drug in self.drugs), default=None)
        if self.status is not HoldStatus.PROPOSED or self.answer is None:
            return listed
        return self.answer.longest_offset_days

    def dose(self, drug: HeldDrug) -> Dose | None:
        """What was declared last of a drug's last dose."""
        return next((one for one in reversed(self.doses) if drug.is_called(one.drug)), None)


NO_PLAN = HoldPlan()
"""Nothing has been said about the drugs yet."""
