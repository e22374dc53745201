"""The course of one occurrence of a step: when it may begin, when it is due, and the ladder that says so to people.

It is worked out together and noted beside the state (``known.py``), for every event asks for it several times.
"""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

from pathway.anchors import Moment, Reckoning
from pathway.ground import Ground
from pathway.known import Known, known
from pathway.lifecycle import LIVE, SETTLED
from pathway.planned import Item
from pathway.protocol import Rung, StepRule
from pathway.state import Pathway, PathwayStatus, Step

_OF_THE_VISIT = frozenset({"slot", "missed"})


class Standing(NamedTuple):
    """A rung of the ladder as it stands: its key, when, and what it says to whom.

    ``step`` names the occurrence it is about, ``key/occurrence``; empty for the whole pathway.
    """

    key: str
    rung: Rung
    step: str
    moment: Moment


class Course:
    """When one occurrence may begin and is due, and its ladders: of the work, and of its visit.

    ``crowded`` is the first instant at which two rungs of one ladder are past together. ``items`` are what its rungs
    are in a plan, as far as they have been asked for.
    """

    __slots__ = ("crowded", "due", "earliest", "items", "ladders")

    def __init__(
        self,
        due: Moment | None = None,
        earliest: Moment | None = None,
        ladders: tuple[tuple[Standing, ...], ...] = (),
    ) -> None:
        self.due = due
        self.earliest = earliest
        self.ladders = ladders
        self.items: dict[str, Item] = {}
        second = [one[1].moment.instant for one in ladders if len(one) > 1]
        self.crowded = min(second) if second else None


def course(step: Step, pathway: Pathway, ground: Ground) -> Course:
    """The course of an occurrence of this state."""
    notes = known(pathway, ground)
    place = pathway.place(step.key, step.occurrence)
    if place is None or pathway.steps[place] is not step:
        return _course(step, pathway, ground)
    return course_at(place, notes, pathway, ground)


def course_at(place: int, notes: Known, pathway: Pathway, ground: Ground) -> Course:
    """The course of the occurrence at this place, from the notes or worked out and noted."""
    found = notes.courses[place]
    if found is None:
        found = notes.courses[place] = _course(pathway.steps[place], pathway, ground)
    return found


def work_out(notes: Known, pathway: Pathway, ground: Ground) -> None:
    """Note the course of every step that is not settled."""
    courses, steps = notes.courses, pathway.steps
    for place, course in enumerate(courses):
        if course is None and steps[place].status not in SETTLED:
            courses[place] = _course(steps[place], pathway, ground)


def _course(step: Step, pathway: Pathway, ground: Ground) -> Course:
    rule = ground.protocol.step(step.key)
    reckoning = Reckoning(step, pathway, ground)
    earliest = reckoning.moment(rule.window.earliest) if rule.window.earliest else None
    rungs = _rungs(step, rule, reckoning) if _speaks(step, rule, pathway, ground) else ()
    return Course(reckoning.due(), earliest, _apart(rungs))


def _rungs(step: Step, rule: StepRule, reckoning: Reckoning) -> tuple[Standing, ...]:
    found, ref = [], step.ref
    for rung in rule.ladder:
        moment = reckoning.moment(rung.at)
        if moment is not None:
            revision = f"@{moment.revision}" if moment.revision else ""
            found.append(Standing(f"{ref}/rung/{rung.key}{revision}", rung, ref, moment))
    found.sort(key=attrgetter("moment.instant"))
    return tuple(found)


def _speaks(step: Step, rule: StepRule, pathway: Pathway, ground: Ground) -> bool:
    """Whether the step is waited for and its clocks run: a pause stops all but the tracks that go on while held.

    What is left to do after an end has clocks like any other work.
    """
    if step.status not in LIVE:
        return False
    if pathway.status is PathwayStatus.ON_HOLD:
        track = ground.protocol.tracks.get(rule.track)
        return track is not None and track.while_held
    return pathway.status is not PathwayStatus.COMPLETED


def _apart(rungs: tuple[Standing, ...]) -> tuple[tuple[Standing, ...], ...]:
    """The ladder of the work and that of its visit; those that are empty are left out."""
    if not rungs:
        return ()
    of_the_visit = tuple(one for one in rungs if one.rung.at.from_ in _OF_THE_VISIT)
    if not of_the_visit:
        return (rungs,)
    of_the_work = tuple(one for one in rungs if one.rung.at.from_ not in _OF_THE_VISIT)
    return (of_the_work, of_the_visit) if of_the_work else (of_the_visit,)
