"""From a line of a story to the event it tells, and who tells it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from app.story.format import Drug, Line, Slot, Story, verb_of
from app.story.moments import Days
from pathway import events as e
from pathway.ground import Ground
from pathway.hold_plan import HeldDrug
from pathway.ladders import alerts
from pathway.plan import plan
from pathway.planned import Kind
from pathway.records import Carer
from pathway.referral import Contact, Fact, JsonValue
from pathway.refusal import Refused, Text
from pathway.state import Actor, Pathway

_OF_A_STEP: dict[str, type[e.StepEvent]] = {
    "receive": e.StepReceived,
    "start": e.StepStarted,
    "resume": e.StepReleased,
    "arrive": e.VisitArrived,
    "no_show": e.VisitMissed,
}
_WITH_A_REASON: dict[
    str, type[e.StepRejected | e.StepFailed | e.StepWaived | e.StepHeld | e.VisitCancelled]
] = {
    "reject": e.StepRejected,
    "fail": e.StepFailed,
    "waive": e.StepWaived,
    "pause": e.StepHeld,
    "cancel": e.VisitCancelled,
}


def event_of(line: Line, story: Story, pathway: Pathway, ground: Ground, days: Days) -> e.Event:
    """The event that this line tells of the pathway as it stands. Refused when it speaks of what is not there."""
    verb = verb_of(line)
    by = actor(line, story, ground)
    occurred = days.instant(line.occurred) if line.occurred else None
    if verb in _OF_A_STEP:
        step = str(getattr(line, verb))
        return _OF_A_STEP[verb](by=by, step=step, occurrence=line.occurrence, occurred=occurred)
    if verb in _WITH_A_REASON:
        step, reason = str(getattr(line, verb)), line.reason or line.note
        return _WITH_A_REASON[verb](
            by=by, step=step, occurrence=line.occurrence, occurred=occurred, reason=reason
        )
    if line.accept is not None:
        return e.StepAccepted(by=by, step=line.accept, occurrence=line.occurrence, owner=by.name)
    if line.complete is not None:
        return e.StepCompleted(
            by=by,
            step=line.complete,
            occurrence=line.occurrence,
            occurred=occurred,
            outcome=line.outcome or "",
            data=_answers(line, ground, days),
        )
    slot = line.book or line.move
    if slot is not None:
        return _visit(line, slot, by, pathway, days)
    if line.hold is not None:
        return _hold(line, by, ground, days)
    return _of_the_pathway(line, by, pathway, ground, days)


def actor(line: Line, story: Story, ground: Ground) -> Actor:
    """Who tells it: the person named, else somebody of the role that the protocol gives this work to."""
    name = line.by or _whose(line, ground)
    who = story.people.get(name)
    if who is not None:
        return Actor(who.name, who.role, who.functions)
    for person in story.people.values():
        if name in person.functions:
            return Actor(person.name, person.role, person.functions)
    desk = ground.protocol.messaging.desk
    return Actor(
        ground.protocol.roles[name].title.fr, "coordinator" if name == desk else "clinician", (name,)
    )


def fact_value(key: str, value: Any) -> JsonValue:
    """A fact as the engine knows it: ``antithrombotics: none`` is an explicit empty list, a name a drug taken now."""
    if key not in ("antithrombotics", "medications"):
        known: JsonValue = value
        return known
    if value == "none" or value == []:
        return []
    drugs = value if isinstance(value, list) else [value]
    return [_drug_taken(drug) for drug in drugs]


def _drug_taken(drug: Any) -> dict[str, Any]:
    said = drug if isinstance(drug, dict) else {"text": str(drug)}
    return {"atc": None, "text": None, "status": "active", "dose": None, **said}


def _whose(line: Line, ground: Ground) -> str:
    """The protocol role that does this when nobody is named."""
    protocol = ground.protocol
    if line.hold is not None:
        return protocol.hold.signers[0]
    if line.override is not None:
        gate = protocol.gate(line.override)
        return (*gate.override, *(role for group in gate.both for role in group), protocol.messaging.desk)[0]
    if line.dose is not None:
        return "ward"
    if line.observe is not None and protocol.surveillance is not None:
        return protocol.surveillance.charge
    step = (
        line.complete or line.start or line.waive or line.accept or line.receive or line.reject or line.fail
    )
    if step is not None and protocol.has_step(step):
        rule = protocol.step(step)
        return (*rule.signed_by, rule.performer)[0]
    return protocol.messaging.desk


def _answers(line: Line, ground: Ground, days: Days) -> dict[str, Any]:
    """The answers, with days and instants said as moments turned into what the step asks for."""
    kinds = {answer.key: answer.kind for answer in ground.protocol.step(line.complete or "").answers}
    found: dict[str, Any] = {}
    for key, value in line.answers.items():
        if kinds.get(key) == "date":
            found[key] = _moment(value, days.day)
        elif kinds.get(key) == "instant":
            found[key] = _moment(value, days.instant)
        else:
            found[key] = value
    return found


def _moment(value: Any, read: Callable[[str], date]) -> Any:
    """A value that is a moment, as a text; anything else is left for the door to refuse."""
    try:
        return read(str(value)).isoformat()
    except ValueError:
        return value


def _visit(line: Line, slot: Slot, by: Actor, pathway: Pathway, days: Days) -> e.Event:
    if line.move is not None:
        step = pathway.last(slot.step)
        if step is None or step.visit is None or not step.visit.stands:
            raise Refused(
                Text(
                    fr=f"Aucun rendez-vous à déplacer pour « {slot.step} ».",
                    en=f"No visit of {slot.step} stands that could be moved.",
                )
            )
    return e.VisitBooked(
        by=by,
        step=slot.step,
        occurrence=line.occurrence,
        start=days.instant(slot.start),
        end=days.instant(slot.end) if slot.end else None,
        place=slot.place,
        confirmed=slot.confirmed,
    )


def _hold(line: Line, by: Actor, ground: Ground, days: Days) -> e.Event:
    drugs = tuple(_held(drug) for drug in line.drugs)
    if line.hold == "compute":
        return e.HoldProposed(by=by, profile=line.profile or ground.protocol.hold.profile)
    if line.hold == "propose":
        return e.HoldProposed(by=by, drugs=drugs)
    if line.hold == "sign":
        return e.HoldSigned(by=by, drugs=drugs, text=line.text)
    if line.hold == "reject":
        return e.HoldRejected(by=by, reason=line.reason, revisit=_day(line.revisit, days))
    return e.HoldNotRequired(by=by)


def _held(drug: Drug) -> HeldDrug:
    return HeldDrug(drug.text, drug.last_intake, drug.atc)


def _of_the_pathway(line: Line, by: Actor, pathway: Pathway, ground: Ground, days: Days) -> e.Event:
    if line.facts is not None:
        return e.FactsRecorded(by=by, facts=facts_of(line.facts, by.name, days.instant(line.at)))
    if line.override is not None:
        return e.GateOverridden(by=by, gate=line.override, reason=line.reason or line.note)
    if line.acknowledge is not None:
        return e.AlertAcknowledged(by=by, key=_alert(line.acknowledge, pathway, ground), note=line.note)
    if line.settle_call is not None:
        return e.CallSettled(by=by, key=_call(line.settle_call, pathway, ground), note=line.note)
    if line.dose is not None:
        return e.LastDoseDeclared(by=by, drug=line.dose.drug, taken=days.instant(line.dose.taken))
    if line.ask is not None:
        due = _day(line.due, days)
        return e.StepAsked(by=by, step=line.ask, reason=line.reason or line.note, due=due)
    if line.observe is not None:
        occurred = days.instant(line.occurred) if line.occurred else None
        return e.ObservationsRecorded(
            by=by, values=line.observe, round=line.round, reason=line.reason, occurred=occurred
        )
    if line.carer is not None:
        said = line.carer
        consent = _day(said.consent, days)
        return e.CarerNamed(by=by, carer=Carer(said.name, said.mobile, said.email, said.landline, consent))
    if line.opt_out is not None:
        return e.ChannelOptedOut(by=by, channel=line.opt_out)
    if line.opt_in is not None:
        return e.ChannelOptedIn(by=by, channel=line.opt_in)
    if line.contact is not None:
        known = pathway.patient.contact
        ways = {name: getattr(known, name) for name in ("language", "mobile", "landline", "email")}
        return e.ContactChanged(by=by, contact=Contact(**{**ways, **line.contact}))
    if line.died:
        return e.PatientDied(by=by)
    if line.pause_pathway is not None:
        day = _day(line.revisit, days) or days.day(line.at)
        return e.PathwayHeld(by=by, reason=line.pause_pathway, revisit=day)
    if line.resume_pathway:
        return e.PathwayResumed(by=by)
    if line.end is not None:
        reason = line.reason or line.note
        return e.PathwayEnded(by=by, end=line.end, reason=reason, revisit=_day(line.revisit, days))
    return e.from_data(line.event or {}, by=by)


def facts_of(said: dict[str, Any], by: str, at: datetime) -> tuple[Fact, ...]:
    """Facts known at ``at`` (UTC), said by this person."""
    return tuple(Fact(key, fact_value(key, value), at, by, "told") for key, value in said.items())


def _alert(said: str, pathway: Pathway, ground: Ground) -> str:
    """The key of the standing alert of this step or alarm, towards this role, or of that very key; unanswered first."""
    standing = sorted(alerts(pathway, ground), key=lambda alert: alert.acknowledged is not None)
    for alert in standing:
        about = alert.step.key if alert.step else "pathway"
        if said in (alert.key, alert.role, about) or alert.key.startswith(f"alarm/{said}/"):
            return alert.key
    raise Refused(Text(fr=f"Aucune alerte pour « {said} ».", en=f"No alert stands for {said}."))


def _call(said: str, pathway: Pathway, ground: Ground) -> str:
    """The key of the call or letter that is owed about this step or to this role, or of that very key."""
    for item in plan(pathway, ground).items:
        names = (item.key, item.step.partition("/")[0], item.data.get("to"))
        if item.kind in (Kind.CALL, Kind.LETTER) and said in names:
            return item.key
    raise Refused(Text(fr=f"Aucun appel à faire pour « {said} ».", en=f"No call is owed about {said}."))


def _day(text: str | None, days: Days) -> date | None:
    return days.day(text) if text else None
