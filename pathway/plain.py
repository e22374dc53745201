"""Plain moves: a step completed that asks for nothing and brings nothing but what waits for it.

In a protocol that is a line or a net of such steps, without ladders, messages, gates or findings, most of what
``decide`` asks can be answered once for all. It is read off the protocol here, and such a move is made by this table.
Whatever is not plain, in the protocol, in the state or in the event, is left to the rules: they and the table
answer the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pathway.condition import Condition
from pathway.events import StepCompleted
from pathway.ground import Ground
from pathway.lifecycle import SETTLED, Assignment, StepStatus
from pathway.protocol import Offset, Outcome, Protocol, StepRule, Window
from pathway.state import Pathway, PathwayStatus, Step

_new, _set = object.__new__, object.__setattr__

_PROTOCOL = (
    "protocol version url title hours messaging hold roles ends gates steps procedure_step facts tracks "
    "safety digest"
)
_STEP = "key title performer window outcomes source track after assigned waivable minutes code"
_PLAIN: dict[type, frozenset[str]] = {
    Protocol: frozenset(_PROTOCOL.split(" ")),
    StepRule: frozenset(_STEP.split(" ")),
    Window: frozenset({"due"}),
    Offset: frozenset({"from_", "hours", "source"}),
    Outcome: frozenset({"key", "title"}),
    Condition: frozenset({"step", "outcome"}),
}
"""What a plain protocol says. Anything else that is not at its default makes it no plain one."""


class Awaiting(NamedTuple):
    """A step that waits for another: its key, what it is when it opens, and all it waits for."""

    key: str
    assignment: Assignment
    after: tuple[tuple[str, tuple[str, ...]], ...]


class Table:
    """The plain moves of one protocol: by step and outcome, what waits; and how long each step may take."""

    def __init__(self, protocol: Protocol) -> None:
        self.hold, self.procedure = protocol.hold.step, protocol.procedure_step
        self.spans: dict[str, timedelta] = {}
        awaiting: dict[str, list[Awaiting]] = {rule.key: [] for rule in protocol.steps}
        for rule in protocol.steps:
            span = rule.window.due[0].span
            assert span is not None
            self.spans[rule.key] = span
            given = Assignment.GIVEN if rule.assigned else Assignment.REQUESTED
            after = tuple((one.step or "", one.outcome) for one in rule.after)
            for key in dict.fromkeys(key for key, _ in after):
                awaiting[key].append(Awaiting(rule.key, given, after))
        self.moves = {
            (rule.key, outcome.key): tuple(awaiting[rule.key])
            for rule in protocol.steps
            for outcome in rule.outcomes
        }


class Calm(NamedTuple):
    """What is known of a state that ``decide`` has made: its table, and when one of its steps is late next (UTC)."""

    protocol: Protocol
    table: Table
    until: datetime | None


def calmed(pathway: Pathway, ground: Ground) -> Pathway:
    """The state, its consequences drawn, with a note of what the next plain move has to know, if one can be plain."""
    table = _table(ground.protocol)
    odd = pathway.flagged or pathway.alarms or pathway.snoozed or pathway.revisit
    if table is None or odd or pathway.status is not PathwayStatus.ACTIVE:
        return pathway
    late = (
        step.opened + table.spans[step.key]
        for step in pathway.steps
        if step.opened is not None and step.status not in SETTLED
    )
    until = min((one for one in late if one > pathway.as_of), default=None)
    _set(pathway, "_calm", Calm(ground.protocol, table, until))
    return pathway


def plainly(pathway: Pathway, event: StepCompleted, ground: Ground, at: datetime) -> Pathway | None:
    """The pathway after a plain move, as the rules would make it; None when it is not plain."""
    known: Calm | None = pathway._calm
    if known is None or known.protocol is not ground.protocol or event.data or event.occurred is not None:
        return None
    table, until = known.table, known.until
    key, now = event.step, pathway.as_of
    awaiting = table.moves.get((key, event.outcome))
    if awaiting is None or event.occurrence is not None:
        return None
    places = pathway._places or pathway.places()
    steps = list(pathway.steps)
    place = places[key]
    step = steps[place]
    if step.status is not StepStatus.OPEN or step.opened is None or step.visit is not None or step.started:
        return None
    if at > now:
        now = at
        if until is not None and until <= now:
            return None
    if key == table.procedure and steps[places[table.hold]].status not in SETTLED and key != table.hold:
        return None
    steps[place] = _with(
        step,
        status=StepStatus.DONE,
        outcome=event.outcome,
        settled=now,
        data={},
        by=event.by.name,
        touched=now,
        was_due=step.opened + table.spans[key],
        was_not_before=None,
    )
    opened = False
    for one in awaiting:
        there = places[one.key]
        waits = steps[there]
        if waits.status is not StepStatus.WAITING:
            continue
        if not all(_is_met(steps[places[name]], outcomes) for name, outcomes in one.after):
            if all(steps[places[name]].status in SETTLED for name, _ in one.after):
                return None  # it will never be met: the rules drop the step, and what follows from that
            continue
        steps[there] = _with(
            waits, status=StepStatus.OPEN, opened=now, assignment=one.assignment, touched=now
        )
        opened = True
        late = now + table.spans[one.key]
        if until is None or late < until:
            until = late
    status = PathwayStatus.ACTIVE
    if not opened and all(one.status in SETTLED for one in steps):
        status = PathwayStatus.COMPLETED
    made: Pathway = _with(pathway, as_of=now, seq=pathway.seq + 1, status=status, steps=tuple(steps))
    _set(made, "_known", pathway._known)
    _set(made, "_places", places)
    _set(made, "_facts", pathway._facts)
    still = known if until is known.until else Calm(known.protocol, table, until)
    _set(made, "_calm", still if status is PathwayStatus.ACTIVE else None)
    return made


def _with(value: Any, **changes: Any) -> Any:
    made = _new(type(value))
    _set(made, "__dict__", value.__dict__ | changes)
    return made


def _is_met(step: Step, outcomes: tuple[str, ...]) -> bool:
    if step.status is StepStatus.DONE:
        return not outcomes or step.outcome in outcomes
    return not outcomes and step.status in SETTLED


def _table(protocol: Protocol) -> Table | None:
    """The table of a plain protocol, read once; None for any other."""
    try:
        found: Table | None = protocol.__dict__["_plain"]
    except KeyError:
        found = protocol.__dict__["_plain"] = None if any(_oddities(protocol)) else Table(protocol)
    return found


def _oddities(protocol: Protocol) -> Iterator[bool]:
    """What is not plain about a protocol."""
    yield _is_odd(protocol)
    for rule in protocol.steps:
        yield _is_odd(rule) or _is_odd(rule.window) or len(rule.window.due) != 1
        yield from (_is_odd(outcome) for outcome in rule.outcomes)
        yield from (_is_odd(one) or one.step is None for one in rule.after)
        yield from (_is_odd(one) or one.from_ != "opened" or one.hours is None for one in rule.window.due)


def _is_odd(value: Any) -> bool:
    """Whether it says something that plain ones do not say."""
    return any(
        getattr(value, field.name) != (field.default if field.default is not MISSING else _empty(field))
        for field in fields(value)
        if field.name not in _PLAIN[type(value)]
    )


def _empty(field: Any) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else None
