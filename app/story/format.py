"""What a story says, as values: the patient, the referral, dated lines, and what is expected of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from app.yaml_file import YamlFile
from pathway.protocol import Protocol

Gender = Literal["female", "male", "other", "unknown"]
Status = Literal[
    "waiting",
    "open",
    "scheduled",
    "in-progress",
    "on-hold",
    "missed",
    "done",
    "waived",
    "cancelled",
    "rejected",
    "failed",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientSaid:
    """The patient. ``identifier`` is her number at the hospital; two stories with the same one share a patient."""

    family: str
    given: str
    born: date
    sex: Gender
    language: str = "fr"
    mobile: str | None = None
    landline: str | None = None
    email: str | None = None
    identifier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FractureSaid:
    """The fracture. ``onset`` is a day; without it the referral waits for a person to ask."""

    onset: str | None = None
    level: str | None = None
    cause: Literal["osteoporotic", "neoplastic", "traumatic", "unknown"] = "osteoporotic"
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralSaid:
    """The referral, and what it tells: ``facts`` by key, as the referral format names them."""

    at: str
    by: str
    number: str = ""
    phone: str | None = None
    email: str | None = None
    priority: Literal["routine", "urgent", "asap", "stat"] = "routine"
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Somebody who acts: a name, the account's role, and the functions of the protocol she holds."""

    name: str
    role: Literal["coordinator", "clinician", "admin", "system"] = "clinician"
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A visit to book. ``confirmed: no`` only holds the slot."""

    step: str
    start: str
    end: str | None = None
    place: str = ""
    confirmed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Drug:
    """A drug of a hold plan: the last intake is on the day ``last_intake`` days before the procedure."""

    text: str
    last_intake: int
    atc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseSaid:
    """When the last dose of a held drug (its ATC code or its text) was really taken."""

    drug: str
    taken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CarerSaid:
    """Somebody the patient wants contacted. ``consent`` is the day on which she said so in writing."""

    name: str
    mobile: str | None = None
    email: str | None = None
    landline: str | None = None
    consent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One thing that is or is not so. Exactly one subject (``SUBJECTS``), with the details that go with it."""

    step: str | None = None
    task: str | None = None
    visit: str | None = None
    message: str | None = None
    nothing_sent: Literal["patient", "staff", "anybody"] | None = None
    gate: str | None = None
    alert: str | None = None
    flag: str | None = None
    call: str | None = None
    letter: str | None = None
    hold: str | None = None
    pathway: str | None = None
    stage: str | None = None
    referral: str | None = None
    fact: str | None = None
    finding: str | None = None
    alarm: str | None = None
    recorded: str | None = None
    linked: str | None = None
    indicator: str | None = None
    delay: str | None = None
    warning: str | None = None
    input: str | None = None
    written: str | None = None

    occurrence: int | None = None
    status: str | None = None
    outcome: str | None = None
    due: str | None = None
    not_before: str | None = None
    at: str | None = None
    place: str | None = None
    channel: str | None = None
    from_: str | None = None
    to: str | None = None
    count: int | None = None
    says: str | None = None
    says_not: str | None = None
    met: bool | None = None
    because: str | None = None
    level: str | None = None
    about: str | None = None
    acknowledged: bool | None = None
    end: str | None = None
    missing: tuple[str, ...] | None = None
    towards: str | None = None
    answered: bool | None = None
    profile: str | None = None
    bridge: Literal["none", "propose", "ask"] | None = None
    dated: bool | None = None
    clock: Literal["morning", "evening", "usual"] | None = None
    step_of: str | None = None
    status_of: Status | None = None
    counts: Literal["met", "not-met", "excluded", "not-recorded", "pending"] | None = None
    is_: Any = None
    not_: bool = False


SUBJECTS: dict[str, frozenset[str]] = {
    "step": frozenset({"occurrence", "status", "outcome"}),
    "task": frozenset({"occurrence", "due", "not_before", "status"}),
    "visit": frozenset({"occurrence", "at", "status", "place"}),
    "message": frozenset({"about", "channel", "status", "from", "to", "count", "says", "says_not"}),
    "nothing_sent": frozenset({"from", "to"}),
    "gate": frozenset({"met", "because"}),
    "alert": frozenset({"about", "level", "acknowledged", "says"}),
    "flag": frozenset({"says"}),
    "call": frozenset({"status", "count", "towards", "channel", "says", "from", "to"}),
    "letter": frozenset({"status", "count", "towards", "channel", "says", "from", "to"}),
    "hold": frozenset(),
    "pathway": frozenset({"end"}),
    "stage": frozenset(),
    "referral": frozenset({"missing"}),
    "fact": frozenset({"is"}),
    "finding": frozenset(),
    "alarm": frozenset({"count", "answered"}),
    "recorded": frozenset({"count", "from", "to", "at"}),
    "delay": frozenset({"profile", "status", "at", "clock", "dated", "bridge", "because"}),
    "warning": frozenset(),
    "input": frozenset({"is", "at"}),
    "written": frozenset(),
    "linked": frozenset({"status", "step_of", "status_of", "due"}),
    "indicator": frozenset({"counts", "because", "count"}),
}
"""Every subject of a statement and the details it may have (besides ``not``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must be so, under a name of its own. ``control`` is a like statement that must *not* be so there."""

    id: str
    expect: Statement
    control: Statement | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One dated line: one verb (``VERBS``) and what goes with it. ``refused`` is what its refusal must say."""

    at: str
    by: str | None = None
    note: str = ""
    id: str = ""
    refused: str | None = None

    receive: str | None = None
    accept: str | None = None
    start: str | None = None
    complete: str | None = None
    reject: str | None = None
    fail: str | None = None
    waive: str | None = None
    pause: str | None = None
    resume: str | None = None
    book: Slot | None = None
    move: Slot | None = None
    cancel: str | None = None
    arrive: str | None = None
    no_show: str | None = None
    facts: dict[str, Any] | None = None
    hold: Literal["not_required", "compute", "propose", "sign", "reject"] | None = None
    dose: DoseSaid | None = None
    override: str | None = None
    acknowledge: str | None = None
    settle_call: str | None = None
    opt_out: Literal["sms", "email"] | None = None
    opt_in: Literal["sms", "email"] | None = None
    contact: dict[str, str | None] | None = None
    died: bool | None = None
    pause_pathway: str | None = None
    resume_pathway: bool | None = None
    end: str | None = None
    refer_again: ReferralSaid | None = None
    ask: str | None = None
    observe: dict[str, Any] | None = None
    carer: CarerSaid | None = None
    new_fracture: FractureSaid | None = None
    gateway: dict[str, str] | None = None
    event: dict[str, Any] | None = None
    expect: Statement | None = None

    control: Statement | None = None
    occurrence: int | None = None
    outcome: str | None = None
    answers: dict[str, Any] = field(default_factory=dict)
    occurred: str | None = None
    reason: str = ""
    revisit: str | None = None
    drugs: tuple[Drug, ...] = ()
    text: str = ""
    round: str = ""
    profile: str | None = None
    due: str | None = None


VERBS: dict[str, frozenset[str]] = {
    "receive": frozenset({"occurrence"}),
    "accept": frozenset({"occurrence"}),
    "start": frozenset({"occurrence", "occurred"}),
    "complete": frozenset({"occurrence", "outcome", "answers", "occurred"}),
    "reject": frozenset({"occurrence", "reason", "occurred"}),
    "fail": frozenset({"occurrence", "reason", "occurred"}),
    "waive": frozenset({"occurrence", "reason", "occurred"}),
    "pause": frozenset({"occurrence", "reason"}),
    "resume": frozenset({"occurrence"}),
    "book": frozenset({"occurrence"}),
    "move": frozenset({"occurrence"}),
    "cancel": frozenset({"occurrence", "reason"}),
    "arrive": frozenset({"occurrence"}),
    "no_show": frozenset({"occurrence"}),
    "facts": frozenset(),
    "hold": frozenset({"drugs", "text", "reason", "revisit", "profile"}),
    "dose": frozenset(),
    "override": frozenset({"reason"}),
    "acknowledge": frozenset(),
    "settle_call": frozenset(),
    "opt_out": frozenset(),
    "opt_in": frozenset(),
    "contact": frozenset(),
    "died": frozenset(),
    "pause_pathway": frozenset({"revisit"}),
    "resume_pathway": frozenset(),
    "end": frozenset({"reason", "revisit"}),
    "refer_again": frozenset(),
    "ask": frozenset({"reason", "due"}),
    "observe": frozenset({"round", "occurred", "reason"}),
    "carer": frozenset(),
    "new_fracture": frozenset(),
    "gateway": frozenset(),
    "event": frozenset(),
    "expect": frozenset({"control"}),
}
"""Every verb of a line and what may go with it (besides ``at``, ``by``, ``note``, ``id`` and ``refused``)."""

STEP_VERBS = (
    "receive",
    "accept",
    "start",
    "complete",
    "reject",
    "fail",
    "waive",
    "pause",
    "resume",
    "cancel",
    "arrive",
    "no_show",
    "ask",
)
NOT_EVENTS = ("expect", "gateway", "refer_again", "new_fracture")


@dataclass(frozen=True, kw_only=True)
class Story:
    """A whole story. ``until`` is how far the clock runs after the last line.

    ``protocol`` and ``centre`` are files beside the story; without them the built-in ones are played. ``settings`` are
    the centre's choices that differ from those of its file.
    """

    story: str
    title: str
    patient: PatientSaid
    fracture: FractureSaid
    referral: ReferralSaid
    lines: tuple[Line, ...] = ()
    protocol: str | None = None
    centre: str | None = None
    settings: dict[str, str | int] = field(default_factory=dict)
    people: dict[str, Who] = field(default_factory=dict)
    until: str | None = None
    finally_: tuple[Expectation, ...] = ()


@dataclass(frozen=True)
class Told:
    """A story as it was read, with its file."""

    story: Story
    file: YamlFile

    def place(self, path: str) -> str:
        """``file:line`` of a place in the story, like ``lines[3]``."""
        return f"{self.file.name}:{self.file.lines.get(path, 1)}"


def verb_of(line: Line) -> str:
    """The one verb of a line."""
    return next(verb for verb in VERBS if getattr(line, verb) is not None)


def subject_of(statement: Statement) -> str:
    """What a statement is about."""
    return next(subject for subject in SUBJECTS if getattr(statement, subject) is not None)


def known_names(protocol: Protocol) -> dict[str, frozenset[str]]:
    """The names a story may use of a protocol, by what they name."""
    return {
        "step": frozenset(step.key for step in protocol.steps),
        "gate": frozenset(gate.key for gate in protocol.gates),
        "end": frozenset(protocol.ends),
        "role": frozenset(protocol.roles),
        "finding": frozenset(flag.key for flag in protocol.red_flags),
        "alarm": frozenset(alarm.key for alarm in protocol.surveillance.alarms)
        if protocol.surveillance
        else frozenset(),
    }
