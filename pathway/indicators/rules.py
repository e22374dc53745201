"""The checks that a question cannot say: days in theatre that came to nothing, holds, results read in time, fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pathway.indicators.counting import Contribution, Counts, counted
from pathway.indicators.course import Course, Data, Line, settled, start_of
from pathway.indicators.definition import Indicator, Rule, RuleName
from pathway.indicators.questions import ask, is_over


@dataclass(frozen=True, slots=True)
class _Slot:
    start: datetime
    day: date


def _planned_days(_: Indicator, rule: Rule, course: Course, now: datetime) -> Iterator[Contribution]:
    """Every day on which the ``step`` stood to happen: yes when it was given up on the day itself, or later.

    A slot given up or moved before its day is no planned day. ``only`` counts one of the ``causes``, ``other_than`` all
    but these. A day that has passed and of which nobody has said anything is not recorded.
    """
    assert rule.step is not None
    slot: _Slot | None = None
    for line in course.lines:
        event = line.event
        if line.type == "VisitBooked" and event["step"] == rule.step:
            start = datetime.fromisoformat(event["start"])
            new = _Slot(start, course.calendar.day(start)) if event.get("confirmed", True) else None
            if slot and (new is None or new.day != slot.day) and _on_the_day(slot, line, course):
                yield _given_up(slot, "", rule)
            slot = new
        elif slot is None:
            continue
        elif line.type in ("StepStarted", "StepCompleted") and event["step"] == rule.step:
            yield Contribution(slot.day, Counts.NO)
            slot = None
        elif _gives_up(line, rule.step, course):
            if _on_the_day(slot, line, course):
                yield _given_up(slot, _cause(line, rule), rule)
            slot = None
    if slot is not None and slot.day < course.calendar.day(now):
        yield Contribution(slot.day, Counts.NOT_RECORDED)


def _on_the_day(slot: _Slot, line: Line, course: Course) -> bool:
    return course.calendar.day(line.occurred) >= slot.day


def _given_up(slot: _Slot, cause: str, rule: Rule) -> Contribution:
    yes = cause not in rule.other_than and rule.only in (None, cause)
    return Contribution(slot.day, Counts.YES if yes else Counts.NO, part=cause or "other")


def _gives_up(line: Line, step: str, course: Course) -> bool:
    """Whether this line takes the slot away: cancelled, missed, an outcome that gives it up, or the pathway's end."""
    if line.type in ("VisitCancelled", "VisitMissed"):
        return bool(line.event["step"] == step)
    if line.type == "StepCompleted" and course.protocol.has_step(line.event["step"]):
        outcome = course.protocol.step(line.event["step"]).outcome(line.event.get("outcome", ""))
        return outcome is not None and (step in outcome.unbook or outcome.end is not None)
    return line.type in ("PathwayEnded", "PatientDied", "HoldRejected")


def _cause(line: Line, rule: Rule) -> str:
    """The first cause that the line tells; a patient who did not come is a cause of its own."""
    if line.type == "VisitMissed":
        return "no-show"
    event = line.event
    for cause in rule.causes:
        if event.get("step") != cause.step or (cause.outcome and event.get("outcome") not in cause.outcome):
            continue
        if cause.answer is None or event.get("data", {}).get(cause.answer) in cause.is_:
            return cause.key
    return ""


def _hold_in_time(indicator: Indicator, rule: Rule, course: Course, _: datetime) -> Iterator[Contribution]:
    """Whether the hold plan that stood at the procedure was signed ``days`` before its earliest last intake."""
    assert rule.days is not None
    day = course.day(indicator.period)
    step = course.done(rule.step or "")
    start = start_of(step) if step else None
    if day is None or start is None:
        return
    line = _hold_at(start, course)
    if line is None:
        yield Contribution(day, Counts.NOT_RECORDED if course.fact("antithrombotics") is None else Counts.NO)
        return
    if line.type != "HoldSigned" or course.state.get("hold", {}).get("status") in ("expired", "proposed"):
        yield Contribution(day, Counts.NO)
        return
    longest = max(drug["last_intake_offset_days"] for drug in line.event["drugs"])
    due = day - timedelta(days=longest + rule.days)
    yield Contribution(day, Counts.YES if course.calendar.day(line.recorded) <= due else Counts.NO)


def _last_intakes(_: Indicator, rule: Rule, course: Course, __: datetime) -> Iterator[Contribution]:
    """Every drug of every signed hold: was its last dose, as declared, taken in time?

    Where no dose was declared, the check before the procedure (``step``) says it of all drugs at once (``answered``).
    """
    hold = course.state.get("hold", {})
    declared: set[date] = set()
    for plan in (*hold.get("earlier", ()), hold):
        if not plan.get("doses") or not plan.get("procedure_start"):
            continue
        day = course.calendar.day(datetime.fromisoformat(plan["procedure_start"]))
        declared.add(day)
        for drug, dose in {_atc(dose["drug"], plan): dose for dose in plan["doses"]}.items():
            yield Contribution(day, counted(bool(dose["in_time"])), part=drug)
    for check in course.steps.get(rule.step or "", ()):
        at = settled(check)
        if check.get("status") != "done" or at is None or course.calendar.day(at) in declared:
            continue
        line = _hold_at(at, course)
        if line is None or line.type != "HoldSigned":
            continue
        answer = check.get("data", {}).get(rule.answered)
        drugs = "+".join(sorted(str(drug.get("atc") or drug.get("text")) for drug in line.event["drugs"]))
        yield Contribution(
            course.calendar.day(at), counted(answer if isinstance(answer, bool) else None), part=drugs
        )


def _atc(name: str, plan: Data) -> str:
    """The ATC code of a drug of the plan that was declared by its text or its code; as it was said when unknown."""
    plain = name.strip().casefold()
    for drug in plan.get("drugs", ()):
        if plain in (str(drug.get("atc", "")).casefold(), str(drug["text"]).strip().casefold()):
            return str(drug.get("atc") or drug["text"])
    return name


def _hold_at(moment: datetime, course: Course) -> Line | None:
    """The last word of a signer before a moment."""
    said = [line for line in course.lines if line.type in ("HoldSigned", "HoldNotRequired", "HoldRejected")]
    return next((line for line in reversed(said) if line.recorded <= moment), None)


def _acknowledged(indicator: Indicator, rule: Rule, course: Course, now: datetime) -> Iterator[Contribution]:
    """Every time the ``step`` was done with one of ``outcome``: was ``answered`` done within ``working_days``?

    A working day ends at the close of business, as everywhere (protocol reference §2.9).
    """
    assert rule.working_days is not None
    for result in course.steps.get(rule.step or "", ()):
        at = settled(result)
        if at is None or result.get("status") != "done" or result.get("outcome") not in rule.outcome:
            continue
        day = course.calendar.day(at)
        last = course.calendar.add_working_days(day, rule.working_days)
        limit = course.calendar.at(last, course.calendar.business_close)
        read = _same_time(course, rule.answered or "", result.get("occurrence", 1))
        when = settled(read) if read and read.get("status") == "done" else None
        if when is not None:
            yield Contribution(day, Counts.YES if when <= limit else Counts.NO)
        else:
            yield Contribution(day, Counts.NO if now > limit else Counts.PENDING)


def _same_time(course: Course, key: str, occurrence: int) -> Data | None:
    return next((one for one in course.steps.get(key, ()) if one.get("occurrence", 1) == occurrence), None)


def _in_window(indicator: Indicator, rule: Rule, course: Course, now: datetime) -> Iterator[Contribution]:
    """Whether the ``step`` was done in the window that the protocol gives it in days from the procedure.

    Pending until the window closes, whatever has been done: those seen early would else come before those missed.
    """
    day = course.day(indicator.period)
    if day is None:
        return
    if not course.protocol.has_step(rule.step or ""):
        yield Contribution(day, Counts.NOT_RECORDED)
        return
    window = course.protocol.step(rule.step or "").window
    ends = [offset.days for offset in window.due if offset.from_ == "procedure" and offset.days is not None]
    if not ends:
        yield Contribution(day, Counts.NOT_RECORDED)
        return
    first = day + timedelta(days=window.earliest.days or 0) if window.earliest else day
    last = day + timedelta(days=min(ends))
    if course.calendar.day(now) <= last:
        yield Contribution(day, Counts.PENDING)
        return
    step = course.done(rule.step or "", rule.outcome)
    at = settled(step) if step else None
    met = at is not None and first <= course.calendar.day(at) <= last
    yield Contribution(day, Counts.YES if met else Counts.NO)


def _completeness(indicator: Indicator, rule: Rule, course: Course, now: datetime) -> Iterator[Contribution]:
    """Every field of every record whose limit is over: yes when it is there. A field never asked for is missing."""
    day = course.day(indicator.period) or course.day("referral")
    assert day is not None
    if is_over(indicator.limit, course, course.calendar.day(now)) is False:
        yield Contribution(day, Counts.PENDING)
        return
    for field in rule.fields:
        there = ask(field.known, course) is True
        yield Contribution(day, Counts.YES if there else Counts.NO, part=field.key)


def _caseload(indicator: Indicator, rule: Rule, course: Course, _: datetime) -> Iterator[Contribution]:
    """Every record, to be set against the fractures that are expected; not recorded while nobody has said how many."""
    day = course.day(indicator.period) or course.day("referral")
    assert day is not None
    yield Contribution(day, Counts.YES if rule.caseload_per_year else Counts.NOT_RECORDED)


RULES: dict[RuleName, Callable[[Indicator, Rule, Course, datetime], Iterator[Contribution]]] = {
    "planned-days": _planned_days,
    "hold-in-time": _hold_in_time,
    "in-window": _in_window,
    "last-intakes": _last_intakes,
    "acknowledged": _acknowledged,
    "completeness": _completeness,
    "caseload": _caseload,
}
