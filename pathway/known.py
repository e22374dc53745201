"""What is known to follow from a state, noted beside it and handed on to the next as far as it still follows.

Nothing here is part of a state: a state read from the database has no notes, and everything is worked out anew, to the
same answers. The notes are of one state, one protocol and one calendar; ``known`` asks for them and, for a state made
from another with ``Pathway.but``, keeps of the other's notes what does not hang on the difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pathway.ground import Ground
from pathway.hanging import EVERYTHING, Hanging, hanging
from pathway.state import Fired, Pathway, Step

if TYPE_CHECKING:
    from pathway.courses import Course
    from pathway.pieces import Piece
    from pathway.plan import Plan

_note = object.__setattr__

_TALK = ("fired", "acknowledged", "said", "undelivered", "called")
"""Parts of the state whose entries are about one step, named in their key."""


class Known:
    """The notes of one state. ``courses`` and ``pieces`` stand at the places of its steps; None: not worked out yet.

    ``loose`` is what has changed since the consequences were last drawn (``decide.settle``).
    """

    __slots__ = ("_fired", "calendar", "courses", "hanging", "loose", "pieces", "plan", "protocol", "state")

    def __init__(self, state: dict[str, Any], ground: Ground) -> None:
        self.state = state
        self.protocol = ground.protocol
        self.calendar = ground.calendar
        self.hanging: Hanging = hanging(ground.protocol)
        self.courses: list[Course | None] = [None] * len(state["steps"])
        self.pieces: list[Piece | None] = [None] * len(state["steps"])
        self.plan: Plan | None = None
        self.loose = EVERYTHING
        self._fired: dict[str, Fired] | None = None

    @property
    def fired(self) -> dict[str, Fired]:
        """What has fired or was passed over, by its key."""
        if self._fired is None:
            self._fired = {one.key: one for one in self.state["fired"]}
        return self._fired

    def handed_on(self, state: dict[str, Any]) -> Known:
        """The notes that still follow from a state that came of this one."""
        was, bits = self.state, self.hanging
        made = object.__new__(Known)
        made.state, made.protocol, made.calendar, made.hanging = state, self.protocol, self.calendar, bits
        made.plan = None
        made._fired = self._fired if state["fired"] is was["fired"] else None
        steps: tuple[Step, ...] = state["steps"]
        before: tuple[Step, ...] = was["steps"]
        difference = bits.difference(was, state)
        made.loose = self.loose | difference
        if difference == EVERYTHING:
            made.courses, made.pieces = [None] * len(steps), [None] * len(steps)
            return made
        new: list[None] = [None] * (len(steps) - len(before))
        made.courses, made.pieces = courses, pieces = [*self.courses, *new], [*self.pieces, *new]
        dates, words = bits.dates, bits.words
        for place, step in enumerate(before):
            if step is not steps[place]:
                courses[place] = pieces[place] = None
            elif words[step.key] & difference:
                pieces[place] = None
                if dates[step.key] & difference:
                    courses[place] = None
        for place in _spoken_of(was, state, difference, bits):
            pieces[place] = None
        return made


def known(pathway: Pathway, ground: Ground) -> Known:
    """The notes of this state on this ground."""
    notes: Known | None = pathway._known
    if notes is None or notes.protocol is not ground.protocol or notes.calendar is not ground.calendar:
        notes = Known(pathway.__dict__, ground)
    elif notes.state is pathway.__dict__:
        return notes
    else:
        notes = notes.handed_on(pathway.__dict__)
    _note(pathway, "_known", notes)
    return notes


def _spoken_of(was: dict[str, Any], now: dict[str, Any], difference: int, bits: Hanging) -> Iterable[int]:
    """The places of the steps of which something was said, heard or fired between two states."""
    keys: list[str] = []
    for name in _TALK:
        if difference & bits.fields[name]:
            before, after = was[name], now[name]
            if after[: len(before)] != before:
                return range(len(now["steps"]))
            keys += [one if name == "said" else one.key for one in after[len(before) :]]
    spoken = {tuple(key.split("/", 2)[:2]) for key in keys}
    if difference & bits.fields["snoozed"]:
        spoken |= {tuple(one.key.split("/", 2)[:2]) for one in {*was["snoozed"]} ^ {*now["snoozed"]}}
    if difference & bits.fields["told"]:
        spoken |= {(one.step, str(one.occurrence)) for one in {*was["told"]} ^ {*now["told"]}}
    return (
        [n for n, one in enumerate(now["steps"]) if (one.key, str(one.occurrence)) in spoken]
        if spoken
        else ()
    )
