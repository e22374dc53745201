"""Everything that can happen to a pathway. Each event says who (``by``) and, where it differs from now, when."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pathway.codec import Malformed, decode, encode
from pathway.hold_plan import HeldDrug
from pathway.records import Carer
from pathway.referral import Contact, Fact, Person
from pathway.state import Actor


@dataclass(frozen=True, kw_only=True)
class Event:
    """``occurred``: when it really happened (UTC), if not at the instant it is recorded."""

    by: Actor
    occurred: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Enrolled(Event):
    """A referral has started this pathway. The first line of every history."""

    referral: str


@dataclass(frozen=True, kw_only=True)
class FactsRecorded(Event):
    """Something is now known about the patient: a laboratory value, a drug list, a date.

    ``instead_of`` names sources (``Fact.source``) whose earlier facts were corrected or are taken back.
    """

    facts: tuple[Fact, ...]
    instead_of: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StepEvent(Event):
    """Something about one step; without ``occurrence`` the latest one is meant."""

    step: str
    occurrence: int | None = None


@dataclass(frozen=True, kw_only=True)
class StepAsked(StepEvent):
    """Work on demand is asked for once more: an examination prescribed, a document awaited. ``due``: for which day."""

    reason: str
    due: date | None = None


@dataclass(frozen=True, kw_only=True)
class ObservationsRecorded(Event):
    """The ward has looked. ``round`` is ``key/n`` of the schedule; empty for a set between two rounds.

    ``occurred`` is when it looked. Without ``values``, ``reason`` says why nothing was looked at.
    """

    values: dict[str, Any] = field(default_factory=dict)
    round: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class StepReceived(StepEvent):
    """Whoever was asked has seen it."""


@dataclass(frozen=True, kw_only=True)
class StepAccepted(StepEvent):
    """Somebody takes the work."""

    owner: str


@dataclass(frozen=True, kw_only=True)
class StepStarted(StepEvent):
    """The work has begun."""


@dataclass(frozen=True, kw_only=True)
class StepCompleted(StepEvent):
    """The work is done, with one of the step's outcomes. ``data`` holds the answers the step asks for."""

    outcome: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StepRejected(StepEvent):
    """Whoever was asked will not do it; it is asked again."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class StepFailed(StepEvent):
    """It was tried and could not be done; it is asked again."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class StepWaived(StepEvent):
    """It will not be done, on somebody's responsibility."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class StepHeld(StepEvent):
    """The work pauses."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class StepReleased(StepEvent):
    """The work resumes in the state it came from."""


@dataclass(frozen=True, kw_only=True)
class VisitBooked(StepEvent):
    """A slot is set or moved. Not ``confirmed``: only proposed to the patient or held at the hospital.

    ``slot`` is the hospital's FHIR Slot that is taken for it: ``Slot/1`` where it is kept here, else its whole URL.
    """

    start: datetime
    end: datetime | None = None
    place: str = ""
    confirmed: bool = True
    slot: str = ""


@dataclass(frozen=True, kw_only=True)
class VisitCancelled(StepEvent):
    """The slot is given up; the step waits for another."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class VisitArrived(StepEvent):
    """The patient is there."""


@dataclass(frozen=True, kw_only=True)
class VisitMissed(StepEvent):
    """The patient did not come."""


@dataclass(frozen=True, kw_only=True)
class HospitalReported(StepEvent):
    """A hospital's system says something of a step that a person has to take further: a result to be read.

    ``what``: result, done, discharged or abort. ``document`` names the resource that says so, at its system;
    ``status`` and ``said`` are its own words. ``withdrawn``: it takes back what it said.
    """

    what: str
    document: str
    status: str = ""
    said: str = ""
    withdrawn: bool = False


@dataclass(frozen=True, kw_only=True)
class HoldProposed(Event):
    """A plan is on the table. Nobody but the signers sees it as an instruction.

    With ``profile`` the calculator proposes, by that hold profile and from what is known of the patient; else
    ``drugs`` are what somebody proposes.
    """

    drugs: tuple[HeldDrug, ...] = ()
    profile: str | None = None


@dataclass(frozen=True, kw_only=True)
class HoldSigned(Event):
    """A named signer orders the hold: these drugs, with this exact text."""

    drugs: tuple[HeldDrug, ...]
    text: str


@dataclass(frozen=True, kw_only=True)
class HoldNotRequired(Event):
    """A signer states that nothing has to be stopped; needs an explicit answer about antithrombotics."""


@dataclass(frozen=True, kw_only=True)
class HoldRejected(Event):
    """The drug must not be stopped; the procedure waits until ``revisit``."""

    reason: str
    revisit: date | None = None


@dataclass(frozen=True, kw_only=True)
class LastDoseDeclared(Event):
    """When the last dose of a held drug, named by its ATC code or its text, was really taken (UTC)."""

    drug: str
    taken: datetime


@dataclass(frozen=True, kw_only=True)
class GateOverridden(Event):
    """A gate's unmet needs are passed on this person's responsibility."""

    gate: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RungFired(Event):
    """The clock reached a rung. ``person`` is who the rota named; empty when nobody was on it."""

    key: str
    person: str = ""


@dataclass(frozen=True, kw_only=True)
class AlertAcknowledged(Event):
    """Somebody takes an alert."""

    key: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class AlertSnoozed(Event):
    """Somebody puts an alert off until an instant (UTC), for a reason; an urgent one cannot be put off."""

    key: str
    until: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class ChannelOptedOut(Event):
    """The patient wants nothing more by ``sms`` or ``email``."""

    channel: str


@dataclass(frozen=True, kw_only=True)
class ChannelOptedIn(Event):
    """The patient wants that channel again."""

    channel: str


@dataclass(frozen=True, kw_only=True)
class ContactChanged(Event):
    """A new number, address or language."""

    contact: Contact


@dataclass(frozen=True, kw_only=True)
class CarerNamed(Event):
    """Somebody the patient consents to have contacted; None withdraws it."""

    carer: Carer | None


@dataclass(frozen=True, kw_only=True)
class PatientDied(Event):
    """Everything is withdrawn, silently."""


@dataclass(frozen=True, kw_only=True)
class IdentityJoined(Event):
    """The hospital says that two records are one person: this pathway goes on as ``patient``, under that id."""

    patient_id: str
    patient: Person


@dataclass(frozen=True, kw_only=True)
class IdentityParted(Event):
    """The hospital takes the join back: this pathway is again the one of ``patient``, under that id."""

    patient_id: str
    patient: Person


OF_THE_PERSON = (ChannelOptedOut, ChannelOptedIn, ContactChanged, PatientDied)
"""What is true of the patient is true on every pathway of theirs."""


@dataclass(frozen=True, kw_only=True)
class PathwayHeld(Event):
    """The pathway pauses (a complication, a decision awaited); ``revisit`` is the day somebody looks again."""

    reason: str
    revisit: date


@dataclass(frozen=True, kw_only=True)
class PathwayResumed(Event):
    """The pathway goes on."""


@dataclass(frozen=True, kw_only=True)
class PathwayEnded(Event):
    """The pathway stops with one of the protocol's named ends."""

    end: str
    reason: str
    revisit: date | None = None


@dataclass(frozen=True, kw_only=True)
class MessageUndelivered(Event):
    """A message ``failed``, ``bounced``, is ``uncertain`` or came ``too-late``: somebody or something else must act."""

    key: str
    how: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class MessageRecalled(Event):
    """A message overtaken by a change while it was being sent has not left after all: nobody was told."""

    key: str


@dataclass(frozen=True, kw_only=True)
class CallSettled(Event):
    """A person has phoned, written, or knows that a doubtful message did arrive."""

    key: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Replanned(Event):
    """New planner code takes over this pathway; the difference it makes is on this line of the history."""

    planner: str


@dataclass(frozen=True, kw_only=True)
class Migrated(Event):
    """The pathway goes on by another version of its protocol, for a reason that somebody answers for.

    The digests say exactly which contents; the versions are for the reader.
    """

    from_digest: str
    to_digest: str
    reason: str
    from_version: str = ""
    to_version: str = ""


@dataclass(frozen=True, kw_only=True)
class MigrationUndone(Event):
    """The pathway goes back to the version it was last moved from. What happened meanwhile is kept."""

    from_digest: str
    to_digest: str
    reason: str
    from_version: str = ""
    to_version: str = ""


def _kinds(kind: type[Event]) -> dict[str, type[Event]]:
    found = {} if kind in (Event, StepEvent) else {kind.__name__: kind}
    for child in kind.__subclasses__():
        found |= _kinds(child)
    return found


KINDS = _kinds(Event)


def to_data(event: Event) -> dict[str, Any]:
    """The event as JSON-ready data, with its ``type``."""
    return {"type": type(event).__name__, **encode(event)}


def from_data(data: dict[str, Any], *, by: Actor | None = None) -> Event:
    """The event that this data describes; ``by`` replaces what the data says of the author.

    Raises Malformed naming the field and the remedy.
    """
    kind = KINDS.get(data.get("type", ""))
    if kind is None:
        raise Malformed("type", f"{data.get('type')!r} is no event; events are {', '.join(sorted(KINDS))}")
    fields = {key: value for key, value in data.items() if key != "type"}
    return decode(kind, {**fields, "by": by} if by else fields)
