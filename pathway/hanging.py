"""What a step's opening, its dates and its messages hang on, read off the protocol.

A state changes with every event, and most of what follows from it does not. So that only the rest is worked out
again, this says of each step which other steps, facts and parts of the state are looked at. A set of such things is
one number with a bit for each. Reading errs on the side of too much: whatever it does not know hangs on everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import reduce
from itertools import compress
from operator import is_not, or_
from typing import Any

from pathway.calendar import Calendar
from pathway.condition import Condition
from pathway.lifecycle import SETTLED
from pathway.protocol import Offset, Protocol, StepRule
from pathway.referral import Fact
from pathway.state import Pathway, Step

EVERYTHING = -1
"""Every bit there is."""

_FIELDS = tuple(field.name for field in fields(Pathway))

_CONDITION = (
    "fact is_ at_least at_most max_age_days step outcome hold cause held taken older_than_days older_than_months "
    "any_of none_of rule days hours"
)
_OFFSET = "from_ hours days working_days at when first but_not_before source"
_KNOWN = {Condition: frozenset(_CONDITION.split(" ")), Offset: frozenset(_OFFSET.split(" "))}
"""The parts that are read here. What a condition or an offset says beside hangs on everything."""


class Hanging:
    """The bits of one protocol. ``opens``, ``dates`` and ``words`` say of each step, by key, what they hang on.

    ``steps`` are the bits of the steps themselves, ``done`` of what others see of them: that they are settled, how,
    and of the procedure its slot.

    ``findings``: what the red flags hang on; ``apart``: the ladders that are of no step, by what they are of.
    """

    def __init__(self, protocol: Protocol) -> None:
        self._next = 1
        self.fields = {name: self._bit() for name in _FIELDS}
        self.steps = {rule.key: self._bit() for rule in protocol.steps}
        self.done = {rule.key: self._bit() for rule in protocol.steps}
        self._procedure = protocol.procedure_step
        self.facts: dict[str, int] = {}
        self.procedure = self.done[protocol.procedure_step]
        self.hold_start = self.procedure | self.fields["hold"] | self._fact("antithrombotics")
        self.ends_hold = self.procedure | self.done[protocol.hold.step]
        self.now = self.fields["as_of"]
        self.today = self._bit()
        self.status = self.fields["status"] | self.fields["end"]
        self.opens, self.dates, self.words = {}, {}, {}
        for rule in protocol.steps:
            self.opens[rule.key] = self.steps[rule.key] | self.of(rule.after)
            self.dates[rule.key] = self.status | self.of((rule.window, rule.ladder))
            self.words[rule.key] = self._said(rule)
        self.findings = {flag.key: self.of(flag.when) for flag in protocol.red_flags}
        self.anything_found = reduce(or_, self.findings.values(), 0)
        self.anything_said = reduce(or_, self.words.values(), 0)
        self.anything_opens = reduce(or_, self.opens.values(), 0) | self.ends_hold
        self.talk = self._fields("fired acknowledged undelivered called said snoozed told")
        watch = self.steps[protocol.surveillance.step] if protocol.surveillance else 0
        self.apart = {
            "alarms": self.status | watch | self._fields("alarms acknowledged fired"),
            "all sets": self.status | watch | self.procedure,
            "sets": self.status | watch | self.procedure | self.fields["observed"],
            "findings": self.status | self._fields("flagged acknowledged patient"),
            "revisit": self.status | self._fields("revisit end patient"),
        }

    # --- how two states differ ---

    def difference(self, was: dict[str, Any], now: dict[str, Any], calendar: Calendar) -> int:
        """What differs between two states, given as the dicts of their fields."""
        found = 0 if calendar.day(was["as_of"]) == calendar.day(now["as_of"]) else self.today
        for name in compress(_FIELDS, map(is_not, was.values(), now.values())):
            if name == "steps":
                found |= self.changed_steps(was[name], now[name])
            elif name == "facts":
                found |= self._changed_facts(was[name], now[name])
            else:
                found |= self.fields[name]
        return found

    def changed_steps(self, was: tuple[Step, ...], now: tuple[Step, ...]) -> int:
        """The steps that differ, and of which others see a difference."""
        if len(now) < len(was):
            return EVERYTHING
        found = 0
        for old, new in compress(zip(was, now, strict=False), map(is_not, was, now)):
            if old.key != new.key or new.key not in self.steps:
                return EVERYTHING
            found |= self.steps[new.key] | self.others_see(old, new)
        for new in now[len(was) :]:
            if new.key not in self.steps:
                return EVERYTHING
            found |= self.steps[new.key] | self.done[new.key]
        return found

    def others_see(self, old: Step, new: Step) -> int:
        """What differs for other steps: that it is settled, or the procedure's slot."""
        slot = new.key == self._procedure and (old.started, old.visit) != (new.started, new.visit)
        if slot or new.status in SETTLED or old.status in SETTLED or old.occurrence != new.occurrence:
            return self.done[new.key]
        return 0

    def _changed_facts(self, was: tuple[Fact, ...], now: tuple[Fact, ...]) -> int:
        new = now[len(was) :] if now[: len(was)] == was else (*was, *now)
        found, bits = 0, self.facts
        for fact in new:
            found |= bits.get(fact.key, 0)
        return found

    # --- reading the protocol ---

    def _bit(self) -> int:
        bit, self._next = self._next, self._next << 1
        return bit

    def _fields(self, names: str) -> int:
        return reduce(or_, (self.fields[name] for name in names.split(" ")), 0)

    def _fact(self, key: str) -> int:
        if key not in self.facts:
            self.facts[key] = self._bit()
        return self.facts[key]

    def _said(self, rule: StepRule) -> int:
        """What a step's messages hang on beside what is said already: the slots, the plan, the patient's ways."""
        found = self.dates[rule.key] | self.of(rule.messages)
        if rule.messages or rule.kind == "visit":
            found |= self.procedure | self.fields["hold"] | self.fields["patient"] | self.fields["opted_out"]
        return found

    def of(self, value: Any) -> int:
        """Everything that the conditions and offsets anywhere inside hang on."""
        if isinstance(value, Condition):
            return self._condition(value)
        if isinstance(value, Offset):
            return self._offset(value)
        parts: Iterable[Any] = ()
        if isinstance(value, tuple | list):
            parts = value
        elif isinstance(value, dict):
            parts = value.values()
        elif is_dataclass(value):
            parts = (getattr(value, field.name) for field in fields(value))
        found = 0
        for part in parts:
            found |= self.of(part)
        return found

    def _condition(self, asked: Condition) -> int:
        if any(name not in _KNOWN[Condition] for name in _given(asked)):
            return EVERYTHING
        found = self.of(asked.any_of) | self.of(asked.none_of)
        if asked.rule is not None:
            reads = _RULES.get(asked.rule)
            found |= reads(self, asked) if reads else EVERYTHING
        if asked.fact is not None:
            found |= self._fact(asked.fact)
            if asked.max_age_days is not None or asked.older_than_days is not None:
                found |= self.procedure | self.today
            if asked.older_than_months is not None:
                found |= self.procedure | self.today
        if asked.step is not None:
            found |= self.done[asked.step]
        if asked.hold or asked.held:
            found |= self.fields["hold"]
        if asked.cause:
            found |= self.fields["fracture"]
        if asked.taken:
            found |= self._fact("antithrombotics")
        return found

    def _offset(self, given: Offset) -> int:
        if any(name not in _KNOWN[Offset] for name in _given(given)):
            return EVERYTHING
        found = self.of(given.when) | self.of(given.but_not_before)
        head, _, tail = given.from_.partition(":")
        if head in ("done", "data"):
            return found | self.done[tail.partition(".")[0]]
        anchors = {
            "referral": self.fields["referred"],
            "fracture": self.fields["fracture"],
            "procedure": self.procedure,
            "hold_start": self.hold_start,
            "last_intake": self.hold_start,
            "breached": self.fields["hold"],
            "refused": self.fields["hold"],
            **dict.fromkeys(("opened", "asked", "due", "slot", "missed"), 0),  # of the step itself
        }
        return found | anchors.get(head, EVERYTHING)


def hanging(protocol: Protocol) -> Hanging:
    """The bits of this protocol, read once."""
    found: Hanging | None = protocol.__dict__.get("_hanging")
    if found is None:
        found = protocol.__dict__["_hanging"] = Hanging(protocol)
    return found


def _given(value: Condition | Offset) -> Iterator[str]:
    return (field.name for field in fields(value) if getattr(value, field.name) != field.default)


_RULES: dict[str, Callable[[Hanging, Condition], int]] = {
    "antithrombotics-answered": lambda bits, _: bits._fact("antithrombotics"),
    "days-before-procedure": lambda bits, asked: bits.procedure | bits.done[asked.step or ""],
    "drawn-for-procedure": lambda bits, asked: bits.procedure | bits._fact(asked.fact or ""),
    "fracture-older": lambda bits, _: bits.procedure | bits.fields["fracture"] | bits.today,
    "fracture-recent": lambda bits, _: bits.fields["fracture"] | bits.fields["referred"],
    "held-drugs-have-resumption": lambda bits, asked: bits.fields["hold"] | bits.done[asked.step or ""],
    "hold-time-left": lambda bits, _: bits.hold_start | bits.today,
    "observed-since-procedure": lambda bits, _: bits.procedure | bits.now,
    "procedure-slot-stands": lambda bits, _: bits.procedure,
}
"""What the checks of ``gates.RULES`` look at. One that is not here looks at everything."""
