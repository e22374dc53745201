"""What the peers of ``moves.py`` keep beside their state, and the protocol's guards asked of that.

A state machine knows only which state it is in. So that a guard of the protocol can be asked at all, every peer
is given the same small, mutable ward book. It is less than a pathway: it has no history, no occurrences, no
windows, no ladders, no calendar; and a guard that only a calendar could answer counts as met.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pathway import events as e
from pathway.protocol import Condition, Protocol, StepRule
from pathway.protocol_watch import AlarmRule, Sign

HOLDS: dict[type[e.Event], tuple[str, str]] = {
    e.HoldSigned: ("signed", "signed"),
    e.HoldNotRequired: ("not-required", "not_required"),
}
"""The state of the hold and the outcome of its step that these events bring."""


@dataclass
class Ward:
    """What is known of one patient: facts with their instants, outcomes, when a step was settled, visits, the hold."""

    facts: dict[str, tuple[Any, datetime]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    settled: dict[str, datetime] = field(default_factory=dict)
    visits: dict[str, datetime] = field(default_factory=dict)
    sets: list[tuple[datetime, Mapping[str, Any]]] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    hold: str = "unknown"
    cause: str = "osteoporotic"
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)


Guard = Callable[[Ward], bool]


@dataclass(frozen=True)
class Act:
    """An event as a state machine is told it: ``verb`` (complete, book, start, learn) and the step it is about."""

    verb: str
    step: str
    at: datetime
    outcome: str = ""
    hold: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    slot: datetime | None = None
    seen: Mapping[str, Any] = field(default_factory=dict)
    alarms: Mapping[str, Guard] = field(default_factory=dict)

    @property
    def trigger(self) -> str:
        """The name that the machines give it."""
        return f"{self.verb}_{self.step}" if self.step else self.verb

    def tell(self, ward: Ward) -> None:
        """Write into the book what this act brings to know. It is written before the guards are asked."""
        ward.now = self.at
        for key, value in self.facts.items():
            ward.facts[key] = (value, self.at)
        if self.hold:
            ward.hold = self.hold
        if self.seen:
            ward.sets.append((self.at, self.seen))
            ward.alarms += [key for key, is_raised in self.alarms.items() if is_raised(ward)]
        if self.slot is not None:
            ward.visits[self.step] = self.slot
        if self.verb == "complete":
            ward.outcomes[self.step] = self.outcome
            ward.settled[self.step] = self.at


def acts(life: Sequence[tuple[datetime, e.Event]], protocol: Protocol) -> tuple[Act, ...]:
    """The events of a life, as acts."""
    return tuple(_act(at, event, protocol) for at, event in life)


def _act(at: datetime, event: e.Event, protocol: Protocol) -> Act:
    if isinstance(event, e.StepCompleted):
        return Act("complete", event.step, at, outcome=event.outcome, facts=event.data)
    if isinstance(event, e.VisitBooked):
        return Act("book" if event.confirmed else "propose", event.step, at, slot=event.start)
    if isinstance(event, e.StepEvent):
        return Act("start", event.step, at)
    if type(event) in HOLDS:
        hold, outcome = HOLDS[type(event)]
        return Act("complete", protocol.hold.step, at, outcome=outcome, hold=hold)
    if isinstance(event, e.ObservationsRecorded):
        return Act("learn", "", at, seen=event.values, alarms=raising(protocol))
    if isinstance(event, e.FactsRecorded):
        return Act("learn", "", at, facts={fact.key: fact.value for fact in event.facts})
    raise TypeError(f"the peers have no act for {type(event).__name__}")


# --- the guards ---


def opening(protocol: Protocol, key: str) -> Guard:
    """What must hold for a step to open."""
    return _all([_condition(one, protocol) for one in protocol.step(key).after])


def gates(protocol: Protocol, keys: Sequence[str]) -> Guard:
    """Every need of these gates."""
    return _all([_condition(need.when, protocol) for key in keys for need in protocol.gate(key).needs])


def completing(protocol: Protocol, key: str) -> Guard:
    """The gates of the outcome that the book names."""
    by_outcome = {one.key: gates(protocol, one.gates) for one in protocol.step(key).outcomes if one.gates}

    def asked(ward: Ward) -> bool:
        guard = by_outcome.get(ward.outcomes[key])
        return guard is None or guard(ward)

    return asked


def raising(protocol: Protocol) -> dict[str, Guard]:
    """The alarms of the watch, by key: whether the sets recorded so far show one of their signs."""
    if protocol.surveillance is None:
        return {}
    return {one.key: _alarm(one, protocol) for one in protocol.surveillance.alarms}


def _alarm(rule: AlarmRule, protocol: Protocol) -> Guard:
    procedure = protocol.procedure_step

    def asked(ward: Ward) -> bool:
        for sign in rule.any_of:
            looked = [(at, seen[sign.item]) for at, seen in ward.sets if sign.item in seen]
            last = looked[-sign.times :]
            if len(last) == sign.times and all(
                _is_so(sign, at - ward.settled[procedure], value, looked[0][1]) for at, value in last
            ):
                return True
        return False

    return asked


def _is_so(sign: Sign, after: timedelta, value: Any, baseline: Any) -> bool:
    minutes = after / timedelta(minutes=1)
    return (
        (sign.from_minutes is None or minutes >= sign.from_minutes)
        and (sign.to_minutes is None or minutes <= sign.to_minutes)
        and (sign.is_ is None or value is sign.is_)
        and (not sign.is_new or (value is True and baseline is not True))
        and (sign.at_least is None or value >= sign.at_least)
        and (sign.at_most is None or value <= sign.at_most)
        and (sign.falls_by is None or baseline - value >= sign.falls_by)
        and (sign.rises_by is None or value - baseline >= sign.rises_by)
    )


def _all(guards: Sequence[Guard]) -> Guard:
    asked = tuple(guards)
    return lambda ward: all(guard(ward) for guard in asked)


def _condition(condition: Condition, protocol: Protocol) -> Guard:
    parts: list[Guard] = []
    if condition.rule is not None:
        parts.append(_rule(condition, protocol))
    elif condition.fact is not None:
        parts.append(_fact(condition, condition.fact))
    elif condition.step is not None:
        parts.append(_step(condition.step, condition.outcome))
    if condition.hold:
        parts.append(lambda ward: ward.hold in condition.hold)
    if condition.cause:
        parts.append(lambda ward: ward.cause in condition.cause)
    if condition.any_of:
        several = [_condition(one, protocol) for one in condition.any_of]
        parts.append(lambda ward: any(one(ward) for one in several))
    if condition.none_of:
        none = [_condition(one, protocol) for one in condition.none_of]
        parts.append(lambda ward: not any(one(ward) for one in none))
    if condition.older_than_days is not None or condition.older_than_months is not None or condition.taken:
        return lambda _: False  # asked of warnings and findings only, which none of these patients has
    return parts[0] if len(parts) == 1 else _all(parts)


def _fact(condition: Condition, key: str) -> Guard:
    wanted, low, high = condition.is_, condition.at_least, condition.at_most
    age = None if condition.max_age_days is None else timedelta(days=condition.max_age_days)

    def asked(ward: Ward) -> bool:
        known = ward.facts.get(key)
        if known is None or (wanted is not None and known[0] != wanted):
            return False
        if (low is not None and known[0] < low) or (high is not None and known[0] > high):
            return False
        return age is None or ward.now - known[1] <= age

    return asked


def _step(key: str, outcomes: tuple[str, ...]) -> Guard:
    if not outcomes:
        return lambda ward: key in ward.outcomes
    return lambda ward: ward.outcomes.get(key) in outcomes


def _rule(condition: Condition, protocol: Protocol) -> Guard:
    procedure, step, days = protocol.procedure_step, condition.step or "", condition.days or 0
    if condition.rule == "days-before-procedure":
        return lambda ward: ward.visits[procedure] - ward.settled[step] >= timedelta(days=days)
    if condition.rule == "observed-since-procedure":
        return lambda ward: ward.now - ward.settled[procedure] >= timedelta(days=days)
    if condition.rule == "held-drugs-have-resumption":
        return lambda ward: ward.hold == "not-required" or step in ward.outcomes
    if condition.rule == "antithrombotics-answered":
        return lambda ward: "antithrombotics" in ward.facts
    if condition.rule == "procedure-slot-stands":
        return lambda ward: procedure in ward.visits
    return lambda _: True


# --- the protocol as the peers can know it ---

STANDING = ("open", "scheduled", "started")
PLACES = ("waiting", *STANDING, "done")
"""Where a step can be in a machine: what they live of a step's own table."""


def on_the_way(protocol: Protocol) -> list[StepRule]:
    """The steps that belong to every life; those that somebody asks for are left out."""
    return [rule for rule in protocol.steps if not rule.on_demand]


def by_track(protocol: Protocol) -> dict[str, list[StepRule]]:
    """The steps of every track."""
    tracks: dict[str, list[StepRule]] = {}
    for rule in on_the_way(protocol):
        tracks.setdefault(rule.track, []).append(rule)
    return tracks


class Refusal(Exception):
    """A machine did not take an act that it should have taken."""
