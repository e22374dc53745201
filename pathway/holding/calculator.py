"""``hold_answer``: a drug list, the procedure's time and a profile in; per drug the last intake, or why there is none.

It proposes the chosen profile and shows where others differ; it never takes the longest of them, because a longer
hold is not the safe one (stroke, stent thrombosis). A refusal carries no date at all, in ``others`` neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from pathway.calendar import Calendar
from pathway.holding.answer import (
    DrugAnswer,
    HoldAnswer,
    LabCheck,
    LastIntake,
    Other,
    Resumption,
    worst,
)
from pathway.holding.asked import Drug, Inputs
from pathway.holding.bridging import bridge
from pathway.holding.judge import Case, Judged, judge
from pathway.holding.profile import Profile
from pathway.holding.recent import recent_events
from pathway.holding.warn import warnings
from pathway.refusal import Text

SIGN_DAYS_BEFORE = 2
"""The plan is signed by D-(longest + 2) and the patient first told on D-(longest + 1) (protocol reference §2.9)."""


def hold_answer(
    drugs: Sequence[Drug],
    procedure: datetime,
    calendar: Calendar,
    profile: Profile,
    others: Sequence[Profile] = (),
    inputs: Inputs | None = None,
) -> HoldAnswer:
    """What ``profile`` answers for these drugs before a procedure at ``procedure`` (UTC), in the calendar's zone.

    ``others`` are shown beside it. Pure: the same question has the same answer.
    """
    case = Case(tuple(drugs), procedure, calendar, inputs or Inputs())
    answers = tuple(_drug(drug, profile, others, case) for drug in case.drugs)
    status = worst(one.status for one in answers)
    longest = None
    open_ended = any(one.status == "ask" and not one.held_days for one in answers)
    if status not in ("refused", "defer") and not open_ended:
        longest = max((one.held_days for one in answers), default=0)
    day, both = calendar.day(procedure), case.inputs.kidneys
    held = longest is not None and any(one.status in ("hold", "ask") for one in answers)
    sign_by = day - timedelta(days=longest + SIGN_DAYS_BEFORE) if held and longest is not None else None
    return HoldAnswer(
        profile=profile.profile,
        version=profile.version,
        digest=profile.digest,
        procedure=procedure,
        zone=calendar.zone,
        inputs=case.inputs,
        status=status,
        drugs=answers,
        warnings=tuple(warnings(answers, profile, case)),
        clearance=case.inputs.clearance,
        cockcroft_gault=both.cockcroft_gault if both else None,
        ckd_epi=both.ckd_epi if both else None,
        longest_offset_days=longest,
        sign_by=sign_by,
        first_message=sign_by + timedelta(days=1) if sign_by else None,
    )


def _drug(drug: Drug, profile: Profile, others: Sequence[Profile], case: Case) -> DrugAnswer:
    found = judge(drug, profile, case)
    day = case.calendar.day(case.procedure)
    weighing = [*recent_events(drug, case.drugs, profile, case.inputs, day)]
    deferring = [(event, over) for event, over in weighing if event.effect == "defer"]
    if deferring and found.status != "refused":
        event, over = max(deferring, key=lambda pair: pair[1])
        reasons = [one.text for one, _ in deferring]
        text = Text(fr=" ".join(one.fr for one in reasons), en=" ".join(one.en for one in reasons))
        found = replace(found.undated, status="defer", reason=text, source=event.source, lines=())
        revisit: date | None = over
    else:
        revisit = None
    silent = found.status in ("refused", "defer")
    found = found.undated if silent else found
    rule = profile.drug(drug.atc)
    return DrugAnswer(
        atc=drug.atc,
        name=rule.name if rule else Text(fr=drug.text or drug.atc, en=drug.text or drug.atc),
        status=found.status,
        last_intake=found.last_intake,
        reason=found.reason,
        source=found.source,
        lines=found.lines,
        lab=_lab(found, profile, case),
        resume=_resume(drug, profile, day) if found.status in ("hold", "ask") else None,
        bridge=None if silent else bridge(drug, profile, case),
        others=tuple(_other(drug, one, found, case) for one in others if one.profile != profile.profile),
        held_days=found.held,
        revisit=revisit,
    )


def _other(drug: Drug, profile: Profile, chosen: Judged, case: Case) -> Other:
    found = judge(drug, profile, case)
    if chosen.status in ("refused", "defer") and found.status != "refused":
        found = replace(found.undated, reason=_NOT_SHOWN, source=profile.source, lines=())
    return Other(
        profile=profile.profile,
        version=profile.version,
        status=found.status if found.known else "silent",
        last_intake=found.last_intake,
        lines=found.lines,
        reason=found.reason if found.known else _SILENT,
        source=found.source,
        differs=found.known and _days(found) != _days(chosen),
    )


_NOT_SHOWN = Text(
    fr="Aucune date n’est montrée tant que ce médicament est refusé ou l’intervention différée.",
    en="No date is shown while this drug is refused or the procedure deferred.",
)
_SILENT = Text(fr="Ce texte n’en dit rien.", en="This text says nothing of it.")


def _days(found: Judged) -> tuple[object, ...]:
    """What two answers are compared by: the days, whatever the time of day."""
    lines = tuple((line.status, _day(line.last_intake)) for line in found.lines)
    return found.status in ("hold", "ask"), _day(found.last_intake), lines


def _day(found: LastIntake | None) -> tuple[int, int] | None:
    return (found.offset_days, found.longest_offset_days) if found else None


def _lab(found: Judged, profile: Profile, case: Case) -> LabCheck | None:
    """The check before the procedure. A refusal names the test and no day.

    When the day before is a Sunday or a public holiday it is drawn on the last working day before, and again on the
    day itself (protocol reference §2.9).
    """
    if found.lab is None or found.status == "continue":
        return None
    lab, calendar = profile.labs[found.lab], case.calendar
    day = again = None
    if lab.day is not None and found.status in ("hold", "ask"):
        procedure = calendar.day(case.procedure)
        day = procedure - timedelta(days=lab.day)
        if day.weekday() == 6 or day in calendar.holidays:
            day, again = calendar.add_working_days(day, -1), procedure
    limit = profile.limit(lab.threshold) if lab.threshold else None
    return LabCheck(lab.test, lab.text, lab.source, day, again, limit, lab.loinc)


def _resume(drug: Drug, profile: Profile, day: date) -> Resumption | None:
    rule = profile.resumption(drug.atc)
    if rule is None:
        return None
    earliest = latest = None
    if rule.days is not None:
        earliest = day + timedelta(days=rule.days)
        latest = day + timedelta(days=rule.max_days if rule.max_days is not None else rule.days)
    red = day + timedelta(days=rule.red_after) if rule.red_after is not None else None
    return Resumption(rule.text, rule.source, earliest, latest, rule.hours, rule.max_hours, red)
