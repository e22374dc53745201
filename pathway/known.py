"""What is known to follow from a state, noted beside it and handed on to the next as far as it still follows.

Nothing here is part of a state: a state read from the database has no notes, and everything is worked out anew, to the
same answers. The notes are of one state, one protocol and one calendar; ``known`` asks for them and, for a state made
from another with ``Pathway.but``, keeps of the other's notes what does not hang on the difference.
"""

from __future__ import annotations

from itertools import compress
from operator import is_not
from typing import TYPE_CHECKING, Any

from pathway.ground import Ground
from pathway.hanging import EVERYTHING, Hanging, hanging
from pathway.records import Fired
from pathway.state import Pathway, Step

if TYPE_CHECKING:
    from pathway.courses import Course
    from pathway.pieces import Piece
    from pathway.plan import Plan

_new, _note = object.__new__, object.__setattr__

_TALK = ("fired", "acknowledged", "undelivered", "called")
"""Parts of the state that only grow, with entries about one step each, named in their key."""


class Known:
    """The notes of one state. ``courses`` and ``pieces`` stand at the places of its steps; None: not worked out yet.

    ``apart`` are the ladders of the watch, of findings and the like, with the ``apart_pieces`` of the plan that they
    are; ``fired`` the rungs that have fired or were passed over, by key.
    ``loose`` is what has changed since the consequences were last drawn (``decide.settle``), ``news`` since it was
    last looked for findings.
    """

    def __init__(self, state: dict[str, Any], ground: Ground) -> None:
        self.state = state
        self.protocol = ground.protocol
        self.calendar = ground.calendar
        self.hanging: Hanging = hanging(ground.protocol)
        self.courses: list[Course | None] = [None] * len(state["steps"])
        self.pieces: list[Piece | None] = [None] * len(state["steps"])
        self.apart: dict[str, Course] = {}
        self.apart_pieces: dict[str, Piece] = {}
        self.plan: Plan | None = None
        self.loose = self.news = EVERYTHING
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
        difference = bits.difference(was, state, self.calendar)
        made = _new(Known)
        made.state, made.protocol, made.calendar, made.hanging = state, self.protocol, self.calendar, bits
        made.plan = None
        made._fired = self._fired if state["fired"] is was["fired"] else None
        made.loose = self.loose | difference
        made.news = self.news | difference
        steps: tuple[Step, ...] = state["steps"]
        before: tuple[Step, ...] = was["steps"]
        if difference == EVERYTHING:
            made.courses, made.pieces = [None] * len(steps), [None] * len(steps)
            made.apart, made.apart_pieces = {}, {}
            return made
        made.courses, made.pieces = courses, pieces = self.courses.copy(), self.pieces.copy()
        if steps is not before:
            for place in compress(range(len(before)), map(is_not, before, steps)):
                courses[place] = pieces[place] = None
            courses += [None] * (len(steps) - len(before))
            pieces += [None] * (len(steps) - len(before))
        if difference & bits.anything_said:
            dates, words = bits.dates, bits.words
            for place, step in enumerate(steps):
                if difference & words[step.key]:
                    pieces[place] = None
                    if difference & dates[step.key]:
                        courses[place] = None
        made.apart = {key: one for key, one in self.apart.items() if not difference & bits.apart[key]}
        made.apart_pieces = {key: one for key, one in self.apart_pieces.items() if key in made.apart}
        if difference & bits.talk:
            refs = _spoken_of(was, state, difference, bits)
            for place, step in enumerate(steps):
                if refs is None or step.ref in refs:
                    pieces[place] = None
            for key, piece in self.apart_pieces.items():
                if refs is None or refs & piece.refs:
                    made.apart_pieces.pop(key, None)
        return made

    def also_of(self, pathway: Pathway) -> None:
        """Note the same beside a state in which nothing differs but when its steps were touched."""
        made = _new(Known)
        made.__dict__.update(self.__dict__, state=pathway.__dict__)
        _note(pathway, "_known", made)


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


def since(pathway: Pathway, ground: Ground) -> int:
    """What has changed in this state since it was last looked for findings; everything, when nobody knows."""
    notes: Known | None = pathway._known
    if notes is None or notes.protocol is not ground.protocol or notes.calendar is not ground.calendar:
        return EVERYTHING
    if notes.state is pathway.__dict__ or notes.news == EVERYTHING:
        return notes.news
    return notes.news | notes.hanging.difference(notes.state, pathway.__dict__, notes.calendar)


def _spoken_of(was: dict[str, Any], now: dict[str, Any], difference: int, bits: Hanging) -> set[str] | None:
    """Of what something was said, heard or fired between two states, by the first two parts of its key.

    None when that cannot be told, and it may be anything.
    """
    refs: set[str] = set()
    for name in _TALK:
        if difference & bits.fields[name]:
            before, after = was[name], now[name]
            if after[: len(before)] != before:
                return None
            refs |= {_ref(one.key) for one in after[len(before) :]}
    if difference & bits.fields["said"]:
        refs |= {_ref(key) for key in {*was["said"]} ^ {*now["said"]}}
    if difference & bits.fields["snoozed"]:
        refs |= {_ref(one.key) for one in {*was["snoozed"]} ^ {*now["snoozed"]}}
    if difference & bits.fields["told"]:
        refs |= {f"{one.step}/{one.occurrence}" for one in {*was["told"]} ^ {*now["told"]}}
    return refs


def _ref(key: str) -> str:
    return "/".join(key.split("/", 2)[:2])
