"""Names in a protocol that lead nowhere, and waits without a deadline: what its shape alone cannot say.

What the whole protocol can reach is the checker's question, not this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pathway.codec import Malformed
from pathway.safety import BOOKED, COMPLETED

if TYPE_CHECKING:
    from pathway.protocol import (
        Answer,
        Condition,
        End,
        Notice,
        Offset,
        Outcome,
        PatientMessage,
        Protocol,
        RedFlag,
        Rung,
        StepRule,
    )
    from pathway.protocol_watch import Surveillance
    from pathway.safety import Safety

_ANCHORS = (
    "referral",
    "fracture",
    "opened",
    "asked",
    "due",
    "slot",
    "missed",
    "procedure",
    "hold_start",
    "last_intake",
    "breached",
    "refused",
)
_ALWAYS_KNOWN = ("referral", "opened")


def complaints(protocol: Protocol) -> Iterator[Malformed]:
    """Every complaint, in the order of the file; each names its place by keys (``steps.review.ladder.call``)."""
    return _Reader(protocol).read()


class _Reader:
    """The names that a protocol gives, against which every mention is held."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.steps = {step.key: step for step in protocol.steps}
        self.gates = {gate.key for gate in protocol.gates}
        self.facts = set(protocol.facts)
        self.facts |= {answer.key for step in protocol.steps for answer in step.answers if answer.fact}

    def read(self) -> Iterator[Malformed]:
        protocol = self.protocol
        yield from _known("procedure_step", protocol.procedure_step, self.steps, "step")
        yield from _known("hold.step", protocol.hold.step, self.steps, "step")
        yield from self.roles("hold.signers", protocol.hold.signers)
        yield from self.on_demand("hold.refused_opens", protocol.hold.refused_opens)
        yield from self.roles("messaging.desk", (protocol.messaging.desk,))
        for key, role in protocol.roles.items():
            yield from self.roles(f"roles.{key}.fallback", (role.fallback,) if role.fallback else ())
        yield from _twice("steps", [step.key for step in protocol.steps])
        yield from _twice("gates", [gate.key for gate in protocol.gates])
        for gate in protocol.gates:
            yield from self.roles(f"gates.{gate.key}.override", gate.override)
            for index, need in enumerate(gate.needs):
                yield from self.condition(f"gates.{gate.key}.needs[{index}].when", need.when)
            for index, group in enumerate(gate.both):
                yield from self.roles(f"gates.{gate.key}.both[{index}]", group)
        for end_key, end in protocol.ends.items():
            yield from self.end(f"ends.{end_key}", end)
        yield from _twice("red_flags", [flag.key for flag in protocol.red_flags])
        for flag in protocol.red_flags:
            yield from self.red_flag(f"red_flags.{flag.key}", flag)
        for step in protocol.steps:
            yield from self.step(step)
        if protocol.surveillance:
            yield from self.surveillance(protocol.surveillance)
        yield from self.safety(protocol.safety)

    def safety(self, safety: Safety) -> Iterator[Malformed]:
        """Outcomes, rungs, messages and answers that are missing are the checker's to tell."""
        yield from _twice("safety.obligations", [one.key for one in safety.obligations])
        yield from _twice("safety.steps", [one.step for one in safety.steps])
        for one in safety.obligations:
            path = f"safety.obligations.{one.key}"
            for index, asked in enumerate(one.needs):
                yield from self.condition(f"{path}.needs[{index}]", asked)
            for index, group in enumerate(one.override):
                yield from self.roles(f"{path}.override[{index}]", group)
            for moment in one.before:
                yield from self.moment(f"{path}.before", moment)
        for kept in safety.steps:
            path = f"safety.steps.{kept.step}"
            yield from _known(f"{path}.step", kept.step, self.steps, "step")
            for index, asked in enumerate(kept.opens_after):
                yield from self.condition(f"{path}.opens_after[{index}]", asked)
            for index, asked in enumerate(kept.sooner):
                yield from self.condition(f"{path}.sooner[{index}]", asked)
            yield from self.roles(f"{path}.signed_by", kept.signed_by)
            for rung, roles in kept.heard.items():
                yield from self.roles(f"{path}.heard.{rung}", roles)
            for outcome, end in kept.ends.items():
                yield from _known(f"{path}.ends.{outcome}", end, self.protocol.ends, "end")
            for outcome, keys in kept.repeats.items():
                for key in keys:
                    yield from _known(f"{path}.repeats.{outcome}", key, self.steps, "step")
        for name in ("by_hand", "silent", "looks_again"):
            for end in getattr(safety, name):
                yield from _known(f"safety.{name}", end, self.protocol.ends, "end")

    def moment(self, path: str, moment: str) -> Iterator[Malformed]:
        if moment == COMPLETED:
            return
        key, _, outcome = moment.removeprefix(f"{BOOKED} ").partition(".")
        yield from _known(
            path, key, self.steps, f"step (a moment is STEP, STEP.OUTCOME, {BOOKED} STEP or {COMPLETED})"
        )
        if outcome and key in self.steps:
            known = [one.key for one in self.steps[key].outcomes]
            yield from _known(path, outcome, known, f"outcome of {key}")

    def end(self, path: str, end: End) -> Iterator[Malformed]:
        yield from self.on_demand(f"{path}.opens", end.opens)
        yield from self.notices(f"{path}.tells", end.tells)
        if end.silent and (end.opens or end.tells):
            yield Malformed(path, "is silent, so it opens and tells nothing")

    def red_flag(self, path: str, flag: RedFlag) -> Iterator[Malformed]:
        yield from self.condition(f"{path}.when", flag.when)
        yield from self.named_gates(f"{path}.stops", flag.stops)
        yield from self.on_demand(f"{path}.opens", flag.opens)
        yield from self.roles(f"{path}.decided_by", flag.decided_by)
        yield from self.roles(f"{path}.to", (flag.to,) if flag.to else ())
        if flag.end is not None:
            yield from _known(f"{path}.end", flag.end, self.protocol.ends, "end")
        if (flag.effect == "divert") != (flag.end is not None):
            yield Malformed(f"{path}.end", "goes with the effect divert, and only with it")
        if flag.effect in ("stop", "divert", "defer") and not flag.stops:
            yield Malformed(
                f"{path}.stops", f"is missing: say which gates it stops, since its effect is {flag.effect}"
            )

    def surveillance(self, watch: Surveillance) -> Iterator[Malformed]:
        yield from _known("surveillance.step", watch.step, self.steps, "step")
        yield from self.roles("surveillance.charge", (watch.charge,))
        items = {item.key for item in watch.items}
        for name, keys in (
            ("items", [item.key for item in watch.items]),
            ("rounds", [one.key for one in watch.rounds]),
            ("alarms", [alarm.key for alarm in watch.alarms]),
        ):
            yield from _twice(f"surveillance.{name}", keys)
        for one in watch.rounds:
            path = f"surveillance.rounds.{one.key}"
            for key in one.items:
                yield from _known(f"{path}.items", key, items, "item")
            for key in one.needed:
                yield from _known(f"{path}.needed", key, set(one.items), "item of the round")
            if one.count < 1 or one.every < 1 or one.amber < 0 or one.red < one.amber:
                yield Malformed(path, "needs count and every of at least 1, and red not before amber")
        for alarm in watch.alarms:
            path = f"surveillance.alarms.{alarm.key}"
            yield from self.roles(f"{path}.to", alarm.to)
            yield from self.roles(f"{path}.last_to", alarm.last_to)
            yield from self.on_demand(f"{path}.opens", alarm.opens)
            if not alarm.to or not alarm.any_of:
                yield Malformed(path, "needs somebody who hears it (to) and at least one sign (any_of)")
            if alarm.rounds < 1 or alarm.acknowledge_minutes < 1:
                yield Malformed(path, "needs rounds and acknowledge_minutes of at least 1")
            for index, sign in enumerate(alarm.any_of):
                yield from _known(f"{path}.any_of[{index}].item", sign.item, items, "item")

    def on_demand(self, path: str, keys: Iterable[str]) -> Iterator[Malformed]:
        for key in keys:
            yield from _known(path, key, self.steps, "step")
            if key in self.steps and not self.steps[key].on_demand:
                yield Malformed(path, f"opens {key}, which is not on_demand: it opens by its own after")

    def notices(self, path: str, notices: tuple[Notice, ...]) -> Iterator[Malformed]:
        yield from _twice(path, [one.key for one in notices])
        for one in notices:
            yield from self.roles(f"{path}.{one.key}.to", (one.to,))

    def step(self, step: StepRule) -> Iterator[Malformed]:
        path = f"steps.{step.key}"
        yield from self.roles(f"{path}.performer", (step.performer,))
        yield from self.roles(f"{path}.signed_by", step.signed_by)
        if self.protocol.tracks:
            yield from _known(f"{path}.track", step.track, self.protocol.tracks, "track")
        for index, asked in enumerate(step.after):
            yield from self.condition(f"{path}.after[{index}]", asked)
        yield from self.window(path, step)
        for name, keys in (("book_gates", step.book_gates), ("start_gates", step.start_gates)):
            yield from self.named_gates(f"{path}.{name}", keys)
        for outcome in step.outcomes:
            yield from self.outcome(f"{path}.outcomes.{outcome.key}", outcome)
        yield from _twice(f"{path}.outcomes", [outcome.key for outcome in step.outcomes])
        yield from _twice(f"{path}.ladder", [rung.key for rung in step.ladder])
        yield from _twice(f"{path}.messages", [message.key for message in step.messages])
        for rung in step.ladder:
            yield from self.rung(f"{path}.ladder.{rung.key}", rung)
        for message in step.messages:
            yield from self.message(f"{path}.messages.{message.key}", message)
        outcomes = {outcome.key for outcome in step.outcomes}
        for answer in step.answers:
            where = f"{path}.answers.{answer.key}"
            for key in answer.required_for:
                yield from _known(f"{where}.required_for", key, outcomes, f"outcome of {step.key}")
            if answer.key == "revisit" and answer.kind != "date":
                yield Malformed(f"{where}.kind", "must be date: the pathway is looked at again on that day")
            yield from self.answer(where, answer)
        if step.on_demand and step.after:
            yield Malformed(f"{path}.after", "does not go with on_demand: it opens when it is asked for")

    def answer(self, path: str, answer: Answer) -> Iterator[Malformed]:
        if (answer.kind == "choice") != bool(answer.choices):
            yield Malformed(f"{path}.choices", "goes with kind choice, and only with it")
        if (answer.kind == "table") != bool(answer.columns):
            yield Malformed(f"{path}.columns", "goes with kind table, and only with it")
        if answer.when:
            yield from self.condition(f"{path}.when", answer.when)
        for column in answer.columns:
            if column.kind == "table":
                yield Malformed(f"{path}.columns.{column.key}", "is a table in a table")
            yield from self.answer(f"{path}.columns.{column.key}", column)

    def window(self, path: str, step: StepRule) -> Iterator[Malformed]:
        window = step.window
        for index, given in enumerate(window.due):
            yield from self.offset(f"{path}.window.due[{index}]", given)
        for name, one in (("otherwise", window.otherwise), ("earliest", window.earliest)):
            if one is not None:
                yield from self.offset(f"{path}.window.{name}", one)
        candidates = (*window.due, *((window.otherwise,) if window.otherwise else ()))
        if not any(one.from_ in _ALWAYS_KNOWN and one.when is None and not one.first for one in candidates):
            yield Malformed(
                f"{path}.window",
                "may stay without a date; add otherwise, counted from opened or referral, "
                "since every wait needs a deadline",
            )

    def outcome(self, path: str, outcome: Outcome) -> Iterator[Malformed]:
        if outcome.end is not None:
            yield from _known(f"{path}.end", outcome.end, self.protocol.ends, "end")
        for name, keys in (("repeat", outcome.repeat), ("unbook", outcome.unbook)):
            for key in keys:
                yield from _known(f"{path}.{name}", key, self.steps, "step")
        yield from self.on_demand(f"{path}.opens", outcome.opens)
        yield from self.notices(f"{path}.tells", outcome.tells)
        for track in outcome.suspend:
            yield from _known(f"{path}.suspend", track, self.protocol.tracks, "track")
        yield from self.named_gates(f"{path}.gates", outcome.gates)

    def rung(self, path: str, rung: Rung) -> Iterator[Malformed]:
        yield from self.roles(f"{path}.to", (rung.to,))
        yield from self.roles(f"{path}.also", rung.also)
        yield from self.offset(f"{path}.at", rung.at)

    def message(self, path: str, message: PatientMessage) -> Iterator[Malformed]:
        for index, given in enumerate(message.at):
            yield from self.offset(f"{path}.at[{index}]", given)
        if message.until:
            yield from self.offset(f"{path}.until", message.until)
        elif message.about == "step":
            yield Malformed(f"{path}.until", "is missing: say until when it is useful")

    def condition(self, path: str, asked: Condition) -> Iterator[Malformed]:
        if asked.fact is not None:
            yield from _known(f"{path}.fact", asked.fact, self.facts, "fact")
        if asked.step is not None:
            yield from _known(f"{path}.step", asked.step, self.steps, "step")
        elif asked.outcome:
            yield Malformed(f"{path}.outcome", "goes with a step")
        if asked.step in self.steps:
            outcomes = {outcome.key for outcome in self.steps[asked.step].outcomes}
            for key in asked.outcome:
                yield from _known(f"{path}.outcome", key, outcomes, f"outcome of {asked.step}")
        for name, parts in (("any_of", asked.any_of), ("none_of", asked.none_of)):
            for index, one in enumerate(parts):
                yield from self.condition(f"{path}.{name}[{index}]", one)
        if (asked.older_than_days or asked.older_than_months) and asked.fact is None:
            yield Malformed(path, "older_than_days and older_than_months ask about a fact: name it")
        if asked.rule == "drawn-for-procedure" and asked.fact is None:
            yield Malformed(path, "drawn-for-procedure asks about a fact: name it")

    def offset(self, path: str, given: Offset) -> Iterator[Malformed]:
        head, _, tail = given.from_.partition(":")
        if head in ("done", "data") and tail:
            key, _, name = tail.partition(".")
            yield from _known(f"{path}.from", key, self.steps, "step")
            if head == "data" and key in self.steps:
                dated = {a.key for a in self.steps[key].answers if a.kind in ("date", "instant")}
                yield from _known(f"{path}.from", name, dated, f"date or instant asked by {key}")
        else:
            yield from _known(
                f"{path}.from", given.from_, (*_ANCHORS, "done:STEP", "data:STEP.KEY"), "anchor"
            )
        if sum(part is not None for part in (given.hours, given.days, given.working_days)) > 1:
            yield Malformed(path, "say one of hours, days or working_days")
        if given.hours is not None and given.at is not None:
            yield Malformed(f"{path}.at", "goes with days or working_days: hours are counted from an instant")
        if given.when:
            yield from self.condition(f"{path}.when", given.when)
        if given.but_not_before:
            yield from self.offset(f"{path}.but_not_before", given.but_not_before)

    def roles(self, path: str, names: Iterable[str]) -> Iterator[Malformed]:
        for name in names:
            yield from _known(path, name, self.protocol.roles, "role")

    def named_gates(self, path: str, keys: Iterable[str]) -> Iterator[Malformed]:
        for key in keys:
            yield from _known(path, key, self.gates, "gate")


def _known(path: str, name: str, names: Iterable[str], what: str) -> Iterator[Malformed]:
    if name not in names:
        there = ", ".join(sorted(names)) or "none"
        yield Malformed(path, f"there is no {what} {name!r}; there are: {there}")


def _twice(path: str, keys: list[str]) -> Iterator[Malformed]:
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield Malformed(path, f"the key {key!r} is given twice")
