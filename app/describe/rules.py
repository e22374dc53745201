"""The tables of what stands in the way and what is watched: gates, red flags, observations, alarms, obligations."""

from __future__ import annotations

from collections.abc import Iterator

from app.describe.words import Said
from pathway.protocol import Gate, RedFlag
from pathway.protocol_watch import AlarmRule, Round, Sign, Surveillance
from pathway.safety import Obligation

GATE_HEADS = ("Gate", "Must be true, or this is said", "Overridden by", "Source")
FLAG_HEADS = ("Finding", "When", "Effect", "Stops", "Overridden by", "Told", "Source")
ROUND_HEADS = ("Looked at", "When", "Kinds of items", "Missing after", "Source")
ALARM_HEADS = ("Alarm", "When", "Level", "To", "Answered within", "Effect", "Source")
OBLIGATION_HEADS = ("Obligation", "Before", "Must hold", "Overridden by", "Source")
ROLE_HEADS = ("Role", "Title", "Fallback")
END_HEADS = ("End", "Title", "Messages to the patient", "Opens")


def gate_rows(gate: Gate, said: Said) -> Iterator[tuple[str, ...]]:
    """Each need of a gate."""
    who = said.roles(gate.override)
    if gate.both:
        who = f" {said('and')} ".join(said.roles(group) for group in gate.both)
    for need in gate.needs:
        yield (
            f"**{gate.key}** {said.text(gate.title)}",
            said.text(need.reason),
            said("never") if need.never_override else who or said("nobody"),
            need.source,
        )


def flag_row(flag: RedFlag, said: Said) -> tuple[str, ...]:
    """A red flag: when it is there and what it does."""
    effect = said(flag.effect)
    if flag.end:
        effect += f"; {said('ends')}: {said.end(flag.end)}"
        if flag.decided_by:
            effect += f" ({said('Decided by').lower()} {said.roles(flag.decided_by)})"
    if flag.opens:
        effect += f"; {said('opens')} {said.titles(flag.opens)}"
    return (
        f"**{flag.key}** {said.text(flag.title)}",
        said.condition(flag.when),
        effect,
        ", ".join(flag.stops),
        said("never") if flag.never_override else "",
        said.role(flag.to) if flag.to else "",
        flag.source,
    )


# --- the watch --------------------------------------------------------------------------------------------


def round_row(one: Round, watch: Surveillance, said: Said) -> tuple[str, ...]:
    """Observation sets at equal distances."""
    minutes = said("min")
    items = (watch.item(key) for key in one.items)
    when = f"T0 + {one.start} {minutes}"
    if one.count > 1:
        when += f", {said('then')} {said('every')} {one.every} {minutes}, {one.count} {said('times')}"
    return (
        said.text(one.title),
        when,
        ", ".join(said.text(item.title) for item in items if item is not None),
        f"{one.amber} {minutes}, {one.red} {minutes} ({said.level('red')})",
        one.source,
    )


def alarm_row(rule: AlarmRule, watch: Surveillance, said: Said) -> tuple[str, ...]:
    """A threshold: what raises it, who hears, and what if nobody answers."""
    signs = f" {said('or')} ".join(sign_words(one, watch, said) for one in rule.any_of)
    heard = said.roles(rule.to)
    if rule.last_to:
        heard += f"; {said('then')} {said.roles(rule.last_to)}"
    effects = [said("pauses the pathway")] if rule.holds else []
    if rule.opens:
        effects.append(f"{said('opens')} {said.titles(rule.opens)}")
    within = f"{rule.acknowledge_minutes} {said('min')} ({rule.rounds} {said('times')})"
    return (
        said.text(rule.title),
        signs,
        said.level(rule.level),
        heard,
        within,
        "; ".join(effects),
        rule.source,
    )


def sign_words(sign: Sign, watch: Surveillance, said: Said) -> str:
    """What in an observation set raises an alarm."""
    item = watch.item(sign.item)
    spoken = said.text(item.title) if item else sign.item
    unit = item.unit.strip("{}") if item and not item.unit.startswith("{") else ""
    if sign.is_ is not None:
        spoken += f": {said('yes' if sign.is_ else 'no')}"
    for value, word in (
        (sign.at_least, "≥"),
        (sign.at_most, "≤"),
        (sign.falls_by, said("falls by")),
        (sign.rises_by, said("rises by")),
    ):
        if value is not None:
            spoken += f" {word} {value:g} {unit}".rstrip()
    if sign.is_new:
        spoken += f" ({said('new')})"
    if sign.times > 1:
        spoken += f", {sign.times} {said('times')} {said('in a row')}"
    if sign.from_minutes is not None:
        spoken += f", {said('from')} T0 + {sign.from_minutes} {said('min')}"
    if sign.to_minutes is not None:
        spoken += f", {said('until')} T0 + {sign.to_minutes} {said('min')}"
    return spoken


# --- what must be kept ------------------------------------------------------------------------------------


def obligation_row(one: Obligation, said: Said) -> tuple[str, ...]:
    """What must be true before something happens, and who may pass it."""
    who = f" {said('and')} ".join(said.roles(group) for group in one.override)
    return (
        said.text(one.title),
        ", ".join(_moment(name, said) for name in one.before),
        "; ".join(said.condition(need) for need in one.needs),
        who or said("nobody"),
        one.source,
    )


def _moment(name: str, said: Said) -> str:
    """A moment of an obligation: a step begins, is booked or ends with an outcome."""
    booked = name.startswith("booked ")
    key, _, outcome = name.removeprefix("booked ").partition(".")
    if not said.protocol.has_step(key):
        return said("End").lower() if name == "completed" else name
    spoken = said.title(key)
    found = said.protocol.step(key).outcome(outcome) if outcome else None
    if found is not None:
        spoken += f": {said.text(found.title)}"
    return f"{said('visit')} {spoken}" if booked else spoken


def end_row(key: str, said: Said) -> tuple[str, ...]:
    """A way the pathway can end."""
    end = said.protocol.ends[key]
    notes = [
        said(word) for word, is_so in (("silent", end.silent), ("looked at again", end.looks_again)) if is_so
    ]
    return f"`{key}`", said.text(end.title), ", ".join(notes), said.titles(end.opens)


def role_row(key: str, said: Said) -> tuple[str, ...]:
    """Who does things, and who is asked when nobody of this role is on the rota."""
    role = said.protocol.roles[key]
    return f"`{key}`", said.text(role.title), f"`{role.fallback}`" if role.fallback else ""
