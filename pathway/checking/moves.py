"""What can happen to a slice of a protocol: a few steps, with everything else free to be anything.

This is ``decide`` seen from far: no clock, no values, only where each step stands and where the hold plan does. It
allows all that ``decide`` allows and some more (a step may open later than at once, as after a pause), so that what
cannot happen here cannot happen there. ``roaming.py`` drives the one beside the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pathway.checking.question import Question
from pathway.checking.reading import Reading
from pathway.checking.regions import (
    BEGUN,
    DONE,
    HOLD,
    NOT_ASKED,
    OPEN,
    SET_ASIDE,
    UNSETTLED,
    WAITING,
    Subject,
)
from pathway.lifecycle import StepStatus
from pathway.protocol import Outcome, StepRule
from pathway.state import Pathway, PathwayStatus, Step

State = tuple[Any, ...]
"""Where each variable of a slice stands; ``("ended", end)`` and ``("completed",)`` when nothing follows."""

COMPLETED: State = ("completed",)
_HOLD_OUTCOMES = {
    "signed": ("signed", "modified"),
    "not_required": ("not-required",),
    "rejected": ("rejected",),
}
"""What the hold plan may be after each outcome of its step."""
_SIGNED = frozenset({"signed", "modified", "breached"})
_EXPIRES = frozenset({*_SIGNED, "not-required", "proposed"})


@dataclass(frozen=True, eq=False, slots=True)
class Move:
    """One thing that can happen. ``said`` is how a person would say it; empty for what happens by itself.

    ``step`` is the step that moves, ``from_`` where it may stand. ``outcome`` is set when it is done so, ``kind``
    says which rule it is. ``hold_from`` is where the hold plan may stand, ``hold_to`` where it goes.
    """

    kind: str
    step: str
    said: str
    from_: frozenset[str]
    asks: Question | None = None
    to: str | None = None
    outcome: Outcome | None = None
    gates: tuple[str, ...] = ()
    hold_from: frozenset[str] = frozenset()
    hold_to: str | None = None


def ended(end: str) -> State:
    """The state of a pathway that has ended so."""
    return ("ended", end)


def is_over(state: State) -> bool:
    """Whether the pathway has ended or is completed."""
    return state[0] in ("ended", "completed") and len(state) <= 2


class Slice:
    """Some steps of a protocol and what can happen to them. ``steps`` are in the order of the protocol."""

    def __init__(self, reading: Reading, steps: frozenset[str]) -> None:
        self.reading = reading
        protocol = reading.protocol
        self.steps = tuple(rule.key for rule in protocol.steps if rule.key in steps)
        self._once = tuple(key for key in self.steps if key in reading.asked_whether_ever_done)
        self.has_hold = protocol.hold.step in steps
        self.variables: tuple[Subject, ...] = (
            *(("step", key) for key in self.steps),
            *(("ever", key) for key in self._once),
            *((HOLD,) if self.has_hold else ()),
        )
        self.index = {subject: number for number, subject in enumerate(self.variables)}
        self.initial: State = (
            *(NOT_ASKED if protocol.step(key).on_demand else WAITING for key in self.steps),
            *(False for _ in self._once),
            *(("unknown",) if self.has_hold else ()),
        )
        self.moves = tuple(self._moves())
        self._from: dict[tuple[int, str], list[Move]] = {}
        for move in self.moves:
            for region in sorted(move.from_):
                self._from.setdefault((self.index["step", move.step], region), []).append(move)
        self._known: dict[tuple[Question, tuple[Any, ...]], bool] = {}
        self._reads: dict[Question, tuple[int, ...]] = {}

    # --- from one state to the next ---

    def following(self, state: State) -> Iterator[tuple[Move, State]]:
        """Everything that can happen in a state, and where it leads."""
        if is_over(state):
            return
        for place in range(len(self.steps)):
            for move in self._from.get((place, state[place]), ()):
                if self._is_allowed(move, state):
                    yield move, self.after(move, state)
        if all(
            state[number] not in UNSETTLED or state[number] == NOT_ASKED for number in range(len(self.steps))
        ):
            yield _COMPLETES, COMPLETED

    def allows(self, asked: Question, state: State) -> bool:
        """Whether the question can be answered yes in this state."""
        if asked not in self._reads:
            self._reads[asked] = tuple(self.index[one] for one in asked.subjects if one in self.index)
        read = tuple(state[place] for place in self._reads[asked])
        if (asked, read) not in self._known:
            self._known[asked, read] = asked.can_be_true(self.fixed(state)) is not None
        return self._known[asked, read]

    def fixed(self, state: State) -> dict[Subject, Any]:
        """The variables of the slice with where they stand."""
        return dict(zip(self.variables, state, strict=True))

    def _is_allowed(self, move: Move, state: State) -> bool:
        if move.hold_from and state[self.index[HOLD]] not in move.hold_from:
            return False
        if move.kind == "expires" and self._is_under_way(state):
            return False
        return move.asks is None or self.allows(move.asks, state)

    def _is_under_way(self, state: State) -> bool:
        place = self.index.get(("step", self.reading.protocol.procedure_step))
        return place is not None and (state[place] in (BEGUN, DONE) or state[place].startswith("="))

    def after(self, move: Move, state: State) -> State:
        """Where a move leads."""
        if move.outcome is not None and move.outcome.end is not None:
            return ended(move.outcome.end)
        new = list(state)
        if move.to is not None:
            self._set(new, move.step, move.to)
        if move.hold_to is not None:
            new[self.index[HOLD]] = move.hold_to
        if move.kind == "expires" or (move.kind == "moved" and self._stands_signed(new)):
            new[self.index[HOLD]] = "expired"
            self._repeat(new, (self.reading.protocol.hold.step, *self.reading.relying))
        if move.kind == "moved":
            self._repeat(new, self.reading.checks)
        if move.outcome is not None:
            self._repeat(new, move.outcome.repeat)
            for key in move.outcome.opens:
                place = self.index.get(("step", key))
                if place is not None and (new[place] == NOT_ASKED or new[place] not in UNSETTLED):
                    new[place] = OPEN
        return tuple(new)

    def _stands_signed(self, state: list[Any]) -> bool:
        return self.has_hold and state[self.index[HOLD]] in _SIGNED

    def _set(self, state: list[Any], step: str, to: str) -> None:
        state[self.index["step", step]] = to
        if (to == DONE or to.startswith("=")) and ("ever", step) in self.index:
            state[self.index["ever", step]] = True

    def _repeat(self, state: list[Any], keys: tuple[str, ...]) -> None:
        for key in keys:
            place = self.index.get(("step", key))
            if place is not None and state[place] not in UNSETTLED:
                state[place] = WAITING

    # --- what can happen at all ---

    def _moves(self) -> Iterator[Move]:
        protocol, reading = self.reading.protocol, self.reading
        for key in self.steps:
            rule = protocol.step(key)
            yield Move("opens", key, "", frozenset({WAITING}), reading.opens(rule), OPEN)
            if rule.after:
                yield Move(
                    "drops",
                    key,
                    f"{spoken(key)} dropped",
                    frozenset({WAITING}),
                    reading.drops(rule),
                    SET_ASIDE,
                )
            if rule.on_demand:
                every = frozenset({NOT_ASKED, *UNSETTLED, SET_ASIDE, *self._settled(key)})
                yield Move("asked", key, f"{spoken(key)} asked for", every, None, OPEN)
            yield from self._hold_moves(rule) if rule.kind == "hold" else self._step_moves(rule)
            again = frozenset({OPEN, BEGUN})
            yield Move("again", key, f"{spoken(key)} to be done again", again, None, WAITING)
            if self._may_come_back(key):
                settled = frozenset({SET_ASIDE, *self._settled(key)})
                yield Move("back", key, f"{spoken(key)} to be done again", settled, None, WAITING)
        if protocol.procedure_step in self.steps:
            standing = frozenset({WAITING, OPEN, SET_ASIDE, NOT_ASKED})
            yield Move("moved", protocol.procedure_step, "procedure moved to another date", standing)
        if self.has_hold:
            every = frozenset({*UNSETTLED, SET_ASIDE, *self._settled(protocol.hold.step)})
            yield Move("expires", protocol.hold.step, "hold plan expired", every, hold_from=_EXPIRES)
            yield from self._dose_moves(every)
            over = reading.procedure_is_over()
            yield Move("drops", protocol.hold.step, "", frozenset({WAITING, OPEN}), over, SET_ASIDE)

    def _step_moves(self, rule: StepRule) -> Iterator[Move]:
        name, reading = spoken(rule.key), self.reading
        for outcome in rule.outcomes:
            said = f"{name} {spoken(outcome.key)}"
            to = reading.regions.done(rule.key, outcome.key)
            both = (*rule.start_gates, *outcome.gates)
            yield Move("done", rule.key, said, frozenset({OPEN}), self._gate(both), to, outcome, both)
            if rule.key in reading.gated:
                gates = outcome.gates
                yield Move("done", rule.key, said, frozenset({BEGUN}), self._gate(gates), to, outcome, gates)
            if rule.on_demand and (outcome.repeat or outcome.opens or outcome.end):
                every = frozenset({WAITING, OPEN, SET_ASIDE, *self._settled(rule.key)})
                yield Move(
                    "done", rule.key, f"an earlier {said}", every, self._gate(both), None, outcome, both
                )
        if rule.key in reading.gated:
            start = rule.start_gates
            yield Move(
                "begun", rule.key, f"{name} begun", frozenset({OPEN}), self._gate(start), BEGUN, None, start
            )
        if rule.waivable:
            yield Move(
                "waived", rule.key, f"{name} waived", frozenset({WAITING, OPEN, BEGUN}), None, SET_ASIDE
            )

    def _hold_moves(self, rule: StepRule) -> Iterator[Move]:
        name, live = spoken(rule.key), frozenset({OPEN})
        yield Move("hold", rule.key, f"{name} proposed", live, hold_to="proposed")
        for outcome in rule.outcomes:
            asks = self.reading.states_hold(outcome)
            to = self.reading.regions.done(rule.key, outcome.key)
            for becomes in _HOLD_OUTCOMES.get(outcome.key, ()):
                said = f"{name} {spoken(outcome.key)}{' otherwise than proposed' * (becomes == 'modified')}"
                yield Move("hold", rule.key, said, live, asks, to, outcome, outcome.gates, hold_to=becomes)

    def _dose_moves(self, every: frozenset[str]) -> Iterator[Move]:
        """A dose taken too late breaches the plan that was signed; a signer may find that it was not."""
        step = self.reading.protocol.hold.step
        for before, to in (
            ("signed", "breached"),
            ("modified", "breached"),
            ("breached", "signed"),
            ("breached", "modified"),
        ):
            said = "a dose taken too late" if to == "breached" else "the late dose taken back"
            yield Move("dose", step, said, every, hold_from=frozenset({before}), hold_to=to)

    def _gate(self, keys: tuple[str, ...]) -> Question | None:
        return self.reading.passes(keys) if keys else None

    def _settled(self, key: str) -> set[str]:
        return {DONE, *(f"={outcome}" for outcome in self.reading.regions.outcomes[key])}

    def _may_come_back(self, key: str) -> bool:
        """Whether something outside the slice can ask for the step again."""
        protocol, inside = self.reading.protocol, set(self.steps)
        outside = [rule for rule in protocol.steps if rule.key not in inside]
        if any(key in outcome.repeat for rule in outside for outcome in rule.outcomes):
            return True
        by_hold = key == protocol.hold.step or key in self.reading.relying
        if by_hold and not self.has_hold:
            return True
        return key in self.reading.checks and protocol.procedure_step not in inside

    # --- where a real pathway stands, seen from here ---

    def seen(self, standing: Standing) -> State:
        """The state of this slice that a real pathway is in, which ``standing`` describes."""
        if standing.over is not None:
            return standing.over
        return tuple(map(standing.regions.__getitem__, self.variables))


@dataclass(frozen=True, eq=False)
class Standing:
    """Where a real pathway stands, as far as the checker tells: the region of every subject, or how it is over."""

    regions: dict[Subject, Any]
    over: State | None = None


def standing(pathway: Pathway, reading: Reading) -> Standing:
    """What the checker tells of a real pathway."""
    if pathway.status is PathwayStatus.COMPLETED:
        return Standing({}, COMPLETED)
    if pathway.status is PathwayStatus.ENDED:
        return Standing({}, ended(pathway.end or ""))
    regions: dict[Subject, Any] = dict.fromkeys(
        (("step", rule.key) for rule in reading.protocol.steps), NOT_ASKED
    )
    regions |= dict.fromkeys((("ever", key) for key in reading.asked_whether_ever_done), False)
    latest: dict[str, int] = {}
    for step in pathway.steps:
        if step.occurrence >= latest.get(step.key, 0):
            latest[step.key] = step.occurrence
            regions["step", step.key] = _region(step, reading)
        if step.status is StepStatus.DONE and ("ever", step.key) in regions:
            regions["ever", step.key] = True
    regions[HOLD] = pathway.hold.status.value
    return Standing(regions)


def _region(step: Step, reading: Reading) -> str:
    if step.status is StepStatus.DONE:
        return reading.regions.done(step.key, step.outcome)
    if step.is_settled:
        return SET_ASIDE
    held = step.status is StepStatus.ON_HOLD
    if (step.came_from if held else step.status) is StepStatus.WAITING:
        return WAITING
    return BEGUN if step.started is not None and step.key in reading.gated else OPEN


_COMPLETES = Move("completed", "", "nothing left to do", frozenset())


def spoken(key: str) -> str:
    """A key as a person says it."""
    return key.replace("_", " ").replace("-", " ")
