"""What is measured of a life once it is over: how it ended, its delays, and the indicators that its steps give."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pathway.indicators.contribution import contributions
from pathway.indicators.counting import Counts
from pathway.indicators.course import course_of
from pathway.state import PathwayStatus

if TYPE_CHECKING:
    from app.simulation.life import Life

_HOUR = 3600
_LATER = timedelta(days=800)
"""Every limit is over by then: nothing is left pending."""


def measure(life: Life) -> None:
    """Count this life in its tally."""
    pathway, tally = life.pathway, life.tally
    tally.add("patients")
    end = {PathwayStatus.COMPLETED: "completed", PathwayStatus.ENDED: pathway.end or "ended"}
    tally.add("end", end.get(pathway.status, "still running"))
    if pathway.done(life.world.ground.protocol.procedure_step) is not None:
        tally.add("procedures")
    _indicators(life)
    for delay in life.world.cohort.delays:
        begun, done = _moment(life, delay.from_), _moment(life, delay.to)
        if begun is None or done is None:
            continue
        tally.add("delay", delay.key, int((done - begun).total_seconds() // _HOUR))


def _indicators(life: Life) -> None:
    """What this life adds to each quality indicator, once everything is known of it."""
    definitions = life.world.definitions
    if definitions is None:
        return
    ground = life.world.ground
    course = course_of(life.pathway, life.lines, ground.protocol, ground.calendar)
    for indicator in definitions.indicators:
        for one in contributions(indicator, course, definitions, life.now + _LATER):
            life.tally.add("indicator", indicator.key, one.counts.value)
            if one.value is not None and one.counts is Counts.YES:
                life.tally.add("indicator value", indicator.key, round(one.value * 10))


def _moment(life: Life, name: str) -> datetime | None:
    """When the referral or the fracture was, or this step was done for the last time."""
    if name == "referral":
        return life.pathway.referred
    if name == "fracture":
        onset = life.pathway.fracture.onset
        return life.world.hours.midnight(onset) if onset else None
    done = life.pathway.done(name)
    return done.settled if done is not None else None
