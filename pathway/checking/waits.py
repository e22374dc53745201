"""Every wait has a deadline, somebody who hears of it, and a rota that ends at somebody."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pathway.checking.fault import Fault
from pathway.protocol import Offset, Protocol, Rung, StepRule, Window

AlwaysDone = Callable[[str, str], bool]
"""Whether the second step is done on every path on which the first one opens."""

_LATE = frozenset({"overdue", "escalation", "red"})
_SURE = frozenset({"due", "opened", "referral"})
"""Anchors that are known as soon as a step is open: ``due`` because every window has one that is."""


def unheard(protocol: Protocol, always_done: AlwaysDone) -> Iterator[Fault]:
    """Waits without a deadline or without an escalation, ladders out of order, roles that nobody stands in for."""
    for rule in protocol.steps:
        yield from _deadline(rule)
        yield from _escalation(rule, protocol, always_done)
        yield from _order(rule, protocol)
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


def _order(rule: StepRule, protocol: Protocol) -> Iterator[Fault]:
    """Rungs speak in the order of their levels, and in that of the safety block; late ones not before the due time."""
    rungs = {rung.key: rung for rung in rule.ladder}
    stated = [key for key in protocol.safety.kept(rule.key).heard if key in rungs]
    pairs = {(low.key, high.key) for low in rule.ladder for high in rule.ladder if _is_milder(low, high)}
    pairs |= {(one, other) for place, one in enumerate(stated) for other in stated[place + 1 :]}
    for one, other in sorted(pairs):
        if _is_later(rungs[one].at, rungs[other].at):
            said = f"the {rungs[other].level} {other} speaks before the {rungs[one].level} {one}."
            yield Fault("ladder-order", f"steps.{rule.key}.ladder.{other}", said)
    at_due = Offset(from_="due")
    for rung in rule.ladder:
        where = f"steps.{rule.key}.ladder.{rung.key}"
        if rung.level == "reminder" and _is_later(rung.at, at_due):
            yield Fault("ladder-order", where, f"the reminder {rung.key} speaks after the due time.")
        if rung.level in _LATE and _is_later(at_due, rung.at):
            yield Fault("ladder-order", where, f"the {rung.level} {rung.key} speaks before the due time.")


_LEVELS = ("reminder", "overdue", "escalation")
"""From mild to strong; ``red`` may come at any time."""


def _is_milder(low: Rung, high: Rung) -> bool:
    known = low.level in _LEVELS and high.level in _LEVELS
    return known and _LEVELS.index(low.level) < _LEVELS.index(high.level)


def _is_later(one: Offset, other: Offset) -> bool:
    """Whether the first moment surely comes after the second: from the same anchor, whatever the holidays."""
    if one.from_ != other.from_ or one.when is not None or one.but_not_before or other.but_not_before:
        return False
    if one.working_days and other.working_days:
        return one.working_days > other.working_days
    return _days(one)[0] > _days(other)[1]


def _days(offset: Offset) -> tuple[float, float]:
    """At least and at most so many calendar days; five working days take seven, and up to four more with holidays."""
    if offset.working_days:
        number = offset.working_days
        far = number * 1.4 + (4 if number > 0 else -4)
        return (number, far) if number > 0 else (far, number)
    days = offset.days or (offset.hours or 0) / 24
    return days, days


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
    told: set[frozenset[str]] = set()
    for role in protocol.roles:
        chain = _chain(role, protocol)
        if chain.count(chain[-1]) > 1:
            round_ = frozenset(chain[chain.index(chain[-1]) :])
            if round_ in told:
                continue
            told.add(round_)
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
