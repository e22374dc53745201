"""Every wait has a deadline, somebody who hears of it, and a rota that ends at somebody."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pathway.checking.fault import Fault
from pathway.protocol import Offset, Protocol, Rung, StepRule, Window

AlwaysDone = Callable[[str, str], bool]
"""Whether the second step is done on every path on which the first one opens."""

_LEVELS = ("reminder", "overdue", "escalation", "red")
_LATE = frozenset({"overdue", "escalation", "red"})
_SURE = frozenset({"due", "opened", "referral"})
"""Anchors that are known as soon as a step is open: ``due`` because every window has one that is."""


def unheard(protocol: Protocol, always_done: AlwaysDone) -> Iterator[Fault]:
    """Waits without a deadline or without an escalation, ladders out of order, roles that nobody stands in for."""
    for rule in protocol.steps:
        yield from _deadline(rule)
        yield from _escalation(rule, protocol, always_done)
        yield from _order(rule)
        yield from _signers(rule, protocol)
    yield from _rota(protocol)
    yield from _alarms(protocol)


def _deadline(rule: StepRule) -> Iterator[Fault]:
    window = rule.window
    if not window.due:
        said = "names no due time; otherwise counts only while none of its times is known."
        yield Fault("no-deadline", f"steps.{rule.key}.window.due", said)
    if not any(_is_sure(one) for one in _offsets(window)):
        said = "may wait for ever: add otherwise, counted from opened or referral."
        yield Fault("no-deadline", f"steps.{rule.key}.window", said)


def _offsets(window: Window) -> tuple[Offset, ...]:
    return (*window.due, *((window.otherwise,) if window.otherwise else ()))


def _is_sure(offset: Offset) -> bool:
    """Whether the moment is known for every open occurrence."""
    return offset.from_ in ("opened", "referral") and offset.when is None and not offset.first


def _escalation(rule: StepRule, protocol: Protocol, always_done: AlwaysDone) -> Iterator[Fault]:
    late = [rung for rung in rule.ladder if rung.level in _LATE and _fires(rung, rule, protocol, always_done)]
    where = f"steps.{rule.key}.ladder"
    if not any(rung.level in ("escalation", "red") for rung in late):
        said = "nobody hears when it stays undone: add a rung of level escalation, counted from due."
        yield Fault("no-escalation", where, said)
    elif not any({rung.to, *rung.also} - {rule.performer} for rung in late):
        said = f"only {rule.performer}, who has not done it, hears that it is late: tell another role too."
        yield Fault("no-escalation", where, said)


def _fires(rung: Rung, rule: StepRule, protocol: Protocol, always_done: AlwaysDone) -> bool:
    """Whether every occurrence that stays undone reaches the rung: its moment hangs on nothing uncertain."""
    if rung.at.when is not None or rung.at.first:
        return False
    if rung.at.from_ in _SURE:
        return True
    if rung.at.from_ == "procedure":
        return always_done(rule.key, protocol.procedure_step)
    head, _, done = rung.at.from_.partition(":")
    return head == "done" and always_done(rule.key, done)


def _order(rule: StepRule) -> Iterator[Fault]:
    """No rung speaks before one of a lower level that counts from the same moment in the same unit."""
    for low in rule.ladder:
        for high in rule.ladder:
            if _LEVELS.index(low.level) >= _LEVELS.index(high.level):
                continue
            one, other = _distance(low.at), _distance(high.at)
            if one is not None and other is not None and one[:2] == other[:2] and one[2:] > other[2:]:
                said = f"the {high.level} {high.key} speaks before the {low.level} {low.key}."
                yield Fault("ladder-order", f"steps.{rule.key}.ladder.{high.key}", said)
    for rung in rule.ladder:
        distance = _distance(rung.at)
        if distance and distance[0] == "due" and rung.level == "reminder" and distance[2] > 0:
            said = f"the reminder {rung.key} speaks after the due time."
            yield Fault("ladder-order", f"steps.{rule.key}.ladder.{rung.key}", said)
        if distance and distance[0] == "due" and rung.level in _LATE and distance[2] < 0:
            said = f"the {rung.level} {rung.key} speaks before the due time."
            yield Fault("ladder-order", f"steps.{rule.key}.ladder.{rung.key}", said)


def _distance(offset: Offset) -> tuple[str, str, float] | None:
    """Anchor, unit and number; a moment at the anchor itself counts in every unit alike, as days."""
    if offset.when is not None or offset.but_not_before is not None:
        return None
    for unit, value in (
        ("hours", offset.hours),
        ("days", offset.days),
        ("working_days", offset.working_days),
    ):
        if value:
            return offset.from_, unit, float(value)
    return offset.from_, "days", 0.0


def _signers(rule: StepRule, protocol: Protocol) -> Iterator[Fault]:
    """Who is asked to do it, or who stands in, may sign it."""
    may = protocol.hold.signers if rule.kind == "hold" else rule.signed_by
    if may and not {rule.performer, *_chain(rule.performer, protocol)} & set(may):
        said = f"{rule.performer} is asked to do it and may not sign it, nor may who stands in; {', '.join(may)} may."
        yield Fault("no-signer", f"steps.{rule.key}.signed_by", said)


def _chain(role: str, protocol: Protocol) -> list[str]:
    """The roles that stand in for a role, in order; the last one repeats an earlier one when they go round."""
    chain = [role]
    while (fallback := protocol.roles[chain[-1]].fallback) is not None:
        chain.append(fallback)
        if chain.count(fallback) > 1:
            break
    return chain


def _rota(protocol: Protocol) -> Iterator[Fault]:
    desk = protocol.messaging.desk
    for role in protocol.roles:
        chain = _chain(role, protocol)
        if chain.count(chain[-1]) > 1:
            said = f"the fallbacks go round and end at nobody: {' → '.join(chain)}."
            yield Fault("no-fallback", f"roles.{role}.fallback", said)
        elif chain[-1] != desk:
            said = (
                f"nobody stands in when no {chain[-1]} is on the rota; the last to be asked must be {desk}."
            )
            yield Fault("no-fallback", f"roles.{role}.fallback", said)


def _alarms(protocol: Protocol) -> Iterator[Fault]:
    """An alarm is said again until somebody answers, the last time to others as well."""
    watch = protocol.surveillance
    for alarm in watch.alarms if watch else ():
        where = f"surveillance.alarms.{alarm.key}"
        if alarm.level == "red" and alarm.rounds < 2:
            yield Fault(
                "no-escalation", where, "is said only once; a red alarm is said again until answered."
            )
        if alarm.level == "red" and not set(alarm.last_to) - set(alarm.to):
            yield Fault(
                "no-escalation", where, "unanswered it reaches nobody else: name another role in last_to."
            )
