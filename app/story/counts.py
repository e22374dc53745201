"""How the patient of a story counts in a quality indicator, as far as is known at that moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app import indicators
from pathway.ground import Ground
from pathway.indicators.contribution import contributions
from pathway.indicators.counting import Contribution, Counts
from pathway.indicators.course import Line, course_of
from pathway.state import Pathway

WORDS = {
    Counts.YES: "met",
    Counts.NO: "not-met",
    Counts.EXCLUDED: "excluded",
    Counts.NOT_RECORDED: "not-recorded",
    Counts.PENDING: "pending",
}


def known(key: str) -> tuple[str, ...]:
    """The keys of the indicators when this is none of them, else nothing."""
    keys = indicators.load().by_key
    return () if key in keys else tuple(keys)


def counts(
    key: str,
    pathway: Pathway,
    ground: Ground,
    lines: Sequence[Line],
    others: Sequence[Pathway],
    now: datetime,
) -> list[Contribution]:
    """What this pathway adds to the indicator of that key; ``others`` are the pathways that follow it."""
    onsets = [other.fracture.onset for other in others if other.fracture.onset is not None]
    course = course_of(
        pathway, lines, ground.protocol, ground.calendar, next_fracture=min(onsets, default=None)
    )
    definitions = indicators.load()
    return list(contributions(definitions.by_key[key], course, definitions, now))
