"""What every question about a pathway stands on: its protocol, its calendar, and the procedure's own dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from pathway.calendar import Calendar
from pathway.hold_plan import HoldStatus
from pathway.holding.profile import Profile
from pathway.lifecycle import StepStatus
from pathway.protocol import Protocol
from pathway.state import Pathway


@dataclass(frozen=True, slots=True)
class Ground:
    """A protocol, the calendar of the centre that runs it, and the hold profiles it knows: all pinned together.

    The first of ``profiles`` is the centre's own, the others are shown beside it; none where it has none to choose.
    """

    protocol: Protocol
    calendar: Calendar
    profiles: Mapping[str, Profile] = field(default_factory=dict)


def procedure_slot(pathway: Pathway, protocol: Protocol) -> tuple[datetime, str] | None:
    """Start of the procedure (UTC) and the revision of the slot it hangs on; a real start outranks the slot."""
    step = pathway.done(protocol.procedure_step) or pathway.last(protocol.procedure_step)
    if step is None:
        return None
    visit = step.visit
    revision = f"{step.occurrence}.{visit.revision}" if visit else f"{step.occurrence}.0"
    if step.started or step.status is StepStatus.DONE:
        start = step.started or (visit.start if visit else step.settled)
        return (start, revision) if start else None
    return (visit.start, revision) if visit and visit.stands else None


def procedure_start(pathway: Pathway, protocol: Protocol) -> datetime | None:
    """When the procedure began, or stands to begin; None while no slot stands."""
    slot = procedure_slot(pathway, protocol)
    return slot[0] if slot else None


def hold_start(pathway: Pathway, ground: Ground) -> date | None:
    """Day of the earliest last intake before the procedure, assumed from the protocol until a plan is proposed.

    The day of the procedure itself when the patient explicitly takes no antithrombotic. None when there is no
    procedure date, or nothing to hold.
    """
    start = procedure_start(pathway, ground.protocol)
    if start is None or pathway.hold.status in (HoldStatus.NOT_REQUIRED, HoldStatus.REJECTED):
        return None
    offset = pathway.hold.max_offset_days
    if offset is None:
        answer = pathway.fact("antithrombotics")
        says_none = answer is not None and answer.value == []
        offset = 0 if says_none else ground.protocol.hold.assumed_max_offset_days
    return ground.calendar.day(start) - timedelta(days=offset)


def last_intakes(pathway: Pathway, ground: Ground) -> tuple[date, ...]:
    """The distinct days on which a drug of the signed plan may be taken for the last time, earliest first."""
    start = procedure_start(pathway, ground.protocol)
    if start is None or not pathway.hold.stands:
        return ()
    day = ground.calendar.day(start)
    return tuple(sorted({day - timedelta(days=drug.last_intake_offset_days) for drug in pathway.hold.drugs}))
