"""What is true of one patient's pathway: a small immutable value, stored as JSON, changed only by ``decide``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pathway.copying import changed
from pathway.hold_plan import NO_PLAN, HoldPlan
from pathway.lifecycle import SETTLED, STANDING, STEP_MOVES, Assignment, StepStatus, VisitStatus
from pathway.records import (
    Acknowledgement,
    Called,
    Carer,
    Fired,
    Flagged,
    Observed,
    Override,
    Raised,
    Reported,
    Snoozed,
    Told,
    Undelivered,
)
from pathway.referral import Fact, Fracture, Party, Person
from pathway.refusal import Refused, Text


class PathwayStatus(StrEnum):
    """``active`` and ``on-hold`` run; ``completed`` went to its end; ``ended`` stopped with a named end."""

    ACTIVE = "active"
    ON_HOLD = "on-hold"
    COMPLETED = "completed"
    ENDED = "ended"


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
    revision was set. ``slot`` is the hospital's FHIR Slot that is taken for it, if any.
    """

    start: datetime
    end: datetime
    place: str = ""
    status: VisitStatus = VisitStatus.PENDING
    revision: int = 1
    reason: str = ""
    since: datetime | None = None
    slot: str = ""

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
    hold: HoldPlan = NO_PLAN
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
    reported: tuple[Reported, ...] = ()

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
