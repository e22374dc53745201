"""The rules of a step's events: received, accepted, started, completed, rejected, failed, waived, held."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from pathway import events as e
from pathway.answers import answers
from pathway.copying import changed
from pathway.ground import Ground
from pathway.lifecycle import LIVE, Assignment, StepStatus, VisitStatus
from pathway.moves import (
    ask,
    end_pathway,
    find,
    learn,
    move_visit,
    need_reason,
    need_revisit,
    open_on_demand,
    pass_gates,
    procedure_moved,
    repeat,
    unbook,
    when,
)
from pathway.protocol import Outcome, StepRule
from pathway.refusal import Refused, Text
from pathway.state import Pathway, PathwayStatus, Step


def _step_asked(pathway: Pathway, event: e.StepAsked, ground: Ground) -> Pathway:
    if not ground.protocol.has_step(event.step) or not ground.protocol.step(event.step).on_demand:
        known = ", ".join(rule.key for rule in ground.protocol.steps if rule.on_demand) or "-"
        raise Refused(
            Text(
                fr=f"« {event.step} » ne se demande pas ; se demandent : {known}.",
                en=f"{event.step!r} cannot be asked for; these can: {known}.",
            ),
            kind="invalid",
            field="step",
        )
    if event.due is not None and event.due < ground.calendar.day(pathway.as_of):
        raise Refused(
            Text(fr="Le jour demandé est passé.", en="The day it is asked for is past."),
            kind="invalid",
            field="due",
        )
    return ask(pathway, event.step, ground, need_reason(event.reason), due=event.due)


def _received(pathway: Pathway, event: e.StepReceived, _: Ground) -> Pathway:
    step = _asked(find(pathway, event), Assignment.REQUESTED)
    return pathway.with_step(changed(step, assignment=Assignment.RECEIVED))


def _accepted(pathway: Pathway, event: e.StepAccepted, _: Ground) -> Pathway:
    step = _asked(find(pathway, event), Assignment.REQUESTED, Assignment.RECEIVED, Assignment.GIVEN)
    if step.owner and step.owner != event.owner:
        raise Refused(
            Text(
                fr=f"Déjà pris en charge par {step.owner}.",
                en=f"Already taken by {step.owner}.",
            )
        )
    return pathway.with_step(changed(step, assignment=Assignment.ACCEPTED, owner=event.owner))


def _asked(step: Step, *allowed: Assignment) -> Step:
    if step.status not in LIVE or step.assignment not in allowed:
        raise Refused(
            Text(
                fr=f"L'étape « {step.key} » n'attend pas de réponse ({step.status}, {step.assignment}).",
                en=f"The step {step.key} awaits no answer ({step.status}, {step.assignment}).",
            )
        )
    return step


def _started(pathway: Pathway, event: e.StepStarted, ground: Ground) -> Pathway:
    step = find(pathway, event)
    rule = ground.protocol.step(step.key)
    _not_the_hold(rule)
    if step.status is StepStatus.ON_HOLD:
        raise Refused(
            Text(
                fr=f"L'étape « {step.key} » est en pause : reprenez-la d'abord.",
                en=f"The step {step.key} is on hold: resume it first.",
            )
        )
    _not_while_on_hold(step, pathway, ground)
    pass_gates(rule.start_gates, pathway, ground)
    started = step.moved(StepStatus.IN_PROGRESS, started=when(event, pathway), by=event.by.name)
    if started.visit and started.visit.status is VisitStatus.BOOKED:
        started = changed(started, visit=move_visit(started.visit, VisitStatus.ARRIVED))
    return pathway.with_step(started)


def _completed(pathway: Pathway, event: e.StepCompleted, ground: Ground) -> Pathway:
    step = find(pathway, event)
    rule = ground.protocol.step(step.key)
    _not_the_hold(rule)
    outcome = rule.outcome(event.outcome)
    if outcome is None:
        known = ", ".join(one.key for one in rule.outcomes)
        raise Refused(
            Text(
                fr=f"« {event.outcome} » n'est pas une issue de « {step.key} » ; issues : {known}.",
                en=f"{event.outcome!r} is no outcome of {step.key}; outcomes: {known}.",
            ),
            kind="invalid",
            field="outcome",
        )
    data, facts = answers(rule, outcome, event, pathway, ground)
    _signed_by(rule, event)
    settled = when(event, pathway)
    if step.started is not None and settled < step.started:
        raise Refused(
            Text(fr="La fin indiquée précède le début.", en="The end given comes before the start."),
            kind="invalid",
            field="occurred",
        )
    pathway = learn(pathway, facts, ground)
    if step.started is None:
        _not_while_on_hold(step, pathway, ground)
        pass_gates(rule.start_gates, pathway, ground)
    pass_gates(outcome.gates, pathway, ground)
    done = step.moved(StepStatus.DONE, outcome=outcome.key, settled=settled, data=data, by=event.by.name)
    if done.visit and done.visit.status in (VisitStatus.BOOKED, VisitStatus.ARRIVED):
        done = changed(done, visit=move_visit(done.visit, VisitStatus.FULFILLED))
    revisit = date.fromisoformat(data["revisit"]) if data.get("revisit") else None
    return follow(pathway.with_step(done), outcome, event.by.name, ground, revisit=revisit)


def follow(
    pathway: Pathway, outcome: Outcome, by: str, ground: Ground, *, revisit: date | None = None
) -> Pathway:
    """What an outcome brings beyond opening what waits for it. ``revisit`` is when an ended pathway is looked at."""
    for key in outcome.unbook:
        pathway = unbook(pathway, key, outcome.key, ground)
    pathway = repeat(pathway, outcome.repeat)
    for track in outcome.suspend:
        for step in tuple(pathway.unsettled()):
            if ground.protocol.step(step.key).track == track and step.status is not StepStatus.ON_HOLD:
                pathway = pathway.with_step(
                    step.moved(StepStatus.ON_HOLD, came_from=step.status, reason=outcome.key)
                )
    if outcome.end:
        need_revisit(ground.protocol.ends[outcome.end], revisit)
        pathway = end_pathway(pathway, outcome.end, outcome.key, by, ground, revisit=revisit)
    return open_on_demand(pathway, outcome.opens, ground, outcome.key)


def _rejected(pathway: Pathway, event: e.StepRejected, ground: Ground) -> Pathway:
    return _ask_again(pathway, find(pathway, event), StepStatus.REJECTED, event, ground)


def _failed(pathway: Pathway, event: e.StepFailed, ground: Ground) -> Pathway:
    return _ask_again(pathway, find(pathway, event), StepStatus.FAILED, event, ground)


def _ask_again(
    pathway: Pathway, step: Step, to: StepStatus, event: e.StepRejected | e.StepFailed, ground: Ground
) -> Pathway:
    reason = need_reason(event.reason)
    ended = step.moved(to, settled=when(event, pathway), reason=reason, by=event.by.name)
    if ended.visit and ended.visit.stands:
        ended = changed(
            ended, visit=move_visit(ended.visit, VisitStatus.CANCELLED, reason=reason, since=pathway.as_of)
        )
    pathway = repeat(pathway.with_step(ended), (step.key,))
    if step.key == ground.protocol.procedure_step:
        pathway = procedure_moved(pathway, ground, "the procedure was not done")
    return pathway


def _waived(pathway: Pathway, event: e.StepWaived, ground: Ground) -> Pathway:
    step = find(pathway, event)
    rule = ground.protocol.step(step.key)
    _not_the_hold(rule)
    _signed_by(rule, event)
    if not rule.waivable:
        raise Refused(
            Text(
                fr=f"« {rule.title.fr} » ne peut pas être levée : enregistrez son issue, ou terminez le parcours.",
                en=f"“{rule.title.en}” cannot be waived: record its outcome, or end the pathway.",
            )
        )
    reason = need_reason(event.reason)
    waived = step.moved(StepStatus.WAIVED, settled=when(event, pathway), reason=reason, by=event.by.name)
    if waived.visit and waived.visit.stands:
        waived = changed(
            waived, visit=move_visit(waived.visit, VisitStatus.CANCELLED, reason=reason, since=pathway.as_of)
        )
    return pathway.with_step(waived)


def _held(pathway: Pathway, event: e.StepHeld, _: Ground) -> Pathway:
    step = find(pathway, event)
    reason = need_reason(event.reason)
    return pathway.with_step(step.moved(StepStatus.ON_HOLD, came_from=step.status, reason=reason))


def _released(pathway: Pathway, event: e.StepReleased, _: Ground) -> Pathway:
    step = find(pathway, event)
    if step.status is not StepStatus.ON_HOLD:
        raise Refused(
            Text(fr=f"L'étape « {step.key} » n'est pas en pause.", en=f"The step {step.key} is not on hold.")
        )
    back = step.came_from or StepStatus.OPEN
    return pathway.with_step(step.moved(back, came_from=None, reason=""))


def _not_while_on_hold(step: Step, pathway: Pathway, ground: Ground) -> None:
    """What happens on a paused pathway is still recorded, but for the procedure: that is not begun."""
    if pathway.status is PathwayStatus.ON_HOLD and step.key == ground.protocol.procedure_step:
        raise Refused(
            Text(
                fr="Le parcours est en pause : reprenez-le avant l'intervention.",
                en="The pathway is on hold: resume it before the procedure.",
            )
        )


def _not_the_hold(rule: StepRule) -> None:
    if rule.kind == "hold":
        raise Refused(
            Text(
                fr="Le plan d'arrêt se conclut par sa signature, « non nécessaire » ou son rejet.",
                en="The hold plan is settled by signing it, stating that none is required, or rejecting it.",
            )
        )


def _signed_by(rule: StepRule, event: e.Event) -> None:
    if rule.signed_by and not event.by.acts_as(rule.signed_by):
        who = ", ".join(rule.signed_by)
        raise Refused(
            Text(
                fr=f"« {rule.title.fr} » ne peut être enregistrée que par : {who}.",
                en=f"“{rule.title.en}” may be recorded only by: {who}.",
            ),
            kind="forbidden",
        )


STEP_RULES: dict[type[e.Event], Callable[[Pathway, Any, Ground], Pathway]] = {
    e.StepAsked: _step_asked,
    e.StepReceived: _received,
    e.StepAccepted: _accepted,
    e.StepStarted: _started,
    e.StepCompleted: _completed,
    e.StepRejected: _rejected,
    e.StepFailed: _failed,
    e.StepWaived: _waived,
    e.StepHeld: _held,
    e.StepReleased: _released,
}
