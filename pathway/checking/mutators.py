"""Faults seeded at every site of a protocol's steps: something taken away, swapped, sent elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from pathway.checking.mutant import Mutant, Mutator, swapped, with_step, without
from pathway.checking.mutators_around import AROUND
from pathway.protocol import Outcome, Protocol, StepRule

Texts = Mapping[str, Any]


def _step(kind: str, where: str, protocol: Protocol, texts: Texts, rule: StepRule, **changes: Any) -> Mutant:
    place = f"steps.{rule.key}{where}"
    return Mutant(kind, place, with_step(protocol, rule, **changes), texts, frozenset({rule.key}))


def _rungs(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Take a rung away, send it to another role, tell nobody besides."""
    roles = list(protocol.roles)
    for rule in protocol.steps:
        for index, rung in enumerate(rule.ladder):
            where = f".ladder.{rung.key}"
            yield _step("drop-rung", where, protocol, texts, rule, ladder=without(rule.ladder, index))
            other = roles[(roles.index(rung.to) + 1) % len(roles)]
            elsewhere = tuple(replace(one, to=other) if one is rung else one for one in rule.ladder)
            yield _step("retarget-rung", where, protocol, texts, rule, ladder=elsewhere)
            if rung.also:
                alone = tuple(replace(one, also=()) if one is rung else one for one in rule.ladder)
                yield _step("drop-also", where, protocol, texts, rule, ladder=alone)


def _ladders(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Take all escalations of a step away; let two neighbouring rungs speak at each other's time."""
    for rule in protocol.steps:
        mild = tuple(rung for rung in rule.ladder if rung.level not in ("escalation", "red"))
        if len(mild) < len(rule.ladder):
            yield _step("drop-escalations", ".ladder", protocol, texts, rule, ladder=mild)
        for index, (one, other) in enumerate(pairwise(rule.ladder)):
            if one.level != other.level and one.at.from_ == other.at.from_ and one.at != other.at:
                changed = list(rule.ladder)
                changed[index], changed[index + 1] = replace(one, at=other.at), replace(other, at=one.at)
                where = f".ladder.{one.key}-{other.key}"
                yield _step("swap-rungs", where, protocol, texts, rule, ladder=tuple(changed))


def _windows(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Take a due time, all of them, or the one that counts otherwise away."""
    for rule in protocol.steps:
        window = rule.window
        for index in range(len(window.due)):
            shorter = replace(window, due=without(window.due, index))
            yield _step("drop-due", f".window.due[{index}]", protocol, texts, rule, window=shorter)
        if len(window.due) > 1:
            yield _step("drop-window", ".window.due", protocol, texts, rule, window=replace(window, due=()))
        if window.otherwise is not None:
            never = replace(window, otherwise=None)
            yield _step("drop-otherwise", ".window.otherwise", protocol, texts, rule, window=never)


def _after(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Let a step open without one of the things that it waits for, or wait for what another waits for."""
    for rule in protocol.steps:
        for index in range(len(rule.after)):
            yield _step(
                "drop-after", f".after[{index}]", protocol, texts, rule, after=without(rule.after, index)
            )
    waiting = [rule for rule in protocol.steps if rule.after]
    for one, other in pairwise(waiting):
        if one.after != other.after:
            changed = with_step(with_step(protocol, one, after=other.after), other, after=one.after)
            where = f"steps.{one.key}-{other.key}.after"
            yield Mutant("swap-after", where, changed, texts, frozenset({one.key, other.key}))


def _people(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Let anybody sign, somebody else sign, or the step be waived."""
    for rule in protocol.steps:
        if rule.signed_by:
            yield _step("drop-signers", ".signed_by", protocol, texts, rule, signed_by=())
            wider = (*rule.signed_by, protocol.messaging.desk)
            yield _step("add-signer", ".signed_by", protocol, texts, rule, signed_by=wider)
        if not rule.waivable:
            yield _step("waivable", ".waivable", protocol, texts, rule, waivable=True)


def _outcomes(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Take an outcome away, or its end, its gates, what it has done again; send it to another end."""
    ends = list(protocol.ends)
    for rule in protocol.steps:
        for index, outcome in enumerate(rule.outcomes):
            where = f".outcomes.{outcome.key}"
            if len(rule.outcomes) > 1:
                fewer = without(rule.outcomes, index)
                yield _step("drop-outcome", where, protocol, texts, rule, outcomes=fewer)
            for kind, changed in _changed(outcome, ends):
                changed_outcomes = (*rule.outcomes[:index], changed, *rule.outcomes[index + 1 :])
                yield _step(kind, where, protocol, texts, rule, outcomes=changed_outcomes)


def _changed(outcome: Outcome, ends: list[str]) -> Iterator[tuple[str, Outcome]]:
    if outcome.end is not None:
        yield "drop-end", replace(outcome, end=None)
        yield "retarget-end", replace(outcome, end=ends[(ends.index(outcome.end) + 1) % len(ends)])
    if outcome.repeat:
        yield "drop-repeat", replace(outcome, repeat=())
    for index in range(len(outcome.gates)):
        yield "drop-outcome-gate", replace(outcome, gates=without(outcome.gates, index))


def _step_gates(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Take a gate away from where a step begins or is booked."""
    for rule in protocol.steps:
        for index, key in enumerate(rule.start_gates):
            fewer = without(rule.start_gates, index)
            yield _step("drop-start-gate", f".start_gates.{key}", protocol, texts, rule, start_gates=fewer)
        for index, key in enumerate(rule.book_gates):
            fewer = without(rule.book_gates, index)
            yield _step("drop-book-gate", f".book_gates.{key}", protocol, texts, rule, book_gates=fewer)


def _said_and_asked(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Take a message to the patient away, or an answer that a gate asks for or an outcome requires."""
    asked = {
        need.when.fact for gate in protocol.gates for need in gate.needs if need.when.fact is not None
    } - set(protocol.facts)
    for rule in protocol.steps:
        for index, message in enumerate(rule.messages):
            fewer = without(rule.messages, index)
            yield _step("drop-message", f".messages.{message.key}", protocol, texts, rule, messages=fewer)
        for index, answer in enumerate(rule.answers):
            asked_once = sum(one.key == answer.key for step in protocol.steps for one in step.answers) == 1
            if answer.required_for or (answer.key in asked and answer.fact and asked_once):
                where = f".answers.{answer.key}"
                yield _step("drop-answer", where, protocol, texts, rule, answers=without(rule.answers, index))


def _needs_swapped(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Let two gates ask for what the other asks first."""
    for index, (one, other) in enumerate(pairwise(protocol.gates)):
        gates = list(protocol.gates)
        gates[index] = replace(one, needs=(other.needs[0], *one.needs[1:]))
        gates[index + 1] = replace(other, needs=(one.needs[0], *other.needs[1:]))
        where = f"gates.{one.key}-{other.key}.needs[0]"
        yield Mutant("swap-needs", where, replace(protocol, gates=tuple(gates)), texts)
        swapped_gates = swapped(protocol.gates, index, index + 1)
        renamed = list(swapped_gates)
        renamed[index] = replace(renamed[index], key=one.key)
        renamed[index + 1] = replace(renamed[index + 1], key=other.key)
        where = f"gates.{one.key}-{other.key}"
        yield Mutant("swap-gates", where, replace(protocol, gates=tuple(renamed)), texts)


MUTATORS: tuple[Mutator, ...] = (
    _rungs,
    _ladders,
    _windows,
    _after,
    _people,
    _outcomes,
    _step_gates,
    _said_and_asked,
    _needs_swapped,
    *AROUND,
)


def mutants(protocol: Protocol, texts: Texts) -> Iterator[Mutant]:
    """Every seeded fault, at every site of the protocol and its texts."""
    for mutate in MUTATORS:
        yield from mutate(protocol, texts)
