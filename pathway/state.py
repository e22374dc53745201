"""What is true of one patient's pathway: a small immutable value, stored as JSON, changed only by ``decide``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pathway.copying import changed
from pathway.holding.answer import HoldAnswer
from pathway.lifecycle import SETTLED, STANDING, STEP_MOVES, Assignment, StepStatus, VisitStatus
from pathway.referral import Fact, Fracture, Party, Person
from pathway.refusal import Refused, Text


class PathwayStatus(StrEnum):
    """``active`` and ``on-hold`` run; ``completed`` went to its end; ``ended`` stopped with a named end."""

    ACTIVE = "active"
    ON_HOLD = "on-hold"
    COMPLETED = "completed"
    ENDED = "ended"


class HoldStatus(StrEnum):
    """The hold plan's life. Only one that is signed, with drugs, may ever be spoken of to the patient.

    ``modified`` is signed, other than it was proposed. ``breached``: a dose was taken after its last intake.
    ``superseded`` is what an earlier signed plan becomes when another takes its place.
    """

    UNKNOWN = "unknown"
    PROPOSED = "proposed"
    SIGNED = "signed"
    MODIFIED = "modified"
    NOT_REQUIRED = "not-required"
    REJECTED = "rejected"
    EXPIRED = "expired"
    BREACHED = "breached"
    SUPERSEDED = "superseded"

    def is_one_of(self, names: Collection[str]) -> bool:
        """Whether this is one of these states; a plan signed otherwise than proposed is a signed one too."""
        return self.value in names or (self is HoldStatus.MODIFIED and HoldStatus.SIGNED.value in names)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. ``role`` is the account's (coordinator, clinician, admin, system); ``functions`` the protocol's."""

    name: str
    role: str = "system"
    functions: tuple[str, ...] = ()

    def acts_as(self, roles: tuple[str, ...]) -> bool:
        """Whether this person holds one of these protocol roles."""
        return any(role in self.functions for role in roles)


@dataclass(frozen=True)
class Visit:
    """A slot of a step. ``revision`` counts every change of time, place or cancellation, and never goes back.

    Confirming, or no longer confirming, counts too once the patient was told of the slot. ``since`` is when this
    revision was set.
    """

    start: datetime
    end: datetime
    place: str = ""
    status: VisitStatus = VisitStatus.PENDING
    revision: int = 1
    reason: str = ""
    since: datetime | None = None

    @property
    def stands(self) -> bool:
        """Whether the slot is still meant to happen."""
        return self.status in STANDING


@dataclass(frozen=True)
class Step:
    """The nth time a step of the protocol is done. ``settled`` is when it really ended, not when we heard.

    ``created`` is when this occurrence came to be; ``touched`` when anything said of it last changed, its
    window included (see ``touch.py``). ``asked_for`` is the day that work on demand was asked for.
    """

    key: str
    occurrence: int = 1
    status: StepStatus = StepStatus.WAITING
    assignment: Assignment = Assignment.GIVEN
    owner: str | None = None
    opened: datetime | None = None
    started: datetime | None = None
    settled: datetime | None = None
    visit: Visit | None = None
    outcome: str | None = None
    reason: str = ""
    came_from: StepStatus | None = None
    data: dict[str, Any] = field(default_factory=dict)
    by: str = ""
    created: datetime | None = None
    touched: datetime | None = None
    was_due: datetime | None = None
    was_not_before: datetime | None = None
    asked_for: date | None = None

    @property
    def ref(self) -> str:
        """``key/occurrence``: how everything else names it."""
        return f"{self.key}/{self.occurrence}"

    @property
    def is_settled(self) -> bool:
        """Done, waived, cancelled, rejected or failed."""
        return self.status in SETTLED

    def moved(self, to: StepStatus, **changes: Any) -> Step:
        """This occurrence in another status. The one place that moves a step; Refused when the table says no."""
        if to not in STEP_MOVES[self.status]:
            raise Refused(
                Text(
                    fr=f"L'étape « {self.key} » est « {self.status} » et ne peut pas devenir « {to} ».",
                    en=f"The step {self.key} is {self.status} and cannot become {to}.",
                )
            )
        return changed(self, status=to, **changes)


@dataclass(frozen=True, slots=True)
class HeldDrug:
    """One drug of a hold plan. ``last_intake_offset_days`` 3 means: last intake allowed on calendar day D0-3.

    ``not_after`` (UTC) where the text counts hours: no dose later than that.
    """

    text: str
    last_intake_offset_days: int
    atc: str = ""
    not_after: datetime | None = None

    def is_called(self, name: str) -> bool:
        """Whether a drug named so, by its ATC code or its text, is this one."""
        plain = name.strip().casefold()
        return bool(plain) and plain in (self.atc.casefold(), self.text.strip().casefold())


@dataclass(frozen=True, slots=True)
class Dose:
    """The last dose of a held drug as it was declared: when it was taken, and whether that was in time."""

    drug: str
    taken: datetime
    in_time: bool
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HoldPlan:
    """What to stop before the procedure, and who signed it. ``procedure_start`` is the slot it was signed for.

    ``answer`` is what the calculator proposed, with the profile and the inputs it was reasoned from, ``proposed``
    what was on the table when something else was signed, ``since`` when this plan was put there. ``ended`` is when a
    signed plan expired that no other has replaced: the patient still follows it. ``breached`` is when we learned of
    a dose taken too late. ``earlier`` are the plans that were signed before, the oldest first.
    """

    status: HoldStatus = HoldStatus.UNKNOWN
    drugs: tuple[HeldDrug, ...] = ()
    text: str = ""
    signer: str = ""
    signed: datetime | None = None
    procedure_start: datetime | None = None
    reason: str = ""
    revisit: date | None = None
    revision: int = 0
    ended: datetime | None = None
    since: datetime | None = None
    answer: HoldAnswer | None = None
    proposed: tuple[HeldDrug, ...] = ()
    doses: tuple[Dose, ...] = ()
    breached: datetime | None = None
    earlier: tuple[HoldPlan, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether it is signed and still to be followed."""
        return self.status in (HoldStatus.SIGNED, HoldStatus.MODIFIED)

    @property
    def max_offset_days(self) -> int | None:
        """Days before the procedure of the earliest last intake; None while nobody has said one.

        While a computed proposal waits for its signature, of the earliest that it leaves open.
        """
        listed = max((drug.last_intake_offset_days for drug in self.drugs), default=None)
        if self.status is not HoldStatus.PROPOSED or self.answer is None:
            return listed
        return self.answer.longest_offset_days

    def dose(self, drug: HeldDrug) -> Dose | None:
        """What was declared last of a drug's last dose."""
        return next((one for one in reversed(self.doses) if drug.is_called(one.drug)), None)


@dataclass(frozen=True, slots=True)
class Fired:
    """A rung of a ladder that has fired, or was passed over because a higher one was already past."""

    key: str
    at: datetime
    person: str = ""
    passed_over: bool = False


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody has seen an alert and takes it."""

    key: str
    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Snoozed:
    """Somebody has put an alert off, and why; it is said again at ``until`` (UTC)."""

    key: str
    until: datetime
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Override:
    """Needs of a gate (by index) passed on a named person's responsibility. What fails later is not covered.

    ``procedure`` is the start that stood for the procedure then: another date asks again. ``functions`` are those
    that the person had, for a gate that asks for one of each of several groups.
    """

    gate: str
    needs: tuple[int, ...]
    by: str
    reason: str
    at: datetime
    procedure: datetime | None = None
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flagged:
    """A red flag of the protocol that is there, and since when we know (UTC)."""

    key: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Observed:
    """One set of observations after the procedure. ``round`` is ``key/n`` of the schedule, or empty for one between.

    ``taken`` is when the ward looked (UTC), ``recorded`` when we heard. Without ``values``, ``reason`` says why nothing
    was looked at.
    """

    round: str
    values: dict[str, Any]
    taken: datetime
    recorded: datetime
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Raised:
    """The nth time that an alarm of the watch was raised. ``at`` is when we knew, from then it has to be answered."""

    alarm: str
    number: int
    at: datetime
    taken: datetime

    @property
    def ref(self) -> str:
        """``alarm/key/number``: the head of the names of its rungs."""
        return f"alarm/{self.alarm}/{self.number}"


@dataclass(frozen=True, slots=True)
class Told:
    """A slot that a message which has left (or may have left) spoke of. ``standing`` False: it said *cancelled*."""

    step: str
    occurrence: int
    revision: int
    start: datetime
    place: str = ""
    standing: bool = True


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that did not arrive (failed, bounced, too-late) or of which nobody knows (uncertain)."""

    key: str
    how: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Called:
    """A call or letter that a person has made in place of a message, with what came of it."""

    key: str
    by: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Migration:
    """A move onto another version of the protocol, with what undoing it needs.

    ``overrides`` are those given until then, of which ``carried`` went along, ``flagged`` the findings then. ``hold``
    is the plan that the move made expire, if it did, ``renewed`` the occurrences (``step/n``) that are done again
    because of it, and ``procedure`` the start that stood for the procedure then. ``paused`` are steps as
    they were, open or not needed, that the new version had wait again.
    """

    from_digest: str
    from_version: str
    at: datetime
    by: str
    reason: str
    overrides: tuple[Override, ...] = ()
    carried: int = 0
    flagged: tuple[Flagged, ...] = ()
    hold: HoldPlan | None = None
    renewed: tuple[str, ...] = ()
    procedure: datetime | None = None
    paused: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Carer:
    """A person the patient wants contacted, within a recorded consent."""

    name: str
    mobile: str | None = None
    email: str | None = None
    landline: str | None = None
    consent: date | None = None


_note = object.__setattr__


def _latest(known: dict[str, Fact], facts: tuple[Fact, ...]) -> dict[str, Fact]:
    """What is known last under each key, when these facts are heard in their order: the latest in time."""
    for fact in facts:
        earlier = known.get(fact.key)
        if earlier is None or fact.at >= earlier.at:
            known[fact.key] = fact
    return known


class _Noted:
    """Where a pathway notes what has been worked out of it: no part of its value, not compared and not stored."""

    __slots__ = ("_calm", "_facts", "_known", "_places")
    _calm: Any
    _facts: dict[str, Fact] | None
    _known: Any
    _places: dict[str, int] | None

    def __post_init__(self) -> None:
        _note(self, "_calm", None)
        _note(self, "_facts", None)
        _note(self, "_known", None)
        _note(self, "_places", None)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(self.__dict__.values())


@dataclass(frozen=True)
class Pathway(_Noted):
    """One patient's way through one protocol version. ``as_of`` is the instant of its last event (UTC).

    ``said`` are the keys of the messages that have left, or may have: what was said by one way is not said again
    by another. ``set_aside`` are steps that the present version does not have and an earlier one had; they come
    back with it.
    """

    id: str
    protocol: str
    protocol_version: str
    protocol_digest: str
    patient_id: str
    patient: Person
    referrer: Party
    fracture: Fracture
    referred: datetime
    as_of: datetime
    seq: int = 0
    status: PathwayStatus = PathwayStatus.ACTIVE
    end: str | None = None
    ended: datetime | None = None
    reason: str = ""
    revisit: date | None = None
    steps: tuple[Step, ...] = ()
    facts: tuple[Fact, ...] = ()
    hold: HoldPlan = HoldPlan()
    fired: tuple[Fired, ...] = ()
    acknowledged: tuple[Acknowledgement, ...] = ()
    snoozed: tuple[Snoozed, ...] = ()
    overrides: tuple[Override, ...] = ()
    told: tuple[Told, ...] = ()
    said: tuple[str, ...] = ()
    undelivered: tuple[Undelivered, ...] = ()
    called: tuple[Called, ...] = ()
    flagged: tuple[Flagged, ...] = ()
    observed: tuple[Observed, ...] = ()
    alarms: tuple[Raised, ...] = ()
    opted_out: tuple[str, ...] = ()
    carer: Carer | None = None
    priority: str = "routine"
    inpatient: bool = False
    previous: str | None = None
    migrations: tuple[Migration, ...] = ()
    set_aside: tuple[Step, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether anything may still happen on it."""
        return self.status in (PathwayStatus.ACTIVE, PathwayStatus.ON_HOLD)

    def last(self, key: str) -> Step | None:
        """The latest occurrence of a step."""
        place = (self._places or self.places()).get(key)
        return None if place is None else self.steps[place]

    def at(self, key: str, occurrence: int) -> Step | None:
        """One occurrence of a step."""
        place = self.place(key, occurrence)
        return None if place is None else self.steps[place]

    def every(self, key: str) -> Sequence[Step]:
        """All occurrences of a step, in order."""
        last = self.last(key)
        if last is None or last.occurrence == 1:
            return () if last is None else (last,)
        return [step for step in self.steps if step.key == key]

    def named(self, ref: str) -> Step | None:
        """The occurrence that is called so: ``key/occurrence``."""
        key, _, occurrence = ref.rpartition("/")
        return self.at(key, int(occurrence)) if occurrence.isdigit() else None

    def place(self, key: str, occurrence: int) -> int | None:
        """Where in ``steps`` this occurrence is."""
        last = (self._places or self.places()).get(key)
        if last is None or self.steps[last].occurrence == occurrence:
            return last
        here = (n for n, s in enumerate(self.steps) if s.key == key and s.occurrence == occurrence)
        return next(here, None)

    def done(self, key: str) -> Step | None:
        """The latest occurrence of a step that was really done."""
        last = self.last(key)
        if last is None or last.status is StepStatus.DONE:
            return last
        if last.occurrence == 1:
            return None
        done = [step for step in self.steps if step.key == key and step.status is StepStatus.DONE]
        return max(done, key=lambda step: step.occurrence, default=None)

    def unsettled(self) -> Iterator[Step]:
        """Every occurrence that is not settled."""
        return (step for step in self.steps if step.status not in SETTLED)

    def fact(self, key: str) -> Fact | None:
        """What is known last under that key: the latest in time, then the latest heard."""
        facts = self._facts
        if facts is None:
            facts = _latest({}, self.facts)
            _note(self, "_facts", facts)
        return facts.get(key)

    def with_facts(self, new: tuple[Fact, ...]) -> Pathway:
        """The pathway that has heard this, too."""
        made = self.but(facts=(*self.facts, *new))
        if self._facts is not None:
            _note(made, "_facts", _latest(dict(self._facts), new))
        return made

    def but(self, **changes: Any) -> Pathway:
        """The pathway with these fields replaced, as by ``dataclasses.replace``.

        What was worked out of it is kept as far as it still follows.
        """
        made = changed(self, **changes)
        _note(made, "_calm", None)
        _note(made, "_known", self._known)
        _note(made, "_places", None if "steps" in changes else self._places)
        _note(made, "_facts", None if "facts" in changes else self._facts)
        return made

    def with_step(self, step: Step) -> Pathway:
        """The pathway with one occurrence replaced, or added when it is new."""
        place = self.place(step.key, step.occurrence)
        if place is None:
            return self.but(steps=(*self.steps, step))
        return self.with_steps({place: step})

    def with_steps(self, steps: dict[int, Step]) -> Pathway:
        """The pathway with the occurrences at these places replaced by themselves, as they are now."""
        found = list(self.steps)
        for place, step in steps.items():
            found[place] = step
        made = self.but(steps=tuple(found))
        _note(made, "_places", self._places)
        return made

    def places(self) -> dict[str, int]:
        """Where in ``steps`` the latest occurrence of each step is."""
        places: dict[str, int] = {}
        for place, step in enumerate(self.steps):
            if step.key not in places or self.steps[places[step.key]].occurrence < step.occurrence:
                places[step.key] = place
        _note(self, "_places", places)
        return places
