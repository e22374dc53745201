"""A protocol as boxes and arrows: what each box says, and which step opens which, by which outcome or gate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.describe.words import Said
from pathway.protocol import Condition, Outcome, StepRule

Mark = Literal["end", "again", "opens", "tells", "pause"]


@dataclass(frozen=True)
class Note:
    """A line of a box: what an outcome does beyond opening what waits for it."""

    mark: Mark
    text: str


@dataclass(frozen=True)
class Box:
    """A step as it is drawn. ``on_demand``: it has no place in the flow, a note of another box opens it."""

    key: str
    lane: str
    title: str
    who: str
    due: str
    kind: str
    gates: tuple[str, ...]
    notes: tuple[Note, ...]
    on_demand: bool = False


@dataclass(frozen=True)
class Arrow:
    """From the step that is done to the one that it opens. ``label`` is the outcome, or the gate it answers."""

    source: str
    target: str
    label: str = ""
    kind: Literal["opens", "gate"] = "opens"


@dataclass(frozen=True)
class Stack:
    """Boxes drawn as one: several steps that open together and that nothing waits for, or a single step."""

    key: str
    lane: str
    boxes: tuple[Box, ...]


def boxes(said: Said) -> list[Box]:
    """Every step, in the order of the file."""
    return [_box(step, said) for step in said.protocol.steps]


def arrows(said: Said) -> list[Arrow]:
    """Every arrow of the flow once; what leads back (a step done again) is a note of its box instead."""
    found: dict[tuple[str, str], Arrow] = {}
    flowing = {step.key for step in said.protocol.steps if not step.on_demand}
    for step in said.protocol.steps:
        for one in _to(step, said):
            if one.source != one.target and {one.source, one.target} <= flowing:
                found.setdefault((one.source, one.target), one)
    kept: list[Arrow] = []
    for one in found.values():
        if not _leads(one.target, one.source, kept):
            kept.append(one)
    return kept


def stacked(flow: Sequence[Box], known: Sequence[Arrow]) -> tuple[list[Stack], list[Arrow]]:
    """The boxes with those in stacks that open together, and the arrows between the stacks."""
    leading = {one.source for one in known}
    alike: dict[tuple[object, ...], list[Box]] = {}
    for box in flow:
        into = tuple(sorted((one.source, one.label) for one in known if one.target == box.key))
        alone = () if into and box.key not in leading else (box.key,)
        alike.setdefault((box.lane, into, alone), []).append(box)
    stacks = [Stack(ones[0].key, ones[0].lane, tuple(ones)) for ones in alike.values()]
    name = {box.key: stack.key for stack in stacks for box in stack.boxes}
    return stacks, list(dict.fromkeys(replace(one, target=name[one.target]) for one in known))


def _leads(start: str, end: str, known: list[Arrow]) -> bool:
    """Whether these arrows lead from one step to another already."""
    seen, left = {start}, [start]
    while left:
        here = left.pop()
        if here == end:
            return True
        following = {one.target for one in known if one.source == here} - seen
        seen |= following
        left += following
    return False


def _box(step: StepRule, said: Said) -> Box:
    gates = tuple(dict.fromkeys((*step.book_gates, *step.start_gates, *_of_outcomes(step))))
    return Box(
        key=step.key,
        lane=step.track,
        title=said.text(step.title),
        who=said.role(step.performer),
        due=_due(step, said),
        kind=step.kind,
        gates=gates,
        notes=tuple(_notes(step, said)),
        on_demand=step.on_demand,
    )


def _of_outcomes(step: StepRule) -> Iterator[str]:
    for outcome in step.outcomes:
        yield from outcome.gates


def _due(step: StepRule, said: Said) -> str:
    """The deadline that holds for everybody: the first without a condition of its own."""
    given = [one for one in step.window.due if one.when is None] or list(step.window.due)
    chosen = given[-1] if given else step.window.otherwise
    if chosen is not None and chosen.from_ == "asked" and not (chosen.days or chosen.working_days):
        return ""
    return said.offset(replace(chosen, when=None, first=False, but_not_before=None)) if chosen else ""


def _notes(step: StepRule, said: Said) -> Iterator[Note]:
    ends: dict[str, list[str]] = {}
    for outcome in step.outcomes:
        if outcome.end:
            ends.setdefault(outcome.end, []).append(said.text(outcome.title))
    for end, titles in ends.items():
        title = said.end(end)
        short = ", ".join(one for one in titles if not _alike(one, title))
        yield Note("end", f"{short} → {title}" if short else title)
    for outcome in step.outcomes:
        name = said.text(outcome.title)
        back = [key for key in (*outcome.repeat, *outcome.unbook) if said.protocol.has_step(key)]
        if back:
            yield Note("again", f"{name}{said.colon}{said.titles(dict.fromkeys(back))}")
        if outcome.opens:
            yield Note("opens", f"{name}{said.colon}{said.titles(outcome.opens)}")
        if outcome.suspend:
            tracks = ", ".join(said.text(said.protocol.tracks[track]) for track in outcome.suspend)
            yield Note("pause", f"{name}{said.colon}{tracks}")
        if outcome.tells:
            yield Note(
                "tells", f"{name}{said.colon}{said.roles(dict.fromkeys(one.to for one in outcome.tells))}"
            )


def _alike(one: str, other: str) -> bool:
    """Whether two titles say the same, but for an ending."""
    return one.casefold()[:6] == other.casefold()[:6]


def _to(step: StepRule, said: Said) -> Iterator[Arrow]:
    for asked in step.after:
        for one in _steps_of(asked):
            if one.step:
                yield Arrow(one.step, step.key, _outcomes(one, said))
    for key in (*step.book_gates, *step.start_gates):
        for need in said.protocol.gate(key).needs:
            for one in _steps_of(need.when):
                if one.step:
                    yield Arrow(one.step, step.key, key, "gate")


def _steps_of(asked: Condition) -> Iterator[Condition]:
    yield asked
    for one in (*asked.any_of, *asked.none_of):
        yield from _steps_of(one)


def _outcomes(asked: Condition, said: Said) -> str:
    found: list[Outcome | None] = [said.protocol.step(asked.step or "").outcome(key) for key in asked.outcome]
    return ", ".join(said.text(one.title) for one in found if one is not None)
