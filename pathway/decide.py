"""decide(pathway, event) → pathway: what is now true, or a refusal in a sentence. Pure.

Each event has one rule. After it, ``settle`` draws the consequences that need no decision: steps whose
conditions now hold open, steps that can no longer be needed are cancelled, rungs made pointless are passed
over, and a pathway with nothing left to do is completed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from pathway import events as e
from pathway.calendar import DAY
from pathway.courses import work_out
from pathway.decide_alerts import ALERT_RULES
from pathway.decide_hold import HOLD_RULES
from pathway.decide_reports import REPORT_RULES
from pathway.decide_steps import STEP_RULES
from pathway.decide_visits import VISIT_RULES
from pathway.gates import holds, unmet
from pathway.ground import Ground, procedure_start
from pathway.hanging import Hanging
from pathway.known import known
from pathway.ladders import pass_over
from pathway.lifecycle import SETTLED, Assignment, StepStatus
from pathway.messages import patient_items
from pathway.moves import end_pathway, learn, need_revisit, open_on_demand, when
from pathway.notices import notices
from pathway.plain import calmed, plainly
from pathway.planned import Kind
from pathway.protocol import Condition
from pathway.records import Called, Flagged, Observed, Override, Undelivered
from pathway.refusal import Refused, Text
from pathway.state import Pathway, PathwayStatus, Step
from pathway.touch import stamp
from pathway.watch import observe

E = TypeVar("E", bound=e.Event)
Rule = Callable[[Pathway, Any, Ground], Pathway]


def decide(pathway: Pathway, event: e.Event, ground: Ground, *, at: datetime) -> Pathway:
    """The pathway after ``event``, recorded at ``at`` (UTC). Raises Refused with a sentence; changes nothing then.

    ``as_of`` never goes back: an event told late is dated by ``occurred``, not by the clock of the state.
    """
    if type(event) is e.StepCompleted and (plain := plainly(pathway, event, ground, at)) is not None:
        return plain
    _may_happen(pathway, event)
    before = pathway
    if before._known is None:
        work_out(known(before, ground), before, ground)
    pathway = pathway.but(as_of=max(pathway.as_of, at), seq=pathway.seq + 1)
    rule = RULES.get(type(event))
    if rule is None:
        raise Refused(
            Text(
                fr=f"{type(event).__name__} n'est pas un évènement à enregistrer.",
                en=f"{type(event).__name__} is no event to record.",
            ),
            kind="invalid",
        )
    return calmed(stamp(before, follow(rule(pathway, event, ground), event, ground), ground), ground)


def follow(pathway: Pathway, event: e.Event, ground: Ground) -> Pathway:
    """What follows from an event once its own rule has been applied: findings, then what opens, drops or ends."""
    return settle(_with_findings(pathway, event, ground), ground)


def _with_findings(pathway: Pathway, event: e.Event, ground: Ground) -> Pathway:
    """The red flags that are there now, each since when it was known; what a new one calls for opens.

    One that diverts ends the pathway when somebody records it who may decide that. Only those are asked for anew
    that hang on something that has changed since they were last asked for.
    """
    if not ground.protocol.red_flags or not pathway.runs:
        return pathway
    notes = known(pathway, ground)
    asked, news, notes.news = notes.hanging.findings, notes.news, 0
    if not news & notes.hanging.anything_found:
        return pathway
    since = {one.key: one for one in pathway.flagged}
    there = [
        flag
        for flag in ground.protocol.red_flags
        if (holds(flag.when, pathway, ground) if asked[flag.key] & news else flag.key in since)
    ]
    if not there and not since:
        return pathway
    flagged = tuple(since.get(flag.key) or Flagged(flag.key, pathway.as_of) for flag in there)
    if flagged != pathway.flagged:
        pathway = pathway.but(flagged=flagged)
    for flag in there:
        if flag.key in since:
            continue
        if flag.end is not None and pathway.runs and event.by.acts_as(flag.decided_by):
            pathway = end_pathway(pathway, flag.end, flag.key, event.by.name, ground)
        pathway = open_on_demand(pathway, flag.opens, ground, flag.key)
    return pathway


def settle(pathway: Pathway, ground: Ground) -> Pathway:
    """Draw the consequences that need no decision, until there are none left.

    Only what has changed since they were last drawn can have any; of a state without notes, that is everything.
    """
    if pathway.status is PathwayStatus.ACTIVE:
        notes = known(pathway, ground)
        bits, loose = notes.hanging, notes.loose
        while loose & bits.anything_opens:
            pathway, loose = _opened(pathway, loose, bits, ground)
        if all(step.status in SETTLED for step in pathway.steps):
            pathway = pathway.but(status=PathwayStatus.COMPLETED)
        known(pathway, ground).loose = 0
    return pass_over(pathway, ground)


def _opened(pathway: Pathway, loose: int, bits: Hanging, ground: Ground) -> tuple[Pathway, int]:
    """The pathway with what opens or drops because of what is ``loose``, and what that has changed in turn."""
    fresh = 0
    for step in pathway.steps:
        if step.status is StepStatus.WAITING and bits.opens[step.key] & (loose | fresh):
            then = _open_or_drop(step, pathway, ground)
            if then is not pathway:
                pathway, now = then, then.at(step.key, step.occurrence)
                assert now is not None
                fresh |= bits.others_see(step, now)
    if bits.ends_hold & (loose | fresh):
        then = _drop_hold(pathway, ground)
        if then is not pathway:
            fresh |= bits.ends_hold
            pathway = then
    return pathway, fresh


def _open_or_drop(step: Step, pathway: Pathway, ground: Ground) -> Pathway:
    rule = ground.protocol.step(step.key)
    for condition in rule.after:
        if not holds(condition, pathway, ground):
            break
    else:
        given = Assignment.GIVEN if rule.assigned else Assignment.REQUESTED
        return pathway.with_step(step.moved(StepStatus.OPEN, opened=pathway.as_of, assignment=given))
    for condition in rule.after:
        if not _is_decided(condition, pathway):
            return pathway
    return pathway.with_step(
        step.moved(StepStatus.CANCELLED, settled=pathway.as_of, reason="not needed on this pathway")
    )


def _drop_hold(pathway: Pathway, ground: Ground) -> Pathway:
    """A hold still to be planned when the procedure is over (an emergency) is planned no more."""
    step = pathway.last(ground.protocol.hold.step)
    if step is None or step.is_settled or pathway.done(ground.protocol.procedure_step) is None:
        return pathway
    reason = "the procedure has taken place"
    return pathway.with_step(step.moved(StepStatus.CANCELLED, settled=pathway.as_of, reason=reason))


def _is_decided(condition: Condition, pathway: Pathway) -> bool:
    """Whether waiting longer could not change the answer: its steps are settled, or it asks about no step."""
    for one in (*condition.any_of, *condition.none_of):
        if not _is_decided(one, pathway):
            return False
    if condition.step is None:
        return True
    step = pathway.last(condition.step)
    return step is None or step.is_settled  # work on demand that nobody has asked for is not waited for


def _may_happen(pathway: Pathway, event: e.Event) -> None:
    if pathway.runs or isinstance(event, _STILL_HEARD) or _is_left_to_do(pathway, event):
        return
    raise Refused(
        Text(
            fr="Ce parcours est terminé : plus rien ne peut y être enregistré.",
            en="This pathway has ended: nothing more can be recorded on it.",
        )
    )


def _is_left_to_do(pathway: Pathway, event: e.Event) -> bool:
    """Whether the event is about work that an ended pathway has left."""
    if not isinstance(event, e.StepEvent):
        return False
    step = pathway.last(event.step) if event.occurrence is None else pathway.at(event.step, event.occurrence)
    return step is not None and not step.is_settled


# A step completed late on an ended pathway is refused; what delivery teaches, facts and deaths are still heard.
_STILL_HEARD = (
    e.FactsRecorded,
    e.PatientDied,
    e.RungFired,
    e.AlertAcknowledged,
    e.MessageUndelivered,
    e.CallSettled,
    e.MessageRecalled,
    e.Replanned,
    e.ChannelOptedOut,
    e.ChannelOptedIn,
    e.ContactChanged,
    e.IdentityJoined,
    e.IdentityParted,
)


def _facts_recorded(pathway: Pathway, event: e.FactsRecorded, ground: Ground) -> Pathway:
    return learn(pathway, event.facts, ground, instead_of=event.instead_of)


def _gate_overridden(pathway: Pathway, event: e.GateOverridden, ground: Ground) -> Pathway:
    if not ground.protocol.has_gate(event.gate):
        raise Refused(
            Text(fr=f"Il n'y a pas de verrou {event.gate}.", en=f"There is no gate {event.gate}."),
            kind="not-found",
            field="gate",
        )
    gate = ground.protocol.gate(event.gate)
    if not event.reason.strip():
        raise Refused(
            Text(fr="Indiquez le motif de la dérogation.", en="Give the reason for overriding the gate."),
            kind="invalid",
            field="reason",
        )
    allowed = tuple(dict.fromkeys((*gate.override, *(role for group in gate.both for role in group))))
    if not event.by.acts_as(allowed):
        who = ", ".join(allowed)
        raise Refused(
            Text(
                fr=f"Le verrou {gate.key} ne peut être levé que par : {who or 'personne'}.",
                en=f"The gate {gate.key} may be overridden only by: {who or 'nobody'}.",
            ),
            kind="forbidden",
            gate=gate.key,
        )
    open_needs = unmet(gate, pathway, ground)
    never = [one for one in open_needs if one.need.never_override]
    if never:
        raise Refused(never[0].need.reason, gate=gate.key)
    override = Override(
        gate=gate.key,
        needs=tuple(one.index for one in open_needs),
        by=event.by.name,
        reason=event.reason.strip(),
        at=pathway.as_of,
        procedure=procedure_start(pathway, ground.protocol),
        functions=event.by.functions,
    )
    return pathway.but(overrides=(*pathway.overrides, override))


def _channel(event: e.ChannelOptedOut | e.ChannelOptedIn) -> str:
    if event.channel not in ("sms", "email"):
        raise Refused(
            Text(fr="Le canal est sms ou email.", en="The channel is sms or email."),
            kind="invalid",
            field="channel",
        )
    return event.channel


def _opted_out(pathway: Pathway, event: e.ChannelOptedOut, _: Ground) -> Pathway:
    return pathway.but(opted_out=tuple(sorted({*pathway.opted_out, _channel(event)})))


def _opted_in(pathway: Pathway, event: e.ChannelOptedIn, _: Ground) -> Pathway:
    channel = _channel(event)
    return pathway.but(opted_out=tuple(one for one in pathway.opted_out if one != channel))


def _contact_changed(pathway: Pathway, event: e.ContactChanged, _: Ground) -> Pathway:
    return pathway.but(patient=replace(pathway.patient, contact=event.contact))


def _carer_named(pathway: Pathway, event: e.CarerNamed, _: Ground) -> Pathway:
    return pathway.but(carer=event.carer)


def _patient_died(pathway: Pathway, event: e.PatientDied, ground: Ground) -> Pathway:
    pathway = pathway.but(patient=replace(pathway.patient, deceased=True))
    if pathway.runs:
        return end_pathway(pathway, "deceased", "", event.by.name, ground)
    for step in tuple(pathway.unsettled()):
        pathway = pathway.with_step(
            step.moved(
                StepStatus.CANCELLED,
                settled=pathway.as_of,
                reason="pathway ended: deceased",
                by=event.by.name,
            )
        )
    return pathway


def _observations_recorded(pathway: Pathway, event: e.ObservationsRecorded, ground: Ground) -> Pathway:
    taken = when(event, pathway)
    seen = Observed(event.round, event.values, taken, pathway.as_of, event.by.name, event.reason.strip())
    pathway, raised = observe(pathway, seen, ground)
    for rule in raised:
        pathway = open_on_demand(pathway, rule.opens, ground, rule.key)
        if rule.holds and pathway.status is PathwayStatus.ACTIVE:
            pathway = pathway.but(
                status=PathwayStatus.ON_HOLD,
                reason="complication",
                revisit=ground.calendar.day(pathway.as_of) + DAY,
            )
    return pathway


def _pathway_held(pathway: Pathway, event: e.PathwayHeld, ground: Ground) -> Pathway:
    if pathway.status is PathwayStatus.ON_HOLD:
        raise Refused(Text(fr="Le parcours est déjà en pause.", en="The pathway is already on hold."))
    if event.revisit < ground.calendar.day(pathway.as_of):
        raise Refused(
            Text(fr="La date de réexamen est passée.", en="The day to look again is past."),
            kind="invalid",
            field="revisit",
        )
    return pathway.but(status=PathwayStatus.ON_HOLD, reason=event.reason, revisit=event.revisit)


def _pathway_resumed(pathway: Pathway, _: e.PathwayResumed, __: Ground) -> Pathway:
    if pathway.status is not PathwayStatus.ON_HOLD:
        raise Refused(Text(fr="Le parcours n'est pas en pause.", en="The pathway is not on hold."))
    return pathway.but(status=PathwayStatus.ACTIVE, reason="", revisit=None)


def _pathway_ended(pathway: Pathway, event: e.PathwayEnded, ground: Ground) -> Pathway:
    if event.end not in ground.protocol.ends:
        known = ", ".join(sorted(ground.protocol.ends))
        raise Refused(
            Text(
                fr=f"Il n'y a pas de fin « {event.end} » ; il y a : {known}.",
                en=f"There is no end {event.end!r}; there are: {known}.",
            ),
            kind="invalid",
            field="end",
        )
    need_revisit(ground.protocol.ends[event.end], event.revisit)
    return end_pathway(pathway, event.end, event.reason, event.by.name, ground, revisit=event.revisit)


def _message_undelivered(pathway: Pathway, event: e.MessageUndelivered, _: Ground) -> Pathway:
    others = tuple(one for one in pathway.undelivered if one.key != event.key)
    return pathway.but(undelivered=(*others, Undelivered(event.key, event.how, event.reason, pathway.as_of)))


def _call_settled(pathway: Pathway, event: e.CallSettled, ground: Ground) -> Pathway:
    wanted = [*patient_items(pathway, ground)[0], *notices(pathway, ground)]
    if event.key not in {item.key for item in wanted if item.kind in (Kind.CALL, Kind.LETTER)}:
        raise Refused(
            Text(fr="Cet appel n'est pas attendu.", en="This call is not awaited."),
            kind="not-found",
            field="key",
        )
    called = Called(event.key, event.by.name, event.note, pathway.as_of)
    return pathway.but(called=(*pathway.called, called))


def _only_planned_again(pathway: Pathway, _: e.Event, __: Ground) -> Pathway:
    """Nothing new is true; what the door knows beside the event (who was told, which planner) is."""
    return pathway


RULES: dict[type[e.Event], Rule] = {
    e.FactsRecorded: _facts_recorded,
    e.ObservationsRecorded: _observations_recorded,
    e.GateOverridden: _gate_overridden,
    e.ChannelOptedOut: _opted_out,
    e.ChannelOptedIn: _opted_in,
    e.ContactChanged: _contact_changed,
    e.CarerNamed: _carer_named,
    e.PatientDied: _patient_died,
    e.PathwayHeld: _pathway_held,
    e.PathwayResumed: _pathway_resumed,
    e.PathwayEnded: _pathway_ended,
    e.MessageUndelivered: _message_undelivered,
    e.CallSettled: _call_settled,
    e.MessageRecalled: _only_planned_again,
    e.Replanned: _only_planned_again,
    **ALERT_RULES,
    **REPORT_RULES,
    **STEP_RULES,
    **VISIT_RULES,
    **HOLD_RULES,
}
