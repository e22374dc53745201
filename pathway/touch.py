"""When each step last changed: in itself, or in what the rest of the state makes of it (its window, being late).

A FHIR Task says ``lastModified`` on every change, and its due date moves when the procedure moves although
nobody touched the step. So the stamp is set here, once for every event, by comparing before and after.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import cast

from pathway.anchors import due, resolve
from pathway.ground import Ground
from pathway.state import Pathway, PathwayStatus, Step


def stamp(before: Pathway | None, after: Pathway, ground: Ground, *, stood: Ground | None = None) -> Pathway:
    """``after``, with its ``as_of`` as ``touched`` on every step that differs and as ``created`` on new ones.

    ``stood`` is the ground that ``before`` stood on, if it was another.
    """
    was = stood or ground
    known = {} if before is None else {step.ref: _face(step, before, was) for step in before.steps}
    return replace(
        after, steps=tuple(_stamped(step, known.get(step.ref), after, ground) for step in after.steps)
    )


def _stamped(step: Step, was: tuple[object, ...] | None, after: Pathway, ground: Ground) -> Step:
    if was is None:
        return replace(step, created=after.as_of, touched=after.as_of)
    if step.is_settled and len(was) > 1:
        # The window it had: what it was late for can still be read when the dates it hung on have moved.
        limit, earliest = cast("tuple[datetime | None, datetime | None]", was[1:3])
        return replace(step, touched=after.as_of, was_due=limit, was_not_before=earliest)
    return step if _face(step, after, ground) == was else replace(step, touched=after.as_of)


def _face(step: Step, pathway: Pathway, ground: Ground) -> tuple[object, ...]:
    """All that is said of a step to the outside. A settled one no longer depends on anything else."""
    if step.is_settled:
        return (step,)
    limit = due(step, pathway, ground)
    window = ground.protocol.step(step.key).window
    earliest = resolve(window.earliest, step, pathway, ground) if window.earliest else None
    return (
        step,
        limit and limit.instant,
        earliest and earliest.instant,
        limit is not None and limit.instant <= pathway.as_of,
        pathway.status is PathwayStatus.ON_HOLD,
    )
