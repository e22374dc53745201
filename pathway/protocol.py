"""A protocol as a value: steps, windows, gates, ladders and messages, exactly as the YAML file says them.

The file is read by ``app`` (the only place that knows YAML) and handed in as plain data to ``read_protocol``,
which answers a ``Protocol`` or a ``Malformed`` naming the place and the remedy. Clinical numbers live in that
file with their source; this module holds none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time
from functools import cached_property
from typing import Any, Literal

from pathway.codec import Malformed, decode
from pathway.refusal import Text


@dataclass(frozen=True, slots=True)
class Condition:
    """A small question about the state. Every part that is given must hold.

    ``fact`` with nothing else asks that it be known; ``is_`` compares, ``at_least``/``at_most`` bound it,
    ``max_age_days`` bounds its age at the procedure (or now while there is none). ``step`` asks that its last
    occurrence be settled, with one of ``outcome`` where given. ``hold`` asks for one of these hold states.
    ``cause`` asks for one of these causes of the fracture. ``rule`` names a check written in ``gates.py``.
    """

    fact: str | None = None
    is_: Any = None
    at_least: float | None = None
    at_most: float | None = None
    max_age_days: int | None = None
    step: str | None = None
    outcome: tuple[str, ...] = ()
    hold: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    rule: str | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """One line of a gate: what must be true, and the sentence to show when it is not."""

    when: Condition
    reason: Text
    source: str
    never_override: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition that must be met before a step may start, be booked or be completed."""

    key: str
    title: Text
    needs: tuple[Need, ...]
    override: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Offset:
    """A moment counted from an anchor: real ``hours``, or calendar ``days`` / ``working_days`` at a wall time.

    Anchors: ``referral``, ``fracture``, ``opened`` (this occurrence), ``due`` and ``slot`` (of this step),
    ``procedure`` (the day and hour it stands at, or happened), ``hold_start`` (day of the earliest last
    intake), ``last_intake`` (each drug's, for messages), ``done:STEP``, ``data:STEP.KEY`` (an instant or day
    recorded at completion).
    """

    from_: str
    hours: float | None = None
    days: int | None = None
    working_days: int | None = None
    at: time | None = None
    when: Condition | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """When a step should happen. ``due`` is the earliest of the offsets whose anchor is known."""

    due: tuple[Offset, ...]
    earliest: Offset | None = None


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder of reminders and escalations towards a role.

    ``level``: ``reminder`` (before the due time), ``overdue``, ``escalation`` or ``red``. ``effect``
    ``not-ready`` flags the procedure.
    """

    key: str
    at: Offset
    to: str
    level: Literal["reminder", "overdue", "escalation", "red"]
    text: Text | None = None
    effect: Literal["not-ready"] | None = None


@dataclass(frozen=True, slots=True)
class PatientMessage:
    """A ladder of messages to the patient. Each ``at`` is a rung; ``until`` is when it becomes useless.

    ``about`` says what must stand for the message to exist: ``visit`` (a booked slot of this step),
    ``hold`` (a signed hold plan with something to stop) or ``step`` (the step is open).
    """

    key: str
    template: str
    at: tuple[Offset, ...]
    about: Literal["visit", "hold", "step"] = "visit"
    until: Offset | None = None
    any_day: bool = False
    channels: tuple[str, ...] = ("sms", "email")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step may end, and what that does beyond opening what waits for it.

    ``end`` names the end of the pathway it brings; ``repeat`` lists steps to do again; ``unbook`` lists
    steps whose slot is given up; ``suspend`` lists tracks to put on hold; ``gates`` must be met to record it.
    """

    key: str
    title: Text
    end: str | None = None
    repeat: tuple[str, ...] = ()
    unbook: tuple[str, ...] = ()
    suspend: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A value the person completing a step is asked for. With ``fact`` it becomes a fact of that key."""

    key: str
    title: Text
    kind: Literal["number", "text", "yes-no", "date", "instant", "choice"]
    fact: bool = True
    required_for: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class StepRule:
    """One piece of work of the protocol.

    ``kind``: ``task``, ``visit`` (has an Appointment), ``hold`` (settled only by the hold plan's own
    events). ``after`` lists conditions that must all hold for it to open. ``assigned`` work goes straight to
    its queue (FHIR ``ready``); otherwise somebody accepts it first.
    """

    key: str
    title: Text
    performer: str
    window: Window
    outcomes: tuple[Outcome, ...]
    source: str
    kind: Literal["task", "visit", "hold"] = "task"
    track: str = "main"
    after: tuple[Condition, ...] = ()
    assigned: bool = True
    minutes: int = 30
    book_gates: tuple[str, ...] = ()
    start_gates: tuple[str, ...] = ()
    ladder: tuple[Rung, ...] = ()
    messages: tuple[PatientMessage, ...] = ()
    answers: tuple[Answer, ...] = ()
    code: str = ""

    def outcome(self, key: str) -> Outcome | None:
        """The outcome of that key, or None."""
        return next((outcome for outcome in self.outcomes if outcome.key == key), None)


@dataclass(frozen=True, slots=True)
class Role:
    """Who does things. ``fallback`` is asked when nobody of this role is on the rota."""

    title: Text
    fallback: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """A way the pathway can end. ``silent`` ends owe the patient no further message."""

    title: Text
    silent: bool = False


@dataclass(frozen=True, slots=True)
class HoldRule:
    """The anticoagulant hold as a signed step: who signs, and what is assumed until a plan is proposed."""

    step: str
    signers: tuple[str, ...]
    assumed_max_offset_days: int
    source: str


@dataclass(frozen=True, slots=True)
class Hours:
    """The centre's hours, as wall time in its zone, and the holidays that count (ISO 3166 codes)."""

    zone: str
    business_close: time
    decent_from: time
    decent_to: time
    country: str
    subdivision: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Messaging:
    """Rules that hold for every message. ``desk`` is the role that calls and writes when no message can."""

    desk: str
    recovery_silence_hours: int
    daily_budget: int
    budget_free_hours: int
    letter_lead_days: int
    page_life_hours: int
    source: str


@dataclass(frozen=True)
class Protocol:
    """One version of one protocol. ``digest`` is the hash of its content; a pathway keeps the one it began with."""

    protocol: str
    version: str
    url: str
    title: Text
    hours: Hours
    messaging: Messaging
    hold: HoldRule
    roles: dict[str, Role]
    ends: dict[str, End]
    gates: tuple[Gate, ...]
    steps: tuple[StepRule, ...]
    procedure_step: str
    facts: dict[str, Text] = field(default_factory=dict)
    tracks: dict[str, Text] = field(default_factory=dict)
    digest: str = ""

    @cached_property
    def _steps(self) -> dict[str, StepRule]:
        return {step.key: step for step in self.steps}

    @cached_property
    def _gates(self) -> dict[str, Gate]:
        return {gate.key: gate for gate in self.gates}

    def step(self, key: str) -> StepRule:
        """The step of that key. KeyError when the protocol has none: ask ``has_step`` for outside input."""
        return self._steps[key]

    def has_step(self, key: str) -> bool:
        """Whether the protocol has a step of that key."""
        return key in self._steps

    def gate(self, key: str) -> Gate:
        """The gate of that key."""
        return self._gates[key]


def read_protocol(data: Any, *, digest: str = "") -> Protocol:
    """The protocol that plain data (a parsed YAML file) describes. Raises Malformed with path and remedy."""
    protocol = decode(Protocol, {**data, "digest": digest} if isinstance(data, dict) else data)
    for complaint in _complaints(protocol):
        raise complaint
    return protocol


_PLAIN_ANCHORS = {"referral", "fracture", "opened", "due", "slot", "procedure", "hold_start", "last_intake"}


def _complaints(protocol: Protocol) -> list[Malformed]:
    """Names that lead nowhere. What the whole protocol can reach is the checker's question, not this one."""
    steps = {step.key for step in protocol.steps}
    gates = {gate.key for gate in protocol.gates}
    found: list[Malformed] = []

    def known(path: str, name: str | None, names: set[str], what: str) -> None:
        if name is not None and name not in names:
            found.append(
                Malformed(path, f"there is no {what} {name!r}; there are {', '.join(sorted(names))}")
            )

    def condition(path: str, asked: Condition) -> None:
        known(f"{path}.step", asked.step, steps, "step")
        if asked.step:
            allowed = (
                {outcome.key for outcome in protocol.step(asked.step).outcomes}
                if asked.step in steps
                else set()
            )
            for outcome in asked.outcome:
                known(f"{path}.outcome", outcome, allowed, f"outcome of {asked.step}")

    def offset(path: str, given: Offset) -> None:
        head, _, tail = given.from_.partition(":")
        if head in ("done", "data") and tail:
            known(f"{path}.from", tail.partition(".")[0], steps, "step")
        else:
            known(f"{path}.from", given.from_, _PLAIN_ANCHORS | {"done:STEP", "data:STEP.KEY"}, "anchor")
        if sum(part is not None for part in (given.hours, given.days, given.working_days)) > 1:
            found.append(Malformed(path, "say one of hours, days or working_days"))
        if given.when:
            condition(f"{path}.when", given.when)

    def roles(path: str, names: tuple[str, ...]) -> None:
        for name in names:
            known(path, name, set(protocol.roles), "role")

    known("procedure_step", protocol.procedure_step, steps, "step")
    known("hold.step", protocol.hold.step, steps, "step")
    roles("hold.signers", protocol.hold.signers)
    roles("messaging.desk", (protocol.messaging.desk,))
    for key, role in protocol.roles.items():
        known(f"roles.{key}.fallback", role.fallback, set(protocol.roles), "role")
    if len(steps) != len(protocol.steps):
        found.append(Malformed("steps", "two steps have the same key"))
    for gate in protocol.gates:
        roles(f"gates.{gate.key}.override", gate.override)
        for index, need in enumerate(gate.needs):
            condition(f"gates.{gate.key}.needs[{index}].when", need.when)
    for step in protocol.steps:
        path = f"steps.{step.key}"
        roles(f"{path}.performer", (step.performer,))
        for index, asked in enumerate(step.after):
            condition(f"{path}.after[{index}]", asked)
        for index, given in enumerate(
            (*step.window.due, *((step.window.earliest,) if step.window.earliest else ()))
        ):
            offset(f"{path}.window[{index}]", given)
        if not step.window.due:
            found.append(Malformed(f"{path}.window.due", "is empty; every wait needs a deadline"))
        for key in (
            *step.book_gates,
            *step.start_gates,
            *(key for out in step.outcomes for key in out.gates),
        ):
            known(f"{path}.gates", key, gates, "gate")
        for outcome in step.outcomes:
            known(f"{path}.outcomes.{outcome.key}.end", outcome.end, set(protocol.ends), "end")
            for other in (*outcome.repeat, *outcome.unbook):
                known(f"{path}.outcomes.{outcome.key}", other, steps, "step")
            for track in outcome.suspend:
                known(f"{path}.outcomes.{outcome.key}.suspend", track, set(protocol.tracks), "track")
        for rung in step.ladder:
            roles(f"{path}.ladder.{rung.key}.to", (rung.to,))
            offset(f"{path}.ladder.{rung.key}.at", rung.at)
        for message in step.messages:
            for index, given in enumerate(message.at):
                offset(f"{path}.messages.{message.key}.at[{index}]", given)
            if message.about == "step" and message.until is None:
                found.append(
                    Malformed(
                        f"{path}.messages.{message.key}.until", "is missing: say until when it is useful"
                    )
                )
            if message.until:
                offset(f"{path}.messages.{message.key}.until", message.until)
    return found
