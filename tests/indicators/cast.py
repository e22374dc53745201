"""Patients of the indicator stories: a pathway's state written down as it would stand, without the way there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.indicators import BUILTIN as FILE
from app.indicators import check
from app.protocols import LoadedProtocol, load
from pathway import events as e
from pathway.hold_plan import HeldDrug, HoldPlan, HoldStatus
from pathway.indicators.contribution import contributions
from pathway.indicators.counting import Contribution
from pathway.indicators.course import Course, Line, course_of
from pathway.indicators.definition import Definitions
from pathway.lifecycle import StepStatus, VisitStatus
from pathway.referral import Contact, Fact, Fracture, Identifier, Party, Person
from pathway.state import Actor, Pathway, PathwayStatus, Step, Visit

LOADED: LoadedProtocol = load()
DEFINITIONS: Definitions = check(FILE, LOADED.protocol)
PARIS = ZoneInfo("Europe/Paris")
SOMEBODY = Actor("Somebody", "clinician", ("anaesthetist", "radiologist"))
MUCH_LATER = datetime(2029, 1, 1, tzinfo=UTC)
D0 = "2027-02-16 09:30"


def wall(text: str) -> datetime:
    """``2027-02-16 09:30`` (or the day alone, at noon) on the centre's clock, as UTC."""
    told = text if " " in text else f"{text} 12:00"
    return datetime.fromisoformat(told).replace(tzinfo=PARIS).astimezone(UTC)


def done(key: str, outcome: str, on: str, *, occurrence: int = 1, began: str = "", **data: Any) -> Step:
    """A step that was done then, with these answers."""
    return Step(
        key=key,
        occurrence=occurrence,
        status=StepStatus.DONE,
        outcome=outcome,
        settled=wall(on),
        started=wall(began) if began else None,
        data=data,
    )


def treated(on: str = D0, outcome: str = "done", **data: Any) -> Step:
    """The procedure, begun then and over 40 minutes later."""
    start = wall(on)
    slot = Visit(start, start, status=VisitStatus.FULFILLED)
    step = done("procedure", outcome, on, **data)
    return replace(step, started=start, visit=slot)


def fact(key: str, value: Any, on: str) -> Fact:
    """Something known since then."""
    return Fact(key, value, wall(on), "Somebody", "test")


def line(event: e.Event, on: str) -> Line:
    """A line of the history."""
    at = wall(on)
    return Line(at, event.occurred or at, e.to_data(event))


def booked(start: str, on: str) -> Line:
    """The procedure's slot is set, or moved."""
    return line(e.VisitBooked(by=SOMEBODY, step="procedure", start=wall(start)), on)


def completed(step: str, outcome: str, on: str, **data: Any) -> Line:
    """A step is told as done."""
    return line(e.StepCompleted(by=SOMEBODY, step=step, outcome=outcome, data=data), on)


def signed(on: str, *drugs: tuple[str, int]) -> Line:
    """A hold plan is signed for these drugs (ATC code, day of the last intake before the procedure)."""
    held = tuple(HeldDrug(atc, days, atc) for atc, days in drugs)
    return line(e.HoldSigned(by=SOMEBODY, drugs=held, text="As signed."), on)


def patient(
    *steps: Step,
    onset: str | None = "2027-01-20",
    referred: str = "2027-02-01",
    cause: str = "osteoporotic",
    level: str | None = "T12",
    born: str = "1947-05-02",
    facts: Sequence[Fact] = (),
    lines: Sequence[Line] = (),
    hold: HoldStatus = HoldStatus.UNKNOWN,
    plan: HoldPlan | None = None,
    end: str | None = None,
    ended: str = "",
    contact: Contact | None = None,
    next_fracture: str | None = None,
    **more: Any,
) -> Course:
    """A course with all this in it."""
    pathway = Pathway(
        id="p1",
        protocol="vertebroplasty",
        protocol_version="1",
        protocol_digest="d",
        patient_id="42",
        patient=Person(
            identifiers=(Identifier("urn:ipp", "42"),),
            family="Exemple",
            given="Jeanne",
            birth_date=date.fromisoformat(born),
            contact=contact or Contact(mobile="+33600000001", email="jeanne@example.org"),
        ),
        referrer=Party("Dr Adresse"),
        fracture=Fracture(date.fromisoformat(onset) if onset else None, level=level, cause=cause),
        referred=wall(referred),
        as_of=wall(ended or "2028-06-01"),
        status=PathwayStatus.ENDED if end else PathwayStatus.ACTIVE,
        end=end,
        ended=wall(ended) if ended else None,
        steps=steps,
        facts=tuple(facts),
        hold=plan or HoldPlan(status=hold),
        **more,
    )
    return course_of(
        pathway,
        lines,
        LOADED.protocol,
        LOADED.calendar,
        next_fracture=date.fromisoformat(next_fracture) if next_fracture else None,
    )


def adds(key: str, course: Course, now: datetime = MUCH_LATER) -> list[Contribution]:
    """What this patient adds to the indicator of that key."""
    return list(contributions(DEFINITIONS.by_key[key], course, DEFINITIONS, now))
