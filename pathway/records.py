"""What is kept beside the steps: alerts and who took them, gates passed, what the ward saw, who was told what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Fired:
    """A rung of a ladder that has fired, or was passed over because a higher one was already past."""

    key: str
    at: datetime
    person: str = ""
    passed_over: bool = False


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody has seen an alert and takes it."""

    key: str
    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Snoozed:
    """Somebody has put an alert off, and why; it is said again at ``until`` (UTC)."""

    key: str
    until: datetime
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Override:
    """Needs of a gate (by index) passed on a named person's responsibility. What fails later is not covered.

    ``procedure`` is the start that stood for the procedure then: another date asks again. ``functions`` are those
    that the person had, for a gate that asks for one of each of several groups.
    """

    gate: str
    needs: tuple[int, ...]
    by: str
    reason: str
    at: datetime
    procedure: datetime | None = None
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flagged:
    """A red flag of the protocol that is there, and since when we know (UTC)."""

    key: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Observed:
    """One set of observations after the procedure. ``round`` is ``key/n`` of the schedule, or empty for one between.

    ``taken`` is when the ward looked (UTC), ``recorded`` when we heard. Without ``values``, ``reason`` says why nothing
    was looked at.
    """

    round: str
    values: dict[str, Any]
    taken: datetime
    recorded: datetime
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Raised:
    """The nth time that an alarm of the watch was raised. ``at`` is when we knew, from then it has to be answered."""

    alarm: str
    number: int
    at: datetime
    taken: datetime

    @property
    def ref(self) -> str:
        """``alarm/key/number``: the head of the names of its rungs."""
        return f"alarm/{self.alarm}/{self.number}"


@dataclass(frozen=True, slots=True)
class Reported:
    """What a hospital's system said of a step (``key/n``), for a person to take further while the step is unsettled.

    ``at`` is when it was so (UTC); ``document``, ``status`` and ``said`` are as in ``HospitalReported``.
    """

    step: str
    what: str
    document: str
    at: datetime
    status: str = ""
    said: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A slot that a message which has left (or may have left) spoke of. ``standing`` False: it said *cancelled*."""

    step: str
    occurrence: int
    revision: int
    start: datetime
    place: str = ""
    standing: bool = True


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that did not arrive (failed, bounced, too-late) or of which nobody knows (uncertain)."""

    key: str
    how: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Called:
    """A call or letter that a person has made in place of a message, with what came of it."""

    key: str
    by: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Carer:
    """A person the patient wants contacted, within a recorded consent."""

    name: str
    mobile: str | None = None
    email: str | None = None
    landline: str | None = None
    consent: date | None = None
