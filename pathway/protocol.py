"""A protocol as a value: steps, windows, gates, ladders and messages, exactly as the YAML file says them.

The file is read by ``app`` (the only place that knows YAML) and handed in as plain data to ``read_protocol``,
which answers a ``Protocol`` or a ``Malformed`` naming the place and the remedy. Clinical numbers live in that
file with their source; this module holds none.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from functools import cached_property
from typing import Any, Literal

from pathway.codec import decode
from pathway.condition import Condition as Condition
from pathway.condition import RuleName as RuleName
from pathway.copying import without_notes
from pathway.protocol_names import complaints
from pathway.protocol_watch import Surveillance
from pathway.refusal import Text
from pathway.safety import Safety


@dataclass(frozen=True, slots=True)
class Need:
    """One line of a gate: what must be true, and the sentence to show when it is not."""

    when: Condition
    reason: Text
    source: str
    never_override: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition that must be met before a step may start, be booked or be completed.

    ``override`` are the roles of which one may pass it. With ``both``, one person of each of these groups must, and
    not the same person twice.
    """

    key: str
    title: Text
    needs: tuple[Need, ...]
    override: tuple[str, ...] = ()
    both: tuple[tuple[str, ...], ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A word owed to a professional: a ``letter``, a ``secure-mail`` or a ``call`` that somebody makes and records.

    It says ``text`` to whoever makes it; what is written is theirs.
    """

    key: str
    to: str
    by: Literal["letter", "secure-mail", "call"]
    text: Text
    source: str = ""


def _within(title: str) -> str:
    """A title in the midst of a sentence: without its capital, unless it begins with an abbreviation (MRI)."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


@dataclass(frozen=True, slots=True)
class RedFlag:
    """A finding that stands in the way: what it is, what it stops and whom it concerns.

    ``when`` says that it is there. While it is, the gates in ``stops`` are not met, and nobody overrides that if
    ``never_override``. ``effect``: ``stop`` (nothing goes on), ``divert`` (another speciality takes over: recorded
    by one of ``decided_by`` it ends the pathway as ``end``), ``defer`` (later), ``decide`` (``to`` decides: an
    allergist, the anaesthetist, the meeting), ``warn`` (to be known). ``opens`` are the steps that it calls for.
    """

    key: str
    title: Text
    when: Condition
    effect: Literal["stop", "divert", "defer", "decide", "warn"]
    source: str
    stops: tuple[str, ...] = ()
    never_override: bool = False
    end: str | None = None
    decided_by: tuple[str, ...] = ()
    opens: tuple[str, ...] = ()
    to: str | None = None

    @property
    def refusal(self) -> Text:
        """The sentence that a gate says while it is there."""
        return Text(
            fr=f"{self.key} : {_within(self.title.fr)}.",
            en=f"{self.key}: {_within(self.title.en)}.",
        )


@dataclass(frozen=True)
class Offset:
    """A moment counted from an anchor: real ``hours``, or calendar ``days`` / ``working_days`` at a wall time.

    Anchors: ``referral``, ``fracture``, ``opened`` (this occurrence), ``asked`` (the day it is asked for), ``due``
    and ``slot`` (of this step),
    ``missed`` (when its visit was), ``procedure`` (the day and hour it stands at, or happened), ``hold_start``
    (day of the earliest last intake), ``last_intake`` (each drug's, for messages), ``done:STEP``,
    ``data:STEP.KEY`` (an instant or day recorded at completion).

    ``first`` counts only the first time the step is done. ``but_not_before`` makes it the later of two moments.
    """

    from_: str
    hours: float | None = None
    days: int | None = None
    working_days: int | None = None
    at: time | None = None
    when: Condition | None = None
    first: bool = False
    but_not_before: Offset | None = None
    source: str = ""

    @cached_property
    def spoken(self) -> str:
        """As the table says it: ``procedure -3 d 10:00``."""
        parts = [self.from_]
        for value, unit in ((self.hours, "h"), (self.days, "d"), (self.working_days, "wd")):
            if value is not None:
                parts.append(f"{value:+g} {unit}")
        if self.at:
            parts.append(self.at.strftime("%H:%M"))
        return " ".join(parts)

    @cached_property
    def span(self) -> timedelta | None:
        """The real time that ``hours`` are, or None."""
        return None if self.hours is None else timedelta(hours=self.hours)


@dataclass(frozen=True, slots=True)
class Window:
    """When a step should happen. ``due`` is the earliest of the offsets whose anchor is known.

    ``otherwise`` counts while none of them is, so that every wait has a deadline.
    """

    due: tuple[Offset, ...]
    otherwise: Offset | None = None
    earliest: Offset | None = None


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder of reminders and escalations towards a role, and those told ``also``.

    ``level``: ``reminder`` (before the due time), ``overdue``, ``escalation`` or ``red``. ``effect``
    ``not-ready`` flags the procedure. ``by`` says how those it names hear: a page to whoever is on call, or a letter,
    a secure mail or a call that the desk makes and records.
    """

    key: str
    at: Offset
    to: str
    level: Literal["reminder", "overdue", "escalation", "red"]
    text: Text | None = None
    also: tuple[str, ...] = ()
    effect: Literal["not-ready"] | None = None
    by: Literal["page", "letter", "secure-mail", "call"] = "page"


@dataclass(frozen=True, slots=True)
class PatientMessage:
    """A ladder of messages to the patient. Each ``at`` is a rung; ``until`` is when it becomes useless.

    ``life_hours`` makes each rung useless so many hours after its own time, if that comes first. ``any_day``
    lets it leave on Sundays and public holidays too; ``last`` only the last rung, the day-before reminder.
    ``about`` says what must stand for the message to exist: ``visit`` (a booked slot of this step),
    ``hold`` (a signed hold plan with something to stop) or ``step`` (the step is open).
    """

    key: str
    template: str
    at: tuple[Offset, ...]
    about: Literal["visit", "hold", "step"] = "visit"
    until: Offset | None = None
    life_hours: int | None = None
    any_day: bool | Literal["last"] = False
    channels: tuple[str, ...] = ("sms", "email")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step may end, and what that does beyond opening what waits for it.

    ``end`` names the end of the pathway it brings; ``repeat`` lists steps to do again; ``unbook`` lists
    steps whose slot is given up; ``suspend`` lists tracks to put on hold; ``opens`` asks for steps on demand;
    ``tells`` are words owed to professionals; ``gates`` must be met to record it.
    """

    key: str
    title: Text
    end: str | None = None
    repeat: tuple[str, ...] = ()
    unbook: tuple[str, ...] = ()
    suspend: tuple[str, ...] = ()
    opens: tuple[str, ...] = ()
    tells: tuple[Notice, ...] = ()
    gates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values that a choice has, and its name for people."""

    key: str
    title: Text


@dataclass(frozen=True, slots=True)
class Answer:
    """A value the person completing a step is asked for. With ``fact`` it becomes a fact of that key.

    ``at_least`` and ``at_most`` bound a number to what can be true, so that a slip of the hand is seen. A ``table``
    has ``columns``, each an answer, and its value is a list of rows ``{column: value}`` (a row a vertebra). ``when``
    says for whom it is asked at all; ``code`` is its LOINC code where one is known.
    """

    key: str
    title: Text
    kind: Literal["number", "text", "yes-no", "date", "instant", "choice", "table"]
    fact: bool = True
    required_for: tuple[str, ...] = ()
    choices: tuple[str | Choice, ...] = ()
    columns: tuple[Answer, ...] = ()
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    when: Condition | None = None
    code: str = ""

    @property
    def choice_keys(self) -> tuple[str, ...]:
        """The keys of the choices, in order."""
        return tuple(one if isinstance(one, str) else one.key for one in self.choices)

    def choice_title(self, key: str) -> Text:
        """The name of a choice for people; its key when it has no other."""
        named = (one.title for one in self.choices if isinstance(one, Choice) and one.key == key)
        return next(named, Text(fr=key, en=key))


@dataclass(frozen=True, slots=True)
class StepRule:
    """One piece of work of the protocol.

    ``kind``: ``task``, ``visit`` (has an Appointment), ``hold`` (settled only by the hold plan's own events).
    ``after`` lists conditions that must all hold for it to open. ``on_demand`` work exists only once somebody, an
    outcome, a finding or an end asks for it, as often as it is asked for. ``assigned`` work goes straight to its
    queue (FHIR ``ready``); otherwise somebody accepts it first. ``signed_by``: only these roles may settle it. What
    is not ``waivable`` is settled by an outcome, so that nobody waives a gate away with its step.
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
    on_demand: bool = False
    assigned: bool = True
    signed_by: tuple[str, ...] = ()
    waivable: bool = True
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
    """A way the pathway can end. ``silent`` ends owe the patient no further message.

    ``looks_again``: such a pathway is looked at again, so a day has to be set. ``opens`` are the steps on
    demand that are left to do when it has ended so, ``tells`` the words owed to professionals.
    """

    title: Text
    silent: bool = False
    looks_again: bool = False
    opens: tuple[str, ...] = ()
    tells: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Track(Text):
    """A line of steps that runs beside the others. ``while_held``: also while the pathway is on hold."""

    while_held: bool = False


@dataclass(frozen=True, slots=True)
class HoldRule:
    """The anticoagulant hold as a signed step: who signs, and what is assumed until a plan is proposed.

    ``longest_offset_days``: a drug to be stopped longer before the procedure is taken for a slip of the hand.
    ``profile``: the hold profile that the calculator proposes by; without one the centre does without it.
    ``refused_opens``: the work that begins when it can propose no delay.
    """

    step: str
    signers: tuple[str, ...]
    assumed_max_offset_days: int
    longest_offset_days: int
    source: str
    profile: str | None = None
    refused_opens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hours:
    """The centre's hours, as wall time in its zone, and the holidays that count (ISO 3166 codes).

    ``also_closed`` are the centre's own days off.
    """

    zone: str
    business_close: time
    decent_from: time
    decent_to: time
    country: str
    subdivision: str | None = None
    also_closed: tuple[date, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Messaging:
    """Rules that hold for every message. ``desk`` is the role that calls and writes when no message can.

    ``longest_snooze_hours`` is how long an alert may be put off; it cannot be while that is 0.
    """

    desk: str
    recovery_silence_hours: int
    daily_budget: int
    budget_free_hours: int
    letter_lead_days: int
    page_life_hours: int
    source: str
    longest_snooze_hours: int = 0


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
    tracks: dict[str, Track] = field(default_factory=dict)
    red_flags: tuple[RedFlag, ...] = ()
    surveillance: Surveillance | None = None
    safety: Safety = field(default_factory=Safety)
    digest: str = ""

    __getstate__ = without_notes

    @cached_property
    def _steps(self) -> dict[str, StepRule]:
        return {step.key: step for step in self.steps}

    @cached_property
    def _gates(self) -> dict[str, Gate]:
        return {gate.key: self._with_red_flags(gate) for gate in self.gates}

    def _with_red_flags(self, gate: Gate) -> Gate:
        """The gate with a need for every finding that stops it: that it not be there."""
        needs = tuple(
            Need(Condition(none_of=(flag.when,)), flag.refusal, flag.source, flag.never_override)
            for flag in self.red_flags
            if gate.key in flag.stops
        )
        return replace(gate, needs=(*gate.needs, *needs)) if needs else gate

    @cached_property
    def _findings_at(self) -> dict[str, dict[int, str]]:
        return {
            gate.key: {
                len(gate.needs) + place: key
                for place, key in enumerate(one.key for one in self.red_flags if gate.key in one.stops)
            }
            for gate in self.gates
        }

    def findings_at(self, gate: Gate) -> dict[int, str]:
        """The red flags that stop this gate, by the index of the need that says so."""
        return self._findings_at[gate.key] if self._gates.get(gate.key) is gate else {}

    @cached_property
    def flagging(self) -> tuple[str, ...]:
        """The steps of whose ladders a rung flags the procedure as not ready."""
        return tuple(rule.key for rule in self.steps if any(rung.effect for rung in rule.ladder))

    @cached_property
    def before_procedure(self) -> frozenset[str]:
        """Every step that the procedure or its gates wait for, directly or through others."""
        found: set[str] = set()
        left = [self.procedure_step]
        while left:
            rule = self.step(left.pop())
            gates = [self.gate(key) for key in (*rule.book_gates, *rule.start_gates)]
            asked = [*rule.after, *(need.when for gate in gates for need in gate.needs)]
            for condition in asked:
                if condition.step and condition.step not in found:
                    found.add(condition.step)
                    left.append(condition.step)
        return frozenset(found)

    def step(self, key: str) -> StepRule:
        """The step of that key. KeyError when the protocol has none: ask ``has_step`` for outside input."""
        return self._steps[key]

    def has_step(self, key: str) -> bool:
        """Whether the protocol has a step of that key."""
        return key in self._steps

    def gate(self, key: str) -> Gate:
        """The gate of that key, the findings that stop it among its needs. KeyError when there is none."""
        return self._gates[key]

    def has_gate(self, key: str) -> bool:
        """Whether the protocol has a gate of that key."""
        return key in self._gates

    def red_flag(self, key: str) -> RedFlag | None:
        """The finding of that key, or None."""
        return next((flag for flag in self.red_flags if flag.key == key), None)


def read_protocol(data: Any, *, digest: str = "") -> Protocol:
    """The protocol that plain data (a parsed YAML file) describes. Raises Malformed with path and remedy."""
    protocol = decode(Protocol, {**data, "digest": digest} if isinstance(data, dict) else data)
    for complaint in complaints(protocol):
        raise complaint
    return protocol
