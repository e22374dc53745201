"""What the safety block says of each step, held against the step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from pathway.checking.fault import Fault
from pathway.protocol import Protocol, StepRule
from pathway.safety import Kept


def lost(protocol: Protocol) -> Iterator[Fault]:
    """What the protocol must keep and has lost."""
    safety = protocol.safety
    for kept in safety.steps:
        rule = protocol.step(kept.step)
        yield from _outcomes(rule, kept)
        yield from _people(rule, kept)
        yield from _missing(rule, "messages", (one.key for one in rule.messages), kept.says)
        yield from _missing(rule, "answers", (one.key for one in rule.answers), kept.asks)
        counted = Counter(offset.from_ for offset in rule.window.due)
        for anchor in sorted(Counter(kept.due_from) - counted):
            said = f"has lost the due time that counts from {anchor}."
            yield Fault("lost", f"steps.{rule.key}.window.due", said)
        for condition in kept.sooner:
            if not any(offset.when == condition for offset in rule.window.due):
                said = "has lost the sooner deadline that it must have for some patients."
                yield Fault("lost", f"steps.{rule.key}.window.due", said)
    for name in ("silent", "looks_again"):
        stated = set(getattr(safety, name))
        for key, end in protocol.ends.items():
            if getattr(end, name) is not (key in stated) and (stated or safety.obligations):
                said = f"is{'' if getattr(end, name) else ' not'} {name}, and safety.{name} says otherwise."
                yield Fault("lost", f"ends.{key}", said)
    yield from _findings(protocol)


def _outcomes(rule: StepRule, kept: Kept) -> Iterator[Fault]:
    where = f"steps.{rule.key}.outcomes"
    for key in kept.offers:
        outcome = rule.outcome(key)
        if outcome is None:
            yield Fault("lost", f"{where}.{key}", "is no longer offered.")
        elif outcome.end is not None:
            said = f"ends the pathway as {outcome.end}; it must go on."
            yield Fault("lost", f"{where}.{key}", said)
    for key, end in kept.ends.items():
        outcome = rule.outcome(key)
        if outcome is None or outcome.end != end:
            yield Fault("lost", f"{where}.{key}", f"must end the pathway as {end}.")
    for key, steps in kept.repeats.items():
        outcome = rule.outcome(key)
        missing = set(steps) - set(outcome.repeat if outcome else ())
        if missing:
            said = f"must have {', '.join(sorted(missing))} done again."
            yield Fault("lost", f"{where}.{key}.repeat", said)


def _people(rule: StepRule, kept: Kept) -> Iterator[Fault]:
    where = f"steps.{rule.key}"
    if kept.signed_by and set(kept.signed_by) != set(rule.signed_by):
        wanted, there = ", ".join(kept.signed_by), ", ".join(rule.signed_by) or "anybody"
        said = f"must be signed by {wanted} and nobody else; it says {there}."
        yield Fault("lost", f"{where}.signed_by", said)
    if kept.never_waived and rule.waivable:
        yield Fault("lost", f"{where}.waivable", "must be settled by an outcome, and may be waived.")
    told = {rung.key: {rung.to, *rung.also} for rung in rule.ladder}
    for rung, roles in kept.heard.items():
        if rung not in told:
            yield Fault("lost", f"{where}.ladder.{rung}", f"is gone: {', '.join(roles)} would not hear.")
        elif missing := set(roles) - told[rung]:
            said = f"must tell {', '.join(sorted(missing))} as well."
            yield Fault("lost", f"{where}.ladder.{rung}", said)


def _missing(rule: StepRule, what: str, there: Iterable[str], wanted: tuple[str, ...]) -> Iterator[Fault]:
    for key in sorted(set(wanted) - set(there)):
        yield Fault("lost", f"steps.{rule.key}.{what}.{key}", "is gone, and the safety block keeps it.")


def _findings(protocol: Protocol) -> Iterator[Fault]:
    safety = protocol.safety
    for key, gates in safety.findings.items():
        flag = protocol.red_flag(key)
        missing = set(gates) - set(flag.stops if flag else ())
        if missing:
            said = f"must stop {', '.join(sorted(missing))}."
            yield Fault("lost", f"red_flags.{key}.stops", said)
    for key in safety.never_passed:
        flag = protocol.red_flag(key)
        if flag is None or not flag.never_override:
            yield Fault("lost", f"red_flags.{key}.never_override", "must never be overridden by anybody.")
    for key, roles in safety.alarms.items():
        alarm = protocol.surveillance.alarm(key) if protocol.surveillance else None
        if alarm is None or set(roles) - set(alarm.to):
            yield Fault("lost", f"surveillance.alarms.{key}", f"must be told at once to {', '.join(roles)}.")
