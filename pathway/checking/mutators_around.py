"""Faults seeded around the steps: in gates, findings, alarms, roles, ends and texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pathway.checking.mutant import Mutant, Mutator, asking, with_gate, without
from pathway.checking.texts import LANGUAGES, asked_for
from pathway.condition import Condition
from pathway.protocol import Protocol

Texts = Mapping[str, Any]


def _needs(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Take a need away, make it passable, ask less of it, or the contrary."""
    for gate in protocol.gates:
        touches = asking(protocol, gate)
        for index, need in enumerate(gate.needs):
            where = f"gates.{gate.key}.needs[{index}]"
            fewer = with_gate(protocol, gate, needs=without(gate.needs, index))
            yield Mutant("drop-need", where, fewer, texts, touches)
            changes = [(kind, replace(need, when=when)) for kind, when in _weaker(need.when)]
            if need.never_override and (gate.override or gate.both):
                changes.append(("drop-never-override", replace(need, never_override=False)))
            for kind, changed in changes:
                needs = (*gate.needs[:index], changed, *gate.needs[index + 1 :])
                yield Mutant(kind, where, with_gate(protocol, gate, needs=needs), texts, touches)


def _weaker(when: Condition) -> Iterator[tuple[str, Condition]]:
    if when.max_age_days is not None:
        yield "drop-age", replace(when, max_age_days=None)
    if when.at_most is not None:
        yield "loosen", replace(when, at_most=when.at_most + 1)
    if when.at_least is not None:
        yield "loosen", replace(when, at_least=when.at_least - 1)
    if isinstance(when.is_, bool):
        yield "negate", replace(when, is_=not when.is_)
    if when.outcome:
        yield "drop-asked-outcome", replace(when, outcome=())
    if len(when.hold) > 1:
        yield "widen-hold", replace(when, hold=(*when.hold, "proposed"))
    if when.any_of:
        yield "widen", replace(when, any_of=(*when.any_of, Condition()))


def _gates(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Take a gate away; let nobody, everybody's desk, or one group alone override it."""
    desk = protocol.messaging.desk
    for index, gate in enumerate(protocol.gates):
        where, touches = f"gates.{gate.key}", asking(protocol, gate)
        gone = replace(protocol, gates=without(protocol.gates, index))
        yield Mutant("drop-gate", where, gone, texts, touches)
        if gate.override:
            nobody = with_gate(protocol, gate, override=())
            yield Mutant("drop-override", f"{where}.override", nobody, texts, touches)
        if not gate.both and desk not in gate.override:
            anybody = with_gate(protocol, gate, override=(*gate.override, desk))
            yield Mutant("add-override", f"{where}.override", anybody, texts, touches)
        for number in range(len(gate.both)):
            fewer = with_gate(protocol, gate, both=without(gate.both, number))
            yield Mutant("drop-group", f"{where}.both[{number}]", fewer, texts, touches)


def _findings(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Take a finding away, one of the gates that it stops, or that nobody overrides it."""
    for index, flag in enumerate(protocol.red_flags):
        flags, where = protocol.red_flags, f"red_flags.{flag.key}"
        if flag.stops:
            yield Mutant("drop-finding", where, replace(protocol, red_flags=without(flags, index)), texts)
        for number, gate in enumerate(flag.stops):
            changed = replace(flag, stops=without(flag.stops, number))
            some = (*flags[:index], changed, *flags[index + 1 :])
            yield Mutant("drop-stop", f"{where}.stops.{gate}", replace(protocol, red_flags=some), texts)
        if flag.never_override:
            some = (*flags[:index], replace(flag, never_override=False), *flags[index + 1 :])
            yield Mutant("passable-finding", where, replace(protocol, red_flags=some), texts)


def _alarms(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Take an alarm away, somebody who hears of it, or that it is said again."""
    watch = protocol.surveillance
    for index, alarm in enumerate(watch.alarms if watch else ()):
        assert watch is not None
        where = f"surveillance.alarms.{alarm.key}"
        changes = [
            ("drop-heard", f".to.{role}", replace(alarm, to=without(alarm.to, number)))
            for number, role in enumerate(alarm.to)
        ]
        if alarm.level == "red":
            changes.append(("say-once", "", replace(alarm, rounds=1)))
            changes.append(("drop-last", "", replace(alarm, last_to=())))
        fewer = replace(watch, alarms=without(watch.alarms, index))
        yield Mutant("drop-alarm", where, replace(protocol, surveillance=fewer), texts)
        for kind, place, changed in changes:
            alarms = (*watch.alarms[:index], changed, *watch.alarms[index + 1 :])
            again = replace(protocol, surveillance=replace(watch, alarms=alarms))
            yield Mutant(kind, where + place, again, texts)


def _roles(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Let nobody stand in for a role, or let those who stand in go round."""
    for key, role in protocol.roles.items():
        if role.fallback is not None:
            roles = {**protocol.roles, key: replace(role, fallback=None)}
            yield Mutant("drop-fallback", f"roles.{key}.fallback", replace(protocol, roles=roles), texts)
    desk = protocol.messaging.desk
    for key in protocol.roles:
        if key != desk:
            roles = {**protocol.roles, desk: replace(protocol.roles[desk], fallback=key)}
            yield Mutant("round", f"roles.{desk}.fallback={key}", replace(protocol, roles=roles), texts)
            break


def _ends(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Take an end away, its silence, or that it is looked at again."""
    for key, end in protocol.ends.items():
        fewer = {name: one for name, one in protocol.ends.items() if name != key}
        yield Mutant("drop-named-end", f"ends.{key}", replace(protocol, ends=fewer), texts)
        turned = (
            ("turn-silent", replace(end, silent=not end.silent)),
            ("turn-looks-again", replace(end, looks_again=not end.looks_again)),
        )
        for kind, changed in turned:
            yield Mutant(kind, f"ends.{key}", replace(protocol, ends={**protocol.ends, key: changed}), texts)


def _texts(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Take a text away, one of its languages, one of the ways it goes."""
    for name, ways in asked_for(protocol).items():
        rest = {key: one for key, one in texts.items() if key != name}
        yield Mutant("drop-text", f"messages.{name}", protocol, rest)
        for language in LANGUAGES:
            said = texts[name]
            other = {key: one for key, one in said.items() if key != language}
            yield Mutant("drop-language", f"messages.{name}.{language}", protocol, {**rest, name: other})
            for way in ways:
                less = {**said, language: {key: one for key, one in said[language].items() if key != way}}
                where = f"messages.{name}.{language}.{way}"
                yield Mutant("drop-way", where, protocol, {**rest, name: less})


AROUND: tuple[Mutator, ...] = (_needs, _gates, _findings, _alarms, _roles, _ends, _texts)
