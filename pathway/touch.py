"""When each step last changed: in itself, or in what the rest of the state makes of it (its window, being late).

A FHIR Task says ``lastModified`` on every change, and its due date moves when the procedure moves although
nobody touched the step. So the stamp is set here, once for every event, by comparing before and after.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pathway.anchors import Moment
from pathway.copying import changed
from pathway.courses import course_at
from pathway.ground import Ground
from pathway.known import known
from pathway.lifecycle import SETTLED
from pathway.state import Pathway, PathwayStatus


def stamp(before: Pathway | None, after: Pathway, ground: Ground, *, stood: Ground | None = None) -> Pathway:
    """``after``, with its ``as_of`` as ``touched`` on every step that differs and as ``created`` on new ones.

    ``stood`` is the ground that ``before`` stood on, if it was another.
    """
    now = after.as_of
    if before is None:
        new = {place: changed(step, created=now, touched=now) for place, step in enumerate(after.steps)}
        made = after.with_steps(new)
        known(after, ground).also_of(made)
        return made
    faces = _Faces(before, after, stood or ground, ground)
    stamped = {
        place: changed(after.steps[place], **written)
        for place in faces.places()
        if (written := faces.stamp(place))
    }
    if not stamped:
        return after
    made = after.with_steps(stamped)
    faces.now.also_of(made)
    return made


class _Faces:
    """What is said of each step to the outside, before and after an event."""

    def __init__(self, before: Pathway, after: Pathway, stood: Ground, ground: Ground) -> None:
        self.before, self.after, self.stood, self.ground = before, after, stood, ground
        self.was, self.now = known(before, stood), known(after, ground)
        self.paused = (before.status is PathwayStatus.ON_HOLD) is not (after.status is PathwayStatus.ON_HOLD)

    def places(self) -> Iterator[int]:
        """Where a step may show another face: it differs, its window does, or it has become late."""
        before, after = self.before.steps, self.after.steps
        since, now = self.before.as_of, self.after.as_of
        same = zip(before, after, self.was.courses, self.now.courses, strict=False)
        for place, (old, step, was, course) in enumerate(same):
            due = course.due if course is not None else None
            late = due is not None and since < due.instant <= now
            if step is not old or course is not was or late or self.paused:
                yield place
        yield from range(len(before), len(after))

    def stamp(self, place: int) -> dict[str, Any] | None:
        """What has to be written on the step at this place; None when it shows the same face as before."""
        step = self.after.steps[place]
        now = self.after.as_of
        there = self.before.place(step.key, step.occurrence)
        if there is None:
            return {"created": now, "touched": now}
        old = self.before.steps[there]
        if old.status in SETTLED:  # nothing of it depends on anything else
            return None if step is old or step == old else {"touched": now}
        if step.status in SETTLED:
            # The window it had: what it was late for can still be read when the dates it hung on have moved.
            course = course_at(there, self.was, self.before, self.stood)
            return {
                "touched": now,
                "was_due": _instant(course.due),
                "was_not_before": _instant(course.earliest),
            }
        if (step is not old and step != old) or self.paused:
            return {"touched": now}
        return {"touched": now} if self._moved(there, place) else None

    def _moved(self, there: int, place: int) -> bool:
        """Whether the window differs, or the step has become late."""
        was = course_at(there, self.was, self.before, self.stood)
        now = course_at(place, self.now, self.after, self.ground)
        if (
            was is not now
            and (was.due, was.earliest) != (now.due, now.earliest)
            and (_instant(was.due) != _instant(now.due) or _instant(was.earliest) != _instant(now.earliest))
        ):
            return True
        due = now.due
        return due is not None and (due.instant <= self.before.as_of) is not (due.instant <= self.after.as_of)


def _instant(moment: Moment | None) -> datetime | None:
    return moment.instant if moment else None
