"""What a date is counted from: the referral, a visit, a step that was done, the hold; with who said it and when."""

from __future__ import annotations

from datetime import date, datetime

from pathway.anchors import due, hold_alarm
from pathway.explaining.explanation import Input
from pathway.explaining.facts import onset, procedure, state
from pathway.ground import Ground, hold_start, last_intakes
from pathway.lifecycle import StepStatus, VisitStatus
from pathway.protocol_words import ANCHORS, anchor, step_title
from pathway.refusal import Text
from pathway.state import Pathway, Step
from pathway.wording import day, fill, joined, when


def anchored(name: str, step: Step, pathway: Pathway, ground: Ground) -> Input:
    """What an offset is counted from, with its instant or day and who said it; its value None while unknown."""
    head, _, tail = name.partition(":")
    calendar, what = ground.calendar, anchor(name, ground.protocol)
    if head == "referral":
        return Input(
            what, when(pathway.referred, calendar), pathway.referred, pathway.referrer.name, "referral"
        )
    if head == "fracture":
        return onset(pathway)
    if head == "opened":
        return _opened(step, ground)
    if head == "asked":
        source = f"step/{step.ref}"
        return Input(what, day(step.asked_for) if step.asked_for else None, step.opened, source=source)
    if head == "due":
        moment = due(step, pathway, ground)
        return Input(what, when(moment.instant, calendar) if moment else None, source=f"{step.ref}/due")
    if head in ("slot", "missed"):
        return _slot(head, step, pathway, ground)
    if head == "procedure":
        return procedure(pathway, ground)
    if head == "hold_start":
        return held_from(pathway, ground)
    if head == "last_intake":
        return _last_intakes(pathway, ground)
    if head in ("breached", "refused"):
        instant = hold_alarm(head, pathway)
        return Input(what, when(instant, calendar) if instant else None, instant, source="hold")
    if head in ("done", "data"):
        return _done(tail, step, pathway, ground, what, recorded=head == "data")
    return Input(what)


def _opened(step: Step, ground: Ground) -> Input:
    what = fill("Ouverture : {step}", "Opened: {step}", step=step_title(step.ref, ground.protocol))
    if step.opened is None:
        return Input(what)
    return Input(what, when(step.opened, ground.calendar), step.opened, source=f"step/{step.ref}")


def _slot(head: str, step: Step, pathway: Pathway, ground: Ground) -> Input:
    what = fill("Rendez-vous : {step}", "Visit: {step}", step=step_title(step.ref, ground.protocol))
    visit = step.visit
    missed = visit is not None and visit.status is VisitStatus.NOSHOW and step.status is StepStatus.MISSED
    if visit is None or not (visit.stands if head == "slot" else missed):
        return Input(what)
    return Input(
        what, when(visit.start, ground.calendar), visit.since, step.by, f"visit/{step.ref}@{visit.revision}"
    )


def _done(place: str, step: Step, pathway: Pathway, ground: Ground, what: Text, *, recorded: bool) -> Input:
    key, _, name = place.partition(".")
    done = pathway.done(key)
    if done is None or done.settled is None:
        return Input(what)
    source = f"step/{done.ref}"
    if not recorded:
        said = fill(
            "{when} ({state})",
            "{when} ({state})",
            when=when(done.settled, ground.calendar),
            state=state(done, ground),
        )
        return Input(what, said, done.settled, done.by, source)
    told = done.data.get(name)
    if not isinstance(told, str):
        return Input(what)
    shown = (
        day(date.fromisoformat(told))
        if len(told) == len("2027-03-16")
        else when(datetime.fromisoformat(told), ground.calendar)
    )
    return Input(what, shown, done.settled, done.by, source)


def held_from(pathway: Pathway, ground: Ground) -> Input:
    """The day of the earliest last intake, and what it rests on: the plan, an explicit none, or the longest delay."""
    what, first = ANCHORS["hold_start"], hold_start(pathway, ground)
    if first is None:
        return Input(what)
    plan = pathway.hold
    offset_days = plan.max_offset_days
    if offset_days is not None:
        kind = Text(fr="plan signé", en="signed plan")
        if not plan.stands:
            kind = Text(fr="plan proposé", en="proposed plan")
        said = fill(
            "{day} (J-{n}, {kind})", "{day} (D-{n}, {kind})", day=day(first), n=offset_days, kind=kind
        )
        return Input(what, said, plan.signed, plan.signer, "hold")
    answer = pathway.fact("antithrombotics")
    if answer is not None and answer.value == []:
        said = fill(
            "{day} (J-0, aucun antithrombotique)", "{day} (D-0, no antithrombotic taken)", day=day(first)
        )
        return Input(what, said, answer.at, answer.by, answer.source)
    assumed = ground.protocol.hold
    said = fill(
        "{day} (J-{n} : délai le plus long, rien n'étant proposé)",
        "{day} (D-{n}: the longest delay, as nothing is proposed)",
        day=day(first),
        n=assumed.assumed_max_offset_days,
    )
    return Input(what, said, source=assumed.source)


def _last_intakes(pathway: Pathway, ground: Ground) -> Input:
    """The days on which the drugs of the signed plan are taken for the last time."""
    what, days = ANCHORS["last_intake"], last_intakes(pathway, ground)
    if not days:
        return Input(what)
    plan = pathway.hold
    return Input(what, joined(day(one) for one in days), plan.signed, plan.signer, "hold")
